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

    def test_it_has_longer_than_what_it_waits_for_and_taking_that_back(self):
        for seconds in (1, 120, 3600):
            job = render(f"members.timeoutSeconds={seconds}").one("Job", ROLLBACK)
            env = environment(job["spec"]["template"])
            self.assertGreater(job["spec"]["activeDeadlineSeconds"], seconds + int(env["TAKE_BACK"]))
            self.assertEqual(env["TIMEOUT"], str(seconds))
            self.assertLessEqual(int(env["BRIEFLY"]), seconds)

    def test_a_drained_node_does_not_make_it_fail(self):
        (rule,) = rendered().one("Job", ROLLBACK)["spec"]["podFailurePolicy"]["rules"]
        self.assertEqual(rule, {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]})


class Script(unittest.TestCase):
    """What the Job does, with a `papo` that takes it or does not."""

    def ends(self, *answers, **variables):
        """The exit code, and what papo was told; it answers with these exit codes, one after another."""
        with tempfile.TemporaryDirectory() as directory:
            papo, said, codes = (pathlib.Path(directory, name) for name in ("papo", "said", "codes"))
            codes.write_text("".join(f"{answer}\n" for answer in answers))
            papo.write_text(f'#!/bin/sh\necho "$@" >>{said}\nexit "$(sed -n "$(wc -l <{said})p" {codes})"\n')
            papo.chmod(0o755)
            environment = {
                "PATH": f"{directory}:{os.environ['PATH']}", "FROM": "any:5570",
                "TIMEOUT": "120", "BRIEFLY": "15", "TAKE_BACK": "30", **variables,
            }  # fmt: skip
            script = (CHART / "hooks" / "members.sh").read_text()
            ended = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, timeout=20)
            self.stderr = ended.stderr
            return ended.returncode, said.read_text().splitlines()

    def test_what_is_taken_lets_everything_go_on(self):
        wait, glance = (f"members set a,b,c --from any:5570 --timeout {seconds}s" for seconds in (120, 15))
        self.assertEqual(self.ends(0, NAMES="a,b,c", INSTALLED="a,b,c,d,e"), (0, [wait]))
        self.assertEqual(self.ends(0, NAMES="a,b,c", INSTALLED="a,b,c", RUNNING="a,b,c,d,e"), (0, [wait]))
        self.assertEqual(self.ends(0, NAMES="a,b,c", INSTALLED="a,b,c"), (0, [glance]))

    def test_a_change_that_does_not_come_true_stops_everything_and_is_taken_back(self):
        told = [
            "members set a,b,c --from any:5570 --timeout 120s",
            "members set a,b,c,d,e --from any:5570 --wait none --timeout 30s",
        ]
        self.assertEqual(self.ends(1, 0, NAMES="a,b,c", INSTALLED="a,b,c,d,e"), (1, told))
        self.assertIn("taken back: a,b,c,d,e are to count, as before", self.stderr)
        # More run than were installed: they are who goes on.
        self.assertEqual(self.ends(1, 0, NAMES="a,b,c", INSTALLED="a,b,c", RUNNING="a,b,c,d,e"), (1, told))
        self.assertEqual(self.ends(1, 0, NAMES="a,b,c", RUNNING="a,b,c,d,e"), (1, told))

    def test_what_cannot_be_taken_back_is_said(self):
        code, told = self.ends(1, 1, NAMES="a,b,c,d,e", INSTALLED="a,b,c")
        self.assertEqual((code, len(told)), (1, 2))
        self.assertIn("could not be taken back", self.stderr)
        self.assertIn("papo members set a,b,c\n", self.stderr)

    def test_a_chat_that_does_not_answer_is_mended_by_a_rollback_that_changes_no_number(self):
        told = ["members set a,b,c --from any:5570 --timeout 15s"]
        self.assertEqual(self.ends(1, NAMES="a,b,c", INSTALLED="a,b,c"), (0, told))
        self.assertEqual(self.ends(1, NAMES="a,b,c"), (0, told), "nothing was installed before")

    def test_rolling_back_another_number_says_it_and_takes_it_back_if_it_does_not_come_true(self):
        """As the chart renders it: the Job of the revision gone back to meets the ConfigMap of the one that is installed."""
        for before, after in ((3, 5), (5, 3)):
            with self.subTest(before=before, after=after):
                job = render(f"servidor.replicas={before}").one("Job", ROLLBACK)["spec"]["template"]
                genesis = render(f"servidor.replicas={after}").one("ConfigMap", "papo-servidor-genesis")
                (known,) = [e["valueFrom"]["configMapKeyRef"] for e in container(job)["env"] if e["name"] == "INSTALLED"]
                self.assertEqual(known["name"], genesis["metadata"]["name"])
                variables = {**environment(job), "INSTALLED": genesis["data"][known["key"]]}
                names = {count: ",".join(f"papo-servidor-{n}" for n in range(count)) for count in (3, 5)}
                back = f"members set {names[before]} --from papo-servidor:5570 --timeout 120s"
                forth = f"members set {names[after]} --from papo-servidor:5570 --wait none --timeout 30s"
                self.assertEqual(self.ends(0, **variables), (0, [back]))
                self.assertEqual(self.ends(1, 0, **variables), (1, [back, forth]))


if __name__ == "__main__":
    unittest.main()
