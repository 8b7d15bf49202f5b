"""No value is dead: each changes something of what is rendered."""

import json
import re
import unittest

from chart import CHART, EVERYTHING, Refused, manifests, parse

# Where each value has a say: all switches on, or what they leave out.
SCENES = {
    "everything": [*EVERYTHING, "members.hook=always"],
    "services": [*EVERYTHING, "metrics.podMonitor.enabled=false", "metrics.serviceMonitor.enabled=true"],
    "no claims": ["servidor.persistence.enabled=false", {"servidor.persistence.sizeLimit": "64Mi"}],
    "somebody who may collect": ["networkPolicy.metrics[0].namespaceSelector.matchLabels.name=monitoring"],
    "a CronJob": ["drill.enabled=true", "drill.schedule=0 3 * * 1"],
    "defaults": [],
}

# Other values than the defaults, where no rule below would find one that is allowed.
OTHERS = {
    "servidor.replicas": 5,
    "servidor.podDisruptionBudget.maxUnavailable": 0,
    "networkPolicy.dnsPorts": [5353],
    "networkPolicy.apiServerPorts": [8443],
    "networkPolicy.clients": [{"podSelector": {}}],
    "networkPolicy.metrics": [{"podSelector": {}}],
    "networkPolicy.dns": [{"podSelector": {}}],
    "image.pullSecrets": [{"name": "x"}],
    "drill.schedule": "0 3 * * 1",
    "members.hook": "never",
}
ANYTHING = {"name": "x", "value": "y", "mountPath": "/x", "key": "x", "topologyKey": "x"}


class Values(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        (cls.values,) = parse((CHART / "values.yaml").read_text())
        cls.schema = json.loads((CHART / "values.schema.json").read_text())
        cls.rendered = {}

    def resolve(self, schema):
        name = schema.get("$ref", "").removeprefix("#/definitions/")
        return self.schema["definitions"][name] if name else schema

    def leaves(self, schema, values, at=""):
        """Path, schema and default of every value; an object of people's own keys is one value."""
        for name, inner in schema["properties"].items():
            inner, path = self.resolve(inner), f"{at}{name}"
            if path == "global":
                continue
            if isinstance(values[name], dict) and inner.get("properties") and name not in ("image", "settings", "resources") or path == "image":
                yield from self.leaves(inner, values[name], f"{path}.")
            else:
                yield path, inner, values[name]

    def other(self, path, schema, default):
        """A value that the schema allows and the default is not."""
        if path in OTHERS:
            return OTHERS[path]
        name = path.split(".")[-1]
        if name == "settings":
            return {"log-level": "debug"}
        if name == "resources":
            return {"limits": {"memory": "4Gi"}}
        if name == "image":
            return {"tag": "other"}
        if "enum" in schema:
            return next(value for value in schema["enum"] if value != default)
        kind = schema.get("type", "")
        if kind == "boolean":
            return not default
        if "integer" in kind:
            largest = schema.get("maximum", 31000)
            return 31000 if default is None and largest > 31000 else (default or 0) + 1 if default != largest else default - 1
        if kind == "object":
            return {"x": "y"}
        if kind == "array":
            item = self.resolve(schema["items"])
            closed = item.get("additionalProperties") is False
            known = {name: value for name, value in ANYTHING.items() if not closed or name in item["properties"]}
            return [known if item.get("type") == "object" else "x"]
        self.assertEqual(kind, "string", path)
        return next(value for value in (f"{default}x", "7Gi", "7s") if re.search(schema.get("pattern", ""), value))

    def test_each_changes_what_is_rendered(self):
        dead = [path for path, schema, default in self.leaves(self.schema, self.values) if not self.matters(path, schema, default)]
        self.assertEqual(dead, [])

    def matters(self, path, schema, default):
        given = {path: self.other(path, schema, default)}
        for scene, settings in SCENES.items():
            if scene not in self.rendered:
                self.rendered[scene] = manifests(*settings)
            try:
                if manifests(*settings, given) != self.rendered[scene]:
                    return True
            except Refused:
                # Not together with what else there is in this scene.
                continue
        return False


if __name__ == "__main__":
    unittest.main()
