"""A plain client of the wire protocol: REQ and SUB sockets as pyzmq makes them, MessagePack maps, nothing else.

It knows nothing of retries, clocks or sessions, as clients that were written years ago do not.
"""

from datetime import datetime, timedelta, timezone

import msgpack
import zmq

ANSWER_WITHIN_MS = 10_000
"""A client always gets an answer or an error; who waits longer than this has been left hanging."""


class NoAnswer(Exception):
    """The other side said nothing in time."""


class Asker:
    """A REQ socket."""

    def __init__(self, context, host, port):
        self.socket = context.socket(zmq.REQ)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(f"tcp://{host}:{port}")

    def ask(self, service, **data):
        """Sends one request exactly as given, and returns the whole reply: nothing is added, not even a timestamp."""
        self.socket.send(msgpack.packb({"service": service, "data": data}))
        if not self.socket.poll(ANSWER_WITHIN_MS):
            raise NoAnswer(f"no answer to {service!r} within {ANSWER_WITHIN_MS} ms")
        frames = self.socket.recv_multipart()
        assert len(frames) == 1, f"a reply has one frame, not {len(frames)}"
        return msgpack.unpackb(frames[0])


class Listener:
    """A SUB socket."""

    def __init__(self, context, host, port, topics):
        self.socket = context.socket(zmq.SUB)
        self.socket.setsockopt(zmq.LINGER, 0)
        for topic in topics:
            self.socket.setsockopt(zmq.SUBSCRIBE, topic.encode())
        self.socket.connect(f"tcp://{host}:{port}")

    def next(self, within_ms):
        """The next publication as (topic, map), or None when nothing comes in time."""
        if not self.socket.poll(within_ms):
            return None
        frames = self.socket.recv_multipart()
        assert len(frames) == 2, f"a publication has two frames, not {len(frames)}"
        return frames[0].decode(), msgpack.unpackb(frames[1])


def now_without_zone():
    """2025-11-03T21:14:07.123456"""
    return datetime.now(timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds")


def now_in_utc():
    """2025-11-03T21:14:07.123Z"""
    return datetime.now(timezone.utc).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def now_with_offset():
    """2025-11-03T18:14:07-03:00"""
    return datetime.now(timezone(timedelta(hours=-3))).isoformat(timespec="seconds")


def is_time(text):
    """Whether this is a time as replies and publications carry it."""
    if not isinstance(text, str):
        return False
    try:
        datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return True
