//! What a drill can be told: flags of `drill run`, and keys of a suite's file.

use std::time::Duration;

use papo_witness::LoadSettings;
use serde_json::Value;

use crate::executor::NodeCommands;
use crate::stop::Stop;

/// How a drill is held.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// How long a fault lasts that does not end by itself.
    pub duration: Duration,
    /// How long a process is held by `freeze`.
    pub freeze: Duration,
    /// How long the cluster may take to be whole again.
    pub patience: Duration,
    /// What random choices are made from.
    pub seed: u64,
    /// Whether more servidores than a minority may be lost at once.
    pub allow_majority_loss: bool,
    /// Whether messages that were acknowledged may be lost.
    pub allow_message_loss: bool,
    /// The most that may be written to fill a disk, in bytes.
    pub max_fill: u64,
    /// How nodes are taken away and brought back.
    pub nodes: NodeCommands,
    /// Messages a second of the load.
    pub rate: f64,
    /// Budget of the longest pause of a client, instead of the drill's own.
    pub pause: Option<Duration>,
    /// Budget of the time until another servidor coordinates, instead of the drill's own.
    pub coordinator: Option<Duration>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            duration: Duration::from_secs(10),
            freeze: Duration::from_secs(3),
            patience: Duration::from_secs(180),
            seed: 0,
            allow_majority_loss: false,
            allow_message_loss: false,
            max_fill: 1 << 30,
            nodes: NodeCommands::default(),
            rate: 100.0,
            pause: None,
            coordinator: None,
        }
    }
}

impl Options {
    /// The load that is kept up meanwhile.
    pub fn load(&self) -> LoadSettings {
        LoadSettings { seed: self.seed, rate: self.rate, ..LoadSettings::default() }
    }

    /// Takes a key of a suite's file: the name of the flag, and what would stand after it.
    pub fn set(&mut self, key: &str, value: &Value) -> Result<(), Stop> {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let wrong = |right: &str| Stop::Usage(format!("{key}: {text} will not do: it takes {right}"));
        let span = || papo_service::duration(&text).map_err(|right| wrong(&right));
        let switch = || text.parse::<bool>().map_err(|_| wrong("true or false"));
        match key {
            "duration" => self.duration = span()?,
            "freeze" => self.freeze = span()?,
            "patience" => self.patience = span()?,
            "seed" => self.seed = text.parse().map_err(|_| wrong("a whole number"))?,
            "allow-majority-loss" => self.allow_majority_loss = switch()?,
            "allow-message-loss" => self.allow_message_loss = switch()?,
            "max-fill" => self.max_fill = bytes(&text).map_err(|right| wrong(&right))?,
            "node-off" => self.nodes.off = Some(text),
            "node-on" => self.nodes.on = Some(text),
            "rate" => self.rate = rate(&text).map_err(|right| wrong(&right))?,
            "pause" => self.pause = Some(span()?),
            "coordinator" => self.coordinator = Some(span()?),
            _ => return Err(Stop::Usage(format!("{key}: a drill has no such option"))),
        }
        Ok(())
    }
}

/// Reads how many messages a second a load has.
///
/// # Errors
/// What would do, where this does not.
pub fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (1.0..=100_000.0).contains(&rate) => Ok(rate),
        _ => Err("1 to 100000 messages a second".to_owned()),
    }
}

/// Reads `64Mi`, `1Gi`, `500Ki` or a number of bytes.
pub fn bytes(text: &str) -> Result<u64, String> {
    const RIGHT: &str = "a number of bytes, as in 65536, 500Ki, 64Mi or 1Gi";
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| RIGHT.to_owned())?;
    let factor = match unit {
        "" => 1,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return Err(RIGHT.to_owned()),
    };
    number.checked_mul(factor).ok_or_else(|| "too much".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_says_what_the_flags_say() {
        let mut options = Options::default();
        options.set("duration", &json!("30s")).expect("a span");
        options.set("allow-majority-loss", &json!(true)).expect("a switch");
        options.set("max-fill", &json!("64Mi")).expect("a size");
        assert_eq!(options.duration, Duration::from_secs(30));
        assert!(options.allow_majority_loss);
        assert_eq!(options.max_fill, 64 << 20);
    }

    #[test]
    fn a_load_that_no_flag_could_ask_for_is_refused_in_a_file_too() {
        let mut options = Options::default();
        for senseless in [json!(0), json!(-5), json!("NaN"), json!("inf"), json!(100_001), json!("many")] {
            let wrong = options.set("rate", &senseless).expect_err("no rate").to_string();
            assert!(wrong.ends_with("it takes 1 to 100000 messages a second"), "{wrong}");
        }
        options.set("rate", &json!(100_000)).expect("a rate");
        assert_eq!(options.rate, 100_000.0);
    }

    #[test]
    fn what_a_drill_cannot_be_told_is_named() {
        let mut options = Options::default();
        let wrong = options.set("durration", &json!("30s")).expect_err("no such key");
        assert_eq!(wrong.to_string(), "durration: a drill has no such option");
        let wrong = options.set("duration", &json!(30)).expect_err("no unit");
        assert!(
            wrong.to_string().starts_with("duration: 30 will not do: it takes a whole number and its unit")
        );
    }
}
