//! What the probes mean: nobody becomes unready or dead because somebody else died, and a process that no longer turns, or whose disk
//! no longer answers, is found out.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use papo_processes::{Asker, Cluster, Listener, Page, Process, free_port, get, send_garbage, until};
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(90);
const PAGES: [&str; 3] = ["/startupz", "/readyz", "/livez"];

#[test]
fn no_probe_flips_because_others_die() {
    let mut cluster = Cluster::start();
    let all = cluster.names();
    for name in &all {
        wait_until_well(&cluster, name);
    }
    let watch = Watch::start(&cluster, &all);
    watch.rounds(3);

    let last = cluster.follower();
    let coordinator = cluster.coordinator();
    let mut deaths: Vec<String> = all.iter().filter(|name| **name != last).cloned().collect();
    // A follower, then the coordinator, then everything in front of them: everybody sees deaths of every kind.
    deaths.sort_by_key(|name| (!name.starts_with("servidor"), *name == coordinator));
    for name in &deaths {
        watch.leave_out(name);
        cluster.kill9(name);
        watch.rounds(3);
    }
    let alone = until("the last one notices that it is alone", LIMIT, || {
        cluster.status(&last).filter(|status| status.coordinator.is_empty())
    });
    assert_eq!(alone.role, "starting");
    // Its own review comes twice a second.
    watch.rounds(20);

    cluster.start_all();
    cluster.wait_until_whole();
    for name in &all {
        wait_until_well(&cluster, name);
    }
    assert_eq!(watch.finish(), Vec::<String>::new());
}

#[test]
fn who_has_never_caught_up_is_started_and_alive_and_not_ready() {
    let directory = tempfile::tempdir().expect("a folder");
    let mut lonely = Lonely::servidor(directory.path());
    lonely.process.start();
    let http = lonely.http;
    until("its log is replayed", LIMIT, || get(http, "/startupz").filter(|page| page.status == 200));
    let page = get(http, "/readyz").expect("it answers");
    assert_eq!(page.status, 503);
    assert!(page.body.contains("not caught up"), "{page:?}");
    assert_eq!(get(http, "/livez").expect("it answers").status, 200);
}

#[test]
fn a_disk_that_does_not_answer_is_found_out_though_nobody_writes_and_only_where_it_is() {
    let mut cluster = Cluster::start();
    let (victim, other) = (cluster.follower(), cluster.coordinator());
    for name in cluster.servidores() {
        wait_until_well(&cluster, &name);
    }
    // Opening a FIFO for writing waits until somebody reads: the system call that a disk which is stuck does not return from.
    let probe = cluster.data(&victim).join("probe");
    fs::remove_file(&probe).expect("it was tried before");
    make_fifo(&probe);
    let page = until("its disk is found out", LIMIT, || page_saying(&cluster, &victim, "/livez", 503));
    assert!(page.body.contains("disk has not turned"), "{page:?}");
    for path in PAGES {
        assert_eq!(
            get(cluster.http_port(&other), path).expect("it answers").status,
            200,
            "{path} of {other}"
        );
    }
    assert_eq!(
        get(cluster.http_port(&victim), "/readyz").expect("it answers").status,
        200,
        "readiness is not liveness"
    );

    let waiting = File::open(&probe).expect("somebody writes there");
    fs::remove_file(&probe).expect("it is ours");
    drop(waiting);
    until("the disk answers again", LIMIT, || page_saying(&cluster, &victim, "/livez", 200));
}

#[test]
fn a_loop_that_no_longer_turns_is_found_out_in_every_service() {
    let directory = tempfile::tempdir().expect("a folder");
    let mut all = [
        Lonely::servidor(directory.path()),
        Lonely::broker(directory.path()),
        Lonely::proxy(directory.path()),
        Lonely::referencia(directory.path()),
    ];
    // Whoever logs to a pipe that is full and that nobody reads waits for ever.
    let pipes: Vec<File> = all.iter_mut().map(Lonely::start_with_log_in_a_pipe).collect();
    for lonely in &all {
        until("it has started", LIMIT, || get(lonely.http, "/startupz").filter(|page| page.status == 200));
        assert_eq!(get(lonely.http, "/livez").expect("it answers").status, 200);
    }
    for (lonely, pipe) in all.iter().zip(&pipes) {
        fill(pipe);
        (lonely.provoke)(lonely.port);
    }
    for lonely in &all {
        let page = until(&format!("the loop `{}` is found out", lonely.loop_name), LIMIT, || {
            get(lonely.http, "/livez").filter(|page| page.status == 503)
        });
        assert!(page.body.contains(lonely.loop_name), "{page:?}");
        assert!(page.body.contains("has not turned"), "{page:?}");
    }
    for (lonely, mut pipe) in all.iter().zip(&pipes) {
        until("it goes on once the pipe is read", LIMIT, || {
            let mut buffer = [0; 65536];
            // Nothing to read is no reason to stop.
            let _read = pipe.read(&mut buffer).unwrap_or(0);
            get(lonely.http, "/livez").filter(|page| page.status == 200)
        });
    }
}

/// One service without any other.
struct Lonely {
    process: Process,
    log: std::path::PathBuf,
    http: u16,
    /// Where it is provoked to say something in its log.
    port: u16,
    provoke: fn(u16),
    loop_name: &'static str,
}

impl Lonely {
    fn new(
        directory: &Path,
        binary: &'static str,
        own: Vec<String>,
        port: u16,
        provoke: fn(u16),
        loop_name: &'static str,
    ) -> Self {
        let http = free_port();
        let log = directory.join(format!("{binary}.log"));
        let common = ["--listen=127.0.0.1".to_owned(), format!("--http=127.0.0.1:{http}")];
        let arguments = own.into_iter().chain(common).collect();
        let process = Process::new(binary, binary, arguments, log.clone());
        Self { process, log, http, port, provoke, loop_name }
    }

    fn servidor(directory: &Path) -> Self {
        let port = free_port();
        let nobody = format!("127.0.0.1:{}", free_port());
        let own = vec![
            "--name=servidor-1".to_owned(),
            format!("--data={}", directory.join("data").display()),
            format!("--port={port}"),
            format!("--replication-port={}", free_port()),
            format!("--broker={nobody}"),
            format!("--proxy={nobody}"),
            format!("--referencia={nobody}"),
        ];
        let provoke = |port| send_garbage(port, zmq::DEALER, &[vec![b"nonsense".to_vec()]]);
        Self::new(directory, "servidor", own, port, provoke, "loop")
    }

    fn broker(directory: &Path) -> Self {
        let port = free_port();
        let own = vec![format!("--client-port={port}"), format!("--servidor-port={}", free_port())];
        let provoke =
            |port| send_garbage(port, zmq::DEALER, &[vec![Vec::new(), b"two".to_vec(), b"frames".to_vec()]]);
        Self::new(directory, "broker", own, port, provoke, "dispatch")
    }

    fn proxy(directory: &Path) -> Self {
        let port = free_port();
        let own = vec![format!("--subscriber-port={port}"), format!("--publisher-port={}", free_port())];
        // The empty subscription is refused, and that is told.
        let provoke = |port| assert!(Listener::new(port, &[""]).next(Duration::from_millis(500)).is_none());
        Self::new(directory, "proxy", own, port, provoke, "fan-out")
    }

    fn referencia(directory: &Path) -> Self {
        let port = free_port();
        let provoke = |port| {
            let answer = Asker::new(port).ask("nonsense", &json!({}), Duration::from_millis(500));
            assert!(answer.is_none(), "it cannot answer before it has told");
        };
        Self::new(directory, "referencia", vec![format!("--port={port}")], port, provoke, "desk")
    }

    /// Starts it; returns both ends of the pipe that its log goes to.
    fn start_with_log_in_a_pipe(&mut self) -> File {
        make_fifo(&self.log);
        let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
        let pipe = OpenOptions::new().read(true).write(true).custom_flags(nonblocking).open(&self.log);
        self.process.start();
        pipe.expect("it was just made")
    }
}

fn make_fifo(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO can be made");
}

/// Until not one byte more goes in.
fn fill(mut pipe: &File) {
    let mut size = 4096;
    while size > 0 {
        match pipe.write(&vec![b'.'; size]) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => size /= 2,
            Err(error) => panic!("the pipe cannot be filled: {error}"),
        }
    }
}

fn page_saying(cluster: &Cluster, name: &str, path: &str, status: u16) -> Option<Page> {
    get(cluster.http_port(name), path).filter(|page| page.status == status)
}

fn wait_until_well(cluster: &Cluster, name: &str) {
    for path in PAGES {
        until(&format!("{path} of {name} says yes"), LIMIT, || page_saying(cluster, name, path, 200));
    }
}

/// Asks every probe of every process again and again, and notes who says no, or nothing.
struct Watch {
    shared: Arc<Mutex<Watched>>,
    thread: JoinHandle<()>,
}

#[derive(Default)]
struct Watched {
    names: BTreeSet<String>,
    rounds: usize,
    wrong: Vec<String>,
    over: bool,
}

impl Watch {
    fn start(cluster: &Cluster, names: &[String]) -> Self {
        let ports: Vec<(String, u16)> =
            names.iter().map(|name| (name.clone(), cluster.http_port(name))).collect();
        let names = names.iter().cloned().collect();
        let shared = Arc::new(Mutex::new(Watched { names, ..Watched::default() }));
        let watched = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while !watched.lock().expect("nobody fails").over {
                for (name, port) in &ports {
                    look(&watched, name, *port);
                }
                watched.lock().expect("nobody fails").rounds += 1;
                thread::park_timeout(Duration::from_millis(50));
            }
        });
        Self { shared, thread }
    }

    /// From now on this one may say what it likes.
    fn leave_out(&self, name: &str) {
        self.shared.lock().expect("nobody fails").names.remove(name);
    }

    /// Waits until everybody was asked so many times more.
    fn rounds(&self, count: usize) {
        let goal = self.shared.lock().expect("nobody fails").rounds + count + 1;
        until("everybody is asked again", LIMIT, || {
            (self.shared.lock().expect("nobody fails").rounds >= goal).then_some(())
        });
    }

    fn finish(self) -> Vec<String> {
        self.shared.lock().expect("nobody fails").over = true;
        self.thread.join().expect("it only asks");
        std::mem::take(&mut self.shared.lock().expect("nobody fails").wrong)
    }
}

fn look(watched: &Mutex<Watched>, name: &str, port: u16) {
    for path in PAGES {
        let is_watched = || watched.lock().expect("nobody fails").names.contains(name);
        if !is_watched() {
            return;
        }
        let began = Instant::now();
        let answer = get(port, path);
        // It may have been left out, and killed, meanwhile.
        if answer.as_ref().is_none_or(|page| page.status != 200) && is_watched() {
            let wrong = format!("{path} of {name} after {:?}: {answer:?}", began.elapsed());
            watched.lock().expect("nobody fails").wrong.push(wrong);
        }
    }
}
