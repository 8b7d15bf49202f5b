"""Bots at work in the cluster while something is done to it. What they say at the end is whether a promise was broken."""

import json

from stack import until

from kubernetes.cluster import PATIENCE_S


class Bots:
    """One pod with many users, which may talk to brokers and proxies as any of the chart's own bots may."""

    def __init__(self, release, image, name, rate, users, seconds):
        self.release = release
        self.name = name
        self.seconds = seconds
        labels = {
            "app.kubernetes.io/name": "papo",
            "app.kubernetes.io/instance": release.name,
            "app.kubernetes.io/component": "cliente-automatico",
            "e2e": name,
        }
        command = [
            "cliente_automatico",
            f"--rate={rate}",
            f"--users={users}",
            f"--duration={seconds}s",
            "--broker=papo-broker:5557",
            "--proxy=papo-proxy:5556",
            "--json",
            "--log-format=json",
        ]
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "labels": labels},
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                "containers": [
                    {
                        "name": "bots",
                        "image": image,
                        "imagePullPolicy": "IfNotPresent",
                        "command": command,
                        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                    }
                ],
            },
        }
        release.kubectl("create", "-f", "-", stdin=json.dumps(pod))
        until("the bots talk", lambda: self.phase() == "Running", self.phase, PATIENCE_S)

    def phase(self):
        return self.release.kubectl("get", "pod", self.name, "--output=jsonpath={.status.phase}")

    def summary(self):
        """Waits for their end, and returns what they found."""
        until("the bots are done", lambda: self.phase() in ("Succeeded", "Failed"), self.phase, self.seconds + PATIENCE_S)
        printed = self.release.kubectl("logs", self.name)
        self.release.kubectl("delete", "pod", self.name)
        # Lines of the log are JSON as well, each on one line, and come in between.
        lines = [line for line in printed.splitlines() if not line.startswith('{"timestamp"')]
        return json.loads("\n".join(lines))
