//! A client of Papo as a library: for the interactive client, for bots, and for tests.
//!
//! ```no_run
//! use papo_client::{Ask, Client, ClientSettings, Event, SessionOptions};
//! use papo_transport::ZmqContext;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = ClientSettings::new("broker:5557".parse()?, "proxy:5556".parse()?);
//! let (handle, events) = Client::start(&ZmqContext::new(), &settings)?;
//! let ana = handle.open(SessionOptions::default());
//! handle.ask(ana, Ask::Login { user: "ana".to_owned(), saved: None });
//! while let Some((session, event)) = events.next() {
//!     match event {
//!         Event::LoggedIn { .. } => drop(handle.ask(session, Ask::Join("geral".to_owned()))),
//!         Event::Message(shown) => println!("{}: {}", shown.said.from, shown.said.message),
//!         _ => {}
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! * A [`Handle`] opens sessions and asks for things in their name; [`Events`] tell what comes of it. One [`Client`] is one
//!   thread with a socket per broker and one for all proxies, however many sessions it has: a bot with a thousand users opens
//!   a thousand sessions, with a longer [`Timing::quiet`] and [`Timing::busy`], and reads one queue of events.
//! * [`session`] is what a session does, as a state machine without sockets or clocks. The promises are kept there: a retry
//!   keeps its id, and each message is shown once, in order, none missing.
//! * [`Saved`] is what makes a later process go on where this one stopped.
//!
//! Not done: passwords, and sending while offline across a restart (a request that has not ended when the process does is
//! forgotten, though it may have taken effect).

mod ask;
mod client;
mod driver;
mod event;
mod recent;
mod saved;
pub mod session;
mod settings;
mod timing;

pub use ask::Ask;
pub use client::{Client, Events, Handle, SessionId, StartError};
pub use event::{Answered, Event, Outcome, RequestId, Shown};
pub use papo_core::chat::{Said, To};
pub use papo_wire::Service;
pub use papo_wire::reply::{Answer, Failure, HistoryPage, Reason};
pub use papo_wire::request::Page;
pub use saved::Saved;
pub use session::SessionOptions;
pub use settings::ClientSettings;
pub use timing::Timing;
