"""Plain clients that talk while containers die, and write down what they were answered."""

import threading
import time

from plain import Asker, Listener, NoAnswer, now_in_utc
from stack import until

PAUSE_S = 0.005
"""Between two requests of one writer, so that a small machine has time for the services."""


class Load:
    """Several REQ sockets and a SUB socket at work, as clients have them that were written years ago."""

    def __init__(self, zmq_context, broker_port, proxy_port, run, writers=4):
        self.context = zmq_context
        self.broker_port = broker_port
        self.run = run
        self.channel = f"canal-{run}"
        self.acknowledged = set()
        self.refused = []
        self.unanswered = []
        self.longest_wait_s = 0.0
        self.heard = []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.broken = []
        self.listener = Listener(zmq_context, "127.0.0.1", proxy_port, [self.channel])
        self.threads = [self.thread(self.talk, f"escritor-{n}-{run}") for n in range(writers)]
        self.threads.append(self.thread(self.listen))

    def start(self):
        asker = Asker(self.context, "127.0.0.1", self.broker_port)
        user = f"anfitriao-{self.run}"
        asker.ask("channel", channel=self.channel)
        asker.ask("login", user=user)

        def heard():
            asker.ask("publish", user=user, channel=self.channel, message="alguém ouve?")
            return self.listener.next(100)

        until("the subscription has reached the publishers", heard)
        asker.socket.close()
        for thread in self.threads:
            thread.start()
        return self

    def wait_for_more(self, count=100):
        """Waits until so many more messages were acknowledged: the chat works."""
        goal = len(self.acknowledged) + count
        until(f"{count} more messages are acknowledged", lambda: self.broken or len(self.acknowledged) >= goal, self.summary)

    def finish(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def summary(self):
        return (
            f"{len(self.acknowledged)} acknowledged, {len(self.refused)} refused {self.refused[:3]}, "
            f"{len(self.unanswered)} without an answer, longest wait {self.longest_wait_s:.2f} s, {len(self.heard)} heard, "
            f"broken {self.broken}"
        )

    def thread(self, work, *arguments):
        # A daemon: a story that breaks off must not wait for its clients.
        return threading.Thread(target=self.guarded, args=(work, *arguments), daemon=True)

    def guarded(self, work, *arguments):
        try:
            work(*arguments)
        except Exception as error:  # noqa: BLE001: a thread's end must be seen, whatever it was
            self.broken.append(repr(error))

    def talk(self, user):
        asker = Asker(self.context, "127.0.0.1", self.broker_port)
        asker.ask("login", user=user, timestamp=now_in_utc())
        said = 0
        while not self.stopping.is_set():
            said += 1
            text = f"{user} diz {said}"
            began = time.monotonic()
            try:
                data = asker.ask("publish", user=user, channel=self.channel, message=text, timestamp=now_in_utc())["data"]
            except NoAnswer:
                self.unanswered.append(text)
                asker.socket.close()
                asker = Asker(self.context, "127.0.0.1", self.broker_port)
                continue
            with self.lock:
                self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - began)
                if data.get("status") == "OK":
                    self.acknowledged.add(text)
                else:
                    self.refused.append((text, data.get("message"), data.get("outcome")))
            time.sleep(PAUSE_S)
        asker.socket.close()

    def listen(self):
        while True:
            heard = self.listener.next(500)
            if heard:
                self.heard.append(heard[1])
            elif self.stopping.is_set():
                self.listener.socket.close()
                return
