//! Finds out when the system answers.

use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use papo_wire::reply::{Answer, Status};
use papo_wire::request::{Body, Request};

use crate::ask::Asker;

/// Asks the broker at `address` until a servidor answers that knows a coordinator, for at most `limit`. The receiver
/// gets that answer; its sender is gone when the time is up.
pub(super) fn start(address: SocketAddr, limit: Duration) -> Receiver<Status> {
    const PAUSE: Duration = Duration::from_millis(20);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            let answer = Asker::new(&[address.into()], limit)
                .and_then(|mut asker| asker.ask(Request::new(Body::Status)));
            match answer {
                Ok(Answer::Status(status)) if !status.coordinator.is_empty() => {
                    // Nobody listens any more when the system is being stopped.
                    drop(sender.send(*status));
                    return;
                }
                Ok(_) => {}
                Err(failure) => tracing::debug!("not yet: {failure}"),
            }
            thread::sleep(PAUSE);
        }
    });
    receiver
}
