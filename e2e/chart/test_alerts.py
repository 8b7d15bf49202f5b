"""What Prometheus itself makes of the alerts: whether it can read them, and when they fire."""

import json
import pathlib
import tempfile
import unittest

from chart import CHART, ROOT, needs, render, run


class Alerts(unittest.TestCase):
    def setUp(self):
        needs(self, "promtool")

    def promtool(self, *arguments):
        ended = run("promtool", *arguments)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended.stdout + ended.stderr

    def test_the_file_and_what_the_chart_makes_of_it_are_rules(self):
        self.assertIn("rules found", self.promtool("check", "rules", CHART / "files" / "alerts.yaml"))
        rule = render("metrics.prometheusRule.enabled=true").one("PrometheusRule", "papo")
        with tempfile.TemporaryDirectory() as directory:
            file = pathlib.Path(directory, "rules.yaml")
            file.write_text(json.dumps(rule["spec"]))
            self.assertIn("rules found", self.promtool("check", "rules", file))

    def test_each_fires_when_it_should_and_is_silent_otherwise(self):
        self.promtool("test", "rules", ROOT / "docs" / "runbooks" / "alerts.test.yaml")


if __name__ == "__main__":
    unittest.main()
