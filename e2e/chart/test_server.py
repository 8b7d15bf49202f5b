"""A real API server takes what the chart renders, as a dry run, in a namespace that enforces the restricted standard."""

import secrets
import unittest

from chart import CHART, EXAMPLES, ROOT, installed, run


def cluster_answers():
    return installed("kubectl") and run("kubectl", "get", "--raw", "/readyz", "--request-timeout=5s").returncode == 0


@unittest.skipUnless(cluster_answers(), "no cluster answers")
class Server(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.namespace = f"papo-chart-{secrets.token_hex(3)}"
        made = run("kubectl", "create", "namespace", cls.namespace)
        assert made.returncode == 0, made.stderr
        cls.addClassCleanup(run, "kubectl", "delete", "namespace", cls.namespace, "--wait=false")
        standard = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
        run("kubectl", "label", "namespace", cls.namespace, *standard)
        # Pods need theirs to be there, and what a dry run makes is not.
        for account in ("papo", "papo-drill"):
            run("kubectl", "create", "serviceaccount", account, "--namespace", cls.namespace, "--save-config")

    def applied(self, *arguments):
        manifest = run("helm", "template", "papo", CHART, "--namespace", self.namespace, "--kube-version", "1.34", *arguments)
        self.assertEqual(manifest.returncode, 0, manifest.stderr)
        ended = run("kubectl", "apply", "--namespace", self.namespace, "--dry-run=server", "--filename=-", stdin=manifest.stdout)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertNotIn("Warning", ended.stderr)

    def test_the_defaults_are_taken(self):
        self.applied()

    def test_every_example_is_taken(self):
        for example in EXAMPLES:
            with self.subTest(example.name):
                self.applied("--values", example)

    def test_every_switch_is_taken_on_and_off(self):
        for settings in (
            ["networkPolicy.enabled=false"],
            ["serviceAccount.create=false"],
            ["servidor.persistence.enabled=false"],
            ["servidor.persistence.whenDeleted=Delete"],
            ["cliente.persistence.enabled=true", "cliente.timeZone=Europe/Lisbon"],
            ["drillHooks.enabled=true", "drill.enabled=true", "drill.nodes.enabled=true"],
            ["drill.enabled=true", "drill.schedule=0 3 * * 1"],
            ["tests.stranger.enabled=true"],
            ["metrics.dashboard.enabled=true"],
        ):
            with self.subTest(settings):
                self.applied(*[word for setting in settings for word in ("--set", setting)])

    def test_the_manifests_without_helm_are_taken(self):
        for overlay in ("one-node", "three-nodes"):
            with self.subTest(overlay):
                built = run("kubectl", "kustomize", ROOT / "k8s" / "overlays" / overlay)
                # The namespace itself is only made in a dry run: look at the rest in one that is there.
                manifest = "\n---\n".join(d for d in built.stdout.split("\n---\n") if "kind: Namespace\n" not in d)
                manifest = manifest.replace("namespace: papo\n", f"namespace: {self.namespace}\n")
                ended = run("kubectl", "apply", "--namespace", self.namespace, "--dry-run=server", "--filename=-", stdin=manifest)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                self.assertNotIn("Warning", ended.stderr)


if __name__ == "__main__":
    unittest.main()
