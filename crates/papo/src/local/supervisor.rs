//! Keeps the services running, and stops them so that nothing in flight is lost.
//!
//! One thread, the process's first: children are tied to the thread that started them. It looks at them a few times a
//! second; nothing here is urgent.

use std::io;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use papo_service::{Exit, Failure, Shutdown};

use super::child::{Child, describe};
use super::client::Client;
use super::home::{Home, Running};
use super::plan::{Program, Role};
use super::probe::Answered;
use super::screen::Screen;

/// How often children are looked at.
const TICK: Duration = Duration::from_millis(20);
/// The pause before a service is started again; doubled with each time, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A service that ran for this long has put its troubles behind it.
const STEADY: Duration = Duration::from_secs(30);
/// How long the broker, the proxy and the referencia may take to stop, once the servidores have.
const SUPPORT_GRACE: Duration = Duration::from_secs(3);
/// How much of a log is shown when a service cannot run.
const SHOWN_LINES: usize = 5;

/// All services.
#[derive(Debug)]
pub(super) struct Supervisor<'a> {
    home: &'a Home,
    services: Vec<Service>,
    client: Option<Client>,
    grace: Duration,
}

#[derive(Debug)]
struct Service {
    program: Program,
    state: State,
    /// How often in a row it ended soon after its start.
    crashes: u32,
}

#[derive(Debug)]
enum State {
    Running { child: Child, since: Instant },
    Pausing { until: Instant },
    Stopped,
}

impl<'a> Supervisor<'a> {
    /// Starts everything.
    pub(super) fn start(home: &'a Home, programs: Vec<Program>, grace: Duration) -> Result<Self, Failure> {
        let now = Instant::now();
        let service = |program| Service { program, state: State::Pausing { until: now }, crashes: 0 };
        let mut supervisor =
            Self { home, services: programs.into_iter().map(service).collect(), client: None, grace };
        supervisor.start_due(now)?;
        Ok(supervisor)
    }

    /// Waits until the system answers. `None` when it is to stop before.
    pub(super) fn until_answering(
        &mut self,
        shutdown: &Shutdown,
        probe: &Receiver<Answered>,
        patience: Duration,
        screen: &Screen,
    ) -> Result<Option<Answered>, Failure> {
        while !shutdown.wait_at_most(TICK) {
            match probe.try_recv() {
                Ok(answered) => return Ok(Some(answered)),
                Err(TryRecvError::Empty) => self.tend(screen)?,
                Err(TryRecvError::Disconnected) => {
                    let logs = self.home.path().join("logs");
                    let text =
                        format!("the system did not answer within {patience:?}; see {}", logs.display());
                    return Err(Failure::failed(text));
                }
            }
        }
        Ok(None)
    }

    /// Gives the terminal to a client.
    pub(super) fn attach(&mut self, client: &Program) -> Result<(), Failure> {
        self.client = Some(Client::start(self.home, client)?);
        Ok(())
    }

    /// Keeps everything running until it is to stop, or the client ends.
    pub(super) fn watch(&mut self, shutdown: &Shutdown, screen: &Screen) -> Result<(), Failure> {
        while !shutdown.wait_at_most(TICK) {
            self.tend(screen)?;
            let Some(client) = &mut self.client else { continue };
            if let Some(status) = client.ended()? {
                self.client = None;
                return if status.success() {
                    Ok(())
                } else {
                    Err(self.broken("cliente", status, Exit::Failed))
                };
            }
        }
        Ok(())
    }

    /// Stops everything: the client, then the servidores, which answer what is in flight, then what they need for that.
    pub(super) fn stop(&mut self, screen: &Screen) {
        if let Some(client) = self.client.take()
            && let Err(error) = client.stop()
        {
            tracing::warn!("the client may still run: {error}");
        }
        screen.tell(None, "stopping");
        self.stop_all(Role::Servidor, self.grace, screen);
        self.stop_all(Role::Support, SUPPORT_GRACE.min(self.grace), screen);
        if let Err(error) = self.home.remove_processes() {
            tracing::warn!("processes.json stays: {error}");
        }
    }

    fn tend(&mut self, screen: &Screen) -> Result<(), Failure> {
        let now = Instant::now();
        for at in 0..self.services.len() {
            let service = &mut self.services[at];
            let Some((status, ran)) = service.ended(now)? else { continue };
            let name = service.program.name.clone();
            if let Some(exit) = hopeless(status) {
                service.state = State::Stopped;
                return Err(self.broken(&name, status, exit));
            }
            let pause = service.pause_after(ran, now);
            let text = format!("{name} ended ({}); it is started again in {pause:?}", describe(status));
            screen.tell(self.client.as_ref(), &text);
        }
        self.start_due(now)
    }

    /// Starts what is not running and has paused for long enough.
    fn start_due(&mut self, now: Instant) -> Result<(), Failure> {
        let mut started = false;
        for service in &mut self.services {
            if matches!(service.state, State::Pausing { until } if until <= now) {
                let failed = |error: io::Error| Failure::failed(format!("{}: {error}", service.program.name));
                let log = self.home.log(&service.program.name).map_err(failed)?;
                let child = Child::service(&service.program, log).map_err(failed)?;
                service.state = State::Running { child, since: now };
                started = true;
            }
        }
        if started { Ok(self.home.write_processes(&self.running())?) } else { Ok(()) }
    }

    fn running(&self) -> Vec<Running> {
        let running = self.services.iter().filter_map(|service| match &service.state {
            State::Running { child, .. } => Some((service, child.pid())),
            _ => None,
        });
        running
            .map(|(Service { program, .. }, pid)| Running {
                name: program.name.clone(),
                pid,
                listens: program.listens.clone(),
            })
            .collect()
    }

    fn stop_all(&mut self, role: Role, grace: Duration, screen: &Screen) {
        let deadline = Instant::now() + grace;
        for service in self.services.iter_mut().filter(|service| service.program.role == role) {
            match &service.state {
                State::Running { child, .. } => {
                    if let Err(error) = child.terminate() {
                        tracing::warn!("{} was not asked to stop: {error}", service.program.name);
                    }
                }
                _ => service.state = State::Stopped,
            }
        }
        while self.services.iter_mut().any(|service| service.program.role == role && service.is_running()) {
            if Instant::now() >= deadline {
                self.kill_all(role, grace, screen);
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn kill_all(&mut self, role: Role, grace: Duration, screen: &Screen) {
        for service in self.services.iter_mut().filter(|service| service.program.role == role) {
            let State::Running { child, .. } = &mut service.state else { continue };
            screen
                .tell(None, &format!("{} did not stop within {grace:?} and is killed", service.program.name));
            if let Err(error) = child.kill() {
                tracing::warn!("{} may still run: {error}", service.program.name);
            }
            service.state = State::Stopped;
        }
    }

    /// The end of it all, with what the log of the culprit says.
    fn broken(&self, name: &str, status: ExitStatus, exit: Exit) -> Failure {
        let mut text = format!("{name} cannot run ({})", describe(status));
        for line in self.home.last_lines(name, SHOWN_LINES) {
            text.push_str("\n  | ");
            text.push_str(&line);
        }
        text.push_str(&format!("\n  all of it: {}", self.home.log_path(name).display()));
        Failure::new(exit, text)
    }
}

impl Service {
    /// How it ended and how long it had run, once.
    fn ended(&mut self, now: Instant) -> io::Result<Option<(ExitStatus, Duration)>> {
        let State::Running { child, since } = &mut self.state else { return Ok(None) };
        Ok(child.ended()?.map(|status| (status, now.duration_since(*since))))
    }

    fn pause_after(&mut self, ran: Duration, now: Instant) -> Duration {
        self.crashes = if ran >= STEADY { 1 } else { self.crashes + 1 };
        let pause = FIRST_PAUSE.saturating_mul(1 << (self.crashes - 1).min(16)).min(LONGEST_PAUSE);
        self.state = State::Pausing { until: now + pause };
        pause
    }

    fn is_running(&mut self) -> bool {
        let State::Running { child, .. } = &mut self.state else { return false };
        match child.ended() {
            Ok(None) => true,
            Ok(Some(_)) => {
                self.state = State::Stopped;
                false
            }
            Err(error) => {
                tracing::warn!("{} cannot be waited for: {error}", self.program.name);
                self.state = State::Stopped;
                false
            }
        }
    }
}

/// Whether it would end like that each time: its command line or its configuration is wrong.
fn hopeless(status: ExitStatus) -> Option<Exit> {
    [Exit::Usage, Exit::Config].into_iter().find(|exit| status.code() == Some(*exit as i32))
}
