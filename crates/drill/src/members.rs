//! Telling the servidores who is to count, and asking them who does.
//!
//! Pods are Kubernetes' business, members the chat's own: they are in its log. So a chat gets another size in two steps, members
//! first and pods after, whichever way it goes; see [`crate::step::Step::Resize`].
//!
//! Not done here: waiting until those who are new count. They can only once their pods run.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use papo_core::clock::{Lamport, WallTime};
use papo_transport::ZmqContext;
use papo_wire::admin::{Change, Membership, Reply, Request};
use papo_witness::Asker;

use crate::connect::{Connection, Trouble};
use crate::names::{component, port};
use crate::pod_watch::PodWatch;
use crate::tunnel::{Toward, Tunnel};

/// How long one servidor may take for an answer.
const ANSWER: Duration = Duration::from_secs(3);
/// How long one that is alone may take until it says that it cannot: longer than the 4 s after which it gives a change up.
const VERDICT: Duration = Duration::from_secs(6);
/// How long until they are asked again.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(200);

/// What servidores are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// Who counts, and who is to.
    Standing,
    /// That this one be to count. The id is the same for every try.
    Admit(String, String),
    /// That this one be not to count any more.
    Dismiss(String, String),
    /// That this one be to count, asked of itself and of nobody else. Here [`Trouble::Denied`] means that it cannot now.
    Itself(String, String),
}

/// Who counts, and who is to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Who is to.
    pub wanted: BTreeSet<String>,
    /// Who does.
    pub members: BTreeSet<String>,
}

/// Asks the servidores. [`Trouble::Denied`]: they never will; anything else may pass.
pub type Ask = Arc<dyn Fn(Question) -> BoxFuture<'static, Result<Standing, Trouble>> + Send + Sync>;

/// What has the chat count other servidores. Clones ask the same ones.
#[derive(Clone)]
pub struct Members {
    ask: Ask,
}

impl Members {
    /// Those of an install.
    pub fn of(connection: &Connection, pod_watch: &PodWatch) -> Self {
        let (connection, pod_watch) = (connection.clone(), pod_watch.clone());
        Self::by(Arc::new(move |question| ask(connection.clone(), pod_watch.clone(), question).boxed()))
    }

    /// Those that this asks: for tests.
    pub fn by(ask: Ask) -> Self {
        Self { ask }
    }

    /// Has exactly these be to count, and waits until nobody else does.
    ///
    /// # Errors
    /// They refuse, or it did not come to that within `limit`. What was taken up to then stays.
    pub async fn set(&self, names: &[String], limit: Duration) -> Result<(), Trouble> {
        let deadline = Instant::now() + limit;
        let names: BTreeSet<String> = names.iter().cloned().collect();
        let id = format!("drill-{:016x}", fastrand::u64(..));
        loop {
            let trouble = match self.nearer(&names, &id).await {
                Ok(None) => return Ok(()),
                Ok(Some(still)) => Trouble::Away(still),
                Err(Trouble::Denied(why)) => return Err(Trouble::Denied(why)),
                Err(trouble) => trouble,
            };
            if Instant::now() >= deadline {
                return Err(trouble);
            }
            tokio::time::sleep(BETWEEN_QUESTIONS).await;
        }
    }

    /// Asks one servidor, and nobody else, for a write that changes nothing: that it be to count, which it is.
    ///
    /// # Errors
    /// [`Trouble::Denied`]: it says that it cannot now, and why. Anything else: it says neither that nor yes.
    pub async fn write_at(&self, servidor: &str) -> Result<(), Trouble> {
        let id = format!("drill-{:016x}", fastrand::u64(..));
        (self.ask)(Question::Itself(servidor.to_owned(), id)).await.map(drop)
    }

    /// Asks for what is missing; says what is still to come, if anything.
    async fn nearer(&self, names: &BTreeSet<String>, id: &str) -> Result<Option<String>, Trouble> {
        let Standing { wanted, members } = (self.ask)(Question::Standing).await?;
        if wanted.is_empty() {
            return Err(Trouble::Denied(
                "the servidores do not say who is to count: their release cannot".to_owned(),
            ));
        }
        // First those who come: so there are never fewer than before.
        for name in names.difference(&wanted) {
            (self.ask)(Question::Admit(name.clone(), format!("{id}-admit-{name}"))).await?;
        }
        for name in wanted.difference(names) {
            (self.ask)(Question::Dismiss(name.clone(), format!("{id}-dismiss-{name}"))).await?;
        }
        let leaving: Vec<&str> = members.difference(names).map(String::as_str).collect();
        if wanted == *names && leaving.is_empty() {
            return Ok(None);
        }
        Ok(Some(format!("{} still counts", leaving.join(", "))))
    }
}

/// Asks all that run how it stands, and takes the word of the one that is furthest; anything else is asked of one after another.
async fn ask(connection: Connection, pod_watch: PodWatch, question: Question) -> Result<Standing, Trouble> {
    if let Question::Itself(name, request_id) = question {
        let request = Request::Change { request_id, change: Change::Admit(name.clone()) };
        return match one(&connection, &pod_watch, &name, &request, VERDICT).await? {
            Reply::Agreed(_) => Ok(Standing::default()),
            Reply::Refused(reason) if reason.is_worth_a_retry() => {
                Err(Trouble::Denied(reason.description().to_owned()))
            }
            // It says nothing about a majority.
            other => Err(Trouble::Away(format!("{name} answers {other:?}"))),
        };
    }
    let pods = pod_watch.pods().into_iter().filter(|pod| pod.component == component::SERVIDOR && pod.running);
    let names: Vec<String> = pods.map(|pod| pod.name).collect();
    let Some(request) = change(question) else {
        let asking = names.iter().map(|name| one(&connection, &pod_watch, name, &Request::Members, ANSWER));
        let answers = join_all(asking).await.into_iter().filter_map(|answer| match answer {
            Ok(Reply::Members(membership)) => Some(*membership),
            _ => None,
        });
        return answers.max_by_key(|told| told.commit).map(standing).ok_or_else(nobody);
    };
    let mut trouble = nobody();
    for name in &names {
        match one(&connection, &pod_watch, name, &request, ANSWER).await {
            Ok(Reply::Refused(reason)) if !reason.is_worth_a_retry() => {
                return Err(Trouble::Denied(format!("{name} says: {}", reason.description())));
            }
            Ok(Reply::Refused(reason)) => {
                trouble = Trouble::Away(format!("{name} says: {}", reason.description()));
            }
            Ok(_) => return Ok(Standing::default()),
            Err(other) => trouble = other,
        }
    }
    Err(trouble)
}

fn nobody() -> Trouble {
    Trouble::Away("no servidor says who counts".to_owned())
}

fn change(question: Question) -> Option<Request> {
    match question {
        Question::Standing | Question::Itself(..) => None,
        Question::Admit(name, request_id) => {
            Some(Request::Change { request_id, change: Change::Admit(name) })
        }
        Question::Dismiss(name, request_id) => {
            Some(Request::Change { request_id, change: Change::Dismiss(name) })
        }
    }
}

fn standing(told: Membership) -> Standing {
    let mut standing = Standing::default();
    for seat in told.seats {
        if seat.wanted {
            standing.wanted.insert(seat.name.clone());
        }
        if seat.counts {
            standing.members.insert(seat.name);
        }
    }
    standing
}

/// Asks one servidor at its own port.
async fn one(
    connection: &Connection,
    pod_watch: &PodWatch,
    name: &str,
    request: &Request,
    limit: Duration,
) -> Result<Reply, Trouble> {
    let tunnel = Tunnel::open(connection, pod_watch, Toward::Named(name.to_owned()), port::REPLICA, 0).await;
    let tunnel = tunnel.map_err(|error| Trouble::Away(format!("no port is free on 127.0.0.1: {error}")))?;
    let address = tunnel.address();
    let question = request.encode(now(), Lamport::default());
    let asked = tokio::task::spawn_blocking(move || {
        let mut asker = Asker::new(&ZmqContext::new(), address).map_err(|error| error.to_string())?;
        Ok::<_, String>(asker.put(question, limit))
    });
    let answer = asked.await.expect("a panic has ended the process").map_err(Trouble::Away)?;
    let answer = answer.ok_or_else(|| Trouble::Away(format!("{name} does not answer")))?;
    Reply::decode(&answer).map_err(|error| Trouble::Away(format!("{name}: {error}")))
}

/// This machine's clock: advice that nothing depends on.
fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
