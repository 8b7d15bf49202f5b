"""The chat in containers, end to end: the commands of the README, plain clients at work meanwhile, and containers that die.

One line a check; exit code 1 if any failed. Whatever happens, nothing of it stays: no container, no volume, no network.
"""

import json
import secrets
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "interop" / "python"))

import zmq  # noqa: E402

from checks import Checks  # noqa: E402
from load import Load  # noqa: E402
from plain import Asker, NoAnswer  # noqa: E402
from servidores import Servidores  # noqa: E402
from stack import Stack, until  # noqa: E402
from terminal import Terminal  # noqa: E402

SERVICES = {"referencia": 1, "proxy": 1, "broker": 1, "servidor": 3, "cliente": 1, "cliente_automatico": 1}
PROGRAMS = ["broker", "cliente", "cliente_automatico", "drill", "papo", "proxy", "referencia", "servidor"]
BUILD_TOOLS = ["cargo", "rustc", "cc", "gcc", "make", "ld", "pkg-config"]
IMAGE_LIMIT_MB = 130
BUILD_PATIENCE_S = 3600

class Scene:
    """What the parts of the story share."""

    def __init__(self):
        self.stack = Stack()
        self.zmq = zmq.Context()
        self.servidores = Servidores(self.stack, self.zmq, SERVICES["servidor"])
        self.loads = []
        self.terminals = []

    def terminal(self, *command):
        terminal = Terminal(command, self.stack.env())
        self.terminals.append(terminal)
        return terminal

    def close(self):
        """Ends what a part that broke off has left running."""
        for terminal in self.terminals:
            terminal.close()

    def start_load(self):
        broker, proxy = self.stack.containers("broker")[0], self.stack.containers("proxy")[0]
        load = Load(self.zmq, broker.host_port(5557), proxy.host_port(5556), secrets.token_hex(3))
        self.loads.append(load)
        return load.start()


def the_image(check, scene):
    run = ["run", "--rm", "--network=none", "--entrypoint=sh", scene.stack.image, "-c"]
    image = json.loads(scene.stack.docker("image", "inspect", scene.stack.image))[0]
    size = image["Size"] / 1e6
    check.that(f"it is smaller than {IMAGE_LIMIT_MB} MB ({size:.1f} MB)", size < IMAGE_LIMIT_MB, size)
    user = image["Config"]["User"].split(":")[0]
    check.that("its user is a number that is not root's", user.isdigit() and user != "0", user)
    versions = scene.stack.docker(*run, " && ".join(f"{program} --version" for program in PROGRAMS)).splitlines()
    check.that("every program in it tells its version", len(versions) == len(PROGRAMS), versions)
    tools = scene.stack.docker(*run, f"for tool in {' '.join(BUILD_TOOLS)}; do command -v $tool; done; true").split()
    check.that("no build tool is in it", not tools, tools)


def everything_comes_up(check, scene):
    scene.stack.compose("up", "--build", "-d", timeout=BUILD_PATIENCE_S)
    scene.stack.wait_until_healthy()
    count = {}
    for container in scene.stack.containers():
        count[container.service] = count.get(container.service, 0) + 1
    check.that("docker compose up --build -d: every service is there and healthy", count == SERVICES, count)
    scene.servidores.wait_until_whole()
    names = sorted(scene.servidores.statuses())
    check.that("the three servidores have stable names", names == ["servidor-1", "servidor-2", "servidor-3"], names)
    config = json.loads(scene.stack.compose("config", "--format=json", files=["docker-compose.yml"]))
    published = [name for name, service in config["services"].items() if service.get("ports")]
    check.that("no port is published on the host unless asked for", not published, published)
    status = scene.stack.compose("exec", "-T", "broker", "papo", "status")
    check.that("papo status finds all of them", all(name in status for name in names), status)


def nobody_is_root(check, scene):
    for container in scene.stack.containers():
        host = container.details["HostConfig"]
        locked = host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and "no-new-privileges:true" in host["SecurityOpt"]
        limited = host["Memory"] > 0 and host["NanoCpus"] > 0 and host["RestartPolicy"]["Name"] == "unless-stopped"
        kept = f"{locked=} {limited=}"
        sentence = f"{container.name} has a read-only system, no capabilities, limits, and is restarted"
        check.that(sentence, locked and limited, kept)
        script = "id -u; touch /usr/local/bin/x 2>/dev/null && echo written; true"
        said = scene.stack.docker("exec", container.id, "sh", "-c", script).split()
        check.that(f"{container.name} is not root and cannot write where programs are", len(said) == 1 and said[0] != "0", said)


def logs_are_followed(check, scene):
    command = ["docker", "compose", "logs", "-f", "servidor", "referencia"]
    following = subprocess.Popen(command, env=scene.stack.env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seen = set()
    for line in following.stdout:
        seen.add(line.split("|")[0].strip().rsplit("-", 1)[0])
        if {"servidor", "referencia"} <= seen:
            break
    following.terminate()
    following.wait()
    following.stdout.close()
    check.that("docker compose logs -f servidor referencia: shows both", {"servidor", "referencia"} <= seen, seen)


def people_talk(check, scene):
    ana = scene.terminal("docker", "compose", "run", "--rm", "cliente")
    ana.expect("login> ")
    ana.type("login ana")
    ana.expect("você entrou como ana")
    ana.type("canal cozinha")
    ana.expect("cozinha foi criado")
    bia = scene.terminal("docker", "compose", "attach", "cliente")
    # Its prompt was drawn before anybody looked.
    bia.type("login bia")
    bia.expect("você entrou como bia")
    bia.type("entrar cozinha")
    bia.expect("você está em #cozinha")
    ana.type("tem café?")
    ana.expect("✓")
    bia.expect("ana: tem café?")
    check.that("docker compose run cliente: what is said there is stored, and shown in docker compose attach cliente", True)
    bia.type("msg ana tem, e bolo")
    ana.expect("bia → você: tem, e bolo")
    check.that("and the other way, in private", True)
    first = scene.stack.containers("cliente")[0]
    for person in (ana, bia):
        person.type("sair")
    codes = [ana.end(), bia.end()]
    check.that("sair leads back to the shell", codes == [0, 0], codes)
    until("the client to attach to is there again", lambda: scene.stack.containers("cliente")[0].restarts > first.restarts)
    again = scene.terminal("docker", "compose", "run", "--rm", "cliente")
    again.expect("login> ")
    again.type("login ana")
    again.expect("você entrou como ana")
    again.press(b"\x03")
    check.that("a name can be used again from another container, and Ctrl-C leads back too", again.end() == 0)


def clients_on_the_host(check, scene):
    free = {f"PAPO_HOST_{name}": str(free_port()) for name in ("BROKER", "PROXY", "REFERENCIA")}
    files = ["docker-compose.yml", "docker-compose.host.yml", "e2e/ports.yml"]
    scene.stack.compose("up", "-d", files=files, env=free)
    scene.stack.wait_until_healthy()
    servidor = scene.servidores.follower()[1].host_port(5570)
    ports = [free["PAPO_HOST_BROKER"], free["PAPO_HOST_PROXY"], free["PAPO_HOST_REFERENCIA"], str(servidor)]
    command = [sys.executable, "interop/python/session.py", "127.0.0.1", *ports]
    coordinator = scene.servidores.coordinator()[1]
    # The coordinator must change while the plain client listens.
    election = {"INTEROP_ELECTION": f"docker kill {coordinator.id}"}
    session = subprocess.run(command, env=scene.stack.env(more=election), capture_output=True, text=True, timeout=300)
    failures = [line for line in session.stdout.splitlines() if not line.startswith("ok ")]
    check.that("a plain Python client on the host has a whole session", session.returncode == 0, [*failures, session.stderr])


def more_of_them(check, scene):
    before = {container.id for container in scene.stack.containers("servidor")}
    scene.stack.compose("up", "-d", "--scale", "cliente_automatico=5", "--scale", "broker=2")
    scene.stack.wait_until_healthy()
    bots, brokers = scene.stack.containers("cliente_automatico"), scene.stack.containers("broker")
    check.that("--scale cliente_automatico=5 --scale broker=2: so many run", (len(bots), len(brokers)) == (5, 2))
    after = {container.id for container in scene.stack.containers("servidor")}
    check.that("the servidores are left alone", before == after, (before, after))
    for broker in brokers:
        ask = lambda: ask_users(scene, broker)  # noqa: E731
        check.that(f"{broker.name} serves", until("it answers", ask) is not None)


def containers_die_under_load(check, scene):
    load = scene.start_load()
    load.wait_for_more()

    name, container = scene.servidores.follower()
    scene.stack.kill(container)
    load.wait_for_more()
    check.that(f"docker kill of a follower ({name}): requests go on", True)
    bring_back(check, scene, name, load)

    name, container = scene.servidores.coordinator()
    scene.stack.kill(container)
    load.wait_for_more()
    successor, _ = scene.servidores.coordinator()
    check.that(f"docker kill of the coordinator ({name}): {successor} coordinates, requests go on", successor != name)
    bring_back(check, scene, name, load)

    name, container = scene.servidores.follower()
    scene.stack.docker("rm", "--force", container.id)
    load.wait_for_more()
    bring_back(check, scene, name, load)
    check.that(f"a new container takes the slot of one that was removed ({name})", True)

    name, container = scene.servidores.coordinator()
    scene.stack.docker("stop", container.id)
    load.wait_for_more()
    stopped = [c.exit_code for c in scene.stack.containers("servidor") if c.id == container.id]
    check.that(f"docker stop of the coordinator ({name}): it ends in good order, requests go on", stopped == [0], stopped)
    bring_back(check, scene, name, load)

    load.finish()
    print(f"      {load.summary()}")
    check.that("every request of the plain clients was answered", not load.unanswered and not load.broken, load.summary())
    check.that("and none with an error", not load.refused, load.refused)
    indices = [heard["index"] for heard in load.heard]
    check.that("a plain subscriber heard each message at most once, in order", indices == sorted(set(indices)), indices)
    missed = load.acknowledged - {heard["message"] for heard in load.heard}
    check.that("and all that was acknowledged", not missed, sorted(missed))


def bring_back(check, scene, name, load):
    scene.stack.compose("up", "-d", "--scale", "cliente_automatico=5", "--scale", "broker=2")
    scene.servidores.wait_until_whole()
    scene.stack.wait_until_healthy()
    load.wait_for_more()
    names = sorted(scene.servidores.statuses())
    check.that(f"{name} is back, with its name and data", name in names and len(names) == 3, names)


def nothing_is_lost(check, scene):
    scene.stack.compose("stop", "cliente_automatico")
    codes = {bot.name: bot.exit_code for bot in scene.stack.containers("cliente_automatico")}
    check.that("the bots saw every promise kept", set(codes.values()) == {0}, codes)
    # The client ends when people leave. What was killed here, Docker does not restart by itself.
    restarted = [c.name for c in scene.stack.containers() if c.restarts and c.service != "cliente"]
    check.that("nothing has ended by itself", not restarted, restarted)
    histories_hold(check, scene)


def everything_is_there_after_a_restart(check, scene):
    scene.stack.compose("down")
    check.that("docker compose down leaves no container", not scene.stack.containers())
    scene.stack.compose("up", "-d")
    scene.servidores.wait_until_whole()
    scene.stack.compose("stop", "cliente_automatico")
    histories_hold(check, scene)


def histories_hold(check, scene):
    statuses = scene.servidores.wait_until_level()
    digests = {status["digest"] for status in statuses}
    check.that("all servidores are in the same state", len(digests) == 1, digests)
    histories = {name: scene.servidores.history(container) for name, (_, container) in scene.servidores.statuses().items()}
    first = next(iter(histories.values()))
    check.that("all servidores hold the same history", all(history == first for history in histories.values()), histories)
    said = [record["message"] for record in first if record["kind"] == "publish"]
    for load in scene.loads:
        ours = [text for text in said if text.endswith(tuple("0123456789")) and f"-{load.run} diz " in text]
        lost = load.acknowledged - set(ours)
        total = len(load.acknowledged)
        check.that(f"nothing acknowledged is lost (of {total})", total > 0 and not lost, sorted(lost))
        twice = sorted({text for text in ours if ours.count(text) > 1}) if len(ours) != len(set(ours)) else []
        check.that("nothing is there twice", not twice, twice)


def nothing_stays(check, scene):
    scene.stack.compose("down", "-v", "--remove-orphans")
    label = f"--filter=label=com.docker.compose.project={scene.stack.project}"
    left = [scene.stack.docker(kind, "ls", "--quiet", label).split() for kind in ("container", "volume", "network")]
    check.that("docker compose down -v: no container, volume or network stays", left == [[], [], []], left)


def ask_users(scene, broker):
    """The users that a broker tells of; None when it says something else, or nothing."""
    asker = Asker(scene.zmq, "127.0.0.1", broker.host_port(5557))
    try:
        return asker.ask("users")["data"].get("users")
    except NoAnswer:
        return None
    finally:
        asker.socket.close()


def free_port():
    """One that nobody listens on; until Docker takes it, somebody else could, which is why the others are Docker's choice."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    # Also when it is told to stop, what it started must go.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to stop"))
    check, scene = Checks(), Scene()
    try:
        check.part("up", everything_comes_up, scene)
        check.part("image", the_image, scene)
        check.part("rights", nobody_is_root, scene)
        check.part("logs", logs_are_followed, scene)
        check.part("people", people_talk, scene)
        check.part("clients on the host", clients_on_the_host, scene)
        check.part("scale", more_of_them, scene)
        check.part("deaths", containers_die_under_load, scene)
        check.part("histories", nothing_is_lost, scene)
        check.part("restart", everything_is_there_after_a_restart, scene)
    finally:
        if check.failed:
            show_logs(scene)
        scene.close()
        check.part("down", nothing_stays, scene)
    print(f"e2e: {check.passed} passed, {check.failed} failed")
    sys.exit(1 if check.failed else 0)


def show_logs(scene):
    for arguments in (["ps", "--all"], ["logs", "--no-color", "--timestamps", "--tail=200"]):
        subprocess.run(["docker", "compose", *arguments], env=scene.stack.env(), check=False)


if __name__ == "__main__":
    main()
