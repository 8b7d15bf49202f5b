"""The containers under test: one Compose project with a name of its own, so that it meets no other."""

import json
import os
import secrets
import subprocess
import time

PATIENCE_S = 120
"""How long anything may take that a busy machine has to get done. Generous: it only ends tests that fail."""


class CommandFailed(Exception):
    """A command of Docker said no."""


class TooLate(Exception):
    """What was waited for did not come to pass."""


class Stack:
    """Runs `docker compose` as a person does, on the files of this repository and a few ports more."""

    FILES = ("docker-compose.yml", "e2e/ports.yml")

    def __init__(self):
        self.project = f"papo-e2e-{secrets.token_hex(3)}"
        self.image = "papo-e2e"
        self.environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.project,
            "COMPOSE_FILE": os.pathsep.join(self.FILES),
            "COMPOSE_ANSI": "never",
            "COMPOSE_PROGRESS": "plain",
            "PAPO_IMAGE": self.image,
        }

    def compose(self, *arguments, files=None, env=None, timeout=PATIENCE_S):
        """Runs a command to its end, and returns what it printed on standard output."""
        return self.run(["docker", "compose", *arguments], env=self.env(files, env), timeout=timeout)

    def docker(self, *arguments):
        return self.run(["docker", *arguments], env=self.environment, timeout=PATIENCE_S)

    def env(self, files=None, more=None):
        """The environment for `docker compose`, with other files than usual or further variables."""
        changed = {"COMPOSE_FILE": os.pathsep.join(files)} if files else {}
        return {**self.environment, **changed, **(more or {})}

    def run(self, command, env, timeout):
        ended = subprocess.run(command, env=env, timeout=timeout, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if ended.returncode != 0:
            raise CommandFailed(f"{' '.join(command)}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
        return ended.stdout

    def containers(self, service=None):
        """The containers of a service (or of all) that exist, running or not, in the order of their numbers.
        Those of `docker compose run` are none of a service's."""
        labels = [f"--filter=label=com.docker.compose.{label}" for label in (f"project={self.project}", "oneoff=False")]
        if service:
            labels.append(f"--filter=label=com.docker.compose.service={service}")
        ids = self.docker("ps", "--all", "--quiet", "--no-trunc", *labels).split()
        if not ids:
            return []
        found = [Container(details) for details in json.loads(self.docker("inspect", *ids))]
        return sorted(found, key=lambda container: (container.service, container.number))

    def wait_until_healthy(self):
        """Waits until every container of every service says that it is ready."""

        def unhealthy():
            return [f"{c.name}: {c.state}, {c.health}" for c in self.containers() if not c.is_healthy]

        until("every container is healthy", lambda: not unhealthy(), unhealthy)

    def kill(self, container):
        """SIGKILL. Docker does not bring back what it was told to kill; `bring_back` does."""
        self.docker("kill", container.id)


class Container:
    """A container as it was when it was looked at."""

    def __init__(self, details):
        self.details = details
        self.id = details["Id"]
        self.name = details["Name"].lstrip("/")
        labels = details["Config"]["Labels"]
        self.service = labels["com.docker.compose.service"]
        self.number = int(labels["com.docker.compose.container-number"])
        self.state = details["State"]["Status"]
        self.exit_code = details["State"]["ExitCode"]
        self.health = (details["State"].get("Health") or {}).get("Status", "no health check")
        self.restarts = details["RestartCount"]

    @property
    def is_healthy(self):
        return self.state == "running" and self.health in ("healthy", "no health check")

    def host_port(self, port):
        """The port of this host that leads to a port of the container."""
        published = self.details["NetworkSettings"]["Ports"].get(f"{port}/tcp")
        if not published:
            raise CommandFailed(f"{self.name} ({self.state}) publishes no port for {port}")
        return int(published[0]["HostPort"])


def until(what, holds, why_not=lambda: "", patience_s=PATIENCE_S):
    """Asks again and again until the answer is neither None nor False, and returns it."""
    deadline = time.monotonic() + patience_s
    while True:
        answer = holds()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise TooLate(f"not within {patience_s} s: {what} {why_not()}")
        time.sleep(0.2)
