"""A real API server takes what the chart renders, as a dry run, in a namespace that enforces the restricted standard."""

import copy
import json
import pathlib
import secrets
import unittest

from chart import CHART, COMPONENTS, EVERYTHING, EXAMPLES, ROOT, Objects, environment, installed, key, parse, render, run


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
        # This one the cluster makes, a moment later.
        ready = run("kubectl", "wait", "--namespace", cls.namespace, "--for=create", "serviceaccount/default", "--timeout=60s")
        assert ready.returncode == 0, ready.stderr

    def applied(self, *arguments):
        manifest = run("helm", "template", "papo", CHART, "--namespace", self.namespace, "--kube-version", "1.34", *arguments)
        self.assertEqual(manifest.returncode, 0, manifest.stderr)
        self.taken(manifest.stdout)

    def taken(self, manifest):
        # Pods need theirs to be there, and what a dry run makes is not.
        accounts = Objects(parse(manifest)).of("ServiceAccount")
        try:
            for account in accounts:
                self.create(account)
            ended = run("kubectl", "apply", "--namespace", self.namespace, "--dry-run=server", "--filename=-", stdin=manifest)
            self.assertEqual(ended.returncode, 0, ended.stderr)
            self.assertNotIn("Warning", ended.stderr)
        finally:
            for account in accounts:
                self.delete(account)

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
            ["serviceAccount.create=false", "tests.stranger.enabled=true", "members.hook=always"],
            ["serviceAccount.name=other"],
            ["servidor.antiAffinity=preferred"],
            ["servidor.antiAffinity=none"],
            ["broker.preStopSeconds=0", "proxy.preStopSeconds=0", "servidor.preStopSeconds=3"],
            ["broker.replicas=1", "proxy.replicas=1", "clienteAutomatico.replicas=2"],
            [f"{key(component)}.existingConfigMap=theirs" for component in COMPONENTS[:6]],
            [f"{key(component)}.existingSecret=theirs" for component in COMPONENTS[:6]],
            ["servidor.persistence.enabled=false"],
            ["servidor.persistence.whenDeleted=Delete"],
            ["servidor.persistence.whenScaled=Delete"],
            ["servidor.replicas=5", "members.hook=always"],
            ["members.hook=never"],
            ["cliente.persistence.enabled=true", "cliente.timeZone=Europe/Lisbon"],
            ["drillHooks.enabled=true"],
            ["drillHooks.enabled=true", "tests.stranger.enabled=true"],
            ["drillHooks.enabled=true", "drill.enabled=true", "drill.nodes.enabled=true"],
            ["drill.enabled=true", "drill.schedule=0 3 * * 1"],
            ["drill.enabled=true", "drill.reportsClaim=reports"],
            ["tests.stranger.enabled=true"],
            ["metrics.dashboard.enabled=true"],
        ):
            with self.subTest(settings):
                self.applied(*[word for setting in settings for word in ("--set", setting)])

    def test_everything_at_once_is_taken_where_the_prometheus_operator_is(self):
        self.define_monitoring()
        collector = "networkPolicy.metrics[0].namespaceSelector.matchLabels.name=monitoring"
        for settings in (
            EVERYTHING,
            ["metrics.podMonitor.enabled=true", "metrics.podMonitor.interval=15s", "metrics.podMonitor.labels.a=b", collector],
            ["metrics.serviceMonitor.enabled=true", "metrics.serviceMonitor.interval=1m", collector],
            ["metrics.prometheusRule.enabled=true", "metrics.prometheusRule.labels.a=b"],
        ):
            with self.subTest(settings):
                self.applied(*[word for setting in settings for word in ("--set", setting)])

    def define_monitoring(self):
        """Has the API server know the operator's kinds, for as long as this test runs where it did not before."""
        kinds = ("podmonitors", "servicemonitors", "prometheusrules")
        names = [f"customresourcedefinition/{kind}.monitoring.coreos.com" for kind in kinds]
        if any(run("kubectl", "get", name).returncode == 0 for name in names):
            return
        made = run("kubectl", "create", "--filename", pathlib.Path(__file__).with_name("monitoring-crds.yaml"))
        self.addCleanup(run, "kubectl", "delete", "customresourcedefinition", "--selector=papo-chart-test=yes")
        self.assertEqual(made.returncode, 0, made.stderr)
        known = run("kubectl", "wait", "--for=condition=Established", "--timeout=60s", *names)
        self.assertEqual(known.returncode, 0, known.stderr)

    def test_the_manifests_without_helm_are_taken(self):
        for overlay in ("one-node", "three-nodes"):
            with self.subTest(overlay):
                built = run("kubectl", "kustomize", ROOT / "k8s" / "overlays" / overlay)
                # The namespace itself is only made in a dry run: look at the rest in one that is there.
                manifest = "\n---\n".join(d for d in built.stdout.split("\n---\n") if "kind: Namespace\n" not in d)
                manifest = manifest.replace("namespace: papo\n", f"namespace: {self.namespace}\n")
                self.taken(manifest)

    def test_the_notes_tell_how_to_attach_only_where_there_is_a_client(self):
        def notes(*settings):
            return self.install(*settings).stdout.split("NOTES:")[1]

        self.assertIn("attach -it deploy/papo-cliente", notes())
        without = notes("cliente.replicas=0")
        self.assertNotIn("deploy/papo-cliente", without)
        ports = f"papo-broker.{self.namespace}:5557 and papo-proxy.{self.namespace}:5556"
        self.assertIn(f"{ports}, once networkPolicy.clients lets them in", without)
        self.assertNotIn("lets them in", notes("cliente.replicas=0", "networkPolicy.clients[0].ipBlock.cidr=0.0.0.0/0"))

    def install(self, *settings):
        """What becomes of an install with these settings, as a dry run that may look at the cluster."""
        arguments = [word for setting in settings for word in ("--set", setting)]
        return run("helm", "install", "papo", CHART, "--namespace", self.namespace, "--dry-run=server", *arguments)

    def refused(self, *settings):
        """What helm says to such an install where it fails."""
        return self.install(*settings).stderr

    def create(self, manifest):
        ended = run("kubectl", "create", "--save-config", "--namespace", self.namespace, "--filename=-", stdin=json.dumps(manifest))
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.addCleanup(self.delete, manifest)

    def delete(self, manifest):
        kind, name = manifest["kind"], manifest["metadata"]["name"]
        run("kubectl", "delete", "--namespace", self.namespace, kind, name, "--ignore-not-found", "--timeout=60s")

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
        """Which Jobs helm would make before anything else, where it may look at the cluster, and how many they see running where that
        is another number."""
        jobs = render(*settings, namespace=self.namespace, more=["--dry-run=server"]).of("Job", "members")
        seen = {o["metadata"]["annotations"]["helm.sh/hook"]: environment(o["spec"]["template"]).get("RUNNING") for o in jobs}
        return {hook: names and names.split(",") for hook, names in seen.items()}

    def test_another_number_of_servidores_is_said_before_anything_is_changed(self):
        self.create(self.installed(3))
        self.create(self.founders())
        three = [f"papo-servidor-{n}" for n in range(3)]
        self.assertEqual(self.told(), {"pre-rollback": None})
        self.assertEqual(self.told("servidor.replicas=5"), {"pre-upgrade": three, "pre-rollback": None})
        self.assertEqual(self.told("servidor.replicas=1"), {"pre-upgrade": three, "pre-rollback": None})
        self.assertEqual(self.told("servidor.replicas=5", "members.hook=never"), {})
        self.assertEqual(self.told("members.hook=always"), {"pre-upgrade": None, "pre-rollback": None})

    def test_a_number_that_was_changed_by_hand_is_seen(self):
        self.create(self.installed(5))
        self.create(self.founders())
        self.assertEqual(self.told(), {"pre-upgrade": [f"papo-servidor-{n}" for n in range(5)], "pre-rollback": None})
        # As many run as are to, but that they are to count was perhaps never said.
        self.assertEqual(self.told("servidor.replicas=5"), {"pre-upgrade": None, "pre-rollback": None})

    def test_after_an_upgrade_that_failed_it_is_said_again(self):
        """Its Job may have dismissed servidores that run on."""
        self.create(self.installed(3))
        self.create(self.founders())
        for kind in ("Secret", "ConfigMap"):
            for status, told in (("deployed", False), ("failed", True)):
                with self.subTest(kind=kind, status=status):
                    # What is rendered here is revision 1, so that the one before is 0.
                    metadata = {"name": "sh.helm.release.v1.papo.v0", "labels": {"status": status}}
                    before = {"apiVersion": "v1", "kind": kind, "metadata": metadata}
                    self.create(before)
                    expected = {"pre-upgrade": None, "pre-rollback": None} if told else {"pre-rollback": None}
                    self.assertEqual(self.told(), expected)
                    self.delete(before)

    def test_of_an_install_by_an_earlier_chart_the_number_stays_at_first(self):
        self.create(self.installed(3))
        self.assertEqual(self.told(), {"pre-rollback": None})
        self.assertIn("upgrade with servidor.replicas=3 first", self.refused("servidor.replicas=5"))

    def test_the_claim_of_the_client_keeps_its_class_and_never_shrinks(self):
        def claim(*settings):
            made = render("cliente.persistence.enabled=true", *settings, namespace=self.namespace)
            return made.one("PersistentVolumeClaim", "papo-cliente")

        def refused(*settings):
            return self.refused("cliente.persistence.enabled=true", *settings)

        for settings, size in (([], "64Mi"), (["cliente.persistence.storageClass=other"], "64Mi"), (["cliente.persistence.size=1Gi"], "1Gi")):
            with self.subTest(settings):
                self.create(claim(*settings))
                self.assertNotIn("execution error", refused(*settings))
                self.assertNotIn("execution error", refused(*settings, "cliente.persistence.size=2Gi"))
                self.assertNotIn("execution error", self.refused("cliente.persistence.storageClass=x"), "it is not enabled")
                self.assertIn(f"size is 60Mi, but the claim papo-cliente has {size}", refused(*settings, "cliente.persistence.size=60Mi"))
                self.assertIn('storageClass is "third", but the claim', refused(*settings, "cliente.persistence.storageClass=third"))
                self.delete(claim(*settings))
        self.create(claim("cliente.persistence.storageClass=other"))
        self.assertIn('storageClass is "", but the claim papo-cliente was made with "other"', refused())

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
