//! What the chat promises, first as scripts that read like a session, then as properties of any session.

mod chains;
mod convergence;
mod fingerprints;
mod forgetting;
// It measures, so it reads a clock and prints.
#[allow(clippy::disallowed_methods, clippy::disallowed_types, clippy::disallowed_macros)]
mod measure;
mod names;
mod once;
mod places;
mod script;
mod sessions;
mod speech;
mod support;
