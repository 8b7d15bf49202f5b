"""What is unsafe, or misspelt, is refused before anything is installed, with a sentence that says why."""

import unittest

from chart import CHART, Refused, render, run

UNSAFE = {
    "an even number of servidores": (["servidor.replicas=4"], "an even number survives no more failures than 3 do"),
    "six servidores": (["servidor.replicas=6"], "take 5 or 7"),
    "two servidores": (["servidor.replicas=2"], "take 1 or 3"),
    "a budget beyond the minority": (["servidor.podDisruptionBudget.maxUnavailable=2"], "of 3 servidores at most 1 may be taken away"),
    "a budget of one of one": (
        ["servidor.replicas=1", "servidor.podDisruptionBudget.maxUnavailable=1"], "of 1 servidores at most 0"),
    "a grace shorter than the drain": (
        ["servidor.terminationGracePeriodSeconds=9"],
        "stopping may take 10 s (servidor.preStopSeconds + servidor.graceSeconds + 5), and would be cut short"),
    "a grace shorter than the drain of a broker": (["broker.terminationGracePeriodSeconds=5"], "stopping may take 10 s"),
    "a drain longer than a grace that was right": (
        ["servidor.terminationGracePeriodSeconds=20", "servidor.graceSeconds=30"], "stopping may take 35 s"),
    "a grace shorter than the pause of a proxy": (
        ["proxy.terminationGracePeriodSeconds=6"], "stopping may take 8 s (proxy.preStopSeconds + 5), and would be cut short"),
    "a grace shorter than the last check of a bot": (
        ["clienteAutomatico.terminationGracePeriodSeconds=20"], "stopping may take 29 s, and would be cut short"),
    "hooks without policies": (["drillHooks.enabled=true", "networkPolicy.enabled=false"], "can crash a servidor"),
    "rights over nodes for nobody": (["drill.nodes.enabled=true"], "a drill that is not there"),
    "numbers collected twice": (
        ["metrics.podMonitor.enabled=true", "metrics.serviceMonitor.enabled=true"], "collected twice"),
    "numbers that nobody may collect": (["metrics.podMonitor.enabled=true"], "say where Prometheus runs"),
    "a stranger where nobody is refused": (
        ["tests.stranger.enabled=true", "networkPolicy.enabled=false"], "nobody would be refused"),
    "a log in memory without a limit": (
        ["servidor.persistence.enabled=false", "servidor.persistence.medium=Memory"], "without a sizeLimit"),
    "two settings files": (["broker.existingConfigMap=a", "broker.existingSecret=b"], "give one of them"),
    "settings that would be ignored": (
        ["broker.existingConfigMap=a", "broker.settings.rate-limit=1"], "broker.settings would be ignored"),
    "a variable that is the chart's": (
        [{"servidor.extraEnv": [{"name": "PAPO_GENESIS", "value": "x"}]}], "servidor.extraEnv sets PAPO_GENESIS"),
    "a variable that is the chart's, for all": (
        [{"all.extraEnv": [{"name": "PAPO_NAME", "value": "x"}]}], "all.extraEnv sets PAPO_NAME"),
}

MISSPELT = {
    "a key": ["servidor.replica=3"],
    "a component": ["brokers.replicas=2"],
    "a nested key": ["servidor.persistence.siez=1Gi"],
    "a program's setting": ["broker.settings.rate-limits=1"],
    "an enumeration": ["servidor.antiAffinity=hard"],
    "a type": ["networkPolicy.enabled=maybe"],
    "a number that is none": ["broker.replicas=two"],
    "a size": ["servidor.persistence.size=big"],
    "a duration": ["broker.settings.deadline=5"],
    "none of something": ["broker.replicas=0"],
    "too many servidores": ["servidor.replicas=9"],
    "one too many servidores": ["servidor.replicas=8"],
    "another way to say who counts": ["members.hook=sometimes"],
    "a resource": ["broker.resources.limit.memory=1Gi"],
    "two clients at one terminal": ["cliente.replicas=2"],
    "a grace that the proxy knows nothing of": ["proxy.graceSeconds=9"],
}


class Refusals(unittest.TestCase):
    def test_unsafe_values_are_refused_with_one_sentence(self):
        for what, (settings, sentence) in UNSAFE.items():
            with self.subTest(what):
                with self.assertRaises(Refused) as refused:
                    render(*settings)
                self.assertIn(sentence, str(refused.exception))
                self.assertNotIn("nil pointer", str(refused.exception))

    def test_misspelt_values_are_refused_by_the_schema(self):
        for what, settings in MISSPELT.items():
            with self.subTest(what):
                with self.assertRaises(Refused) as refused:
                    render(*settings)
                self.assertIn("values don't meet the specifications of the schema", str(refused.exception))

    def test_the_safe_neighbours_of_unsafe_values_are_taken(self):
        for settings in (
            ["servidor.replicas=5", "servidor.podDisruptionBudget.maxUnavailable=2"],
            ["servidor.podDisruptionBudget.maxUnavailable=0"],
            ["servidor.replicas=7", "servidor.podDisruptionBudget.maxUnavailable=3"],
            ["servidor.replicas=5", "servidor.antiAffinity=preferred"],
            ["servidor.terminationGracePeriodSeconds=10"],
            ["servidor.persistence.enabled=false", "servidor.persistence.medium=Memory", "servidor.persistence.sizeLimit=64Mi"],
            ["broker.existingConfigMap=a"],
            ["broker.settings.rate-limit=1"],
        ):
            with self.subTest(settings):
                render(*settings)

    def test_helm_finds_nothing_to_complain_about(self):
        ended = run("helm", "lint", "--strict", CHART)
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)


if __name__ == "__main__":
    unittest.main()
