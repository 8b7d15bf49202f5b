//! For tests of decoders: bytes spoilt in the ways that a network, a disk or a stranger spoils them, and a measure of what decoding
//! them costs.
//!
//! A decoder is asked four things. It never panics ([`spoilt`], [`bombs`]); it never allocates more than a bound that the test
//! states ([`peak_of`], with [`Counting`] as the test program's allocator); it gives back what was encoded; and where the
//! bytes carry a check, it never takes one valid value for another.
//!
//! How long is looked is said by `PROPTEST_CASES`, and where by `PROPTEST_RNG_SEED`: `make fuzz` sets both, round after round.
//!
//! Not done: guidance by coverage. libFuzzer's instrumentation and sanitizers want a nightly compiler; these tests run with the
//! compiler that builds the release, in the run that every change has to pass.

mod allocation;
mod bomb;
mod golden;
pub mod samples;
mod spoil;
pub mod values;

pub use allocation::{Counting, peak_of};
pub use bomb::bombs;
pub use golden::{Sample, golden};
pub use spoil::{Spoil, spoils, spoilt};

use proptest::test_runner::{Config, FileFailurePersistence};

/// So many cases, unless `PROPTEST_CASES` says otherwise. What fails is kept beside the test's source, in `proptest-regressions`,
/// and tried first from then on.
pub fn cases(cases: u32) -> Config {
    let asked = Config::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases };
    Config {
        cases,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("proptest-regressions"))),
        ..asked
    }
}
