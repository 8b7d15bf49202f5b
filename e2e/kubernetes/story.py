"""The chat on a real Kubernetes, end to end: what the README says to type, drills, and releases that come and go under load.

One line a check; exit code 1 if any failed. Whatever happens, nothing of it stays: it all happens in namespaces of its own.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "interop" / "python"), str(ROOT / "e2e")]

from checks import Checks  # noqa: E402
from kubernetes.bots import Bots  # noqa: E402
from kubernetes.cluster import Release, load_image, restarts  # noqa: E402
from stack import until  # noqa: E402
from terminal import Terminal  # noqa: E402

CHART = "helm/papo"
IMAGE, NEXT = "papo:e2e", "papo:e2e-next"
READY_WITHIN_S = 60
TESTED_WITHIN_S = 30
RATE = 1000
USERS = 40
"""Requests a second while a release is replaced, and of how many users: each waits for an answer before it asks again."""
FLOOR = RATE / 10
"""What was reached is printed. Required is no more than that the load went on: one machine, which may have other work, plays the whole
cluster, and speed is what `papo bench` measures."""
COMPONENTS = {"broker": 2, "proxy": 2, "referencia": 1, "servidor": 3, "cliente": 1}


class Scene:
    """What the parts of the story share."""

    def __init__(self):
        self.release = Release()
        self.small = None
        self.applied = None
        self.terminals = []

    def terminal(self, *command):
        terminal = Terminal(command, self.release.environment)
        self.terminals.append(terminal)
        return terminal

    def close(self):
        for terminal in self.terminals:
            terminal.close()


def values(scene, **more):
    """Arguments of helm: our image, and what can be said in one line."""
    repository, tag = IMAGE.split(":")
    chosen = {
        "image.repository": repository,
        "image.tag": tag,
        "image.pullPolicy": "IfNotPresent",
        "servidor.antiAffinity": "preferred",
        "tests.stranger.enabled": "true",
        "drillHooks.enabled": "true",
        **more,
    }
    return [f"--set={key}={value}" for key, value in chosen.items()]


def image(check, scene):
    run = scene.release.run
    run("docker", "build", "--quiet", "--tag", IMAGE, ".", timeout=3600)
    run("docker", "tag", IMAGE, NEXT)
    for name in (IMAGE, NEXT):
        load_image(name)
    check.that("the image is on every node", True)


def install(check, scene):
    release = scene.release
    release.create_namespace()
    began = time.monotonic()
    release.helm("install", release.name, CHART, *values(scene), "--wait", "--timeout=5m", timeout=400)
    ready = time.monotonic() - began
    until("somebody coordinates", lambda: release.status()["healthy"])
    answered = time.monotonic() - began
    check.that(f"helm install --wait is done within {READY_WITHIN_S} s ({ready:.1f} s)", ready < READY_WITHIN_S, ready)
    check.that(f"and the chat answers within {READY_WITHIN_S} s ({answered:.1f} s)", answered < READY_WITHIN_S, answered)
    count = {}
    for pod in release.pods():
        component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
        count[component] = count.get(component, 0) + 1
    check.that("every component has its pods", count == COMPONENTS, count)
    notes = release.helm("get", "notes", release.name)
    check.that("the notes say how to attach", "attach -it deploy/papo-cliente" in notes, notes)
    limits = sum(memory_limit(pod) for pod in release.pods())
    check.that(f"all pods together may take no more than 1 GiB ({limits} MiB)", limits <= 1024, limits)


def memory_limit(pod):
    """MiB."""
    limits = [container["resources"]["limits"]["memory"] for container in pod["spec"]["containers"]]
    units = {"Mi": 1, "Gi": 1024}
    return sum(int(limit[:-2]) * units[limit[-2:]] for limit in limits)


def helm_test(check, scene):
    release = scene.release
    seconds = release.timed("helm", "--namespace", release.namespace, "test", release.name)
    sentence = f"helm test: what is said through a broker is on every servidor, and strangers are refused ({seconds:.1f} s)"
    check.that(sentence, seconds < TESTED_WITHIN_S, seconds)


def people(check, scene):
    release = scene.release
    attach = ("kubectl", "--namespace", release.namespace, "attach", "-it", "deploy/papo-cliente")
    ana = scene.terminal(*attach)
    # The prompt was drawn before anybody looked.
    ana.type("login ana")
    ana.expect("você entrou como ana")
    ana.type("canal cozinha")
    ana.expect("cozinha foi criado")
    ana.type("tem café?")
    ana.expect("✓")
    check.that("kubectl attach shows a client that one can talk with", True)
    ana.close()
    again = scene.terminal(*attach)
    again.type("ainda aqui")
    again.expect("✓")
    check.that("who lost the terminal finds the same client again", True)
    again.press(b"\x03")
    again.expect("login> ")
    again.close()
    check.that("leaving leads back to the login prompt", True)
    pods = release.pods("cliente")
    check.that("and the pod was never restarted", [restarts(pod) for pod in pods] == [0], [restarts(pod) for pod in pods])


def kustomize(check, scene):
    applied = Release(namespace="papo")
    if applied.run("kubectl", "get", "namespace", applied.namespace, check=False).returncode == 0:
        print(f"skip  the namespace {applied.namespace} is somebody's")
        return
    scene.applied = applied
    for overlay in ("one-node", "three-nodes"):
        # What is applied is what `kubectl apply -k` applies, but for the name under which this test knows the image.
        manifests = applied.run("kubectl", "kustomize", f"k8s/overlays/{overlay}").replace("image: papo:dev", f"image: {IMAGE}")
        said = applied.run("kubectl", "apply", "--filename=-", stdin=manifests, check=False)
        check.that(f"kubectl apply -k k8s/overlays/{overlay} is taken by the API", said.returncode == 0, said.stderr)
        # Three nodes are more than there may be.
        if overlay == "one-node":
            until("somebody coordinates", lambda: applied.status()["healthy"])
            check.that("and gives a chat in which all is well", True)
    applied.delete_namespace()


def under_load(name, what, act):
    """A part in which bots talk while something is done."""

    def part(check, scene):
        release = scene.release
        bots = Bots(release, IMAGE, name, RATE, users=USERS, seconds=60)
        act(release)
        still_talking = bots.phase() == "Running"
        summary = bots.summary()
        check.that(f"{what}: it was done while the bots talked", still_talking)
        kept(check, what, summary)

    return part


def kept(check, what, summary):
    """What must be true of bots that talked meanwhile."""
    rate = summary["acknowledged_per_second"]
    print(f"      {what}: {summary['acknowledged']} acknowledged, {rate:.0f} a second, {summary['latency_ms']}")
    check.that(f"{what}: of {RATE} requests a second at least {FLOOR:.0f} were acknowledged", rate >= FLOOR, rate)
    failed = {key: summary[key] for key in ("refused", "unsettled", "lost")}
    check.that(f"{what}: no request failed", not any(failed.values()), failed)
    check.that(f"{what}: every promise was kept", summary["conclusion"] == "pass", summary)


def rolling_restart(release):
    release.kubectl("rollout", "restart", "statefulset/papo-servidor")
    release.kubectl("rollout", "status", "statefulset/papo-servidor", "--timeout=3m", timeout=200)


def upgrade(release):
    tag = NEXT.split(":")[1]
    release.helm(
        "upgrade", release.name, CHART, "--reuse-values", f"--set=servidor.image.tag={tag}", "--wait", "--timeout=4m", timeout=300
    )


def upgraded(check, scene):
    images = {pod["spec"]["containers"][0]["image"] for pod in scene.release.pods("servidor")}
    check.that("every servidor runs the new image", images == {NEXT}, images)
    claims = {claim["metadata"]["name"] for claim in scene.release.objects("persistentvolumeclaims")}
    check.that("each kept its claim", len(claims) == COMPONENTS["servidor"], claims)


def roll_back(check, scene):
    release = scene.release
    release.helm("rollback", release.name, "1", "--wait", "--timeout=4m", timeout=300)
    images = {pod["spec"]["containers"][0]["image"] for pod in release.pods("servidor")}
    check.that("helm rollback: every servidor runs the image before", images == {IMAGE}, images)
    until("all is well again", lambda: release.status()["healthy"])


def growth(check, scene):
    """Three servidores become five and three again while bots talk, as docs/kubernetes.md says; then the disks of those that left go."""
    release = scene.release
    few, many = COMPONENTS["servidor"], COMPONENTS["servidor"] + 2
    name = "papo-servidor-{}".format
    uids = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in release.pods("servidor")}
    bots = Bots(release, IMAGE, "growth", RATE, users=USERS, seconds=120)
    for count in (many, few):
        took = release.timed(
            "helm", "--namespace", release.namespace, "upgrade", release.name, CHART,
            "--reuse-values", f"--set=servidor.replicas={count}", "--wait", "--timeout=4m", timeout=300,
        )  # fmt: skip
        said = json.loads(release.kubectl("exec", name(0), "--", "papo", "members", "--json"))
        members = sorted(one["name"] for one in said["servidores"] if one["counts"])
        sentence = f"helm upgrade --set servidor.replicas={count} --wait: {count} count when it is done ({took:.1f} s)"
        check.that(sentence, members == [name(number) for number in range(count)], members)
    still_talking = bots.phase() == "Running"
    summary = bots.summary()
    check.that("growth: it was done while the bots talked", still_talking)
    kept(check, "growth", summary)
    left = {pod["metadata"]["name"]: pod["metadata"]["uid"] for pod in release.pods("servidor")}
    check.that("growth: no servidor was restarted for it", left == uids, (left, uids))
    # Otherwise another install would ask whose they are.
    release.kubectl("delete", "pvc", *(f"data-{name(number)}" for number in range(few, many)))


IN_CLUSTER = """\
defaults: {duration: 5s, pause: 5s, coordinator: 5s}
drills: [control-none, follower-kill]
"""
"""A short suite for the chart's own Job. Its budgets are those of suite.yaml."""


def drill_job(check, scene):
    """The chart's Job holds drills from inside of the cluster, with the account and the network policies that the chart gives it."""
    release = scene.release
    until("all is well", lambda: release.status()["healthy"])
    try:
        hold_in_cluster(check, release)
    finally:
        # Also after a failure: what comes next must not find a Job that drills.
        upgrade_to(release, "--set=drill.enabled=false")
        release.kubectl("delete", "configmap", "e2e-suite", "--ignore-not-found")


def hold_in_cluster(check, release):
    release.kubectl("create", "configmap", "e2e-suite", f"--from-literal=suite.yaml={IN_CLUSTER}")
    volume = [{"name": "suite", "configMap": {"name": "e2e-suite"}}]
    mount = [{"name": "suite", "mountPath": "/suite", "readOnly": True}]
    upgrade_to(
        release,
        "--set=drill.enabled=true",
        "--set=drill.args={suite,/suite/suite.yaml,--yes}",
        f"--set-json=drill.extraVolumes={json.dumps(volume)}",
        f"--set-json=drill.extraVolumeMounts={json.dumps(mount)}",
        f"--set=networkPolicy.apiServerPorts={{443,{api_server_port(release)}}}",
    )
    job = release.objects("jobs", "drill")[0]["metadata"]["name"]
    until("the drill's Job is done", lambda: job_ends(release, job), lambda: release.kubectl("logs", f"job/{job}", check=False), 600)
    logs = release.kubectl("logs", f"job/{job}")
    check.that("the chart's drill Job ends with exit code 0", job_ends(release, job) == "Complete", logs)
    for told in ("follower-kill: PASS", "2 of 2 drills came out as they should."):
        check.that(f"and its log holds the report: {told}", told in logs, logs)


def upgrade_to(release, *flags):
    release.helm("upgrade", release.name, CHART, "--reuse-values", *flags, "--wait", "--timeout=4m", timeout=300)


def job_ends(release, name):
    """How a Job has ended: Complete or Failed; None while it runs."""
    conditions = json.loads(release.kubectl("get", "job", name, "--output=json"))["status"].get("conditions", [])
    ends = [one["type"] for one in conditions if one["type"] in ("Complete", "Failed") and one["status"] == "True"]
    return ends[0] if ends else None


def api_server_port(release):
    """Where the API server itself listens: what network policies see, behind the Service."""
    selector = "--selector=kubernetes.io/service-name=kubernetes"
    output = "--output=jsonpath={.items[0].ports[0].port}"
    return release.run("kubectl", "--namespace=default", "get", "endpointslices", selector, output)


def drills(check, scene):
    release = scene.release
    until("all is well", lambda: release.status()["healthy"])
    before = identities(release)
    shown = subprocess.run(
        [drill_program(), "suite", "e2e/kubernetes/suite.yaml", f"--namespace={release.namespace}"],
        env=release.environment, timeout=600, capture_output=True, text=True,
    )  # fmt: skip
    check.that("drill suite shows every plan, tried as a dry run", shown.returncode == 0, shown.stdout + shown.stderr)
    refused = [line for line in shown.stdout.splitlines() if "the server would refuse" in line]
    check.that("and the server would do all of it", not refused, refused)
    after = identities(release)
    check.that("and nothing was replaced or deleted: every pod and every claim is the same", before == after, (before, after))
    with Reports("suite") as reports:
        code = drill(release, reports, "suite", "e2e/kubernetes/suite.yaml", timeout=3000)
        check.that("every drill of the suite ends as it must", code == 0, f"exit code {code}")
        kinds = {path.suffix for path in Path(reports).rglob("*") if path.is_file()}
        check.that("and is reported for people and for machines", {".txt", ".json", ".xml", ".html"} <= kinds, kinds)
    for name, (off, on) in NODE_COMMANDS.items():
        commands = [os.environ.get(off), os.environ.get(on)]
        if not all(commands):
            print(f"skip  {name}: {off} and {on} name no commands")
            continue
        # The last drill restarts brokers and proxies when it is undone, and a single drill does not wait for that to be over.
        until("all is well", lambda: is_well(release))
        with Reports(name) as reports:
            flags = [f"--node-off={commands[0]}", f"--node-on={commands[1]}", "--patience=10m", *LENIENT]
            code = drill(release, reports, "run", name, *flags)
            check.that(f"drill run {name} ends as it must", code == 0, f"exit code {code}")


def identities(release):
    """What tells every pod and every claim from a successor of the same name. Not those that are being deleted, nor those that have
    ended, such as pods of Jobs: they may go at any time."""
    objects = json.loads(release.kubectl("get", "pods,persistentvolumeclaims", "--output=json"))["items"]
    stay = [one for one in objects if one["status"]["phase"] not in ("Succeeded", "Failed")]
    stay = [one for one in stay if "deletionTimestamp" not in one["metadata"]]
    return {(one["kind"], one["metadata"]["name"]): one["metadata"]["uid"] for one in stay}


def full_disk(check, scene):
    """Its own release, with disks so small that they can be filled."""
    small = scene.small = Release()
    small.create_namespace()
    chosen = values(
        scene,
        **{
            "servidor.persistence.enabled": "false",
            "servidor.persistence.medium": "Memory",
            "servidor.persistence.sizeLimit": "64Mi",
            "cliente.replicas": "0",
        },
    )
    small.helm("install", small.name, CHART, *chosen, "--wait", "--timeout=5m", timeout=400)
    until("somebody coordinates", lambda: small.status()["healthy"])
    with Reports("disk-full") as reports:
        code = drill(small, reports, "run", "disk-full", *LENIENT)
        check.that("drill run disk-full ends as it must", code == 0, f"exit code {code}")
    small.helm("uninstall", small.name, "--wait")


LENIENT = ["--pause=5s", "--coordinator=5s"]
"""As in suite.yaml."""

NODE_COMMANDS = {"node-power": ("E2E_NODE_OFF", "E2E_NODE_ON"), "node-cable": ("E2E_NODE_CUT", "E2E_NODE_JOIN")}
"""Which variables name the commands that take a node away and bring it back."""


def drill(release, reports, *arguments, timeout=1200):
    """Holds drills; returns the exit code."""
    command = [drill_program(), *arguments, "--yes", f"--namespace={release.namespace}", f"--report={reports}"]
    return subprocess.run(command, env=release.environment, timeout=timeout).returncode


class Reports:
    """A directory for reports, which stays where E2E_REPORTS says so."""

    def __init__(self, name):
        kept = os.environ.get("E2E_REPORTS")
        self.temporary = None if kept else tempfile.TemporaryDirectory()
        folder = Path(kept or self.temporary.name)
        names = (name if number == 1 else f"{name}-{number}" for number in itertools.count(1))
        # The drill writes over no earlier report.
        self.path = next(folder / name for name in names if not (folder / name).exists())

    def __enter__(self):
        self.path.mkdir(parents=True)
        return self.path

    def __exit__(self, *_):
        if self.temporary:
            self.temporary.cleanup()


def is_well(release):
    """Whether every pod is ready, too, and no rollout on its way."""
    command = [drill_program(), "status", f"--namespace={release.namespace}"]
    return subprocess.run(command, env=release.environment, capture_output=True).returncode == 0


def drill_program():
    if named := os.environ.get("E2E_DRILL"):
        return named
    subprocess.run(["cargo", "build", "--quiet", "--package", "drill"], check=True)
    return str(Path(os.environ.get("CARGO_TARGET_DIR", "target")) / "debug" / "drill")


def nothing_is_lost(check, scene):
    """What was said is there when the release is installed again: claims are kept unless one says otherwise."""
    release = scene.release
    before = export(release)
    release.helm("uninstall", release.name, "--wait")
    until("no pod is left", lambda: not release.pods())
    release.helm("install", release.name, CHART, *values(scene), "--wait", "--timeout=5m", timeout=400)
    until("somebody coordinates", lambda: release.status()["healthy"])
    after = export(release)
    check.that("every servidor exports the same bytes", len(before) == 1, before)
    check.that("helm uninstall and install: all that was said is there", before == after, (before, after))


def export(release):
    """A digest of all that was said, as every servidor tells it."""
    digests = set()
    for number in range(COMPONENTS["servidor"]):
        script = "d=$(mktemp -d) && papo export $d/all --from=127.0.0.1:5570 >&2 && cat $d/all/* | sha256sum"
        # In its own pod: not everybody may ask a servidor directly.
        digests.add(release.kubectl("exec", f"papo-servidor-{number}", "--", "sh", "-c", script).split()[0])
    return digests


def nothing_stays(check, scene):
    release = scene.release
    release.helm("uninstall", release.name, "--ignore-not-found", "--wait", check=False)
    left = [item["kind"] for item in json.loads(release.kubectl("get", "all", "--output=json"))["items"] if item["kind"] != "Pod"]
    check.that("helm uninstall leaves nothing that runs", not left, left)
    for each in filter(None, (release, scene.small, scene.applied)):
        each.delete_namespace()


def main():
    # Also when it is told to stop, what it made must go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    os.chdir(ROOT)
    check, scene = Checks(), Scene()
    began = time.monotonic()
    try:
        check.part("image", image, scene)
        check.part("install", install, scene)
        check.part("helm test", helm_test, scene)
        check.part("people", people, scene)
        check.part("manifests", kustomize, scene)
        check.part("rolling restart", under_load("restart", "rolling restart", rolling_restart), scene)
        check.part("upgrade", under_load("upgrade", "helm upgrade", upgrade), scene)
        check.part("upgraded", upgraded, scene)
        check.part("rollback", roll_back, scene)
        check.part("growth", growth, scene)
        check.part("drill Job", drill_job, scene)
        check.part("drills", drills, scene)
        check.part("full disk", full_disk, scene)
        check.part("uninstall and install", nothing_is_lost, scene)
    finally:
        if check.failed:
            show_state(scene)
        scene.close()
        check.part("down", nothing_stays, scene)
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    print(f"e2e on Kubernetes: {check.passed} passed, {check.failed} failed, in {minutes} min {seconds} s")
    sys.exit(1 if check.failed else 0)


def show_state(scene):
    release = scene.release
    for arguments in (
        ["get", "pods,events", "--output=wide", "--sort-by=.metadata.creationTimestamp"],
        ["logs", "--selector=app.kubernetes.io/name=papo", "--tail=100", "--prefix", "--timestamps"],
    ):
        print(release.kubectl(*arguments, check=False).stdout)


if __name__ == "__main__":
    main()
