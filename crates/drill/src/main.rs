//! Causes failures on purpose in a Kubernetes cluster, and says, message by message, whether the promises held.

use std::ffi::OsString;
use std::process::ExitCode;

use papo_drill::commands::{COMMANDS, Command};
use papo_drill::stop::Ending;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(first) = arguments.next() else {
        eprint!("{}", help());
        return Ending::Usage.into();
    };
    let rest: Vec<OsString> = arguments.collect();
    match first.to_str() {
        Some("help" | "--help" | "-h") => match rest.first().and_then(|name| name.to_str()) {
            None => {
                print!("{}", help());
                ExitCode::SUCCESS
            }
            Some(name) => run(name, vec!["--help".into()]),
        },
        Some("version" | "--version" | "-V") => {
            println!("drill {}", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Some(name) => run(name, rest),
        None => run(&first.to_string_lossy(), rest),
    }
}

fn run(name: &str, arguments: Vec<OsString>) -> ExitCode {
    match COMMANDS.iter().find(|command| command.name == name) {
        Some(command) => (command.run)(arguments),
        None => {
            eprintln!("drill: there is no `drill {name}`\n\n{}", help());
            Ending::Usage.into()
        }
    }
}

fn help() -> String {
    let mut text =
        "Causes failures on purpose, and says whether the promises held.\n\nUsage: drill <COMMAND>\n\n"
            .to_owned();
    for Command { name, about, .. } in &COMMANDS {
        text.push_str(&format!("  drill {name:<7} {about}\n"));
    }
    text.push_str(
        "\n`drill COMMAND --help` tells more. Start with `drill status`. Nothing is changed without --yes.\n",
    );
    text
}
