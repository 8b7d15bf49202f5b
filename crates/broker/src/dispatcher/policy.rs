use std::time::Duration;

use papo_wire::limits::REQUEST_BYTES;

use super::rate::RateLimit;

/// How the dispatcher decides. Every span counts from what the broker itself saw.
#[derive(Clone, Debug)]
pub struct Policy {
    /// From a request's arrival to its answer, whatever happens.
    pub deadline: Duration,
    /// A servidor that sent no beacon for this long is not relied on: four beacons.
    pub silence: Duration,
    /// A request that its servidor, though alive, has not answered for this long is sent to another one too.
    pub patience: Duration,
    /// Requests that one servidor may have unanswered.
    pub most_in_flight: usize,
    /// Requests that may wait for a servidor with room.
    pub most_waiting: usize,
    /// Memory that all open requests together may take, in bytes.
    pub most_bytes: usize,
    /// Bytes of one request.
    pub most_payload: usize,
    /// What one connection may ask; `None` is no limit.
    pub rate: Option<RateLimit>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(5),
            silence: Duration::from_millis(400),
            patience: Duration::from_secs(1),
            most_in_flight: 4096,
            most_waiting: 16_384,
            most_bytes: 64 << 20,
            most_payload: REQUEST_BYTES,
            rate: RateLimit::new(5000, 10_000),
        }
    }
}
