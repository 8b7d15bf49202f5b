//! What the chat promises, first as scripts that read like a session, then as properties of any session.

mod chains;
mod convergence;
mod fingerprints;
mod forgetting;
mod measure;
mod names;
mod once;
mod script;
mod sessions;
mod speech;
mod support;
