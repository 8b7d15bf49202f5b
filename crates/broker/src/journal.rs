use tracing::{info, warn};

use crate::dispatcher::{Counters, Dropped, Refusal, Retry};

/// Logs what was refused, moved and dropped, a line for each kind and not for each message: a client that
/// sends garbage shall not fill the disk.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    told: Counters,
}

impl Journal {
    /// Tells what has happened since the last time.
    pub(crate) fn tell(&mut self, counters: &Counters) {
        if self.told == *counters {
            return;
        }
        for why in Refusal::ALL {
            let count = counters.refused(why) - self.told.refused(why);
            if count > 0 {
                warn!(reason = why.as_str(), count, "refused requests");
            }
        }
        for why in Retry::ALL {
            let count = counters.retried(why) - self.told.retried(why);
            if count > 0 {
                info!(reason = why.as_str(), count, "tried requests again");
            }
        }
        for why in Dropped::ALL {
            let count = counters.dropped(why) - self.told.dropped(why);
            match why {
                _ if count == 0 => {}
                // Both are what a client that was killed, or a servidor that was slow, leaves behind.
                Dropped::ClientGone | Dropped::Late => {
                    info!(reason = why.as_str(), count, "dropped messages");
                }
                _ => warn!(reason = why.as_str(), count, "dropped messages"),
            }
        }
        self.told = counters.clone();
    }
}
