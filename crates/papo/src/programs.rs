//! Several programs behind one name: `papo local`, `papo members admit`. Each has its own `--help` and its own settings; here is
//! only decided which one runs.
//!
//! Not done: nothing behind the program's name is looked at, so that each tells all of its own mistakes at once.

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Arg, ArgMatches, Command, value_parser};
use papo_service::Exit;

/// One of them: its name, what it is for, and its `main`, which is given the rest of the command line.
#[derive(Clone, Copy)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(Vec<OsString>) -> ExitCode,
}

const REST: &str = "rest";
const HELP: &str = "help";

/// Runs the one that `arguments` begin with, out of those behind `command`.
pub(crate) fn run(command: Command, programs: &[Program], arguments: Vec<OsString>) -> ExitCode {
    let mut command = command
        .no_binary_name(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommands(programs.iter().map(declared))
        .subcommand(Command::new(HELP).about("Tell more about one of them").arg(Arg::new(REST)));
    let chosen = match command.try_get_matches_from_mut(arguments) {
        Ok(mut matches) => matches.remove_subcommand(),
        Err(error) => return told(&error),
    };
    match chosen {
        Some((name, mut matches)) if name == HELP => {
            let asked: Option<String> = matches.remove_one(REST);
            match asked.map(|asked| find(programs, &asked).ok_or(asked)) {
                None => shown(command.print_help(), ExitCode::SUCCESS),
                Some(Ok(program)) => (program.run)(vec!["--help".into()]),
                Some(Err(asked)) => {
                    told(&command.error(ErrorKind::InvalidSubcommand, format!("there is no `{asked}`")))
                }
            }
        }
        Some((name, matches)) => match find(programs, &name) {
            Some(program) => (program.run)(rest(matches)),
            None => unreachable!("only those that were declared are taken"),
        },
        None => unreachable!("one is required"),
    }
}

fn declared(program: &Program) -> Command {
    let rest = Arg::new(REST).num_args(0..).trailing_var_arg(true).allow_hyphen_values(true).hide(true);
    Command::new(program.name)
        .about(program.about)
        .disable_help_flag(true)
        .arg(rest.value_parser(value_parser!(OsString)))
}

fn find(programs: &[Program], name: &str) -> Option<Program> {
    programs.iter().find(|program| program.name == name).copied()
}

fn rest(mut matches: ArgMatches) -> Vec<OsString> {
    matches.remove_many(REST).map(Iterator::collect).unwrap_or_default()
}

/// Help and versions are what was asked for; everything else is a mistake.
fn told(error: &clap::Error) -> ExitCode {
    shown(error.print(), if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS })
}

fn shown(printed: io::Result<()>, exit: ExitCode) -> ExitCode {
    if let Err(error) = printed {
        tracing::debug!("nobody reads it: {error}");
    }
    exit
}
