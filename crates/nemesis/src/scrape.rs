//! Reading the pages of metrics.

/// All samples of a process's page, by their names with their labels, as they stand there.
pub fn samples(port: u16) -> Option<Vec<(String, f64)>> {
    let page = papo_processes::get(port, "/metrics").filter(|page| page.status == 200)?;
    let lines = page.body.lines().filter(|line| !line.starts_with('#'));
    Some(
        lines
            .filter_map(|line| {
                line.rsplit_once(' ').and_then(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
            })
            .collect(),
    )
}

/// One without labels.
pub fn metric(port: u16, name: &str) -> Option<f64> {
    samples(port)?.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}
