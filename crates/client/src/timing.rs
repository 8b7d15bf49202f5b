use std::time::Duration;

/// How patient a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// An unanswered request is sent again, through another broker, after this.
    pub retry: Duration,
    /// A request is given up after this.
    pub deadline: Duration,
    /// The chat is told to be lost when it has not answered for this long.
    pub lost: Duration,
    /// When nothing was delivered for this long, the session asks whether it missed something; the same question is what
    /// finds out that the connection is gone.
    pub quiet: Duration,
    /// It asks at least this often, however much is delivered. What was delivered in between is then sent a second time, so
    /// many busy sessions in one process want this long.
    pub busy: Duration,
}

impl Default for Timing {
    /// 800 ms, 15 s, 3 s, 3 s, 15 s: for one person at a terminal. When a broker dies, whoever it served waits for the first of these,
    /// and is to wait for a second at most (P7). A new coordinator needs half of one.
    fn default() -> Self {
        Self {
            retry: Duration::from_millis(800),
            deadline: Duration::from_secs(15),
            lost: Duration::from_secs(3),
            quiet: Duration::from_secs(3),
            busy: Duration::from_secs(15),
        }
    }
}
