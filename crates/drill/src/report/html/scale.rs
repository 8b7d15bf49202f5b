//! From milliseconds and rates to places on the drawing, and the round numbers on its axes.

/// A span of one axis, drawn between two places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) start: f64,
    pub(super) end: f64,
}

impl Scale {
    /// Where `value` is drawn. What is outside of the span is drawn at its edge.
    pub(super) fn place(&self, value: f64) -> f64 {
        let share = ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0);
        self.start + share * (self.end - self.start)
    }

    /// Round values within the span, about `wanted` of them.
    pub(super) fn ticks(&self, wanted: u32) -> Vec<f64> {
        let step = round_step((self.to - self.from) / f64::from(wanted.max(1)));
        let first = (self.from / step).ceil() as i64;
        let last = (self.to / step + 1e-9).floor() as i64;
        (first..=last).map(|number| number as f64 * step).collect()
    }
}

/// 1, 2 or 5 times a power of ten: the smallest that is not below `step`.
pub(super) fn round_step(step: f64) -> f64 {
    let magnitude = 10f64.powf(step.max(f64::MIN_POSITIVE).log10().floor());
    let round = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * magnitude >= step * (1.0 - 1e-9));
    round.unwrap_or(10.0) * magnitude
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_not_too_small() {
        for (step, round) in [(0.3, 0.5), (1.0, 1.0), (1.1, 2.0), (2.5, 5.0), (7.0, 10.0), (120.0, 200.0)] {
            assert!((round_step(step) - round).abs() < 1e-9, "{step} became {}", round_step(step));
        }
    }

    #[test]
    fn ticks_lie_within_the_span_and_reach_its_ends() {
        let scale = Scale { from: -2.0, to: 8.0, start: 0.0, end: 100.0 };
        assert_eq!(scale.ticks(5), [-2.0, 0.0, 2.0, 4.0, 6.0, 8.0]);
    }

    #[test]
    fn what_is_outside_is_drawn_at_the_edge() {
        let scale = Scale { from: 0.0, to: 10.0, start: 100.0, end: 0.0 };
        assert_eq!([-5.0, 0.0, 5.0, 20.0].map(|value| scale.place(value)), [100.0, 100.0, 50.0, 0.0]);
    }
}
