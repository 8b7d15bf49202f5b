//! What the drill must be allowed to do, asked before anything is done.
//!
//! Not done here: rights below the level of a kind of object. A Role that names single objects passes or fails as the server
//! decides when the time comes.

use std::fmt;

use futures::future::try_join_all;
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::connect::{Trouble, asked};
use crate::stop::Stop;

/// A verb on a kind of object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The namespace; `None` for objects of the whole cluster.
    pub namespace: Option<String>,
    /// The API group; empty for the core.
    pub group: String,
    /// The kind, in plural: `pods`.
    pub resource: String,
    /// What of it, such as `eviction`; empty for the object itself.
    pub subresource: String,
    /// `get`, `create` and so on.
    pub verb: String,
}

impl Right {
    /// A right within a namespace. `resource` may be `pods/eviction`.
    pub fn new(namespace: &str, group: &str, resource: &str, verb: &str) -> Self {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        Self {
            namespace: Some(namespace.to_owned()),
            group: group.to_owned(),
            resource: resource.to_owned(),
            subresource: subresource.to_owned(),
            verb: verb.to_owned(),
        }
    }

    /// A right on objects that belong to no namespace.
    pub fn in_cluster(group: &str, resource: &str, verb: &str) -> Self {
        Self { namespace: None, ..Self::new("", group, resource, verb) }
    }

    /// The right that a request for `path` takes.
    pub fn of_path(verb: &str, path: &str) -> Self {
        let mut parts = path.split('/').skip(1);
        let group = match parts.next() {
            Some("apis") => parts.next().unwrap_or_default(),
            _ => "",
        };
        let rest: Vec<&str> = parts.skip(1).collect();
        match rest.as_slice() {
            ["namespaces", namespace, resource, rest @ ..] => {
                let subresource = rest.get(1).copied().unwrap_or_default();
                Self { subresource: subresource.to_owned(), ..Self::new(namespace, group, resource, verb) }
            }
            [resource, ..] => Self::in_cluster(group, resource, verb),
            [] => Self::in_cluster(group, "", verb),
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.subresource.is_empty() {
            write!(f, "/{}", self.subresource)?;
        }
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in {namespace}"),
            None => write!(f, " in the whole cluster"),
        }
    }
}

/// What looking at an install takes. `tunnels`: the services are reached through the API's port-forwarding.
pub fn to_look(namespace: &str, tunnels: bool) -> Vec<Right> {
    let mut rights = vec![
        Right::new(namespace, "", "pods", "list"),
        Right::new(namespace, "", "pods", "watch"),
        Right::new(namespace, "apps", "statefulsets", "list"),
        Right::new(namespace, "apps", "deployments", "list"),
        Right::new(namespace, "policy", "poddisruptionbudgets", "list"),
        Right::new(namespace, "", "persistentvolumeclaims", "list"),
        Right::new(namespace, "", "configmaps", "get"),
        Right::new(namespace, "coordination.k8s.io", "leases", "get"),
    ];
    if tunnels {
        // Servers up to 1.34 ask for `get` where the request upgrades to a WebSocket, later ones for both.
        rights.push(Right::new(namespace, "", "pods/portforward", "get"));
        rights.push(Right::new(namespace, "", "pods/portforward", "create"));
    }
    rights
}

/// What any drill takes besides, whatever its fault is.
pub fn to_drill(namespace: &str) -> Vec<Right> {
    let verbs = |group: &'static str, resource: &'static str, verbs: &'static [&'static str]| {
        verbs.iter().map(move |verb| (group, resource, *verb))
    };
    verbs("", "configmaps", &["create", "update", "delete"])
        .chain(verbs("coordination.k8s.io", "leases", &["create", "update"]))
        .map(|(group, resource, verb)| Right::new(namespace, group, resource, verb))
        .collect()
}

/// Asks the server about each right. Succeeds only if all are given, and names all that are missing otherwise.
pub async fn require(client: &Client, mut rights: Vec<Right>) -> Result<(), Stop> {
    rights.sort();
    rights.dedup();
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    let answers = try_join_all(rights.iter().map(|right| allowed(&reviews, right)));
    let answers = answers.await.map_err(|trouble| Stop::Config(trouble.to_string()))?;
    let missing: Vec<String> = rights
        .iter()
        .zip(answers)
        .filter(|(_, allowed)| !allowed)
        .map(|(right, _)| right.to_string())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Stop::Rights(missing.join("; ")))
}

async fn allowed(reviews: &Api<SelfSubjectAccessReview>, right: &Right) -> Result<bool, Trouble> {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec {
            resource_attributes: Some(ResourceAttributes {
                namespace: right.namespace.clone(),
                group: some(&right.group),
                resource: some(&right.resource),
                subresource: some(&right.subresource),
                verb: some(&right.verb),
                ..ResourceAttributes::default()
            }),
            ..SelfSubjectAccessReviewSpec::default()
        },
        ..SelfSubjectAccessReview::default()
    };
    let answer = asked(reviews.create(&PostParams::default(), &review)).await?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_right_that_a_path_takes_is_read_off_it() {
        let cases = [
            ("delete", "/api/v1/namespaces/chat/pods/papo-servidor-0", "delete pods in chat"),
            ("create", "/api/v1/namespaces/chat/pods/x/eviction", "create pods/eviction in chat"),
            (
                "patch",
                "/apis/apps/v1/namespaces/chat/deployments/x/scale",
                "patch deployments/scale.apps in chat",
            ),
            ("patch", "/api/v1/nodes/n1", "patch nodes in the whole cluster"),
            (
                "create",
                "/apis/networking.k8s.io/v1/namespaces/chat/networkpolicies",
                "create networkpolicies.networking.k8s.io in chat",
            ),
        ];
        for (verb, path, right) in cases {
            assert_eq!(Right::of_path(verb, path).to_string(), right);
        }
    }
}
