//! What operators ask a servidor's port 5570 about the members: who counts, who is wanted, and to change that.
//!
//! Maps of the same shape as clients' requests. They are answered on that port only: a broker's clients cannot ask for them.

use std::fmt;

use papo_core::chat::{Outcome, Refusal};
use papo_core::clock::{Lamport, WallTime};
use papo_core::log::{Index, Operation};
use papo_core::replica;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::letter;
pub use crate::letter::BadMessage;
use crate::limits::{self, Limits};
use crate::msgpack::{FieldError, Map, Value};
use crate::reply::Role;
use crate::{text, timestamp};

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Who counts, who is wanted, and how far each one is?
    Members,
    /// Change who is wanted.
    Change {
        /// The same for every retry.
        request_id: String,
        /// To what.
        change: Change,
    },
}

/// A change of who is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// This servidor is to be a member.
    Admit(String),
    /// This servidor is to be a member no longer.
    Dismiss(String),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Who counts, and who is wanted.
    Members(Box<Membership>),
    /// The change is agreed, at this index of the log. The coordinator works towards it from now on.
    Agreed(Index),
    /// The change is not agreed.
    Refused(Reason),
}

/// Why a change is not agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// No servidor can have that name.
    BadName,
    /// There are as many members as there can be already.
    TooMany,
    /// The only member that is left cannot go.
    Last,
    /// The request id was used for something else.
    IdReused,
    /// Not every member is of a release that knows of such changes.
    NotYet,
    /// This servidor does not serve. Another one may.
    Elsewhere,
    /// It certainly did not take effect; trying again may succeed.
    NotOrdered,
    /// It may have taken effect, or may yet; a retry with the same request id tells.
    Unknown,
    /// The request makes no sense, or something that this release does not know.
    Other,
}

/// The members as one servidor sees them.
///
/// A named map on the wire: keys that one side does not know are ignored, and ones that are missing read as zero or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Membership {
    /// Who answers.
    pub name: String,
    /// What it is in the cluster. The coordinator knows best how far the others are.
    pub role: Role,
    /// Identity of the cluster, in hexadecimal; empty before its founding.
    pub cluster: String,
    /// Name of the coordinator; empty where it knows none.
    pub coordinator: String,
    /// The current epoch.
    pub epoch: u64,
    /// The version of the rules in force.
    pub rules: u64,
    /// Index up to which it knows the log to be committed.
    pub commit: u64,
    /// Index up to which it has applied the log: who is wanted is told as of then. What was agreed beyond that it does not know yet.
    pub applied: u64,
    /// Every servidor that is a member, or wanted, or there; by name.
    #[serde(deserialize_with = "seats")]
    pub seats: Vec<Seat>,
}

/// The most seats that are read. A cluster has 7 members at most, and few servidores besides; an empty seat is one byte on the wire and
/// a hundred in memory, so what a stranger sends in place of an answer has to end somewhere.
const MOST_SEATS: usize = 128;

/// Reads seats one by one: room is made for those that are there, not for as many as are claimed.
fn seats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Seat>, D::Error> {
    struct Seats;

    impl<'de> Visitor<'de> for Seats {
        type Value = Vec<Seat>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {MOST_SEATS} servidores")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            let mut seats = Vec::new();
            while let Some(seat) = list.next_element()? {
                if seats.len() == MOST_SEATS {
                    return Err(A::Error::invalid_length(MOST_SEATS + 1, &self));
                }
                seats.push(seat);
            }
            Ok(seats)
        }
    }

    deserializer.deserialize_seq(Seats)
}

/// One servidor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seat {
    /// Its name.
    pub name: String,
    /// Whether it is a member: it votes, and its disk counts. A change that is on its way has not happened yet.
    pub counts: bool,
    /// Whether it is to be a member.
    pub wanted: bool,
    /// Whether it was heard of lately.
    pub alive: bool,
    /// Bully's rank; 0 where it is no member.
    pub rank: u64,
    /// Identity of the disk that counts, or of the one that was heard of, in hexadecimal; empty for none.
    pub disk: String,
    /// The last index of its log, as far as is known.
    pub index: u64,
    /// Where it is reached, as `host:port`; empty where that is not known.
    pub address: String,
}

impl Membership {
    /// The servidor of that name, if it is a member, wanted, or there.
    pub fn seat(&self, name: &str) -> Option<&Seat> {
        self.seats.iter().find(|seat| seat.name == name)
    }

    /// Those that are members and are not to be.
    pub fn leaving(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| seat.counts && !seat.wanted)
    }

    /// Those that are to be members and are not.
    pub fn awaited(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| seat.wanted && !seat.counts)
    }
}

impl Change {
    /// The servidor that it is about.
    pub fn name(&self) -> &str {
        match self {
            Self::Admit(name) | Self::Dismiss(name) => name,
        }
    }

    const fn service(&self) -> &'static str {
        match self {
            Self::Admit(_) => "admit",
            Self::Dismiss(_) => "dismiss",
        }
    }
}

impl From<Change> for Operation {
    fn from(change: Change) -> Self {
        match change {
            Change::Admit(name) => Self::Admit { name },
            Change::Dismiss(name) => Self::Dismiss { name },
        }
    }
}

impl Request {
    /// The name of the service that is asked for.
    pub const fn service(&self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Change { change, .. } => change.service(),
        }
    }

    /// The payload to send.
    pub fn encode(&self, now: WallTime, clock: Lamport) -> Vec<u8> {
        match self {
            Self::Members => letter::write(self.service(), 0, 0, now, clock, |_| {}),
            Self::Change { request_id, change } => {
                letter::write(self.service(), 2, 128, now, clock, |writer| {
                    writer.str_entry("name", change.name());
                    writer.str_entry("request_id", request_id);
                })
            }
        }
    }

    /// Reads what was asked, and the sender's Lamport clock.
    ///
    /// # Errors
    /// What is wrong with it; [`BadMessage::UnknownService`] where it is something else.
    pub fn decode(payload: &[u8]) -> Result<(Self, Lamport), BadMessage> {
        let (service, data) = letter::open(payload)?;
        let request = match service {
            "members" => Self::Members,
            "admit" => Self::change(&data, Change::Admit)?,
            "dismiss" => Self::change(&data, Change::Dismiss)?,
            _ => return Err(BadMessage::UnknownService),
        };
        Ok((request, letter::clock(&data)))
    }

    fn change(data: &Map<'_>, change: fn(String) -> Change) -> Result<Self, BadMessage> {
        let request_id = data.required_text("request_id")?;
        if !text::is_request_id(request_id) {
            return Err(FieldError::Range("request_id").into());
        }
        let name = data.required_text("name")?;
        Ok(Self::Change { request_id: request_id.to_owned(), change: change(name.to_owned()) })
    }
}

impl From<replica::Answer> for Reply {
    fn from(answer: replica::Answer) -> Self {
        use replica::Answer;
        Self::Refused(match answer {
            Answer::Written { outcome: Outcome::Done, index } => return Self::Agreed(index),
            Answer::Written { outcome: Outcome::Refused(refusal), .. } => match refusal {
                Refusal::BadServerName => Reason::BadName,
                Refusal::TooManyMembers => Reason::TooMany,
                Refusal::LastMember => Reason::Last,
                Refusal::IdReused => Reason::IdReused,
                _ => Reason::Other,
            },
            Answer::NotYet => Reason::NotYet,
            Answer::Elsewhere { ordered: false } => Reason::Elsewhere,
            Answer::TimedOut | Answer::Overloaded => Reason::NotOrdered,
            Answer::Elsewhere { ordered: true } | Answer::Unknown => Reason::Unknown,
            Answer::Readable | Answer::BeyondLog { .. } => Reason::Other,
        })
    }
}

impl Reply {
    /// The payload to send, in answer to a request for `service`.
    pub fn encode(&self, service: &'static str, time: WallTime, clock: Lamport) -> Vec<u8> {
        match self {
            Self::Members(membership) => encode_members(membership, time, clock),
            Self::Agreed(index) => letter::write(service, 2, 0, time, clock, |writer| {
                writer.str_entry("status", "sucesso");
                writer.uint_entry("index", *index);
            }),
            Self::Refused(reason) => letter::write(service, 3, 128, time, clock, |writer| {
                writer.str_entry("status", "erro");
                writer.str_entry("reason", reason.as_str());
                writer.str_entry("description", reason.description());
            }),
        }
    }

    /// Reads what was answered.
    ///
    /// # Errors
    /// Where it is no answer to a [`Request`].
    pub fn decode(payload: &[u8]) -> Result<Self, BadMessage> {
        limits::check(payload, &Limits::REPLY)?;
        let outer = Map::parse(payload)?.ok_or(BadMessage::NotAMap)?;
        let Some(Value::Map(bytes)) = outer.get("data") else { return Err(BadMessage::NotAMap) };
        let data = Map::parse(bytes)?.ok_or(BadMessage::NotAMap)?;
        if data.text("status")? == Some("erro") {
            return Ok(Self::Refused(data.text("reason")?.map_or(Reason::Other, Reason::parse)));
        }
        match outer.text("service")? {
            Some("members") => {
                let membership = rmp_serde::from_slice(bytes);
                membership.map(Self::Members).map_err(|_| FieldError::Type("seats").into())
            }
            Some("admit" | "dismiss") => Ok(Self::Agreed(data.required_uint("index")?)),
            _ => Err(BadMessage::UnknownService),
        }
    }
}

fn encode_members(membership: &Membership, time: WallTime, clock: Lamport) -> Vec<u8> {
    #[derive(Serialize)]
    struct Envelope<'a> {
        service: &'static str,
        data: Data<'a>,
    }
    #[derive(Serialize)]
    struct Data<'a> {
        status: &'static str,
        #[serde(flatten)]
        fields: &'a Membership,
        timestamp: String,
        clock: u64,
    }
    let data =
        Data { status: "OK", fields: membership, timestamp: timestamp::format(time), clock: clock.get() };
    rmp_serde::to_vec_named(&Envelope { service: "members", data })
        .expect("a membership is made of texts and numbers")
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::BadName,
        Self::TooMany,
        Self::Last,
        Self::IdReused,
        Self::NotYet,
        Self::Elsewhere,
        Self::NotOrdered,
        Self::Unknown,
        Self::Other,
    ];

    /// The word for it on the wire (`data.reason`).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadName => "bad_name",
            Self::TooMany => "too_many",
            Self::Last => "last",
            Self::IdReused => "id_reused",
            Self::NotYet => "not_yet",
            Self::Elsewhere => "elsewhere",
            Self::NotOrdered => "not_ordered",
            Self::Unknown => "unknown",
            Self::Other => "other",
        }
    }

    /// The reason of that word; [`Reason::Other`] where this release knows none.
    pub fn parse(word: &str) -> Self {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word).unwrap_or(Self::Other)
    }

    /// Whether the same request may yet succeed if it is sent again, with the same request id.
    pub const fn is_worth_a_retry(self) -> bool {
        matches!(self, Self::Elsewhere | Self::NotOrdered | Self::Unknown)
    }

    /// The sentence for operators.
    pub const fn description(self) -> &'static str {
        match self {
            Self::BadName => "No servidor can have that name: use 1 to 63 letters, digits, `-`, `_` or `.`.",
            Self::TooMany => "There are 7 members at most: dismiss one first.",
            Self::Last => "The last member cannot be dismissed: admit another one first.",
            Self::IdReused => "That request id was used for something else.",
            Self::NotYet => {
                "Not every servidor is of a release that can do this: upgrade all of them first. Those that are down count, too."
            }
            Self::Elsewhere => "This servidor does not serve at the moment: ask another one.",
            Self::NotOrdered => "There is no majority at the moment. Nothing was changed; try again.",
            Self::Unknown => {
                "It is not known whether it was agreed. Repeat it with the same request id to know."
            }
            Self::Other => "It could not be done.",
        }
    }
}
