//! Disks that are lost, or full.

use papo_witness::Expectations;

use super::choose::{self, SOON};
use crate::api_call::ApiCall;
use crate::options::Options;
use crate::plan::{Act, Condition, Over, Plan};
use crate::snapshot::Snapshot;
use crate::step::{PodRef, Step};
use crate::stop::Stop;

/// What fills the disk.
const BALLAST: &str = "/data/drill-ballast";

pub(super) fn loss(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::follower(snapshot, options)?;
    let claimed = pod.claims.iter().find_map(|name| snapshot.claims.iter().find(|claim| claim.name == *name));
    let claim = claimed.ok_or_else(|| {
        Stop::Needs(format!("{} has no volume claim: it would lose its disk with its pod anyway", pod.name))
    })?;
    let disk =
        snapshot.view.servidores.get(&pod.name).and_then(Option::as_ref).map(|status| status.disk.clone());
    let disk =
        disk.ok_or_else(|| Stop::NotHealthy(format!("{} does not say which disk it has", pod.name)))?;
    let namespace = &snapshot.namespace;
    Ok(Plan {
        sentence: format!("delete the volume {} and the pod of {}, which follows", claim.name, pod.name),
        targets: vec![PodRef::of(pod)],
        acts: vec![
            // The volume first: it goes as soon as its pod does, and the next pod has to get another.
            Act::Do(vec![ApiCall::delete_claim(namespace, &claim.name, &claim.uid).into()]),
            Act::Do(vec![ApiCall::kill_pod(namespace, pod).into()]),
            Act::See(Condition::Gone(vec![PodRef::of(pod)]), SOON),
            Act::See(Condition::NewDisk { servidor: pod.name.clone(), not: disk }, options.patience),
        ],
        undo: Vec::new(),
        servidores_lost: 1,
        loses_messages: false,
        expect: choose::goes_on(options),
        plain_client: true,
        over: Over::Repaired,
        resumes: None,
    })
}

pub(super) fn full(snapshot: &Snapshot, options: &Options) -> Result<Plan, Stop> {
    let pod = choose::coordinator(snapshot)?;
    let status = snapshot.view.servidores.get(&pod.name).and_then(Option::as_ref);
    let free = status.map(|status| status.disk_free_bytes);
    let free = free.ok_or_else(|| Stop::NotHealthy(format!("{} does not say what is free", pod.name)))?;
    if free > options.max_fill {
        return Err(Stop::Needs(format!(
            "{} has {} MiB free, and no more than {} MiB may be filled (--max-fill); a volume without a size of its own fills its node",
            pod.name,
            free >> 20,
            options.max_fill >> 20
        )));
    }
    let epoch = snapshot.view.coordinator().map_or(0, |reign| reign.epoch);
    let shell = |script: String| Step::Exec {
        pod: PodRef::of(pod),
        container: pod.container.clone(),
        command: vec!["sh".to_owned(), "-c".to_owned(), script],
    };
    // What `fallocate` leaves, `dd` takes until there is nothing left: its failure is the aim.
    let fill = format!(
        "n=$(($(stat -f -c '%a * %S' /data))); fallocate -l $n {BALLAST} 2>/dev/null; \
         dd if=/dev/zero of={BALLAST}.rest bs=4096 2>/dev/null; sync {BALLAST}.rest; true"
    );
    let probe = format!("! dd if=/dev/zero of={BALLAST}.probe bs=65536 count=1 2>/dev/null");
    Ok(Plan {
        sentence: format!(
            "fill the {} MiB that are free on the disk of {}, which coordinates",
            free >> 20,
            pod.name
        ),
        targets: vec![PodRef::of(pod)],
        acts: vec![
            Act::Do(vec![shell(fill)]),
            Act::Prove(shell(probe), format!("nothing more fits on the disk of {}", pod.name)),
            Act::See(Condition::Succeeded { coordinator: pod.name.clone(), epoch }, SOON),
            Act::Hold,
        ],
        undo: vec![shell(format!("rm -f {BALLAST} {BALLAST}.rest {BALLAST}.probe"))],
        servidores_lost: 1,
        loses_messages: false,
        // How soon a coordinator meets the end of its disk depends on what it has allocated before: only then does it make way.
        expect: Expectations { pause: options.pause, ..Expectations::default() },
        plain_client: true,
        over: Over::Undone,
        resumes: None,
    })
}
