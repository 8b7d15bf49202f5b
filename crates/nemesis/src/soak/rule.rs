//! What growth is.

use std::fmt;

use super::sample::Sample;

/// Before this part of a life, it warms up: caches fill, and pools of memory find their size.
const WARM: f64 = 0.25;
/// Fewer samples after that tell nothing.
const LEAST: usize = 9;
/// Memory that may come and go with what happens at the time.
const RSS: u64 = 4 << 20;
/// Memory for each entry of the log: see the module above.
const RSS_PER_ENTRY: u64 = 128;
/// Files that may come and go: connections of clients that are being made anew.
const FILES: u64 = 8;
/// Threads that may come and go.
const THREADS: u64 = 2;
/// Requests and connections that may happen to wait.
const QUEUE: u64 = 16;
/// The same in bytes.
const QUEUE_BYTES: u64 = 64 << 10;
/// The same in entries that a peer is behind: outside of the coordinator that is as old as the last greeting, a second of messages.
const QUEUE_ENTRIES: u64 = 256;

/// What the columns of a [`Growth`] are.
pub const HEAD: &str = "process       samples   memory (MiB)                         files      threads    queues\n\
                        \x20                       first -> last   growth  explained   first last first last";

/// How a process was at the beginning and at the end of its life.
#[derive(Clone, Debug, PartialEq)]
pub struct Growth {
    node: String,
    samples: usize,
    first: Sample,
    last: Sample,
}

impl Growth {
    /// Of the samples of one life. `None` when they are too few.
    pub fn of(node: &str, samples: &[Sample]) -> Option<Self> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length")]
        let warm = (samples.len() as f64 * WARM) as usize;
        let rest = &samples[warm..];
        if rest.len() < LEAST {
            return None;
        }
        let third = rest.len() / 3;
        let (first, last) = (typical(&rest[..third]), typical(&rest[rest.len() - third..]));
        Some(Self { node: node.to_owned(), samples: samples.len(), first, last })
    }

    /// Memory that data explains.
    fn explained(&self) -> u64 {
        RSS + RSS_PER_ENTRY * self.last.applied.saturating_sub(self.first.applied)
    }

    /// What grew that should not: a sentence each.
    pub fn flaws(&self) -> Vec<String> {
        let Self { node, first, last, .. } = self;
        let mut flaws = Vec::new();
        let mut hold = |what: &str, first: u64, last: u64, may: u64| {
            if last > first + may {
                flaws.push(format!("{node}: {what} grew from {first} to {last}, and may by {may}"));
            }
        };
        hold("memory", first.rss, last.rss, self.explained());
        hold("open files", first.files, last.files, FILES);
        hold("threads", first.threads, last.threads, THREADS);
        for (name, value) in &last.queues {
            let may = match name.rsplit_once('_').map_or("", |(_, unit)| unit) {
                "bytes" => QUEUE_BYTES,
                "entries" => QUEUE_ENTRIES,
                _ => QUEUE,
            };
            hold(name, first.queues.get(name).copied().unwrap_or(0), *value, may);
        }
        flaws
    }
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let Self { node, samples, first, last } = self;
        write!(
            f,
            "{node:<13} {samples:>7}   {:>5.1} -> {:>5.1} {:>+7.1} {:>10.1}   {:>5} {:>4} {:>5} {:>4}  ",
            mib(first.rss),
            mib(last.rss),
            mib(last.rss) - mib(first.rss),
            mib(self.explained()),
            first.files,
            last.files,
            first.threads,
            last.threads
        )?;
        for (name, last) in &last.queues {
            let first = first.queues.get(name).copied().unwrap_or(0);
            let short = name.splitn(3, '_').nth(2).unwrap_or(name);
            // There are many, and most are what they are.
            if (first, *last) != (0, 0) {
                write!(f, " {short} {first}->{last}")?;
            }
        }
        Ok(())
    }
}

/// The median of each number.
fn typical(samples: &[Sample]) -> Sample {
    let median = |number: &dyn Fn(&Sample) -> u64| {
        let mut all: Vec<u64> = samples.iter().map(number).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().unwrap_or(0)
    };
    let names = samples.iter().flat_map(|sample| sample.queues.keys().cloned());
    Sample {
        at: samples.first().map(|sample| sample.at).unwrap_or_default(),
        rss: median(&|sample| sample.rss),
        files: median(&|sample| sample.files),
        threads: median(&|sample| sample.threads),
        applied: median(&|sample| sample.applied),
        queues: names
            .map(|name| {
                let value = median(&|sample| sample.queues.get(&name).copied().unwrap_or(0));
                (name, value)
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A life of 100 samples, a thousand entries each, that is changed as `change` says with its number.
    fn life(change: impl Fn(u64, &mut Sample)) -> Vec<Sample> {
        let sample = |n: u64| {
            let mut sample = Sample {
                at: Duration::from_secs(10 * n),
                rss: 30 << 20,
                files: 60,
                threads: 12,
                applied: n * 1000,
                queues: [("papo_broker_open_requests".to_owned(), n % 5)].into(),
            };
            change(n, &mut sample);
            sample
        };
        (0..100).map(sample).collect()
    }

    fn flaws(change: impl Fn(u64, &mut Sample)) -> Vec<String> {
        Growth::of("servidor-1", &life(change)).expect("a hundred samples are enough").flaws()
    }

    #[test]
    fn what_stays_as_it_is_has_no_flaw_and_what_a_table_of_ids_takes_is_explained() {
        assert!(flaws(|_, _| {}).is_empty());
        assert!(flaws(|n, sample| sample.rss += n * 1000 * 100).is_empty());
        assert!(flaws(|n, sample| sample.rss -= if n < 20 { 20 << 20 } else { 0 }).is_empty(), "warming up");
        assert!(flaws(|n, sample| sample.files += if n == 99 { 500 } else { 0 }).is_empty(), "a moment");
    }

    type Leak = (&'static str, fn(u64, &mut Sample));

    #[test]
    fn whatever_leaks_is_named() {
        let leaks: [Leak; 4] = [
            ("memory", |n, sample| sample.rss += n * 1000 * 300),
            ("open files", |n, sample| sample.files += n / 4),
            ("threads", |n, sample| sample.threads += n / 10),
            ("papo_broker_open_requests", |n, sample| {
                sample.queues.insert("papo_broker_open_requests".to_owned(), n);
            }),
        ];
        for (what, leak) in leaks {
            let flaws = flaws(leak);
            assert!(flaws.len() == 1 && flaws[0].contains(what), "{what}: {flaws:?}");
        }
    }

    #[test]
    fn few_samples_tell_nothing() {
        assert_eq!(Growth::of("servidor-1", &life(|_, _| {})[..10]), None);
    }
}
