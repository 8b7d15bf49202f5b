//! Finds out when the system answers.

use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use papo_service::Failure;
use papo_transport::HostPort;
use papo_wire::reply::{Answer, Status};
use papo_wire::request::{Body, Request};

use crate::ask::Asker;
use crate::members;

/// What the system answered.
#[derive(Debug)]
pub(super) struct Answered {
    /// By a servidor that knows a coordinator.
    pub(super) status: Status,
    /// Who was admitted as a member.
    pub(super) admitted: Result<Vec<String>, Failure>,
}

/// Asks the broker at `address` until a servidor answers that knows a coordinator, for at most `limit`. Then has those `wanted`
/// admitted as members that are not: names, and where they are asked. The receiver gets the answer; its sender is gone when the time
/// is up.
pub(super) fn start(
    address: SocketAddr,
    wanted: Vec<(String, HostPort)>,
    limit: Duration,
) -> Receiver<Answered> {
    const PAUSE: Duration = Duration::from_millis(20);
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            let answer = Asker::new(&[address.into()], limit)
                .and_then(|mut asker| asker.ask(Request::new(Body::Status)));
            match answer {
                Ok(Answer::Status(status)) if !status.coordinator.is_empty() => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    let admitted = members::admit_missing(wanted, left);
                    // Nobody listens any more when the system is being stopped.
                    drop(sender.send(Answered { status: *status, admitted }));
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
