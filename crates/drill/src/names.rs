//! What things are called in the cluster: the labels and ports that the chart gives.

/// `app.kubernetes.io/name` of everything that belongs to a chat.
pub const NAME: &str = "papo";
/// Label that says whose the object is.
pub const NAME_LABEL: &str = "app.kubernetes.io/name";
/// Label that says which install it belongs to.
pub const INSTANCE_LABEL: &str = "app.kubernetes.io/instance";
/// Label that says what it is.
pub const COMPONENT_LABEL: &str = "app.kubernetes.io/component";
/// Label that a StatefulSet gives to each of its pods.
pub const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";

/// The ConfigMap that holds what undoes a fault, from before it is caused until it is undone.
pub const JOURNAL: &str = "papo-drill-journal";
/// The Lease that only one drill holds.
pub const LEASE: &str = "papo-drill";
/// The policy that the drill makes to cut a pod off.
pub const POLICY: &str = "papo-drill-partition";

/// Values of [`COMPONENT_LABEL`].
pub mod component {
    /// Takes clients' requests.
    pub const BROKER: &str = "broker";
    /// Fans messages out.
    pub const PROXY: &str = "proxy";
    /// Gives ranks.
    pub const REFERENCIA: &str = "referencia";
    /// The chat itself.
    pub const SERVIDOR: &str = "servidor";
    /// The bots.
    pub const BOT: &str = "cliente-automatico";
    /// What the drill itself makes.
    pub const DRILL: &str = "drill";
}

/// Ports inside of the pods.
pub mod port {
    /// A broker's side for clients.
    pub const CLIENT: u16 = 5557;
    /// A proxy's side for clients.
    pub const SUBSCRIBER: u16 = 5556;
    /// A servidor, for questions.
    pub const REPLICA: u16 = 5570;
    /// A servidor's drill hooks.
    pub const HOOKS: u16 = 9101;
}

/// Selects everything of one install.
pub fn selector(release: &str) -> String {
    format!("{NAME_LABEL}={NAME},{INSTANCE_LABEL}={release}")
}
