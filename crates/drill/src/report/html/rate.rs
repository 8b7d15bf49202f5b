use papo_witness::evidence::RateSample;

use super::window::Window;

/// What was answered in one column of the drawing, a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bin {
    pub(super) from_ms: u64,
    pub(super) to_ms: u64,
    pub(super) acknowledged: f64,
    pub(super) failed: f64,
}

/// The samples within the window, put together until there are at most `columns`.
pub(super) fn bins(rate: &[RateSample], window: Window, columns: u64) -> Vec<Bin> {
    let within: Vec<&RateSample> = rate
        .iter()
        .filter(|sample| sample.at_ms + RateSample::WIDTH_MS > window.from_ms && sample.at_ms < window.to_ms)
        .collect();
    let together = within.len().div_ceil(usize::try_from(columns.max(1)).unwrap_or(usize::MAX)).max(1);
    within.chunks(together).map(bin).collect()
}

fn bin(samples: &[&RateSample]) -> Bin {
    let from_ms = samples[0].at_ms;
    let to_ms = samples[samples.len() - 1].at_ms + RateSample::WIDTH_MS;
    let seconds = (to_ms - from_ms) as f64 / 1000.0;
    let a_second = |of: fn(&RateSample) -> u32| {
        samples.iter().map(|sample| f64::from(of(sample))).sum::<f64>() / seconds
    };
    Bin {
        from_ms,
        to_ms,
        acknowledged: a_second(|sample| sample.acknowledged),
        failed: a_second(|sample| sample.failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_hold_whole_samples_and_tell_what_a_second_brought() {
        let rate: Vec<RateSample> = (0..10)
            .map(|i| RateSample { at_ms: i * 100, acknowledged: 5, failed: u32::from(i == 3) })
            .collect();
        let bins = bins(&rate, Window { from_ms: 0, to_ms: 1000 }, 5);
        assert_eq!(bins.len(), 5);
        assert_eq!(bins[1], Bin { from_ms: 200, to_ms: 400, acknowledged: 50.0, failed: 5.0 });
    }

    #[test]
    fn what_is_outside_of_the_window_is_left_out() {
        let rate: Vec<RateSample> =
            (0..10).map(|i| RateSample { at_ms: i * 100, acknowledged: 1, failed: 0 }).collect();
        let bins = bins(&rate, Window { from_ms: 250, to_ms: 500 }, 100);
        assert_eq!(bins.iter().map(|bin| bin.from_ms).collect::<Vec<_>>(), [200, 300, 400]);
    }
}
