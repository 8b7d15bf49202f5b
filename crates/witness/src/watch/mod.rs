//! Looking at the servidores all the time, and telling the timeline what changes.

mod newcomer;
mod observer;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use papo_transport::OpenError;

use crate::panel::Panel;
use crate::view::{Reign, View};
use crate::{Reach, Timeline};
use observer::Observer;

/// How often each servidor is asked.
const EVERY: Duration = Duration::from_millis(50);
/// Who says nothing for so long is taken to be gone.
const PATIENCE: Duration = Duration::from_millis(400);

/// Asks every servidor for its status, 20 times a second and directly, until [`Watch::finish`]. Marks on the timeline what changes.
#[derive(Debug)]
pub struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What a watch has seen. Times are those of the timeline, each at most a question's interval and its way later than what
/// it tells.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watched {
    /// Each coordinator, from when it was first seen to be.
    pub reigns: Vec<(Duration, Reign)>,
    /// When the cluster was seen to be whole again: all expected servidores follow one coordinator and have caught up.
    pub recovered: Vec<Duration>,
    /// Whether it is whole now.
    pub is_whole: bool,
    /// What no cluster may ever show, a sentence each: two coordinators of one epoch.
    pub conflicts: Vec<String>,
    /// Disks that counted before they had what was committed before they came, a sentence each: their votes would be worth nothing.
    pub premature: Vec<String>,
    /// The last word of each servidor.
    pub view: View,
}

#[derive(Debug, Default)]
struct Shared {
    watched: Mutex<Watched>,
    stop: AtomicBool,
}

/// A watch could not be started.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// No sockets.
    #[error(transparent)]
    Socket(#[from] OpenError),
    /// No thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
}

impl Watch {
    /// Begins. What is not whole at the beginning is told once it has been whole.
    ///
    /// # Errors
    /// The system has no sockets or threads left.
    pub fn start(reach: &Reach, timeline: &Timeline) -> Result<Self, WatchError> {
        Self::start_with_guests(reach, &BTreeMap::new(), timeline)
    }

    /// The same, and it looks at others too that may come and go: see [`View::guests`].
    ///
    /// # Errors
    /// The system has no sockets or threads left.
    pub fn start_with_guests(
        reach: &Reach,
        guests: &BTreeMap<String, SocketAddr>,
        timeline: &Timeline,
    ) -> Result<Self, WatchError> {
        let shared = Arc::new(Shared::default());
        let mut panel = Panel::of(reach.servidores.iter().chain(guests))?;
        let mut observer = Observer::new(reach.servidores.keys().cloned());
        let (seen, timeline) = (Arc::clone(&shared), timeline.clone());
        let watch = move || {
            while !seen.stop.load(Ordering::Relaxed) {
                for (name, status) in panel.turn(EVERY, PATIENCE, EVERY) {
                    let mut watched = seen.watched();
                    observer.saw(&name, status, &mut watched, &timeline);
                }
            }
        };
        let thread = thread::Builder::new().name("watch".to_owned()).spawn(watch)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// What was seen so far.
    pub fn seen(&self) -> Watched {
        self.shared.watched().clone()
    }

    /// Ends it.
    pub fn finish(self) -> Watched {
        self.seen()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the watch has panicked");
        }
    }
}

impl Shared {
    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
