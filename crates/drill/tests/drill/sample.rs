//! A chat of three servidores on three nodes, as drills see it.

use papo_drill::names::{COMPONENT_LABEL, INSTANCE_LABEL, NAME_LABEL, POD_NAME_LABEL, component};
use papo_drill::snapshot::{Budget, Claim, Kind, Pod, Policy, Scheduling, Snapshot, Workload};
use papo_wire::reply::{MemberStatus, Role, Status};
use papo_witness::View;
use serde_json::Value;

pub(crate) fn pod(name: &str, component: &str, node: &str) -> Pod {
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Pod {
        name: name.to_owned(),
        uid: format!("uid-{name}"),
        component: component.to_owned(),
        node: Some(node.to_owned()),
        ready: true,
        running: true,
        container: component.to_owned(),
        image: "papo:1".to_owned(),
        claims: if component == component::SERVIDOR { vec![format!("data-{name}")] } else { Vec::new() },
        labels: [
            label(NAME_LABEL, "papo"),
            label(INSTANCE_LABEL, "papo"),
            label(COMPONENT_LABEL, component),
            label(POD_NAME_LABEL, name),
        ]
        .into(),
        ..Pod::default()
    }
}

fn workload(kind: Kind, component: &str, replicas: i32) -> Workload {
    Workload {
        kind,
        name: format!("papo-{component}"),
        component: component.to_owned(),
        replicas,
        container: component.to_owned(),
        image: "papo:1".to_owned(),
    }
}

/// `papo-servidor-0` coordinates; `papo-servidor-2` is three entries behind.
pub(crate) fn snapshot() -> Snapshot {
    let servidores = ["papo-servidor-0", "papo-servidor-1", "papo-servidor-2"];
    let members: Vec<MemberStatus> = servidores
        .iter()
        .map(|name| MemberStatus {
            name: (*name).to_owned(),
            disk: format!("disk-{name}"),
            ..MemberStatus::default()
        })
        .collect();
    let status = |name: &str| Status {
        name: name.to_owned(),
        disk: format!("disk-{name}"),
        role: if name == servidores[0] { Role::Coordinator } else { Role::Follower },
        epoch: 4,
        coordinator: servidores[0].to_owned(),
        members: members.clone(),
        wanted: servidores.map(str::to_owned).into(),
        last: 100,
        commit: 100,
        applied: if name == servidores[2] { 97 } else { 100 },
        disk_free_bytes: 60 << 20,
        ..Status::default()
    };
    Snapshot {
        namespace: "chat".to_owned(),
        release: "papo".to_owned(),
        pods: vec![
            pod("papo-broker-a", component::BROKER, "n1"),
            pod("papo-broker-b", component::BROKER, "n2"),
            pod("papo-proxy-a", component::PROXY, "n1"),
            pod("papo-proxy-b", component::PROXY, "n2"),
            pod("papo-referencia-a", component::REFERENCIA, "n3"),
            pod(servidores[0], component::SERVIDOR, "n1"),
            pod(servidores[1], component::SERVIDOR, "n2"),
            pod(servidores[2], component::SERVIDOR, "n3"),
        ],
        view: View {
            servidores: servidores.iter().map(|name| ((*name).to_owned(), Some(status(name)))).collect(),
            ..View::default()
        },
        workloads: vec![
            workload(Kind::StatefulSet, component::SERVIDOR, 3),
            workload(Kind::Deployment, component::BROKER, 2),
            workload(Kind::Deployment, component::PROXY, 2),
            workload(Kind::Deployment, component::REFERENCIA, 1),
            workload(Kind::Deployment, component::BOT, 0),
        ],
        budgets: vec![Budget {
            name: "papo-servidor".to_owned(),
            component: component::SERVIDOR.to_owned(),
            allowed: 1,
        }],
        claims: servidores
            .iter()
            .map(|name| Claim { name: format!("data-{name}"), uid: format!("uid-data-{name}") })
            .collect(),
        policies: vec![Policy {
            name: "papo-servidor".to_owned(),
            labels: [(COMPONENT_LABEL.to_owned(), component::SERVIDOR.to_owned())].into(),
            expressions: Value::Null,
        }],
        scheduling: Scheduling::default(),
        hooks: servidores
            .iter()
            .map(|name| ((*name).to_owned(), serde_json::json!({"version": 1})))
            .collect(),
        silent_hooks: Vec::new(),
    }
}
