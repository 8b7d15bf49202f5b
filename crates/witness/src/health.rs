use std::thread;
use std::time::{Duration, Instant};

use papo_transport::{OpenError, ZmqContext};
use papo_wire::reply::Reply;
use papo_wire::request::{Body, Request};

use crate::Reach;
use crate::ask::Asker;
use crate::panel::Panel;
use crate::view::View;

/// How long a servidor or a broker may take to answer a question about itself.
const ANSWER: Duration = Duration::from_secs(1);
/// How many entries a servidor may be behind on a cluster that is in use.
const LAG: u64 = 1000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// A cluster that is as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// What the servidores say of themselves.
    pub view: View,
    /// Every servidor has applied the log up to here: what a load that begins now says comes after it.
    pub index: u64,
}

/// Why nothing may be broken now.
#[derive(Debug, thiserror::Error)]
pub enum NotHealthy {
    /// The cluster is not as it should be, in one sentence.
    #[error("{0}")]
    Flaw(String),
    /// It cannot be asked from here.
    #[error(transparent)]
    Socket(#[from] OpenError),
}

/// Looks, for at most `patience`, until all is well: every expected servidor answers, all follow one coordinator as members on
/// the disks they have, none is more than a moment behind, and every broker's address leads to one that answers.
///
/// # Errors
/// All was not well at the end of it: why, in one sentence.
pub fn check_health(reach: &Reach, patience: Duration) -> Result<Health, NotHealthy> {
    let deadline = Instant::now() + patience;
    let mut panel = Panel::new(reach)?;
    loop {
        let view = panel.look(ANSWER);
        let flaw = match view.flaw(LAG) {
            Some(flaw) => Some(flaw),
            None => silent_broker(reach)?,
        };
        let Some(flaw) = flaw else {
            let index = view.answering().map(|status| status.applied).min().unwrap_or(0);
            return Ok(Health { view, index });
        };
        if Instant::now() >= deadline {
            return Err(NotHealthy::Flaw(flaw));
        }
        thread::sleep(BETWEEN_LOOKS);
    }
}

fn silent_broker(reach: &Reach) -> Result<Option<String>, OpenError> {
    if reach.brokers.is_empty() {
        return Ok(Some("there is no way to a broker".to_owned()));
    }
    let context = ZmqContext::new();
    for address in &reach.brokers {
        let answer = Asker::new(&context, *address)?.ask(&Request::new(Body::Status), ANSWER);
        let served =
            answer.as_deref().map(Reply::decode).is_some_and(|reply| reply.is_ok_and(|r| r.answer.is_ok()));
        if !served {
            return Ok(Some(format!("the broker at {address} does not serve")));
        }
    }
    Ok(None)
}
