use papo_witness::evidence::Moment;

/// How far apart two flags of one row have to be.
const APART: f64 = 24.0;
/// Moments come in swarms. More rows than this would be higher than what they stand on.
const ROWS: usize = 5;

/// A numbered moment above the plot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag<'a> {
    /// Its number in the list of moments.
    pub(super) number: usize,
    pub(super) moment: &'a Moment,
    pub(super) x: f64,
    /// 0 is the highest.
    pub(super) row: usize,
}

/// Places flags so that none covers another, as far as there are rows.
pub(super) fn flags<'a>(
    moments: impl Iterator<Item = (usize, &'a Moment)>,
    place: impl Fn(u64) -> f64,
) -> Vec<Flag<'a>> {
    let mut ends = [f64::NEG_INFINITY; ROWS];
    let mut flags = Vec::new();
    for (number, moment) in moments {
        let x = place(moment.at_ms);
        let free = ends.iter().position(|end| x - end >= APART);
        let row = free.unwrap_or_else(|| least_crowded(&ends));
        ends[row] = x;
        flags.push(Flag { number, moment, x, row });
    }
    flags
}

fn least_crowded(ends: &[f64; ROWS]) -> usize {
    (0..ROWS).min_by(|a, b| ends[*a].total_cmp(&ends[*b])).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use papo_witness::evidence::MomentKind;

    use super::*;

    fn rows(at: &[u64]) -> Vec<usize> {
        let moments: Vec<Moment> = at
            .iter()
            .map(|at_ms| Moment { at_ms: *at_ms, what: MomentKind::Note, text: String::new() })
            .collect();
        flags(moments.iter().enumerate(), |at| at as f64).iter().map(|flag| flag.row).collect()
    }

    #[test]
    fn moments_that_are_close_stand_above_each_other() {
        assert_eq!(rows(&[0, 10, 20, 100]), [0, 1, 2, 0]);
    }

    #[test]
    fn a_swarm_of_moments_does_not_grow_beyond_the_rows() {
        assert!(rows(&[0; 40]).iter().all(|row| *row < ROWS));
    }
}
