//! What undoes a fault, written into the cluster before the fault is caused.
//!
//! The journal is one ConfigMap. It is there exactly as long as something is to be undone: `drill undo` reads it, on any machine,
//! after the drill that wrote it died. Every change of it names the version that it is based on, so that two processes never undo
//! over each other.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, PostParams, Preconditions};
use serde::{Deserialize, Serialize};

use crate::api_call::{ApiCall, Verb};
use crate::connect::{Connection, Trouble, asked};
use crate::names;
use crate::step::Step;
use crate::stop::Stop;

/// The key of the ConfigMap.
const KEY: &str = "journal.json";

/// What is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The drill that wrote it.
    pub drill: String,
    /// The process that wrote it: see [`crate::lease::holder`].
    pub holder: String,
    /// When: RFC 3339.
    pub written: String,
    /// What is still to be done, in this order.
    pub undo: Vec<Step>,
}

impl Entry {
    /// What is written before a drill causes anything.
    pub fn new(drill: &str, holder: &str, undo: &[Step]) -> Self {
        Self {
            drill: drill.to_owned(),
            holder: holder.to_owned(),
            written: k8s_openapi::jiff::Timestamp::now().to_string(),
            undo: undo.into(),
        }
    }
}

/// A journal as it stands in the cluster.
#[derive(Debug)]
pub struct Journal {
    maps: Api<ConfigMap>,
    map: ConfigMap,
    /// What it says.
    pub entry: Entry,
}

impl Journal {
    /// Writes a journal. [`Trouble::Conflict`]: there is one already.
    pub async fn write(connection: &Connection, release: &str, entry: Entry) -> Result<Self, Trouble> {
        let call = Self::request(&connection.namespace, release, &entry);
        let map = asked(connection.client.request::<ConfigMap>(call.request(false))).await?;
        Ok(Self { maps: maps(connection), map, entry })
    }

    /// The request that writes a journal.
    pub fn request(namespace: &str, release: &str, entry: &Entry) -> ApiCall {
        let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let labels = [
            label(names::NAME_LABEL, names::NAME),
            label(names::INSTANCE_LABEL, release),
            label(names::COMPONENT_LABEL, names::component::DRILL),
        ];
        let metadata = ObjectMeta {
            name: Some(names::JOURNAL.to_owned()),
            labels: Some(labels.into()),
            ..ObjectMeta::default()
        };
        let map = ConfigMap { metadata, data: Some(data(entry)), ..ConfigMap::default() };
        ApiCall {
            verb: Verb::Create,
            path: format!("/api/v1/namespaces/{namespace}/configmaps"),
            body: serde_json::to_value(map).expect("a ConfigMap is plain JSON"),
        }
    }

    /// The journal that is there, if any. [`Trouble::Denied`]: it is not one that this release can read.
    pub async fn read(connection: &Connection) -> Result<Option<Self>, Trouble> {
        let maps = maps(connection);
        let Some(map) = asked(maps.get_opt(names::JOURNAL)).await? else { return Ok(None) };
        let text = map.data.as_ref().and_then(|data| data.get(KEY)).map(String::as_str).unwrap_or_default();
        let entry = serde_json::from_str(text).map_err(|error| {
            Trouble::Denied(format!(
                "the ConfigMap {} is no journal of this release: {error}",
                names::JOURNAL
            ))
        })?;
        Ok(Some(Self { maps, map, entry }))
    }

    /// The same, for whoever would only begin if there is none.
    ///
    /// # Errors
    /// [`Stop::Refused`] where there is something that this release cannot read, [`Stop::Config`] where nobody says.
    pub async fn find(connection: &Connection) -> Result<Option<Self>, Stop> {
        Self::read(connection).await.map_err(|trouble| match trouble {
            Trouble::Denied(why) => Stop::Refused(why),
            other => Stop::Config(other.to_string()),
        })
    }

    /// The release that it is about, where it says so.
    pub fn release(&self) -> Option<String> {
        self.map.metadata.labels.as_ref()?.get(names::INSTANCE_LABEL).cloned()
    }

    /// Writes down what is left to undo; takes the journal away when nothing is.
    pub async fn keep(&mut self, left: Vec<Step>) -> Result<(), Trouble> {
        self.entry.undo = left;
        if self.entry.undo.is_empty() {
            let this = Preconditions {
                uid: self.map.metadata.uid.clone(),
                resource_version: self.map.metadata.resource_version.clone(),
            };
            let only_this = DeleteParams::default().preconditions(this);
            return match asked(self.maps.delete(names::JOURNAL, &only_this)).await {
                Ok(_) | Err(Trouble::Gone(_)) => Ok(()),
                Err(trouble) => Err(trouble),
            };
        }
        let map = ConfigMap { data: Some(data(&self.entry)), ..self.map.clone() };
        self.map = asked(self.maps.replace(names::JOURNAL, &PostParams::default(), &map)).await?;
        Ok(())
    }
}

fn maps(connection: &Connection) -> Api<ConfigMap> {
    Api::namespaced(connection.client.clone(), &connection.namespace)
}

fn data(entry: &Entry) -> BTreeMap<String, String> {
    let text = serde_json::to_string_pretty(entry).expect("a journal is plain JSON");
    [(KEY.to_owned(), text)].into()
}
