//! Runs the whole system on a laptop, and looks after a running one.
//!
//! One module a subcommand. They are small programs of their own ([`programs`]) that share [`ask`], which talks to a running
//! system.

mod ask;
mod disk;
mod export;
mod health;
mod import;
mod local;
mod members;
mod programs;
mod status;

use std::ffi::OsString;
use std::process::ExitCode;

use programs::Program;

const PROGRAMS: [Program; 8] = [
    Program {
        name: "local",
        about: "Run the whole system here, and the client in this terminal",
        run: local::run,
    },
    Program { name: "status", about: "Who is alive, who coordinates, how far each one is", run: status::run },
    Program {
        name: "members",
        about: "Who counts; admit, dismiss and replace servidores",
        run: members::run,
    },
    Program { name: "export", about: "Write the users, channels and messages into files", run: export::run },
    Program {
        name: "import",
        about: "Take such files, also of the old system, into a cluster",
        run: import::run,
    },
    Program {
        name: "health",
        about: "Ask a service's health page; for health checks of containers",
        run: health::run,
    },
    Program { name: "bench", about: "Measure how fast it is on this machine", run: papo_bench::run },
    Program {
        name: "disk",
        about: "Set a servidor's unreadable data aside, or renew a restored one",
        run: disk::run,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    // Not a subcommand for people: how `papo local` starts its children.
    if arguments.first().is_some_and(|first| first == local::CHILD) {
        return local::be_child(arguments.into_iter().skip(1).collect());
    }
    let command = clap::Command::new("papo")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Runs the whole chat on a laptop, and looks after a running one")
        .after_help("`papo COMMAND --help` tells more. Start with `papo local`.");
    programs::run(command, &PROGRAMS, arguments)
}
