use std::fmt;
use std::sync::Arc;

use super::keys::{CurveError, CurveKeys, supported};

/// What all nets of a process share: libzmq's I/O thread, and the keys if there are any.
///
/// Dropping the last clone, of those in nets too, waits for closed sockets to send what they had queued: at
/// most [`crate::CLOSE_LINGER`], unless they were closed with a longer linger.
#[derive(Clone, Default)]
pub struct ZmqContext {
    pub(super) context: zmq::Context,
    pub(super) keys: Option<Arc<CurveKeys>>,
}

impl ZmqContext {
    /// Without keys: everything in the clear.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With keys: every socket of every net of this context speaks CURVE and nothing else.
    ///
    /// # Errors
    /// [`CurveError::Unsupported`]: it never falls back to talking in the clear.
    pub fn with_curve(keys: CurveKeys) -> Result<Self, CurveError> {
        if !supported() {
            return Err(CurveError::Unsupported);
        }
        Ok(Self { context: zmq::Context::new(), keys: Some(Arc::new(keys)) })
    }
}

impl fmt::Debug for ZmqContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZmqContext").field("keys", &self.keys).finish_non_exhaustive()
    }
}
