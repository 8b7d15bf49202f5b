//! `drill suite`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use papo_service::Settings;
use papo_witness::Timeline;
use papo_witness::evidence::{Evidence, Figures, MessageCounts, SCHEMA, Verdict};

use super::run::{SETTLE, Told};
use super::{Target, folders, unwritable};
use crate::discovery::Site;
use crate::interrupt::Interrupt;
use crate::options::Options;
use crate::preflight::may_begin;
use crate::report;
use crate::session::Session;
use crate::stop::{Ending, Stop};
use crate::suite::survey::survey;
use crate::suite::{Suite, SuiteDrill};

/// Holds drills one after another, waiting in between until all is well again.
///
/// A file says which, and with what budgets and options; without one, all are held that this install and this account offer what they
/// need for, and it is told which are not. Without --yes nothing is changed: it prints each drill's plan, each request tried as a
/// server-side dry run.
///
/// Exit codes: that of the worst drill, of 5 not everything could be undone (then it stops), 1 a promise was broken, 2 unknown, 3 not
/// healthy before a drill, 4 refused by a guard; 0 when each came out as it is meant to; 64 usage, 78 configuration or rights.
#[derive(clap::Parser)]
#[command(name = "drill suite", version)]
struct Run {
    /// YAML file with drills, budgets and options
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    told: Told,
    /// Do it, instead of only showing it
    #[arg(long)]
    yes: bool,
    /// Folder for a report of all, and one of each drill
    #[arg(short = 'o', long, value_name = "DIR")]
    report: Option<PathBuf>,
}

impl Settings for Run {}

pub(super) fn run(arguments: Vec<OsString>) -> ExitCode {
    super::tool(arguments, hold)
}

/// A suite that is being held.
struct SuiteSession<'a> {
    site: &'a Site,
    base: &'a Options,
    seed: u64,
    interrupt: &'a Interrupt,
    report: Option<&'a Path>,
}

/// What came of one drill.
struct Held {
    name: &'static str,
    ending: Ending,
    evidence: Evidence,
}

async fn hold(settings: Run) -> Result<Ending, Stop> {
    let base = settings.told.options();
    let mut suite = match &settings.file {
        Some(path) => Suite::load(path)?,
        None => Suite::built_in(&base),
    };
    let report = settings.report.as_deref().filter(|_| settings.yes);
    if let Some(folder) = report {
        folders::claim(folder)?;
    }
    // What the command line says is for once; the file is for every time.
    let seed = settings.told.seed().or(suite.seed).unwrap_or(base.seed);
    let interrupt = Interrupt::on_signals().map_err(|error| Stop::Config(format!("signals: {error}")))?;
    let site = settings.target.site().await?;
    may_begin(&site.connection).await?;
    if settings.file.is_none() {
        survey(&mut suite, &site, &base, &interrupt, SETTLE).await?;
    }
    for one in &suite.not_held {
        println!("{one}");
    }
    let suite_session = SuiteSession { site: &site, base: &base, seed, interrupt: &interrupt, report };
    if !settings.yes {
        return Ok(suite_session.show(&suite).await);
    }
    println!("{} drills, seed {seed}", suite.drills.len());
    suite_session.hold(suite).await
}

impl SuiteSession<'_> {
    async fn hold(&self, suite: Suite) -> Result<Ending, Stop> {
        let (mut held, mut all) = (Vec::new(), true);
        for (position, one) in suite.drills.iter().enumerate() {
            let done = self.hold_one(position, one).await;
            let last = done.ending == Ending::NotUndone || self.interrupt.is_raised();
            held.push(done);
            if last {
                all = position + 1 == suite.drills.len();
                println!("the drills after this are not held");
                break;
            }
        }
        let evidence: Vec<Evidence> = held.iter().map(|one| one.evidence.clone()).collect();
        print!("{}", report::suite_human(&evidence, &suite.not_held));
        if let Some(folder) = self.report {
            report::write_suite(folder, &evidence, &suite.not_held)
                .map_err(|error| unwritable(folder, &error))?;
        }
        let endings: Vec<_> = held.iter().map(|one| (one.name, one.ending)).collect();
        Ok(worst(&endings, all))
    }

    /// What it needs and does not find now is a failure, also where nobody chose the drills: when they were sorted out it was there,
    /// and a drill since then may have broken it.
    async fn hold_one(&self, position: usize, one: &SuiteDrill) -> Held {
        let name = one.drill.name;
        let options = self.options(position, one);
        let folder = self.report.map(|folder| folder.join(folders::name(position, name)));
        let outcome = async {
            // What the drill before has set in motion may take a while to settle.
            let session = self.session(one, &options, options.patience, folder.as_deref());
            let (plan, health) = session.plan().await?;
            println!("{name}: {} (seed {})", plan.sentence, options.seed);
            if let Some(folder) = &folder {
                std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
            }
            let outcomes = session.hold(&plan, &health).await?;
            print!("{}", report::human(&outcomes.evidence));
            if let Some(folder) = &folder {
                report::write(folder, &outcomes.evidence).map_err(|error| unwritable(folder, &error))?;
            }
            Ok::<_, Stop>(outcomes)
        };
        match outcome.await {
            Ok(outcomes) => Held { name, ending: outcomes.ending, evidence: outcomes.evidence },
            Err(stop) => {
                eprintln!("drill: {name}: {stop}");
                let evidence = not_begun(name, options.seed, &stop);
                Held { name, ending: stop.ending(), evidence }
            }
        }
    }

    /// Every plan, and how it would end already now.
    async fn show(&self, suite: &Suite) -> Ending {
        let mut endings = Vec::new();
        for (position, one) in suite.drills.iter().enumerate() {
            let options = self.options(position, one);
            let session = self.session(one, &options, SETTLE, None);
            let shown = async {
                let (plan, _) = session.plan().await?;
                session.rehearse(&plan).await
            };
            let ending = match shown.await {
                Ok(text) => {
                    println!("{text}");
                    Ending::Pass
                }
                Err(stop) => {
                    println!("{}: {stop}\n", one.drill.name);
                    stop.ending()
                }
            };
            endings.push((one.drill.name, ending));
        }
        println!("{}", super::ONLY_SHOWN);
        worst(&endings, true)
    }

    fn options(&self, position: usize, one: &SuiteDrill) -> Options {
        Options { seed: Suite::seed_of(position, self.seed), ..one.options(self.base) }
    }

    fn session<'a>(
        &'a self,
        one: &SuiteDrill,
        options: &'a Options,
        settle: Duration,
        keep: Option<&'a Path>,
    ) -> Session<'a> {
        Session { site: self.site, drill: one.drill, options, interrupt: self.interrupt, settle, keep }
    }
}

/// A report has to tell of a drill that did not begin, too.
fn not_begun(drill: &str, seed: u64, why: &Stop) -> Evidence {
    Evidence {
        schema: SCHEMA,
        drill: drill.to_owned(),
        seed,
        started: Timeline::start().started(),
        duration_ms: 0,
        verdict: Verdict::Unknown,
        because: vec![why.to_string()],
        timeline: Vec::new(),
        rate: Vec::new(),
        messages: MessageCounts::default(),
        figures: Figures::default(),
        broken: Vec::new(),
        not_undone: Vec::new(),
    }
}

/// The ending that whoever reads only the exit code has to know of.
fn worst(endings: &[(&str, Ending)], all: bool) -> Ending {
    let order = [
        Ending::NotUndone,
        Ending::Broken,
        Ending::Config,
        Ending::Usage,
        Ending::Unknown,
        Ending::NotHealthy,
        Ending::Refused,
    ];
    for (name, ending) in endings.iter().filter(|(_, ending)| *ending != Ending::Pass) {
        println!("{name}: {ending:?}");
    }
    let worst = order.into_iter().find(|ending| endings.iter().any(|(_, one)| one == ending));
    worst.unwrap_or(if all { Ending::Pass } else { Ending::Unknown })
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use papo_witness::Reach;
    use tower_test::mock;

    use super::*;
    use crate::connect::Connection;
    use crate::pod_watch::PodWatch;

    /// A cluster that gives nobody any right.
    fn stern() -> Connection {
        let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
        tokio::spawn(async move {
            let mut handle = pin!(handle);
            while let Some((_, reply)) = handle.next_request().await {
                let denied = r#"{"spec": {}, "status": {"allowed": false}}"#.as_bytes().to_vec();
                reply.send_response(Response::new(Body::from(denied)));
            }
        });
        Connection { client: Client::new(service, "chat"), namespace: "chat".to_owned(), inside: false }
    }

    #[tokio::test]
    async fn a_drill_that_was_not_sorted_out_and_lacks_something_now_is_a_failure() {
        let site = Site::of(stern(), "papo", PodWatch::fixed([]), Reach::default());
        let base = Options::default();
        let (_hand, interrupt) = Interrupt::by_hand();
        let suite_session =
            SuiteSession { site: &site, base: &base, seed: 1, interrupt: &interrupt, report: None };
        let suite = Suite::built_in(&base);
        let held = suite_session.hold_one(0, &suite.drills[0]).await;
        assert_eq!((held.name, held.ending), (suite.drills[0].drill.name, Ending::Config));
        assert!(held.evidence.because[0].contains("rights are missing"), "{:?}", held.evidence.because);
        assert_eq!(suite_session.hold(suite).await, Ok(Ending::Config));
    }
}
