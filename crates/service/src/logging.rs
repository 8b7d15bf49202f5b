//! Logs: for people on a terminal, JSON lines otherwise, always on standard error.

use std::io::{IsTerminal, stderr};

use clap::ValueEnum;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// The shape of a log line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    /// `human` on a terminal, `json` otherwise
    Auto,
    /// Coloured text, one event a line
    Human,
    /// One JSON object a line
    Json,
}

/// Sends this process's `tracing` events to standard error. Does nothing if somebody already collects them (a test).
pub(crate) fn start(levels: Targets, format: LogFormat) {
    let json = match format {
        LogFormat::Auto => !stderr().is_terminal(),
        LogFormat::Human => false,
        LogFormat::Json => true,
    };
    // A closed standard error must not end the process, so failures to write are not reported on it.
    let layer = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal()).log_internal_errors(false);
    let registry = tracing_subscriber::registry().with(levels);
    let outcome = if json {
        registry.with(layer.json().flatten_event(true).with_current_span(false)).try_init()
    } else {
        registry.with(layer).try_init()
    };
    if let Err(already) = outcome {
        tracing::debug!("logs are already collected: {already}");
    }
}

/// Reads `info` or `warn,papo_core=debug`. A word that is no level is refused, where `Targets` would take it for the
/// name of a part.
pub(crate) fn levels(text: &str) -> Result<Targets, String> {
    for directive in text.split(',') {
        let level = directive.rsplit_once('=').map_or(directive, |(_, level)| level);
        if level.is_empty() || level.parse::<tracing_subscriber::filter::LevelFilter>().is_err() {
            return Err(format!("`{level}` is no level"));
        }
    }
    text.parse().map_err(|error| format!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_words_or_parts_with_words() {
        for right in ["info", "off", "warn,papo_core=debug", "papo_core::log=trace"] {
            assert!(levels(right).is_ok(), "{right}");
        }
        for wrong in ["", "inof", "papo_core", "papo_core=loud", "info,"] {
            assert!(levels(wrong).is_err(), "{wrong} was taken");
        }
    }
}
