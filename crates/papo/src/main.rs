//! Runs the whole system on a laptop, and looks after a running one.
//!
//! One module a subcommand. They are small programs of their own, with their own `--help` and their own settings:
//! [`COMMANDS`] is all that they share, besides [`ask`], which talks to a running system.

mod ask;
mod disk;
mod export;
mod health;
mod import;
mod local;
mod members;
mod status;

use std::ffi::OsString;
use std::process::ExitCode;

use papo_service::Exit;

/// A subcommand: its name, what it is for, and its `main`, which is given the rest of the command line.
struct Command {
    name: &'static str,
    about: &'static str,
    run: fn(Vec<OsString>) -> ExitCode,
}

const COMMANDS: [Command; 8] = [
    Command {
        name: "local",
        about: "run the whole system here, and the client in this terminal",
        run: local::run,
    },
    Command { name: "status", about: "who is alive, who coordinates, how far each one is", run: status::run },
    Command {
        name: "members",
        about: "who counts; admit, dismiss and replace servidores",
        run: members::run,
    },
    Command { name: "export", about: "write the users, channels and messages into files", run: export::run },
    Command {
        name: "import",
        about: "take such files, also of the old system, into a cluster",
        run: import::run,
    },
    Command {
        name: "health",
        about: "ask a service's health page; for health checks of containers",
        run: health::run,
    },
    Command { name: "bench", about: "measure how fast it is on this machine", run: papo_bench::run },
    Command {
        name: "disk",
        about: "set a servidor's unreadable data aside, or renew a restored one",
        run: disk::run,
    },
];

/// Not a subcommand for people: how `papo local` starts its children.
const CHILD: &str = local::CHILD;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(first) = arguments.next() else {
        eprint!("{}", help());
        return Exit::Usage.into();
    };
    let rest: Vec<OsString> = arguments.collect();
    match first.to_str() {
        Some(CHILD) => local::be_child(rest),
        Some("help" | "--help" | "-h") => about(&rest),
        Some("version" | "--version" | "-V") => {
            println!("papo {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Some(name) => match find(name) {
            Some(command) => (command.run)(rest),
            None => unknown(name),
        },
        None => unknown(&first.to_string_lossy()),
    }
}

/// `papo help`, and `papo help local`.
fn about(rest: &[OsString]) -> ExitCode {
    match rest.first().and_then(|name| name.to_str()) {
        None => {
            print!("{}", help());
            ExitCode::SUCCESS
        }
        Some(name) => match find(name) {
            Some(command) => (command.run)(vec!["--help".into()]),
            None => unknown(name),
        },
    }
}

fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

fn unknown(name: &str) -> ExitCode {
    eprintln!("papo: there is no `papo {name}`\n\n{}", help());
    Exit::Usage.into()
}

fn help() -> String {
    let mut text =
        "Runs the whole chat on a laptop, and looks after a running one.\n\nUsage: papo <COMMAND>\n\n"
            .to_owned();
    for Command { name, about, .. } in &COMMANDS {
        text.push_str(&format!("  papo {name:<8} {about}\n"));
    }
    text.push_str("\n`papo COMMAND --help` tells more. Start with `papo local`.\n");
    text
}
