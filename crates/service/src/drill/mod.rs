//! Drill hooks: faults that a process causes to itself when it is told to, so that drills can prove what survives them.
//!
//! PID 1 of a container can neither be stopped nor killed from inside. So with hooks enabled the process becomes two: a small
//! `parent`, which serves the hooks over HTTP, passes signals on, and ends as its child ended; and the `child`, which is the real
//! service: the same program with the same arguments. The parent freezes and kills the child from outside; what only the child can
//! do to itself it is told over its standard input, a JSON line an order, and answers over its standard output.
//!
//! A service offers hooks by naming their address in [`Settings::drill_hooks`](crate::Settings::drill_hooks). Without one, nothing of
//! this runs. Who reaches the address can take the service down: it is for tests and drills, behind a network policy, and says
//! so in the log.
//!
//! Not done: any fault that reaches beyond this process (networks, disks, nodes): those are the drill's own.

mod child;
mod orders;
mod parent;
mod routes;

pub use child::{Order, Orders};
pub use orders::{Breakage, Demand};

pub(crate) use child::{am_child, attach};
pub(crate) use parent::run;
