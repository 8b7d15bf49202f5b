"""The cluster under test: kubectl and helm as people type them, in a namespace of its own."""

import json
import os
import secrets
import shlex
import subprocess
import time

from stack import CommandFailed

PATIENCE_S = 180
"""How long a command may take. Generous: it only ends tests that fail."""

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


class Release:
    """A release of the chart in a namespace that refuses whatever Pod Security calls unsafe."""

    def __init__(self, name="papo", namespace=None):
        self.name = name
        self.namespace = namespace or f"papo-e2e-{secrets.token_hex(3)}"
        self.environment = dict(os.environ)

    def run(self, *command, timeout=PATIENCE_S, stdin=None, check=True):
        """Runs a command to its end, and returns what it printed on standard output."""
        ended = subprocess.run(command, env=self.environment, timeout=timeout, input=stdin, capture_output=True, text=True)
        if check and ended.returncode != 0:
            raise CommandFailed(f"{shlex.join(command)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
        return ended.stdout if check else ended

    def kubectl(self, *arguments, **options):
        return self.run("kubectl", "--namespace", self.namespace, *arguments, **options)

    def helm(self, *arguments, **options):
        return self.run("helm", "--namespace", self.namespace, *arguments, **options)

    def create_namespace(self):
        labels = [f"{key}={value}" for key, value in RESTRICTED.items()]
        self.kubectl("create", "namespace", self.namespace)
        self.kubectl("label", "namespace", self.namespace, *labels)

    def delete_namespace(self):
        self.kubectl("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=true")

    def timed(self, *command, **options):
        """The seconds that a command took."""
        began = time.monotonic()
        self.run(*command, **options)
        return time.monotonic() - began

    def objects(self, kind, component=None):
        """The release's objects of a kind, as the API shows them."""
        selector = f"app.kubernetes.io/instance={self.name}"
        if component:
            selector += f",app.kubernetes.io/component={component}"
        return json.loads(self.kubectl("get", kind, "--selector", selector, "--output=json"))["items"]

    def pods(self, component=None):
        return self.objects("pods", component)

    def first_pod(self, component):
        return self.pods(component)[0]["metadata"]["name"]

    def status(self):
        """What `papo status` says, asked in the pod of a servidor that runs."""
        for pod in self.pods("servidor"):
            asked = self.kubectl("exec", pod["metadata"]["name"], "--", "papo", "status", "--json", check=False)
            if asked.stdout.startswith("{"):
                return json.loads(asked.stdout)
        return {"healthy": False, "servidores": []}


def restarts(pod):
    return sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))


def load_image(image):
    """Brings an image from the Docker engine to every node, by the command that was named for that."""
    command = [*shlex.split(os.environ["E2E_LOAD"]), image]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if ended.returncode != 0:
        raise CommandFailed(f"{shlex.join(command)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
