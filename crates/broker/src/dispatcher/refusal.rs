use std::fmt;

use papo_core::clock::{Lamport, WallTime};
use papo_wire::Service;
use papo_wire::reply::{Failure, Reason, Reply};
use papo_wire::request::{Flaw, service_of};

/// Why the broker answers a request itself. Its [`fmt::Display`] is the sentence for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Refusal {
    /// Its frames are not those of a request.
    Malformed,
    /// More bytes than a request may have.
    TooLarge,
    /// More requests than its connection may send.
    TooFast,
    /// Every queue is full.
    Overloaded,
    /// The broker is about to stop.
    Stopping,
    /// No servidor answered within the deadline, and it certainly has no effect.
    Unavailable,
    /// No servidor answered within the deadline, and it may have taken effect or may yet do so. A retry with the same id tells.
    Unknown,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Malformed,
        Self::TooLarge,
        Self::TooFast,
        Self::Overloaded,
        Self::Stopping,
        Self::Unavailable,
        Self::Unknown,
    ];

    /// A label for metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::TooFast => "too_fast",
            Self::Overloaded => "overloaded",
            Self::Stopping => "stopping",
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
        }
    }

    /// The reply to a request with that payload.
    pub(crate) fn reply(self, payload: &[u8], time: WallTime) -> Vec<u8> {
        let service = service_of(payload).map_or_else(|bad| bad.service, Some);
        let failure = Failure::explained(service, self.reason(service), self.to_string());
        // A broker has no Lamport clock: nothing that it says is ordered after anything.
        Reply { time, clock: Lamport::default(), index: 0, answer: Err(failure) }.encode()
    }

    fn reason(self, service: Option<Service>) -> Reason {
        match self {
            Self::Malformed | Self::TooLarge => Reason::BadRequest,
            Self::TooFast => Reason::RateLimited,
            Self::Unknown => Reason::Unknown,
            Self::Overloaded | Self::Stopping | Self::Unavailable => {
                if service.is_some_and(Service::is_write) { Reason::NotOrdered } else { Reason::Unavailable }
            }
        }
    }
}

/// Whether a servidor that was sent this payload may have had the log changed. Only what certainly changes nothing is
/// told apart; a service that is not known here may be known to a newer servidor.
pub(crate) fn may_write(payload: &[u8]) -> bool {
    match service_of(payload) {
        Ok(service) => service.is_write(),
        Err(bad) => matches!(bad.flaw, Flaw::UnknownService(_)),
    }
}

/// Whether a servidor says with this answer that *it* did not record anything, and that another try may succeed.
pub(crate) fn turns_away(answer: &[u8]) -> bool {
    let reply = Reply::decode(answer);
    let failure = reply.ok().and_then(|reply| reply.answer.err());
    failure.is_some_and(|failure| {
        matches!(failure.reason, Reason::RateLimited | Reason::NotOrdered | Reason::Ahead)
    })
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "Pedido malformado: deve ter exatamente um quadro.",
            Self::TooLarge => "Mensagem grande demais.",
            Self::TooFast => "Pedidos demais em pouco tempo, espere um momento.",
            Self::Overloaded => "Servidor sobrecarregado, tente de novo.",
            Self::Stopping | Self::Unavailable | Self::Unknown => "Serviço indisponível, tente de novo.",
        })
    }
}
