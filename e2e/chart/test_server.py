"""A real API server takes what the chart renders, as a dry run, in a namespace that enforces the restricted standard."""

import copy
import json
import secrets
import unittest

from chart import CHART, EXAMPLES, ROOT, environment, installed, render, run


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
            ["servidor.persistence.whenScaled=Delete"],
            ["servidor.replicas=5", "members.hook=always"],
            ["members.hook=never"],
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

    def refused(self, *settings):
        """What helm says to an install with these settings, as a dry run that may look at the cluster."""
        arguments = [word for setting in settings for word in ("--set", setting)]
        return run("helm", "install", "papo", CHART, "--namespace", self.namespace, "--dry-run=server", *arguments).stderr

    def create(self, manifest):
        ended = run("kubectl", "create", "--namespace", self.namespace, "--filename=-", stdin=json.dumps(manifest))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        self.addCleanup(run, "kubectl", "delete", "--namespace", self.namespace, kind, name, "--wait=false")

    def test_what_cannot_be_changed_after_install_is_refused_with_one_sentence(self):
        self.create(self.installed(0))  # Nobody has to run, and whoever scaled it down may still upgrade.
        self.create(self.founders())
        self.assertNotIn("execution error", self.refused())
        self.assertIn("start the 3 that there were first (servidor.replicas=3)", self.refused("servidor.replicas=5"))
        for changed, sentence in (
            ("size=5Gi", 'says "claims of 5Gi", but this release was installed with "claims of 2Gi"'),
            ("storageClass=other", 'says "claims of 2Gi of class other"'),
            ("enabled=false", 'says "no claims", but this release was installed with "claims of 2Gi"'),
        ):
            self.assertIn(sentence, self.refused(f"servidor.persistence.{changed}"))

    def installed(self, replicas):
        """The StatefulSet of an install of three with so many replicas, none of which gets a pod."""
        found = copy.deepcopy(render(namespace=self.namespace).one("StatefulSet", "papo-servidor"))
        found["spec"]["replicas"] = replicas
        found["spec"]["template"]["spec"]["serviceAccountName"] = "nobody"
        return found

    def founders(self):
        return render(namespace=self.namespace).one("ConfigMap", "papo-servidor-genesis")

    def told(self, *settings):
        """Which Jobs helm would make before anything else, where it may look at the cluster, and whether they must succeed."""
        jobs = render(*settings, namespace=self.namespace, more=["--dry-run=server"]).of("Job", "members")
        return {o["metadata"]["annotations"]["helm.sh/hook"]: environment(o["spec"]["template"])["MUST"] for o in jobs}

    def test_another_number_of_servidores_is_said_before_anything_is_changed(self):
        self.create(self.installed(3))
        self.create(self.founders())
        self.assertEqual(self.told(), {"pre-rollback": "no"})
        self.assertEqual(self.told("servidor.replicas=5"), {"pre-upgrade": "yes", "pre-rollback": "no"})
        self.assertEqual(self.told("servidor.replicas=1"), {"pre-upgrade": "yes", "pre-rollback": "no"})
        self.assertEqual(self.told("servidor.replicas=5", "members.hook=never"), {})
        self.assertEqual(self.told("members.hook=always"), {"pre-upgrade": "no", "pre-rollback": "no"})

    def test_a_number_that_was_changed_by_hand_is_seen(self):
        self.create(self.installed(5))
        self.create(self.founders())
        self.assertEqual(self.told(), {"pre-upgrade": "yes", "pre-rollback": "no"})
        self.assertEqual(self.told("servidor.replicas=5"), {"pre-rollback": "no"})

    def test_of_an_install_by_an_earlier_chart_the_number_stays_at_first(self):
        self.create(self.installed(3))
        self.assertEqual(self.told(), {"pre-rollback": "no"})
        self.assertIn("upgrade with servidor.replicas=3 first", self.refused("servidor.replicas=5"))

    def test_disks_of_an_earlier_and_larger_install_are_not_passed_over(self):
        claim = {
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-papo-servidor-4"},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
        }
        self.create(claim)
        self.assertIn("there is a claim data-papo-servidor-4 of an earlier install", self.refused())
        self.assertNotIn("execution error", self.refused("servidor.replicas=5"))


if __name__ == "__main__":
    unittest.main()
