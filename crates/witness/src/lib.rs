//! The witness of a drill: it stands outside of the cluster under test, talks, watches, reads everything back, and judges.
//!
//! * [`evidence`] is what it comes to, for reports.

pub mod evidence;
