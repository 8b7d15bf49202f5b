"""Files that are made from others say the same as those."""

import json
import re
import unittest

from chart import CHART, EXAMPLES, ROOT, container, needs, parse, render, run


def leaves(values, at=""):
    """Every path of a nested mapping."""
    for name, value in values.items():
        path = f"{at}.{name}" if at else name
        yield path
        if isinstance(value, dict) and value:
            yield from leaves(value, path)


def twice(yaml):
    """Paths of keys that one mapping has twice, in YAML in block style."""
    found, open_keys, seen = [], [], set()
    for line in yaml.splitlines():
        item = re.match(r"( *)((?:- )*)([\w./-]+):(?: |$)", line)
        if not item:
            continue
        indent, dashes, name = len(item[1]), len(item[2]) // 2, item[3]
        for dash in range(dashes):
            # Each element of a list is a mapping of its own.
            open_keys = [entry for entry in open_keys if entry[0] < indent + 2 * dash]
            open_keys.append((indent + 2 * dash, "-", object()))
        indent += 2 * dashes
        open_keys = [entry for entry in open_keys if entry[0] < indent]
        within = tuple(entry[2] for entry in open_keys)
        if (within, name) in seen:
            found.append(".".join([entry[1] for entry in open_keys] + [name]))
        seen.add((within, name))
        open_keys.append((indent, name, object()))
    return found


class Files(unittest.TestCase):
    def setUp(self):
        (self.values,) = parse((CHART / "values.yaml").read_text())
        self.schema = json.loads((CHART / "values.schema.json").read_text())

    def resolve(self, schema):
        name = schema.get("$ref", "").removeprefix("#/definitions/")
        return self.schema["definitions"][name] if name else schema

    def test_every_value_of_the_schema_has_a_default_and_every_object_is_closed(self):
        def walk(schema, values, at):
            for name, inner in schema["properties"].items():
                path, inner = f"{at}{name}", self.resolve(inner)
                if path == "global":
                    continue
                self.assertIn(name, values, path)
                if "properties" in inner and values[name] not in ({}, None):
                    self.assertIs(inner.get("additionalProperties"), False, path)
                    if name not in ("resources", "settings"):
                        walk(inner, values[name], f"{path}.")

        self.assertIs(self.schema["additionalProperties"], False)
        walk(self.schema, self.values, "")

    def test_every_value_is_commented(self):
        uncommented, previous, inside = [], "", None
        for line in (CHART / "values.yaml").read_text().splitlines():
            indent, text = len(line) - len(line.lstrip()), line.strip()
            if inside is not None and indent > inside:
                continue
            inside = None
            if text and not text.startswith("#"):
                commented = previous.startswith("# --")
                if commented:
                    inside = indent
                elif not text.endswith(":"):
                    uncommented.append(text)
            previous = text
        self.assertEqual(uncommented, [])

    def test_no_key_is_there_twice(self):
        """Of two, YAML takes the later one, and says nothing."""
        for path in (CHART / "values.yaml", *EXAMPLES, CHART / "files" / "alerts.yaml"):
            with self.subTest(path.name):
                self.assertEqual(twice(path.read_text()), [])
        self.assertEqual(twice("a:\n  b: 1\n  c: 2\nd:\n  b: 3\n  b: 4\n"), ["d.b"])
        self.assertEqual(twice("a:\n  - b: 1\n    c: 2\n  - b: 1\n    b: 2\n"), ["a.-.b"])

    def test_the_readme_is_what_helm_docs_makes_of_the_comments(self):
        needs(self, "helm-docs")
        made = run("helm-docs", "--chart-search-root", CHART, "--sort-values-order", "file", "--dry-run", "--log-level", "error")
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(
            made.stdout.strip(), (CHART / "README.md").read_text().strip(),
            "run: helm-docs --chart-search-root helm --sort-values-order file")

    def test_the_manifests_are_what_the_chart_renders(self):
        ended = run(ROOT / "k8s" / "render", "--check")
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)

    def test_every_example_renders_and_passes_the_linter(self):
        self.assertTrue(EXAMPLES)
        for example in EXAMPLES:
            with self.subTest(example.name):
                self.assertTrue(render(values=example))
                ended = run("helm", "lint", "--strict", CHART, "--values", example)
                self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)


class Overlays(unittest.TestCase):
    def build(self, path):
        needs(self, "kubectl")
        ended = run("kubectl", "kustomize", ROOT / "k8s" / path)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return parse(ended.stdout)

    def servidor(self, path):
        (found,) = [o for o in self.build(path) if o["kind"] == "StatefulSet"]
        return found

    def test_three_nodes_is_what_the_chart_does(self):
        of_chart = render().one("StatefulSet", "papo-servidor")["spec"]
        self.assertEqual(self.servidor(".")["spec"], of_chart)
        self.assertEqual(self.servidor("overlays/three-nodes")["spec"], of_chart)

    def test_one_node_takes_all_servidores(self):
        pod = self.servidor("overlays/one-node")["spec"]["template"]
        self.assertNotIn("affinity", pod["spec"])
        self.assertEqual(container(pod), container(self.servidor(".")["spec"]["template"]))

    def test_nothing_says_that_helm_looks_after_it(self):
        for o in self.build("."):
            self.assertEqual(o["metadata"]["labels"].get("app.kubernetes.io/managed-by"), "kustomize" if o["kind"] else None)
            self.assertNotIn("helm.sh/chart", o["metadata"]["labels"])


if __name__ == "__main__":
    unittest.main()
