//! What is written about drills and alerts is complete, and names nothing that is not there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use papo_drill::faults::DRILLS;
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Names of the pages in a directory, without the one that leads to them.
fn pages(dir: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(root().join(dir)).unwrap_or_else(|error| panic!("{dir}: {error}"));
    let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    names
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| name != "README")
        .collect()
}

fn drills() -> BTreeSet<String> {
    DRILLS.iter().map(|drill| drill.name.to_owned()).collect()
}

/// The alerts of the chart, as Prometheus reads them.
fn alerts() -> Vec<Value> {
    let file: Value = serde_yaml::from_str(&text("helm/papo/files/alerts.yaml")).expect("YAML");
    let groups = file["groups"].as_array().expect("groups");
    groups.iter().flat_map(|group| group["rules"].as_array().expect("rules").clone()).collect()
}

fn name(alert: &Value) -> String {
    alert["alert"].as_str().expect("a name").to_owned()
}

fn has_sections(page: &str, sections: &[&str]) {
    let text = text(page);
    for section in sections {
        assert!(text.contains(&format!("\n## {section}\n")), "{page} has no section {section}");
    }
}

#[test]
fn every_drill_has_a_sheet_and_every_sheet_a_drill() {
    assert_eq!(pages("docs/drills"), drills());
    for drill in drills() {
        let page = format!("docs/drills/{drill}.md");
        has_sections(
            &page,
            &["Hypothesis", "Blast radius", "Rights", "Run it", "What must hold", "How it is undone"],
        );
        assert!(text(&page).contains(&format!("    drill run {drill}")), "{page} does not say how to run it");
        assert!(text(&page).contains("\nBy hand: "), "{page} does not say what to do by hand");
        assert!(
            text("docs/drills/README.md").contains(&format!("({drill}.md)")),
            "the overview lacks {drill}"
        );
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let names: BTreeSet<String> = alerts().iter().map(name).collect();
    assert_eq!(names.len(), alerts().len(), "an alert is there twice");
    assert_eq!(pages("docs/runbooks"), names);
    for alert in alerts() {
        let name = name(&alert);
        let page = format!("docs/runbooks/{name}.md");
        has_sections(&page, &["Meaning", "Impact", "Diagnosis", "Remedy", "Drill"]);
        assert!(
            text("docs/runbooks/README.md").contains(&format!("({name}.md)")),
            "the overview lacks {name}"
        );
        assert_eq!(alert["annotations"]["runbook_url"], format!("%RUNBOOKS%/{name}.md"));
        for key in ["summary", "description"] {
            assert!(alert["annotations"][key].is_string(), "{name} has no {key}");
        }
        assert!(alert["labels"]["severity"].is_string(), "{name} has no severity");
    }
}

#[test]
fn every_runbook_names_a_drill_that_there_is() {
    for page in pages("docs/runbooks") {
        let text = text(&format!("docs/runbooks/{page}.md"));
        let last = text.rsplit("\n## Drill\n").next().expect("a section");
        let run = last.lines().find_map(|line| line.strip_prefix("    drill run ")).expect("a command");
        let drill = run.split(' ').next().expect("a name");
        assert!(drills().contains(drill), "{page}: there is no drill {drill}");
        assert!(
            last.contains(&format!("(../drills/{drill}.md)")),
            "{page} does not lead to the sheet of {drill}"
        );
    }
}

#[test]
fn alerts_and_dashboard_use_metrics_that_there_are() {
    let known = text("docs/metrics.md");
    let mut used = 0;
    for expression in alert_expressions().into_iter().chain(dashboard_expressions()) {
        for metric in metrics(&expression) {
            assert!(
                known.contains(&format!("`{metric}`")),
                "{metric} is not in docs/metrics.md: {expression}"
            );
            used += 1;
        }
    }
    assert!(used > 50, "only {used} were found");
}

/// Two releases of one Prometheus must not be mixed up.
#[test]
fn every_metric_is_asked_of_one_release() {
    let selects = |expression: &str, selector: &str| {
        let selectors = expression.matches(selector).count();
        assert_eq!(selectors, metrics(expression).len(), "{expression}");
    };
    for expression in alert_expressions() {
        selects(&expression, "{namespace=\"%NAMESPACE%\",pod=~\"%FULLNAME%-");
    }
    for expression in dashboard_expressions() {
        selects(&expression, "{namespace=\"$namespace\",pod=~\"$release-");
    }
}

fn alert_expressions() -> Vec<String> {
    alerts().iter().map(|alert| alert["expr"].as_str().expect("an expression").to_owned()).collect()
}

fn dashboard_expressions() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&text("helm/papo/files/dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
    let annotations = dashboard["annotations"]["list"].as_array().expect("a list").clone();
    let queries = targets.chain(annotations);
    queries.map(|query| query["expr"].as_str().expect("an expression").to_owned()).collect()
}

/// The names of metrics in an expression, as docs/metrics.md has them: histograms without what is put after their names.
fn metrics(expression: &str) -> Vec<&str> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("papo_") || word.starts_with("process_"))
        .map(|word| word.strip_suffix("_bucket").unwrap_or(word))
        .collect()
}

#[test]
fn every_link_between_pages_leads_somewhere() {
    for dir in ["docs/drills", "docs/runbooks", "docs/chaos-mesh"] {
        let pages = pages(dir).into_iter().chain(["README".to_owned()]);
        for page in pages.map(|page| format!("{dir}/{page}.md")) {
            for link in links(&text(&page)) {
                let file = link.split('#').next().expect("a part");
                assert!(root().join(dir).join(file).exists(), "{page} leads to {link}, which is not there");
            }
        }
    }
}

/// Where Markdown's links lead, but for those to other sites.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|link| !link.starts_with("https:")).collect()
}

#[test]
fn every_example_of_chaos_mesh_takes_one_servidor_and_is_in_the_overview() {
    let overview = text("docs/chaos-mesh/README.md");
    let mut kinds = BTreeSet::new();
    for entry in fs::read_dir(root().join("docs/chaos-mesh")).expect("a directory") {
        let file = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        if !file.ends_with(".yaml") {
            continue;
        }
        let example: Value = serde_yaml::from_str(&text(&format!("docs/chaos-mesh/{file}"))).expect("YAML");
        kinds.insert(example["kind"].as_str().expect("a kind").to_owned());
        let fault = example["spec"].get("podChaos").unwrap_or(&example["spec"]);
        assert_eq!(fault["mode"], "one", "{file}");
        let labels = &fault["selector"]["labelSelectors"];
        assert_eq!(labels["app.kubernetes.io/component"], "servidor", "{file}");
        assert!(overview.contains(&format!("({file})")), "the overview lacks {file}");
    }
    for kind in ["PodChaos", "NetworkChaos", "IOChaos", "TimeChaos"] {
        assert!(kinds.contains(kind), "there is no example of {kind}");
    }
}

/// What promtool is to try (e2e/chart/run has it do so): when each alert fires, and when not.
#[test]
fn every_alert_is_tried_where_it_fires_and_where_it_does_not() {
    let file: Value = serde_yaml::from_str(&text("docs/runbooks/alerts.test.yaml")).expect("YAML");
    let (mut fires, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for test in file["tests"].as_array().expect("tests") {
        for tried in test["alert_rule_test"].as_array().expect("what is tried") {
            let name = tried["alertname"].as_str().expect("a name").to_owned();
            match tried["exp_alerts"].as_array().expect("what comes of it").is_empty() {
                true => silent.insert(name),
                false => fires.insert(name),
            };
        }
    }
    let names: BTreeSet<String> = alerts().iter().map(name).collect();
    assert_eq!(fires, names, "not every alert is seen to fire");
    assert_eq!(silent, names, "not every alert is seen to be silent");
}
