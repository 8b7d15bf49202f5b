//! What happens to a session, in the words of a ledger.

use papo_audit::{Event, Record, Request, Topic, What};
use papo_client::{Answer, Answered, Ask, Outcome, Reason, Said, Service, To};
use papo_wire::reply::Reply;
use papo_wire::timestamp;

/// Why nothing is known of a request that was not answered at all.
pub const NO_ANSWER: &str = "no answer";

/// The wish that carries out a request.
pub fn ask(request: &Request) -> Ask {
    match request.clone() {
        Request::Login { user, .. } => Ask::Login { user, saved: None },
        Request::Channel { channel } => Ask::CreateChannel(channel),
        Request::Publish { channel, message, .. } => Ask::Publish { channel, text: message },
        Request::Message { dst, message, .. } => Ask::Message { to: dst, text: message },
        Request::Join { channel, .. } => Ask::Join(channel),
        Request::Leave { channel, .. } => Ask::Leave(channel),
    }
}

/// The end of a write.
pub fn end(answered: &Answered) -> Event {
    let request_id = answered.request.as_str().to_owned();
    match &answered.outcome {
        Outcome::Stored(_) => Event::Acknowledged { request_id, index: answered.index },
        Outcome::Refused(failure) => Event::Refused { request_id, reason: failure.description.to_string() },
        Outcome::Unknown(failure) => Event::Unknown { request_id, reason: failure.description.to_string() },
        Outcome::Failed(failure) => Event::TurnedAway { request_id, reason: failure.description.to_string() },
    }
}

/// The end of one attempt of a request that was sent beside any session; `None` for silence.
pub fn repeated(request_id: String, reply: Option<&Reply>) -> Event {
    let Some(reply) = reply else {
        return Event::Unknown { request_id, reason: NO_ANSWER.to_owned() };
    };
    match &reply.answer {
        Ok(Answer::Publish | Answer::Message | Answer::Login { .. }) => {
            Event::Acknowledged { request_id, index: reply.index }
        }
        Ok(other) => Event::Refused { request_id, reason: format!("answered as {}", other.service()) },
        Err(failure) => {
            let reason = failure.description.to_string();
            match failure.reason {
                Reason::NotOrdered | Reason::RateLimited | Reason::Ahead => {
                    Event::TurnedAway { request_id, reason }
                }
                Reason::Unknown | Reason::Unavailable | Reason::Internal | Reason::Other => {
                    Event::Unknown { request_id, reason }
                }
                _ => Event::Refused { request_id, reason },
            }
        }
    }
}

/// Whether a refusal is what was to be expected of a name that others may want as well.
pub fn is_taken(answered: &Answered) -> bool {
    let reason = answered.outcome.failure().map(|failure| failure.reason);
    matches!(
        (answered.service, reason),
        (Service::Login, Some(Reason::UserExists)) | (Service::Channel, Some(Reason::ChannelExists))
    )
}

/// Where a message was shown to `user`; `None` for one of their own that was not said to themselves.
pub fn topic(said: &Said, user: &str) -> Option<Topic> {
    match &said.to {
        To::Channel(channel) => Some(Topic::Channel(channel.clone())),
        To::User(to) => (to == user).then(|| Topic::Private(said.from.clone(), to.clone())),
    }
}

/// A message as a record of the history.
pub fn record(said: &Said) -> Record {
    let (from, message) = (said.from.clone(), said.message.clone());
    let what = match said.to.clone() {
        To::Channel(channel) => What::Publish { user: from, channel, message },
        To::User(dst) => What::Message { src: from, dst, message },
    };
    Record {
        index: said.index,
        what,
        timestamp: timestamp::format(said.time),
        clock: said.clock.get(),
        request_id: said.request_id.clone(),
        rest: [].into(),
    }
}
