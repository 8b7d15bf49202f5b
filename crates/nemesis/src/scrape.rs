//! Reading the pages of metrics.

/// All samples of a process's page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// By their names with their labels, as they stand there.
    samples: Vec<(String, f64)>,
    /// The names of those that may fall.
    gauges: Vec<String>,
}

impl Metrics {
    /// Asks the process that has its pages at this port of this machine.
    pub fn of(port: u16) -> Option<Self> {
        let page = papo_processes::get(port, "/metrics").filter(|page| page.status == 200)?;
        Some(Self::read(&page.body))
    }

    fn read(page: &str) -> Self {
        let mut metrics = Self::default();
        for line in page.lines() {
            if let Some(line) = line.strip_prefix("# TYPE ") {
                metrics.gauges.extend(line.strip_suffix(" gauge").map(str::to_owned));
            } else if let Some((name, value)) = line.rsplit_once(' ').filter(|_| !line.starts_with('#')) {
                metrics.samples.extend(value.parse().ok().map(|value| (name.to_owned(), value)));
            }
        }
        metrics
    }

    /// One without labels.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.samples.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }

    /// One added up over its labels.
    pub fn sum(&self, name: &str) -> f64 {
        let is_it = |known: &str| known.split_once('{').map_or(known, |(known, _)| known) == name;
        self.samples.iter().filter(|(known, _)| is_it(known)).map(|(_, value)| value).sum()
    }

    /// Each gauge, added up over its labels.
    pub fn gauges(&self) -> impl Iterator<Item = (&str, f64)> {
        self.gauges.iter().map(|gauge| (gauge.as_str(), self.sum(gauge)))
    }
}

/// One without labels, of a process that is asked for it.
pub fn metric(port: u16, name: &str) -> Option<f64> {
    Metrics::of(port)?.get(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gauges_are_told_from_the_rest_and_added_up() {
        let page = "# HELP papo_lag Entries\n# TYPE papo_lag gauge\npapo_lag{peer=\"a b\"} 3\npapo_lag{peer=\"c\"} 4\n\
                    # TYPE papo_lagging gauge\npapo_lagging 1\n# TYPE papo_sent counter\npapo_sent_total 7\n# EOF\n";
        let metrics = Metrics::read(page);
        assert_eq!(metrics.gauges().collect::<Vec<_>>(), [("papo_lag", 7.0), ("papo_lagging", 1.0)]);
        assert_eq!(metrics.get("papo_sent_total"), Some(7.0));
        assert_eq!(metrics.get("papo_lag"), None);
    }
}
