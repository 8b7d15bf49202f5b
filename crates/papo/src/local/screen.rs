//! What the person at the terminal is told. On standard error: standard output is the client's.

use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::time::Duration;

use papo_service::Failure;
use papo_wire::reply::Status;

use super::client::Client;
use super::plan::Plan;
use super::ports;

#[derive(Debug)]
pub(super) struct Screen {
    /// Somebody may be typing in this terminal: what is told must not tear the line.
    shared: bool,
}

impl Screen {
    pub(super) fn new(with_client: bool) -> Self {
        Self { shared: with_client && stderr().is_terminal() }
    }

    /// The first screen.
    pub(super) fn welcome(&self, plan: &Plan<'_>, status: &Status, took: Duration) {
        eprintln!("{}", welcome(plan, status, took));
    }

    /// Who has become one of those that are to be members.
    pub(super) fn newcomers(&self, admitted: &Result<Vec<String>, Failure>) {
        match admitted {
            Ok(names) if names.is_empty() => {}
            Ok(names) => eprintln!(
                "papo: admitted: {}. Each counts once it has learned everything; `papo members` shows how far it is",
                names.join(", ")
            ),
            Err(failure) => eprintln!(
                "papo: not everybody that runs could be admitted as a member: {failure}. Try `papo members admit NAME`"
            ),
        }
    }

    /// Something happened.
    pub(super) fn tell(&self, client: Option<&Client>, text: &str) {
        let Some(client) = client.filter(|_| self.shared) else {
            eprintln!("papo: {text}");
            return;
        };
        // The client has the terminal without translation of line ends.
        eprint!("\r\x1b[K\x1b[2mpapo: {}\x1b[0m\r\n", text.replace('\n', "\r\n"));
        if let Err(error) = client.redraw() {
            tracing::debug!("the client did not draw its line again: {error}");
        }
    }
}

fn welcome(plan: &Plan<'_>, status: &Status, took: Duration) -> String {
    let servidores = count(plan.servidores, "servidor", "servidores");
    let brokers = count(plan.brokers, "broker", "brokers");
    let proxies = count(plan.proxies, "proxy", "proxies");
    let requests = plan.ports.broker_clients(1);
    let messages = plan.ports.proxy_subscribers(1);
    let elsewhere = if requests.port() == ports::Ports::new(ports::LOWEST).broker_clients(1).port() {
        String::new()
    } else {
        format!(" --broker {requests}")
    };
    let lines = [
        ("clients", format!("requests to tcp://{requests}, messages from tcp://{messages}")),
        ("data", shown(plan.home)),
        ("logs", format!("{}/*.log", shown(&plan.home.join("logs")))),
        ("look", format!("papo status{elsewhere}")),
        ("stop", "Ctrl-C; everything is there next time".to_owned()),
    ];
    let mut text = format!(
        "\nPapo is running after {:.1} s: {servidores}, {brokers}, {proxies}, 1 referencia. {} coordinates.\n\n",
        took.as_secs_f64(),
        status.coordinator
    );
    for (what, line) in lines {
        text.push_str(&format!("  {what:<8} {line}\n"));
    }
    text
}

fn count(number: u16, one: &str, more: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {more}") }
}

/// A path as short as it can be said here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    match here.as_deref().and_then(|here| path.strip_prefix(here).ok()) {
        Some(below) => format!("./{}", below.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::ports::Ports;

    #[test]
    fn the_first_screen_says_where_everything_is() {
        let plan = Plan {
            home: Path::new("/srv/papo"),
            programs: Path::new("/bin"),
            ports: Ports::new(15_555),
            servidores: 3,
            brokers: 1,
            proxies: 2,
        };
        let status = Status { coordinator: "servidor-3".to_owned(), ..Status::default() };
        let text = welcome(&plan, &status, Duration::from_millis(840));
        for part in [
            "Papo is running after 0.8 s: 3 servidores, 1 broker, 2 proxies, 1 referencia. servidor-3 coordinates.",
            "tcp://127.0.0.1:15557, messages from tcp://127.0.0.1:15556",
            "/srv/papo/logs/*.log",
            "papo status --broker 127.0.0.1:15557",
        ] {
            assert!(text.contains(part), "{part} is not in:\n{text}");
        }
    }
}
