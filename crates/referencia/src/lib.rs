//! What the referencia decides, apart from its socket: who has which rank, and who is alive.
//!
//! A servidor asks for its rank by name and keeps it for good: a member tells the rank that the log holds, a newcomer is given one
//! that nobody has. Whoever has sent no heartbeat for a while is no longer listed, and keeps its rank. The [`registry`] is pure
//! (what was asked and the time go in, the answer comes out), so that the simulator can ask it as the service does.
//!
//! Not done: nothing is stored; after a restart servidores tell their ranks again. There is one referencia, which nobody watches, and
//! the chat does not need it once servidores know each other. It believes whoever asks: any process may take any name here, and is
//! caught by the servidores, which compare disks.

pub mod registry;
