"""Who may talk to whom, read off the rendered policies: both halves of every connection must be allowed, and no other is."""

import unittest

from chart import COMPONENTS, container, environment, labels, render, rendered

EDGES = {
    ("cliente", "broker", 5557), ("cliente-automatico", "broker", 5557), ("drill", "broker", 5557), ("test", "broker", 5557),
    ("servidor", "broker", 5557), ("servidor", "broker", 5558),
    ("cliente", "proxy", 5556), ("cliente-automatico", "proxy", 5556), ("drill", "proxy", 5556), ("test", "proxy", 5556),
    ("servidor", "proxy", 5555), ("servidor", "referencia", 5560),
    ("servidor", "servidor", 5570), ("servidor", "servidor", 5571), ("drill", "servidor", 5570), ("test", "servidor", 5570), ("members", "servidor", 5570),
}
PORTS = [5555, 5556, 5557, 5558, 5560, 5570, 5571, 9100, 9101]


def pod_labels(component):
    return {"app.kubernetes.io/name": "papo", "app.kubernetes.io/instance": "papo", "app.kubernetes.io/component": component}


def selects(selector, of):
    return all(of.get(name) == value for name, value in selector["matchLabels"].items())


def lets(policies, direction, subject, peer, port):
    """Whether some policy lets `subject` have this connection; `direction` is ingress or egress."""
    side = {"ingress": "from", "egress": "to"}[direction]
    for policy in policies:
        if not selects(policy["spec"]["podSelector"], subject):
            continue
        for rule in policy["spec"].get(direction, []):
            peers = [p for p in rule.get(side, []) if "podSelector" in p and "namespaceSelector" not in p]
            ports = [p["port"] for p in rule["ports"]]
            if port in ports and any(selects(p["podSelector"], peer) for p in peers):
                return True
    return False


def edges(objects):
    policies = objects.of("NetworkPolicy")
    return {
        (source, target, port)
        for source in COMPONENTS
        for target in COMPONENTS
        for port in PORTS
        if lets(policies, "egress", pod_labels(source), pod_labels(target), port)
        and lets(policies, "ingress", pod_labels(target), pod_labels(source), port)
    }


class Policies(unittest.TestCase):
    def test_the_real_connections_are_let_through_and_no_others(self):
        self.assertEqual(edges(rendered()), EDGES)

    def test_hooks_are_open_to_the_drill_only(self):
        self.assertEqual(edges(rendered("drillHooks.enabled=true")) - EDGES, {("drill", "servidor", 9101)})

    def test_every_pod_is_cut_off_from_what_is_not_let_through(self):
        everything = rendered().one("NetworkPolicy", "papo")["spec"]
        self.assertEqual(everything["policyTypes"], ["Ingress", "Egress"])
        self.assertNotIn("ingress", everything)
        self.assertNotIn("egress", everything)
        for component in COMPONENTS:
            self.assertTrue(selects(everything["podSelector"], pod_labels(component)), component)

    def test_only_those_who_look_names_up_reach_dns(self):
        for policy in rendered().of("NetworkPolicy"):
            component = policy["metadata"]["name"].removeprefix("papo-")
            ports = [p["port"] for rule in policy["spec"].get("egress", []) for p in rule["ports"]]
            resolves = component in ("servidor", "cliente", "cliente-automatico", "drill", "test", "members")
            self.assertEqual(53 in ports, resolves, component)
            self.assertEqual(6443 in ports, component == "drill", component)

    def test_the_stranger_of_the_test_is_selected_by_no_policy(self):
        objects = rendered("tests.stranger.enabled=true")
        stranger = labels(objects.one("Pod", "papo-test-stranger"))
        self.assertFalse(any(selects(p["spec"]["podSelector"], stranger) for p in objects.of("NetworkPolicy")))

    def test_the_stranger_tries_every_port_of_every_pod(self):
        for hooks in (False, True):
            objects = render("tests.stranger.enabled=true", f"drillHooks.enabled={str(hooks).lower()}")
            tried = environment(objects.one("Pod", "papo-test-stranger"))["TARGETS"].split()
            services = {o["metadata"]["name"]: o["spec"] for o in objects.of("Service")}
            reached = set()
            for target in tried:
                name, port = target.split(":")
                reached.add((services[name]["selector"]["app.kubernetes.io/component"], int(port)))
            there = {
                (component, port["containerPort"])
                for component in ("broker", "proxy", "referencia", "servidor")
                for port in container(objects.pod(component))["ports"]
            }
            self.assertEqual(reached, there)
            self.assertEqual(("servidor", 9101) in there, hooks)
            for name, service in services.items():
                # A headless Service leads to every port of its pods; of others, only what they say is a port.
                if service.get("clusterIP") != "None":
                    ports = {f"{name}:{port['port']}" for port in service["ports"]}
                    self.assertEqual({target for target in tried if target.split(":")[0] == name}, ports)

    def test_the_confined_pod_of_the_test_is_let_out_by_no_policy(self):
        objects = rendered("tests.stranger.enabled=true")
        confined = labels(objects.one("Pod", "papo-test-confined"))
        selecting = [p["metadata"]["name"] for p in objects.of("NetworkPolicy") if selects(p["spec"]["podSelector"], confined)]
        self.assertEqual(selecting, ["papo"], "only the one that refuses everything")
        for service in objects.of("Service"):
            self.assertFalse(all(confined.get(k) == v for k, v in service["spec"]["selector"].items()), service["metadata"]["name"])

    def test_others_are_let_in_where_the_values_say(self):
        them = {"podSelector": {"matchLabels": {"chat": "yes"}}}
        objects = render({"networkPolicy.clients": [them], "networkPolicy.metrics": [them]})
        for component, port in (("broker", 5557), ("proxy", 5556)):
            rules = objects.one("NetworkPolicy", f"papo-{component}")["spec"]["ingress"]
            self.assertEqual([r["ports"][0]["port"] for r in rules if them in r["from"]], [port])
        for component in COMPONENTS:
            self.assertTrue(lets(objects.of("NetworkPolicy"), "ingress", pod_labels(component), {"chat": "yes"}, 9100))
        self.assertFalse(lets(objects.of("NetworkPolicy"), "ingress", pod_labels("servidor"), {"chat": "yes"}, 5570))

    def test_without_policies_there_are_none(self):
        self.assertEqual(render("networkPolicy.enabled=false").of("NetworkPolicy"), [])


if __name__ == "__main__":
    unittest.main()
