"""What every pod has, whatever it runs, and what each has for itself."""

import json
import re
import unittest

from chart import CHART, COMPONENTS, EVERYTHING, ROOT, container, environment, key, labels, mebibytes, render, rendered

SELECTOR = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}


class EveryPod(unittest.TestCase):
    def each(self):
        for name, pod in rendered(*EVERYTHING).pods().items():
            with self.subTest(name):
                yield name, pod

    def test_passes_the_restricted_standard(self):
        for _, pod in self.each():
            security = pod["spec"]["securityContext"]
            self.assertTrue(security["runAsNonRoot"])
            self.assertEqual((security["runAsUser"], security["fsGroup"]), (10001, 10001))
            self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
            own = container(pod)["securityContext"]
            self.assertEqual(own["capabilities"], {"drop": ["ALL"]})
            self.assertFalse(own["allowPrivilegeEscalation"])
            self.assertTrue(own["readOnlyRootFilesystem"])

    def test_has_a_token_only_if_it_talks_to_the_api_server(self):
        for name, pod in self.each():
            self.assertEqual(pod["spec"]["automountServiceAccountToken"], "drill" in name)

    def test_gets_no_variables_that_look_like_settings(self):
        for _, pod in self.each():
            self.assertFalse(pod["spec"]["enableServiceLinks"])

    def test_says_what_it_needs_and_may_take(self):
        for _, pod in self.each():
            resources = container(pod)["resources"]
            self.assertIn("cpu", resources["requests"])
            self.assertLessEqual(mebibytes(resources["requests"]["memory"]), mebibytes(resources["limits"]["memory"]))
            self.assertNotIn("cpu", resources["limits"], "a throttled servidor looks like a dead one")

    def test_leaves_a_lost_node_soon(self):
        for _, pod in self.each():
            seconds = {t["key"]: t["tolerationSeconds"] for t in pod["spec"]["tolerations"]}
            self.assertEqual(seconds, {"node.kubernetes.io/not-ready": 10, "node.kubernetes.io/unreachable": 10})

    def test_has_labels_that_no_upgrade_changes(self):
        for name, pod in self.each():
            if "Pod/" not in name:
                self.assertEqual(set(labels(pod)), SELECTOR)

    def test_names_no_variable_twice(self):
        for _, pod in self.each():
            names = [entry["name"] for entry in container(pod).get("env", [])]
            self.assertEqual(len(names), len(set(names)))


class Whole(unittest.TestCase):
    def test_the_default_install_fits_into_one_gibibyte(self):
        total = 0
        for workload in rendered():
            if workload["kind"] in ("Deployment", "StatefulSet"):
                limit = container(workload["spec"]["template"])["resources"]["limits"]["memory"]
                total += workload["spec"]["replicas"] * mebibytes(limit)
        self.assertLessEqual(total, 1024)
        self.assertGreater(total, 0)

    def test_every_object_carries_the_labels_that_it_is_found_by(self):
        for o in rendered(*EVERYTHING):
            with self.subTest(f"{o['kind']}/{o['metadata']['name']}"):
                if o["metadata"]["name"] != "papo-test-stranger":
                    self.assertEqual(labels(o)["app.kubernetes.io/name"], "papo")
                    self.assertEqual(labels(o)["app.kubernetes.io/instance"], "papo")
                    self.assertEqual(labels(o)["app.kubernetes.io/part-of"], "papo")

    def test_names_follow_the_release(self):
        for release, fullname in (("papo", "papo"), ("my-papo", "my-papo"), ("chat", "chat-papo")):
            with self.subTest(release):
                self.assertTrue(render(release=release).one("StatefulSet", f"{fullname}-servidor"))

    def test_two_releases_in_one_namespace_share_no_object(self):
        names = [{(o["kind"], o["metadata"]["name"]) for o in render(*EVERYTHING, release=r)} for r in ("papo", "other")]
        self.assertEqual(names[0] & names[1], set())

    def test_everything_is_in_the_namespace_of_the_release(self):
        for o in render(*EVERYTHING, namespace="elsewhere"):
            if not o["kind"].startswith("Cluster"):
                self.assertEqual(o["metadata"]["namespace"], "elsewhere", o["kind"])


class Servidor(unittest.TestCase):
    def test_all_servidores_found_the_cluster(self):
        (genesis,) = [entry for entry in container(rendered().pod("servidor"))["env"] if entry["name"] == "PAPO_GENESIS"]
        reference = genesis["valueFrom"]["configMapKeyRef"]
        names = rendered().one("ConfigMap", reference["name"])["data"][reference["key"]]
        self.assertEqual(names, "papo-servidor-0,papo-servidor-1,papo-servidor-2")
        env = environment(rendered().pod("servidor"))
        self.assertEqual(env["PAPO_ADVERTISE"], "$(PAPO_NAME).papo-servidor:5570")

    def test_one_value_says_how_long_a_stop_may_take(self):
        pod = render("servidor.graceSeconds=40").pod("servidor")
        self.assertEqual(environment(pod)["PAPO_GRACE"], "40s")
        self.assertEqual(pod["spec"]["terminationGracePeriodSeconds"], 45)

    def test_how_long_each_may_take_to_stop_is_computed_from_what_it_has_to_do(self):
        def stop(*settings):
            pods = {c: render(*settings).pod(c) for c in ("broker", "proxy", "referencia", "servidor", "cliente-automatico")}
            return {c: pod["spec"]["terminationGracePeriodSeconds"] for c, pod in pods.items()}

        usual = {"broker": 10, "proxy": 8, "referencia": 5, "servidor": 10, "cliente-automatico": 29}
        self.assertEqual(stop(), usual)
        longer = {"broker.graceSeconds": 10, "proxy.preStopSeconds": 20, "servidor.preStopSeconds": 4}
        self.assertEqual(stop(longer), {**usual, "broker": 18, "proxy": 25, "servidor": 14})
        self.assertEqual(environment(render(longer).pod("broker"))["PAPO_GRACE"], "10s")
        own = {"proxy.terminationGracePeriodSeconds": 60, "referencia.terminationGracePeriodSeconds": 60}
        self.assertEqual(stop(own), {**usual, "proxy": 60, "referencia": 60})

    def test_a_pause_before_a_stop_is_there_only_if_it_lasts(self):
        for component in ("broker", "proxy", "servidor"):
            with self.subTest(component):
                paused = container(render(f"{component}.preStopSeconds=7").pod(component))
                self.assertEqual(paused["lifecycle"], {"preStop": {"sleep": {"seconds": 7}}})
                # API servers before 1.33 refuse a pause of none.
                self.assertNotIn("lifecycle", container(render(f"{component}.preStopSeconds=0").pod(component)))

    def test_another_number_of_them_restarts_none(self):
        for replicas in (1, 5, 7):
            with self.subTest(replicas):
                before, after = rendered().pods(), render(f"servidor.replicas={replicas}").pods()
                changed = {name for name in before if before[name] != after[name]}
                self.assertEqual(changed, {"Job/papo-members-rollback", "Pod/papo-test-story"})

    def test_budgets_are_what_the_quorum_allows(self):
        for replicas, allowed in ((1, 0), (3, 1), (5, 2), (7, 3)):
            with self.subTest(replicas):
                budget = render(f"servidor.replicas={replicas}").one("PodDisruptionBudget", "papo-servidor")
                self.assertEqual(budget["spec"]["maxUnavailable"], allowed)

    def test_a_stricter_budget_is_taken(self):
        budget = render("servidor.podDisruptionBudget.maxUnavailable=0").one("PodDisruptionBudget", "papo-servidor")
        self.assertEqual(budget["spec"]["maxUnavailable"], 0)

    def test_two_are_never_on_one_node_unless_one_line_says_so(self):
        def affinity(*settings):
            return render(*settings).pod("servidor")["spec"].get("affinity", {}).get("podAntiAffinity", {})

        (term,) = affinity()["requiredDuringSchedulingIgnoredDuringExecution"]
        self.assertEqual(term["topologyKey"], "kubernetes.io/hostname")
        self.assertEqual(set(term["labelSelector"]["matchLabels"]), SELECTOR)
        self.assertEqual(list(affinity("servidor.antiAffinity=preferred")), ["preferredDuringSchedulingIgnoredDuringExecution"])
        self.assertEqual(affinity("servidor.antiAffinity=none"), {})

    def test_a_later_version_leaves_the_claim_template_and_the_selector_as_they_are(self):
        old = rendered().one("StatefulSet", "papo-servidor")["spec"]
        new = render("commonLabels.team=x", "commonAnnotations.team=x", "all.podLabels.team=x", "image.tag=new", "servidor.graceSeconds=9")
        new = new.one("StatefulSet", "papo-servidor")["spec"]
        for constant in ("volumeClaimTemplates", "selector", "serviceName", "podManagementPolicy", "persistentVolumeClaimRetentionPolicy"):
            self.assertEqual(old[constant], new[constant], constant)
        self.assertEqual(set(old["volumeClaimTemplates"][0]["metadata"]["labels"]), SELECTOR)

    def test_peers_find_those_that_are_not_ready(self):
        for name in ("papo-servidor", "papo-broker-headless", "papo-proxy-headless"):
            service = rendered().one("Service", name)["spec"]
            self.assertEqual((service["clusterIP"], service["publishNotReadyAddresses"]), ("None", True))

    def test_without_claims_the_data_is_where_it_is_told_to_be(self):
        objects = render("servidor.persistence.enabled=false", "servidor.persistence.medium=Memory", "servidor.persistence.sizeLimit=64Mi")
        self.assertNotIn("volumeClaimTemplates", objects.one("StatefulSet", "papo-servidor")["spec"])
        (data,) = [v for v in objects.pod("servidor")["spec"]["volumes"] if v["name"] == "data"]
        self.assertEqual(data["emptyDir"], {"medium": "Memory", "sizeLimit": "64Mi"})

    def test_hooks_are_there_only_if_they_are_asked_for(self):
        def hooks(pod):
            return environment(pod).get("PAPO_DRILL_HOOKS"), [p["containerPort"] for p in container(pod)["ports"] if p["name"] == "drill"]

        self.assertEqual(hooks(rendered().pod("servidor")), (None, []))
        self.assertEqual(hooks(render("drillHooks.enabled=true").pod("servidor")), ("true", [9101]))


class Settings(unittest.TestCase):
    def test_a_changed_setting_rolls_its_own_pods_and_no_others(self):
        before, after = rendered().pods(), render("broker.settings.rate-limit=7").pods()
        self.assertEqual([name for name in before if before[name] != after[name]], ["Deployment/papo-broker"])

    def test_how_to_log_rolls_all_services(self):
        before, after = rendered().pods(), render("log.level=debug").pods()
        changed = {name for name in before if before[name] != after[name]}
        services = {"Deployment/papo-broker", "Deployment/papo-proxy", "Deployment/papo-referencia", "Deployment/papo-cliente-automatico"}
        self.assertEqual(changed, services | {"StatefulSet/papo-servidor"})

    def test_settings_reach_the_file(self):
        objects = render("clienteAutomatico.settings.rate=12.5", "clienteAutomatico.settings.users=3")
        text = objects.one("ConfigMap", "papo-cliente-automatico")["data"]["settings.yaml"]
        self.assertEqual(sorted(text.split()), sorted("log-format: json log-level: info rate: \"12.5\" users: 3".split()))

    def test_other_peoples_settings_take_the_place_of_ours(self):
        for component in COMPONENTS[:6]:
            with self.subTest(component):
                objects = render(f"{key(component)}.existingSecret=theirs")
                (volume,) = [v for v in objects.pod(component)["spec"]["volumes"] if v["name"] == "settings"]
                self.assertEqual(volume["secret"], {"secretName": "theirs"})
                self.assertNotIn(f"papo-{component}", [o["metadata"]["name"] for o in objects.of("ConfigMap")])
                objects = render(f"{key(component)}.existingConfigMap=theirs")
                (volume,) = [v for v in objects.pod(component)["spec"]["volumes"] if v["name"] == "settings"]
                self.assertEqual(volume["configMap"], {"name": "theirs"})


class Extras(unittest.TestCase):
    """What people add, for all components and for each."""

    GIVEN = {
        "podLabels": {"x": "y"}, "podAnnotations": {"x": "y"}, "nodeSelector": {"x": "y"}, "tolerations": [{"key": "x"}],
        "topologySpreadConstraints": [{"topologyKey": "x"}], "priorityClassName": "x", "extraEnv": [{"name": "X", "value": "y"}],
        "extraEnvFrom": [{"configMapRef": {"name": "x"}}], "extraVolumes": [{"name": "x"}],
        "extraVolumeMounts": [{"name": "x", "mountPath": "/x"}], "affinity": {"nodeAffinity": {"x": "y"}},
    }

    def check(self, pod):
        spec, own = pod["spec"], container(pod)
        self.assertEqual(labels(pod).get("x"), "y")
        self.assertEqual(pod["metadata"]["annotations"].get("x"), "y")
        self.assertEqual(spec["nodeSelector"], {"x": "y"})
        self.assertIn({"key": "x"}, spec["tolerations"])
        self.assertIn({"topologyKey": "x"}, spec["topologySpreadConstraints"])
        self.assertEqual(spec["priorityClassName"], "x")
        self.assertIn({"name": "X", "value": "y"}, own["env"])
        self.assertIn({"configMapRef": {"name": "x"}}, own["envFrom"])
        self.assertIn({"name": "x"}, spec["volumes"])
        self.assertIn({"name": "x", "mountPath": "/x"}, own["volumeMounts"])
        self.assertEqual(spec["affinity"]["nodeAffinity"], {"x": "y"})

    def test_every_component_takes_them(self):
        for component in COMPONENTS:
            with self.subTest(component):
                objects = render("drill.enabled=true", {f"{key(component)}.{k}": v for k, v in self.GIVEN.items()})
                self.check(objects.pod(component))
                others = [c for c in COMPONENTS if c != component]
                self.assertTrue(all("x" not in labels(objects.pod(other)) for other in others))

    def test_all_components_take_them_at_once(self):
        objects = render("drill.enabled=true", {f"all.{k}": v for k, v in self.GIVEN.items()})
        for component in COMPONENTS:
            with self.subTest(component):
                self.check(objects.pod(component))

    def test_strangers_run_where_all_do_and_have_no_label(self):
        objects = render("tests.stranger.enabled=true", {f"all.{k}": v for k, v in self.GIVEN.items()})
        stranger, confined = (objects.one("Pod", f"papo-test-{name}") for name in ("stranger", "confined"))
        self.check(confined)
        self.assertEqual(labels(stranger), {})
        for field in ("tolerations", "nodeSelector", "affinity", "priorityClassName", "topologySpreadConstraints", "volumes"):
            self.assertEqual(stranger["spec"][field], confined["spec"][field], field)
        self.assertIn({"name": "X", "value": "y"}, container(stranger)["env"])

    def test_their_affinity_does_not_drive_out_ours(self):
        affinity = render({"servidor.affinity": {"nodeAffinity": {"x": "y"}}}).pod("servidor")["spec"]["affinity"]
        self.assertEqual(set(affinity), {"nodeAffinity", "podAntiAffinity"})

    def test_images_are_those_for_all_or_ones_own(self):
        objects = render("drill.enabled=true", "image.repository=r", "image.tag=t", "servidor.image.tag=new", {"image.pullSecrets": [{"name": "s"}]})
        for component in COMPONENTS:
            pod = objects.pod(component)
            self.assertEqual(container(pod)["image"], "r:new" if component == "servidor" else "r:t")
            self.assertEqual(pod["spec"]["imagePullSecrets"], [{"name": "s"}])


class Switches(unittest.TestCase):
    def test_each_adds_what_it_says_and_nothing_else(self):
        def added(*settings):
            def names(objects):
                return {re.sub("-[0-9a-f]{8}$", "-HASH", f"{o['kind']}/{o['metadata']['name']}") for o in objects}

            return names(render(*settings)) - names(rendered())

        collector = "networkPolicy.metrics[0].namespaceSelector.matchLabels.name=monitoring"
        self.assertEqual(added("metrics.podMonitor.enabled=true", collector), {"PodMonitor/papo"})
        self.assertEqual(added("metrics.serviceMonitor.enabled=true", "networkPolicy.enabled=false"), {"ServiceMonitor/papo"})
        self.assertEqual(added("metrics.prometheusRule.enabled=true"), {"PrometheusRule/papo"})
        self.assertEqual(added("metrics.dashboard.enabled=true"), {"ConfigMap/papo-dashboard"})
        self.assertEqual(added("tests.stranger.enabled=true"), {"Pod/papo-test-stranger", "Pod/papo-test-confined"})
        self.assertEqual(added("cliente.persistence.enabled=true"), {"PersistentVolumeClaim/papo-cliente"})
        drill = {f"{kind}/papo-drill" for kind in ("ServiceAccount", "Role", "RoleBinding")}
        self.assertEqual(added("drill.enabled=true"), drill | {"Job/papo-drill-HASH"})
        self.assertEqual(added("drill.enabled=true", "drill.schedule=0 3 * * 1"), drill | {"CronJob/papo-drill"})
        cluster = {"ClusterRole/papo-papo-drill", "ClusterRoleBinding/papo-papo-drill"}
        self.assertEqual(added("drill.enabled=true", "drill.nodes.enabled=true"), drill | cluster | {"Job/papo-drill-HASH"})
        self.assertEqual(added("drillHooks.enabled=true"), set())

    def test_single_brokers_and_proxies_have_no_budget(self):
        budgets = render("broker.replicas=1", "proxy.replicas=1").of("PodDisruptionBudget")
        self.assertEqual([b["metadata"]["name"] for b in budgets], ["papo-servidor"])

    def test_every_pod_has_an_account_that_is_there(self):
        for settings, made, used in (
            ([], ["papo"], "papo"),
            (["serviceAccount.name=mine"], ["mine"], "mine"),
            (["serviceAccount.create=false", "serviceAccount.name=theirs"], [], "theirs"),
            # Every namespace has this one.
            (["serviceAccount.create=false"], [], "default"),
        ):
            with self.subTest(settings):
                objects = render(*settings, "tests.stranger.enabled=true")
                self.assertEqual([o["metadata"]["name"] for o in objects.of("ServiceAccount")], made)
                self.assertEqual({pod["spec"]["serviceAccountName"] for pod in objects.pods().values()}, {used})

    def test_the_drill_leaves_its_reports_where_it_is_told_to(self):
        def drill(*settings):
            pod = render("drill.enabled=true", *settings).pod("drill")
            return pod, [word for word in container(pod)["args"] if word.startswith("--report")]

        self.assertEqual(drill()[1], [])
        pod, reports = drill("drill.reportsClaim=mine")
        self.assertEqual(reports, ["--report=/reports/$(POD_NAME)"])
        self.assertIn({"name": "reports", "persistentVolumeClaim": {"claimName": "mine"}}, pod["spec"]["volumes"])
        self.assertIn({"name": "reports", "mountPath": "/reports"}, container(pod)["volumeMounts"])
        (name,) = [e["valueFrom"] for e in container(pod)["env"] if e["name"] == "POD_NAME"]
        self.assertEqual(name, {"fieldRef": {"fieldPath": "metadata.name"}})

    def test_alerts_are_about_this_release_and_have_runbooks(self):
        settings = "metrics.prometheusRule.enabled=true", "metrics.prometheusRule.runbooks=https://example.org/runbooks"
        rule = render(*settings, release="chat", namespace="elsewhere").one("PrometheusRule", "chat-papo")
        alerts = [alert for group in rule["spec"]["groups"] for alert in group["rules"]]
        self.assertTrue(alerts)
        for alert in alerts:
            with self.subTest(alert["alert"]):
                self.assertNotRegex(str(alert), "%[A-Z]+%")
                self.assertIn('namespace="elsewhere"', alert["expr"])
                self.assertIn("chat-papo-", alert["expr"])
                self.assertEqual(alert["annotations"]["runbook_url"], f"https://example.org/runbooks/{alert['alert']}.md")
                self.assertTrue((ROOT / "docs" / "runbooks" / f"{alert['alert']}.md").exists())

    def test_the_dashboard_is_that_of_the_file(self):
        (text,) = render("metrics.dashboard.enabled=true").one("ConfigMap", "papo-dashboard")["data"].values()
        (file,) = (CHART / "files").glob("*.json")
        self.assertEqual(json.loads(text), json.loads(file.read_text()))


if __name__ == "__main__":
    unittest.main()
