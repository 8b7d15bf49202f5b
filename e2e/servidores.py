"""What the servidores say of themselves, asked one by one at their own ports."""

from plain import Asker, NoAnswer
from stack import until

PAGE = 200


class Servidores:
    def __init__(self, stack, zmq_context, count):
        self.stack = stack
        self.context = zmq_context
        self.count = count

    def statuses(self):
        """The status of each running servidor that answers, by name, with its container."""
        found = {}
        for container in self.stack.containers("servidor"):
            if container.state != "running":
                continue
            try:
                status = self.ask(container, "status")
            except NoAnswer:
                continue
            found[status["name"]] = (status, container)
        return found

    def coordinator(self):
        """Waits for a coordinator that all that answer agree on. Returns its name and container."""

        def agreed():
            found = self.statuses()
            names = {status["coordinator"] for status, _ in found.values()}
            name = names.pop() if len(names) == 1 else None
            if name not in found or found[name][0]["role"] != "coordinator":
                return None
            return name, found[name][1]

        return until("all servidores agree on a coordinator", agreed, self.statuses)

    def follower(self):
        """A servidor that runs and does not coordinate: its name and container."""
        coordinator, _ = self.coordinator()
        return next((name, container) for name, (_, container) in self.statuses().items() if name != coordinator)

    def wait_until_whole(self):
        """Waits until all are there, and each counts as a member on the disk that it has."""

        def whole():
            found = [status for status, _ in self.statuses().values()]
            own = {(status["name"], status["disk"]) for status in found}
            members = [{(member["name"], member["disk"]) for member in status["members"]} for status in found]
            return len(found) == self.count and all(m == own for m in members)

        until("all servidores are members", whole, self.statuses)
        self.coordinator()

    def wait_until_level(self):
        """Waits until all have applied the same log to its end. Returns their statuses."""

        def level():
            found = [status for status, _ in self.statuses().values()]
            ends = {(s["last"], s["commit"], s["applied"]) for s in found}
            same = len(found) == self.count and len(ends) == 1 and found[0]["last"] == found[0]["applied"]
            return found if same else None

        return until("all servidores have applied the whole log", level, self.statuses)

    def history(self, container):
        """Every record that a servidor holds."""
        records, after = [], 0
        while True:
            page = self.ask(container, "export", after=after, limit=PAGE)
            records += page["entries"]
            if not page["more"]:
                return records
            assert page["upto"] > after, f"{container.name} exports in circles at {after}"
            after = page["upto"]

    def ask(self, container, service, **data):
        asker = Asker(self.context, "127.0.0.1", container.host_port(5570))
        try:
            return asker.ask(service, **data)["data"]
        finally:
            asker.socket.close()
