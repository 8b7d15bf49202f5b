"""A whole session against a running Papo, written from the wire page alone. One line a check; exit code 1 if any failed.

usage: session.py HOST BROKER_PORT PROXY_PORT REFERENCIA_PORT SERVIDOR_PORT
"""

import os
import secrets
import subprocess
import sys
import time
import traceback

import zmq

from plain import Asker, Listener, NoAnswer, is_time, now_in_utc, now_with_offset, now_without_zone

DELIVERED_WITHIN_MS = 10_000
SILENT_FOR_MS = 500
"""How long to listen for what must not come, after what must come has come."""


class Checks:
    """Counts what holds, and goes on after what does not."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def that(self, sentence, holds, got=None):
        if holds:
            self.passed += 1
            print(f"ok    {sentence}")
        else:
            self.failed += 1
            print(f"FAIL  {sentence}: got {got!r:.400}")

    def reply(self, sentence, reply, service, **expected):
        """The reply names its service, carries time and clock, and has these keys with these values."""
        data = reply.get("data") or {}
        holds = (
            reply.get("service") == service
            and is_time(data.get("timestamp"))
            and is_int(data.get("clock"))
            and all(data.get(key) == value for key, value in expected.items())
        )
        self.that(sentence, holds, reply)
        return data

    def part(self, name, run, *args):
        """Runs a part of the session; one that breaks off is one failed check, and the next part still runs."""
        try:
            run(self, *args)
        except Exception:  # Whatever breaks a part off is a failed check of that part.
            traceback.print_exc()
            self.that(f"{name} runs to its end", False, "the exception above")


class Place:
    """Where the Papo under test is, and the fresh names of this run."""

    def __init__(self, host, broker, proxy, referencia, servidor):
        self.host = host
        self.broker, self.proxy, self.referencia, self.servidor = broker, proxy, referencia, servidor
        self.context = zmq.Context()
        run = secrets.token_hex(4)
        self.ana, self.bia = f"py-ana-{run}", f"py-bia-{run}"
        self.channel = f"py-canal-{run}"
        self.nobody, self.nowhere = f"py-ninguem-{run}", f"py-nenhum-{run}"
        self.peer = f"py-servidor-{run}"
        self.request_id = f"py-{run}"

    def asker(self, port):
        return Asker(self.context, self.host, port)

    def listener(self, *topics):
        return Listener(self.context, self.host, self.proxy, topics)

    def say_something(self, text):
        self.asker(self.broker).ask("publish", user=self.ana, channel=self.channel, message=text)


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def logging_in(check, place):
    broker = place.asker(place.broker)
    check.reply(
        "login of a fresh name, with a time without zone and no clock",
        broker.ask("login", user=place.ana, timestamp=now_without_zone()),
        "login",
        status="sucesso",
    )
    check.reply(
        "login of a taken name is refused in the words old clients expect",
        broker.ask("login", user=place.ana, timestamp=now_in_utc()),
        "login",
        status="erro",
        description="Usuário já existe",
    )
    check.reply(
        "login of another fresh name, with a time with an offset and a clock",
        broker.ask("login", user=place.bia, timestamp=now_with_offset(), clock=7),
        "login",
        status="sucesso",
    )
    data = check.reply("users are listed", broker.ask("users", timestamp=now_in_utc()), "users")
    users = data.get("users")
    check.that("the list of users has both names", {place.ana, place.bia} <= set(users), users)
    check.that("the list of users has only strings", all(isinstance(user, str) for user in users), users)


def creating_a_channel(check, place):
    broker = place.asker(place.broker)
    check.reply(
        "a fresh channel is created, with a time with an offset",
        broker.ask("channel", channel=place.channel, timestamp=now_with_offset()),
        "channel",
        status="sucesso",
    )
    check.reply(
        "a channel that exists is refused in the words old clients expect",
        broker.ask("channel", channel=place.channel, timestamp=now_without_zone()),
        "channel",
        status="erro",
        description="Canal já existe",
    )
    data = check.reply("channels are listed, without a timestamp in the request", broker.ask("channels"), "channels")
    channels = data.get("channels")
    check.that("the list of channels has the new one", place.channel in channels, channels)


def publishing(check, place):
    broker = place.asker(place.broker)
    follower = place.listener(place.channel)
    prefix = place.listener(place.channel[:-1])
    everything = place.listener("")

    def publish(text, **more):
        return broker.ask("publish", user=place.ana, channel=place.channel, message=text, **more)

    wait_until_followed(follower, publish)
    stamps = {"without zone": now_without_zone(), "in UTC": now_in_utc(), "with an offset": now_with_offset()}
    clocks = []
    for shape, stamp in stamps.items():
        check.reply(
            f"publish with a time {shape}",
            publish(f"olá {shape}", timestamp=stamp),
            "publish",
            status="OK",
            message="Mensagem publicada.",
        )
        topic, data = next_that(follower, lambda data: data.get("message") == f"olá {shape}")
        check.that(f"it arrives on the channel's own topic ({shape})", topic == place.channel, topic)
        check.that(
            f"with its user, message, timestamp and clock ({shape})",
            data.get("user") == place.ana and is_time(data.get("timestamp")) and is_int(data.get("clock")),
            data,
        )
        clocks.append(data.get("clock"))
    check.that("clocks of what arrives grow", clocks == sorted(set(clocks)), clocks)
    stray = [heard for heard in drain(prefix) if heard[0] == place.channel]
    check.that("a subscription to the beginning of a channel's name is not sent its messages", not stray, stray)
    stray = list(drain(everything))
    check.that("a subscription to everything is sent nothing", not stray, stray)
    check.reply(
        "publishing to a channel that does not exist is refused in the words old clients expect",
        broker.ask("publish", user=place.ana, channel=place.nowhere, message="?", timestamp=now_in_utc()),
        "publish",
        status="erro",
        message="Canal não existe.",
    )


def talking_in_private(check, place):
    broker = place.asker(place.broker)
    own = place.listener(f"user:{place.bia}")
    all_private = place.listener("user:")

    def whisper(text, **more):
        return broker.ask("message", src=place.ana, dst=place.bia, message=text, **more)

    wait_until_followed(own, whisper)
    check.reply(
        "a private message is sent",
        whisper("só para você", timestamp=now_in_utc()),
        "message",
        status="OK",
        message="Mensagem privada enviada.",
    )
    topic, data = next_that(own, lambda data: data.get("message") == "só para você")
    check.that("it arrives on the topic of the one it is for", topic == f"user:{place.bia}", topic)
    check.that(
        "with its src, message, timestamp and clock",
        data.get("src") == place.ana and is_time(data.get("timestamp")) and is_int(data.get("clock")),
        data,
    )
    stray = list(drain(all_private))
    check.that("a subscription to everybody's private messages is sent nothing", not stray, stray)
    check.reply(
        "a private message to nobody is refused in the words old clients expect",
        broker.ask("message", src=place.ana, dst=place.nobody, message="?", timestamp=now_without_zone()),
        "message",
        status="erro",
        message="Usuário de destino não existe.",
    )


def asking_for_what_there_is_not(check, place):
    broker = place.asker(place.broker)
    check.reply(
        "an unknown service is refused in the words old clients expect",
        broker.ask("dançar", timestamp=now_in_utc()),
        "erro",
        status="erro",
        description="Serviço não encontrado",
    )
    check.reply("and the connection still works", broker.ask("users", timestamp=now_in_utc()), "users")


def optional_keys(check, place):
    broker = place.asker(place.broker)
    other = place.asker(place.broker)
    user = f"{place.ana}-2"
    data = broker.ask("login", user=user, timestamp=now_in_utc())["data"]
    session = data.get("session")
    check.that("a login is given a session", isinstance(session, str) and session, data)
    check.reply(
        "the session logs in again, from another connection",
        other.ask("login", user=user, session=session, seen=data.get("index")),
        "login",
        status="sucesso",
    )
    follower = place.listener(place.channel)

    def publish(text, **more):
        return broker.ask("publish", user=user, channel=place.channel, message=text, **more)

    wait_until_followed(follower, publish)
    first = check.reply("a publish with a request_id", publish("uma vez", request_id=place.request_id), "publish", status="OK")
    check.reply(
        "the same publish again, with the same request_id, from another connection, gets the same answer",
        other.ask("publish", user=user, channel=place.channel, message="uma vez", request_id=place.request_id),
        "publish",
        status="OK",
        message="Mensagem publicada.",
    )
    last = check.reply("and one more after it", publish("a última", seen=first.get("index")), "publish", status="OK")
    heard = []
    while not heard or heard[-1].get("message") != "a última":
        heard.append(next_that(follower, lambda data: data.get("message") in ("uma vez", "a última"))[1])
    texts = [data.get("message") for data in heard]
    check.that("what was sent twice under one request_id arrives once", texts == ["uma vez", "a última"], texts)
    indices = [data.get("index") for data in heard]
    growing = all(map(is_int, indices)) and indices == sorted(set(indices))
    check.that("publications carry their index, which grows", growing, indices)
    check.that("and the index of the one before on the topic", heard[-1].get("previous") == indices[0], heard[-1])
    data = check.reply("a read with seen", other.ask("users", seen=last.get("index")), "users")
    check.that("reflects at least that index", is_int(data.get("index")) and data["index"] >= last["index"], data)


def asking_referencia(check, place):
    referencia = place.asker(place.referencia)
    address = "tcp://127.0.0.1:9"

    def rank():
        return referencia.ask("rank", user=place.peer, p2p_address=address, timestamp=now_in_utc())

    data = check.reply("referencia gives a rank", rank(), "rank")
    check.that("which is a whole number", is_int(data.get("rank")), data)
    check.reply("and the same one again", rank(), "rank", rank=data.get("rank"))
    check.reply(
        "a heartbeat is taken", referencia.ask("heartbeat", user=place.peer, timestamp=now_in_utc()), "heartbeat", status="OK"
    )
    listed = check.reply("the servidores are listed", referencia.ask("list", timestamp=now_in_utc()), "list").get("list")
    check.that(
        "each with name, rank and address",
        all(isinstance(s.get("name"), str) and is_int(s.get("rank")) and isinstance(s.get("address"), str) for s in listed),
        listed,
    )
    check.that("the one that registered is among them", place.peer in [s["name"] for s in listed], listed)
    check.that("and at least one that this run did not register", len(listed) > 1, listed)


def asking_a_servidor(check, place):
    servidor = place.asker(place.servidor)
    before = time.time_ns()
    data = check.reply("a servidor tells the time", servidor.ask("clock", timestamp=now_in_utc()), "clock")
    told = data.get("time")
    minute = 60 * 10**9
    check.that(
        "in nanoseconds since the epoch", is_int(told) and before - minute < told < time.time_ns() + minute, told
    )
    check.reply(
        "an election by a lower rank is answered OK",
        servidor.ask("election", rank=0, timestamp=now_in_utc()),
        "election",
        election="OK",
    )


def hearing_of_a_new_coordinator(check, place):
    command = os.environ.get("INTEROP_ELECTION")
    if not command:
        print("skip  a new coordinator is announced: INTEROP_ELECTION has no command that makes it change")
        return
    # Subscriptions of one socket take effect in order: who hears the channel is announced to as well.
    announcements = place.listener("servers", place.channel)
    wait_until_followed(announcements, place.say_something)
    subprocess.run(command, shell=True, check=True)
    heard = next_that(announcements, lambda data: "service" in data)
    check.that("the coordinator is announced on the topic servers", heard[0] == "servers", heard)
    service, data = heard[1].get("service"), heard[1].get("data") or {}
    check.that(
        "as an election, with coordinator, timestamp and clock",
        service == "election"
        and isinstance(data.get("coordinator"), str)
        and is_time(data.get("timestamp"))
        and is_int(data.get("clock")),
        heard,
    )


def wait_until_followed(listener, publish):
    """A subscription takes a moment to reach the publishers: says something again and again until it is heard."""
    deadline = time.monotonic() + DELIVERED_WITHIN_MS / 1000
    while time.monotonic() < deadline:
        publish("alguém ouve?")
        if listener.next(100):
            return
    raise NoAnswer(f"nothing arrived within {DELIVERED_WITHIN_MS} ms of subscribing")


def next_that(listener, wanted):
    deadline = time.monotonic() + DELIVERED_WITHIN_MS / 1000
    while (left := deadline - time.monotonic()) > 0:
        heard = listener.next(int(left * 1000))
        if heard and wanted(heard[1]):
            return heard
    raise NoAnswer(f"a message did not arrive within {DELIVERED_WITHIN_MS} ms")


def drain(listener):
    while heard := listener.next(SILENT_FOR_MS):
        yield heard


def main():
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    place = Place(sys.argv[1], *map(int, sys.argv[2:]))
    check = Checks()
    check.part("logging in", logging_in, place)
    check.part("creating a channel", creating_a_channel, place)
    check.part("publishing", publishing, place)
    check.part("talking in private", talking_in_private, place)
    check.part("asking for what there is not", asking_for_what_there_is_not, place)
    check.part("optional keys", optional_keys, place)
    check.part("asking referencia", asking_referencia, place)
    check.part("asking a servidor", asking_a_servidor, place)
    check.part("hearing of a new coordinator", hearing_of_a_new_coordinator, place)
    place.context.destroy(linger=0)
    print(f"python: {check.passed} passed, {check.failed} failed")
    sys.exit(1 if check.failed else 0)


if __name__ == "__main__":
    main()
