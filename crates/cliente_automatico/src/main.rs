//! The bot: talks, keeps a ledger, checks the promises.
//!
//! [`crew`] decides everything; this file moves what it wants to the client library and what that tells back.

mod crew;
mod repeater;
mod settings;
mod summary;
mod tally;

use std::collections::HashMap;
use std::process::ExitCode;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use papo_audit::{Conclusion, Recorder};
use papo_client::{Client, ClientSettings, Events, Handle, SessionId, SessionOptions, Timing};
use papo_service::{Boot, Failure, Health, Metrics, Pulse, Shutdown};
use papo_transport::ZmqContext;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;

use crate::crew::{Crew, Order, Plan};
use crate::repeater::Repeater;
use crate::settings::BotSettings;
use crate::summary::{Findings, Summary};
use crate::tally::Tally;

/// How often the log tells how it goes.
const TELL: Duration = Duration::from_secs(10);
/// The longest that the loop sleeps: it also looks for signals and for repeated requests.
const NAP: Duration = Duration::from_millis(50);
/// A loop that has not turned for this long is stuck.
const STUCK: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    papo_service::run(talk)
}

fn talk(boot: Boot<BotSettings>) -> Result<(), Failure> {
    let Boot { settings, shutdown, health, metrics, .. } = boot;
    let bot = Bot::start(&settings, &metrics)?;
    health.set_started();
    let ended = bot.run(&shutdown, &health)?;
    let summary = Summary::new(&ended.findings, &ended.crew, ended.present, ended.took);
    if settings.json {
        println!("{}", serde_json::to_string_pretty(&summary)?);
    } else {
        print!("{summary}");
    }
    match ended.findings.conclusion() {
        Conclusion::Fail => Err(Failure::failed("a promise was broken; the summary says which")),
        Conclusion::Unknown if settings.duration.is_some() => {
            Err(Failure::failed("not everything could be checked; the summary says what"))
        }
        Conclusion::Pass | Conclusion::Unknown => Ok(()),
    }
}

struct Bot {
    crew: Crew,
    handle: Handle,
    events: Events,
    repeater: Repeater,
    sessions: Vec<SessionId>,
    users: HashMap<SessionId, usize>,
    findings: Findings,
    violations: Counter,
    present: Gauge,
    began: Instant,
}

/// A bot that has nothing left to do.
struct Ended {
    crew: Crew,
    findings: Findings,
    present: usize,
    took: Duration,
}

impl Bot {
    fn start(settings: &BotSettings, metrics: &Metrics) -> Result<Self, Failure> {
        let recorder = match &settings.ledger {
            Some(path) => Recorder::with_journal(path).map_err(Failure::disk)?,
            None => Recorder::new(),
        };
        let context = ZmqContext::new();
        let repeater = Repeater::start(&context, &settings.broker)?;
        let (handle, events) = Client::start(&context, &client_settings(settings))?;
        let count = usize::try_from(settings.users).expect("a word has 32 bits or more");
        let options = SessionOptions { timing: timing(count), ..SessionOptions::default() };
        let sessions: Vec<SessionId> = (0..count).map(|_| handle.open(options.clone())).collect();
        let users = sessions.iter().enumerate().map(|(user, session)| (*session, user)).collect();
        Ok(Self {
            crew: Crew::new(plan(settings, count), chance()?, recorder, Tally::new(metrics)),
            handle,
            events,
            repeater,
            sessions,
            users,
            findings: Findings::default(),
            violations: metrics.counter("violations", "Times that a promise was found broken"),
            present: metrics.gauge("users", "Users that are logged in and talk"),
            began: Instant::now(),
        })
    }

    fn run(mut self, shutdown: &Shutdown, health: &Health) -> Result<Ended, Failure> {
        let pulse: Pulse = health.watch("talking", STUCK);
        let mut next_tell = TELL;
        while !self.crew.has_ended() {
            pulse.beat();
            if shutdown.is_requested() {
                self.crew.stop(self.now());
            }
            self.turn()?;
            self.present.set(i64::try_from(self.crew.present()).unwrap_or(i64::MAX));
            if self.crew.present() > 0 {
                health.set_ready();
            }
            if self.now() >= next_tell {
                next_tell += TELL;
                self.tell();
            }
        }
        let took = self.now();
        let present = self.crew.present();
        self.handle.stop();
        Ok(Ended { crew: self.crew, findings: self.findings, present, took })
    }

    fn turn(&mut self) -> Result<(), Failure> {
        self.crew.elapsed(self.now());
        self.carry_out();
        let patience = self.crew.deadline().map_or(NAP, |at| at.saturating_sub(self.now()).min(NAP));
        match self.events.next_within(patience) {
            Ok((session, event)) => {
                self.take(session, event);
                // What else is there already, without going round for each.
                while let Ok((session, event)) = self.events.next_now() {
                    self.take(session, event);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Failure::broken_invariant("the client has ended"));
            }
        }
        while let Some((id, reply)) = self.repeater.ended() {
            self.crew.repeated(&id, reply.as_ref(), self.now());
        }
        self.carry_out();
        self.judge()
    }

    fn take(&mut self, session: SessionId, event: papo_client::Event) {
        let user = self.users[&session];
        self.crew.told(user, event, self.now());
        self.carry_out();
    }

    fn carry_out(&mut self) {
        for order in self.crew.orders() {
            match order {
                Order::Ask { user, id, ask } => self.handle.ask_as(self.sessions[user], id, ask, None),
                Order::Repeat { id, request } => self.repeater.repeat(&id, &request),
            }
        }
    }

    /// Takes in what a round came to.
    fn judge(&mut self) -> Result<(), Failure> {
        if let Some(failure) = self.crew.take_journal_failure() {
            return Err(Failure::disk(failure));
        }
        while let Some(report) = self.crew.take_report() {
            for violation in &report.violations {
                tracing::error!(promise = %violation.promise, "{}", violation.sentence);
            }
            for doubt in &report.doubts {
                tracing::warn!("not known: {doubt}");
            }
            self.violations.inc_by(u64::try_from(report.violations.len()).unwrap_or(u64::MAX));
            tracing::info!(conclusion = %report.conclusion, messages = report.verdicts.len(), "round checked");
            self.findings.add(report);
        }
        Ok(())
    }

    fn tell(&self) {
        let numbers = self.crew.tally.numbers();
        tracing::info!(
            users = self.crew.present(),
            said = numbers.sent,
            acknowledged = numbers.acknowledged,
            unsettled = numbers.unsettled,
            shown = numbers.shown,
            late = numbers.late,
            p50_ms = numbers.latency_ms.p50,
            p99_ms = numbers.latency_ms.p99,
            violations = self.findings.broken(),
            "talking"
        );
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Dice that fall otherwise in every process: names must be fresh.
fn chance() -> Result<fastrand::Rng, Failure> {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(fastrand::Rng::with_seed(u64::from_le_bytes(seed)))
}

fn client_settings(settings: &BotSettings) -> ClientSettings {
    ClientSettings {
        brokers: settings.broker.clone(),
        proxies: settings.proxy.clone(),
        refresh: Duration::from_secs(2),
    }
}

/// Many users in one process ask less often whether they missed something: what was delivered in between is sent again.
fn timing(users: usize) -> Timing {
    let usual = Timing::default();
    if users <= 10 {
        return usual;
    }
    Timing { quiet: Duration::from_secs(6), busy: Duration::from_secs(60), ..usual }
}

fn plan(settings: &BotSettings, users: usize) -> Plan {
    Plan {
        prefix: settings.prefix.clone(),
        users,
        rate: settings.rate,
        channels: settings.channels.iter().filter(|channel| !channel.is_empty()).cloned().collect(),
        private_share: settings.private_share,
        duplicate_share: settings.duplicate_share,
        round: settings.round,
        duration: settings.duration,
    }
}
