"""Who is to count is said before the number of servidores changes: when that happens, to whom, and what follows if nobody listens.

What the chart does where it can look at a cluster is in test_server.
"""

import os
import pathlib
import subprocess
import tempfile
import unittest

from chart import CHART, container, environment, render, rendered

UPGRADE, ROLLBACK = "papo-members-upgrade", "papo-members-rollback"


def jobs(objects):
    """When each of the Jobs runs."""
    return {o["metadata"]["name"]: o["metadata"]["annotations"]["helm.sh/hook"] for o in objects.of("Job", "members")}


class Hooks(unittest.TestCase):
    def test_without_a_cluster_to_look_at_only_a_rollback_says_it(self):
        self.assertEqual(jobs(rendered()), {ROLLBACK: "pre-rollback"})

    def test_tools_that_only_render_may_have_it_said_always(self):
        self.assertEqual(jobs(render("members.hook=always")), {UPGRADE: "pre-upgrade", ROLLBACK: "pre-rollback"})

    def test_whoever_does_it_himself_has_no_job(self):
        self.assertEqual(jobs(render("members.hook=never")), {})

    def test_one_that_failed_can_be_read_until_the_next(self):
        for job in render("members.hook=always").of("Job", "members"):
            self.assertEqual(job["metadata"]["annotations"]["helm.sh/hook-delete-policy"], "before-hook-creation,hook-succeeded")

    def test_it_names_all_that_are_to_count_and_asks_any(self):
        for replicas in (1, 3, 5, 7):
            with self.subTest(replicas):
                objects = render(f"servidor.replicas={replicas}", release="chat")
                env = environment(objects.pod("members"))
                self.assertEqual(env["NAMES"].split(","), [f"chat-papo-servidor-{n}" for n in range(replicas)])
                self.assertEqual(env["FROM"], "chat-papo-servidor:5570")
                # What it compares with is what the release has written down.
                (known,) = [e["valueFrom"]["configMapKeyRef"] for e in container(objects.pod("members"))["env"] if e["name"] == "INSTALLED"]
                self.assertEqual(objects.one("ConfigMap", known["name"])["data"][known["key"]], env["NAMES"])
                self.assertTrue(known["optional"], "there may be none yet")

    def test_it_has_longer_than_what_it_waits_for(self):
        for seconds in (1, 120, 3600):
            job = render(f"members.timeoutSeconds={seconds}").one("Job", ROLLBACK)
            self.assertGreater(job["spec"]["activeDeadlineSeconds"], seconds)
            self.assertLessEqual(int(environment(job["spec"]["template"])["BRIEFLY"]), seconds)

    def test_a_drained_node_does_not_make_it_fail(self):
        (rule,) = rendered().one("Job", ROLLBACK)["spec"]["podFailurePolicy"]["rules"]
        self.assertEqual(rule, {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]})


class Script(unittest.TestCase):
    """What the Job does, with a `papo` that takes it or does not."""

    def ends(self, taken, **variables):
        """The exit code, and what papo was told."""
        with tempfile.TemporaryDirectory() as directory:
            papo, said = pathlib.Path(directory, "papo"), pathlib.Path(directory, "said")
            papo.write_text(f'#!/bin/sh\necho "$@" >>{said}\nexit {0 if taken else 1}\n')
            papo.chmod(0o755)
            environment = {"PATH": f"{directory}:{os.environ['PATH']}", "FROM": "any:5570", "TIMEOUT": "120", "BRIEFLY": "15", **variables}
            script = (CHART / "hooks" / "members.sh").read_text()
            ended = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=20)
            return ended.returncode, said.read_text().splitlines()

    def test_what_is_taken_lets_everything_go_on(self):
        for installed, must in (("a,b,c,d,e", "no"), ("a,b,c", "no"), ("a,b,c", "yes")):
            with self.subTest(installed=installed, must=must):
                self.assertEqual(self.ends(True, NAMES="a,b,c", INSTALLED=installed, MUST=must)[0], 0)

    def test_a_change_that_is_not_taken_stops_everything(self):
        told = ["members set a,b,c --from any:5570 --timeout 120s"]
        self.assertEqual(self.ends(False, NAMES="a,b,c", INSTALLED="a,b,c,d,e", MUST="no"), (1, told))
        self.assertEqual(self.ends(False, NAMES="a,b,c", INSTALLED="a,b,c", MUST="yes"), (1, told), "another number was seen to run")
        self.assertEqual(self.ends(False, NAMES="a,b,c", MUST="yes"), (1, told))

    def test_a_chat_that_does_not_answer_is_mended_by_a_rollback_that_changes_no_number(self):
        told = ["members set a,b,c --from any:5570 --timeout 15s"]
        self.assertEqual(self.ends(False, NAMES="a,b,c", INSTALLED="a,b,c", MUST="no"), (0, told))
        self.assertEqual(self.ends(False, NAMES="a,b,c", MUST="no"), (0, told), "nothing was installed before")


if __name__ == "__main__":
    unittest.main()
