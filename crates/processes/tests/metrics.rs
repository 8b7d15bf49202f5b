//! What `docs/metrics.md` lists is what the programs expose: every name, type and label, no more and no less.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use papo_processes::{Asker, Bot, Cluster, Load, LoadOptions, free_port, get, until};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

/// A metric, as Prometheus asks for it: its type and its labels.
type Metrics = BTreeMap<String, (String, BTreeSet<String>)>;

#[test]
fn the_documented_metrics_are_those_that_are_exposed() {
    let cluster = Cluster::start();
    let load = Load::start(&cluster, &LoadOptions::default());
    load.wait_for_more(20);
    // Families whose labels are not known beforehand show up with what they count.
    let answer = Asker::new(cluster.broker_port(1)).ask("nonsense", &json!({}), LIMIT);
    assert!(answer.is_some_and(|answer| !answer.is_ok()));
    let bot_http = free_port();
    let bot =
        Bot::start(&cluster, "bot", &["--users=2", "--rate=20", &format!("--http=127.0.0.1:{bot_http}")]);

    let documented = documented();
    let exposed_by = |name: &str| exposed(&scrape(cluster.http_port(name)));
    for (service, processes) in [
        ("servidor", cluster.servidores()),
        ("broker", vec!["broker-1".to_owned()]),
        ("proxy", vec!["proxy-1".to_owned()]),
        ("referencia", vec!["referencia".to_owned()]),
    ] {
        let expected = expected(&documented, service);
        // Which of the servidores is asked what is chance.
        until(&format!("{service} shows all that is documented"), LIMIT, || {
            let exposed = processes.iter().fold(Metrics::new(), |mut all, process| {
                all.extend(exposed_by(process));
                all
            });
            shows_all(service, &exposed, &expected)
        });
    }
    let expected = expected(&documented, "cliente_automatico");
    until("the bot shows all that is documented", LIMIT, || {
        let exposed = exposed(&get(bot_http, "/metrics").filter(|page| page.status == 200)?.body);
        shows_all("cliente_automatico", &exposed, &expected)
    });
    bot.finish().assert_content();
    load.finish();
}

#[test]
fn every_metric_has_help_and_a_name_by_the_conventions() {
    let cluster = Cluster::start();
    for name in cluster.names() {
        let text = scrape(cluster.http_port(&name));
        let helped: BTreeSet<&str> =
            text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
        for (metric, (kind, _)) in exposed(&text) {
            assert!(metric.starts_with("papo_") || metric.starts_with("process_"), "{metric} of {name}");
            assert_eq!(metric.ends_with("_total"), kind == "counter", "{metric} of {name} is a {kind}");
            for small in ["_ms", "_millis", "_milliseconds", "_ns", "_nanoseconds", "_kb", "_mib"] {
                assert!(!metric.ends_with(small), "{metric} of {name} is not in a base unit");
            }
            let family = metric.strip_suffix("_total").or(metric.strip_suffix("_info")).unwrap_or(&metric);
            assert!(helped.contains(family), "{metric} of {name} has no help");
        }
    }
}

/// Whether everything is there; prints what is not. What is not documented fails at once.
fn shows_all(service: &str, exposed: &Metrics, expected: &Metrics) -> Option<()> {
    for (name, (kind, labels)) in exposed {
        let Some((right, known)) = expected.get(name) else {
            panic!("{name} of {service} is exposed and not in docs/metrics.md")
        };
        assert_eq!(kind, right, "the type of {name} of {service}");
        assert!(labels.is_subset(known), "{name} of {service} has labels {labels:?}, not {known:?}");
    }
    let missing: Vec<&String> = expected
        .iter()
        .filter(|(name, known)| exposed.get(*name) != Some(known))
        .map(|(name, _)| name)
        .collect();
    if !missing.is_empty() {
        println!("not exposed by {service}, or without samples: {missing:?}");
    }
    missing.is_empty().then_some(())
}

fn scrape(port: u16) -> String {
    let page = get(port, "/metrics").expect("it answers");
    assert_eq!(page.status, 200);
    page.body
}

/// Reads OpenMetrics text. A family without samples has no labels.
fn exposed(text: &str) -> Metrics {
    let mut all = Metrics::new();
    let mut current = None;
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').expect("a name and a type");
            let name = match kind {
                "counter" => format!("{name}_total"),
                "info" => format!("{name}_info"),
                _ => name.to_owned(),
            };
            all.insert(name.clone(), (kind.to_owned(), BTreeSet::new()));
            current = Some(name);
        } else if let Some((_, rest)) = line.split_once('{').filter(|_| !line.starts_with('#')) {
            let (labels, _) = rest.rsplit_once('}').expect("labels end");
            let names = labels.split(',').filter_map(|label| label.split_once('=')).map(|(name, _)| name);
            let name = current.as_ref().expect("a sample follows its type");
            let (_, known) = all.get_mut(name).expect("it was just inserted");
            known.extend(names.filter(|name| *name != "le").map(str::to_owned));
        }
    }
    all
}

/// The tables of `docs/metrics.md`, by heading.
fn documented() -> BTreeMap<String, Metrics> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    let text = std::fs::read_to_string(path).expect("the list is there");
    let mut all: BTreeMap<String, Metrics> = BTreeMap::new();
    let mut heading = String::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            heading = name.to_owned();
        } else if let Some(row) = line.strip_prefix("| `") {
            let cells: Vec<&str> = row.split('|').map(str::trim).collect();
            let [name, kind, labels, ..] = cells.as_slice() else { panic!("no row of the list: {line}") };
            let labels = labels.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            let name = name.trim_end_matches('`').to_owned();
            let before = all.entry(heading.clone()).or_default().insert(name, ((*kind).to_owned(), labels));
            assert!(before.is_none(), "listed twice: {line}");
        }
    }
    assert!(all.len() >= 6, "the list has been read: {:?}", all.keys());
    all
}

/// What a process of that service is to expose.
fn expected(documented: &BTreeMap<String, Metrics>, service: &str) -> Metrics {
    let of =
        |heading: &str| documented.get(heading).unwrap_or_else(|| panic!("no list for {heading}")).clone();
    let mut all = of("Every process");
    all.extend(of(service));
    all
}
