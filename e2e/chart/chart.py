"""Renders the chart, and finds things in what comes out."""

import functools
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "papo"
EXAMPLES = sorted((CHART / "examples").glob("*.yaml"))
COMPONENTS = ["broker", "proxy", "referencia", "servidor", "cliente", "cliente-automatico", "drill", "test", "members"]
WORKLOADS = ("Deployment", "StatefulSet", "Job", "CronJob", "Pod")

EVERYTHING = [
    "drillHooks.enabled=true", "drill.enabled=true", "drill.nodes.enabled=true", "tests.stranger.enabled=true",
    "metrics.podMonitor.enabled=true", "metrics.prometheusRule.enabled=true", "metrics.dashboard.enabled=true",
    "cliente.persistence.enabled=true", "clienteAutomatico.replicas=1",
    "networkPolicy.metrics[0].namespaceSelector.matchLabels.name=monitoring",
]
"""Every switch that adds something."""


class Refused(Exception):
    """The chart said no; the text is what it said."""


def key(component):
    """What a component is called in the values."""
    return {"cliente-automatico": "clienteAutomatico", "test": "tests"}.get(component, component)


def run(*command, stdin=None):
    return subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True, timeout=120)


def render(*settings, **where):
    """Every object that the chart makes; as `manifests`."""
    return Objects(parse(manifests(*settings, **where)))


def manifests(*settings, values=None, release="papo", namespace="papo", more=()):
    """What the chart makes with these settings, as YAML; each is as `--set` takes it (`=` once), or a dict for `--set-json`."""
    arguments = ["helm", "template", release, CHART, "--namespace", namespace, "--kube-version", "1.34", *more]
    for setting in settings:
        arguments += ["--set", setting] if isinstance(setting, str) else json_setting(setting)
    if values:
        arguments += ["--values", values]
    ended = run(*arguments)
    if ended.returncode != 0:
        raise Refused(ended.stderr)
    return ended.stdout


def json_setting(setting):
    return [word for path, value in setting.items() for word in ("--set-json", f"{path}={json.dumps(value)}")]


def parse(yaml):
    """YAML documents as Python objects. Python cannot read YAML by itself, but helm can: a chart of one template does it."""
    with tempfile.TemporaryDirectory() as directory:
        chart = pathlib.Path(directory)
        (chart / "Chart.yaml").write_text("apiVersion: v2\nname: reader\nversion: 0.0.0\n")
        (chart / "templates").mkdir()
        for number, document in enumerate(re.split(r"^---.*$", yaml, flags=re.MULTILINE)):
            (chart / f"{number:04}.yaml").write_text(document)
        (chart / "templates" / "read.yaml").write_text(
            'items:\n{{ range $path, $_ := .Files.Glob "*.yaml" }}{{ with $.Files.Get $path | fromYaml }}- {{ toJson . }}\n{{ end }}{{ end }}'
        )
        ended = run("helm", "template", "reader", chart)
        assert ended.returncode == 0, ended.stderr
    return [json.loads(line.removeprefix("- ")) for line in ended.stdout.splitlines() if line.startswith("- {")]


@functools.cache
def rendered(*settings, values=None):
    """The same, remembered: for tests that only look."""
    return render(*settings, values=values)


class Objects(list):
    """Objects of Kubernetes."""

    def of(self, kind, component=None):
        found = [o for o in self if o["kind"] == kind]
        return [o for o in found if component in (None, labels(o).get("app.kubernetes.io/component"))]

    def one(self, kind, name):
        found = [o for o in self if o["kind"] == kind and o["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind} {name}"
        return found[0]

    def pods(self):
        """The pod template of every workload (a pod itself is its own), by kind and name."""
        return {f"{o['kind']}/{o['metadata']['name']}": template(o) for o in self if o["kind"] in WORKLOADS}

    def pod(self, component):
        found = [template(o) for o in self if o["kind"] in WORKLOADS and labels(o).get("app.kubernetes.io/component") == component]
        assert len(found) == 1, f"{len(found)} workloads of {component}"
        return found[0]


def labels(thing):
    return thing["metadata"].get("labels") or {}


def template(workload):
    if workload["kind"] == "Pod":
        return workload
    if workload["kind"] == "CronJob":
        return workload["spec"]["jobTemplate"]["spec"]["template"]
    return workload["spec"]["template"]


def container(pod):
    (one,) = pod["spec"]["containers"]
    return one


def environment(pod):
    return {entry["name"]: entry.get("value") for entry in container(pod).get("env", [])}


def mebibytes(quantity):
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", quantity).groups()
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def installed(program):
    return shutil.which(program) is not None


def needs(test, program):
    """Skips the test where a program is missing, unless it must not be (E2E_TOOLS is `required`)."""
    if not installed(program):
        if os.environ.get("E2E_TOOLS") == "required":
            test.fail(f"{program} is not installed")
        test.skipTest(f"{program} is not installed")
