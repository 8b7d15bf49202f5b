//! At a pseudo-terminal, with what a person would see taken from its other end.

use std::process::Command;

use papo_processes::Terminal;
use papo_wire::Service;

use crate::stage::{LIMIT, Stage, until};

fn start(stage: &Stage, arguments: &[&str]) -> Terminal {
    Terminal::start(stage.command(arguments), LIMIT)
}

#[test]
fn an_arriving_message_is_put_above_the_line_being_typed() {
    let stage = Stage::new();
    let mut terminal = start(&stage, &["--user", "ana", "--channel", "geral"]);
    terminal.see("ana@#geral> ");
    terminal.type_in("quase pro");
    terminal.see("o");
    stage.fake.say("bia", "geral", "interrompi?");
    terminal.see("interrompi?");
    // The line is drawn again, and goes on.
    terminal.see("quase pro");
    terminal.type_in("nto\r");
    terminal.see("quase pronto");
    terminal.see("✓");
    assert_eq!(stage.fake.chat().said()[1].message, "quase pronto");
}

#[test]
fn lines_that_are_pasted_at_once_are_all_carried_out() {
    let stage = Stage::new();
    let mut terminal = start(&stage, &["--user", "ana", "--channel", "geral"]);
    terminal.see("ana@#geral> ");
    terminal.type_in("um\rdois\rtrês\r");
    terminal.see("três");
    until("all three", || stage.fake.chat().said().len() == 3);
    let texts: Vec<_> = stage.fake.chat().said().iter().map(|said| said.message.clone()).collect();
    assert_eq!(texts, ["um", "dois", "três"]);
}

#[test]
fn a_name_is_all_that_the_login_prompt_wants() {
    let stage = Stage::new();
    let mut terminal = start(&stage, &[]);
    terminal.see("login> ");
    terminal.type_in("ana\r");
    terminal.see("você entrou como ana");
    terminal.see("ana> ");
}

#[test]
fn tab_completes_commands_and_names() {
    let stage = Stage::new();
    let mut terminal = start(&stage, &["--user", "ana"]);
    terminal.see("ana> ");
    until("the names for completion", || {
        let chat = stage.fake.chat();
        chat.requests.iter().any(|request| request.service() == Service::Channels)
    });
    terminal.type_in("ent\tge\t\r");
    terminal.see("você está em #geral");
}

#[test]
fn ctrl_c_and_ctrl_d_end_it() {
    for key in ["\x03", "\x04"] {
        let stage = Stage::new();
        let mut terminal = start(&stage, &["--user", "ana"]);
        terminal.see("ana> ");
        terminal.type_in(key);
        assert!(terminal.end().success());
    }
}

#[test]
fn with_stay_they_lead_back_to_the_login_prompt() {
    let stage = Stage::new();
    let mut terminal = start(&stage, &["--stay", "--user", "ana"]);
    for leave in ["\x03", "\x04", "sair\r"] {
        terminal.see("ana> ");
        terminal.type_in(leave);
        terminal.see("login> ");
        terminal.type_in("ana\r");
    }
    terminal.see("ana> ");
}

/// Whenever it is pressed: while an answer is waited for, while the next prompt is drawn, or at the prompt. As long as nobody
/// types, the kernel makes a signal of it, for which the terminal has to be the client's own.
#[test]
fn no_ctrl_c_is_overlooked() {
    let stage = Stage::new();
    let client = stage.command(&["--stay", "--user", "ana", "--channel", "geral"]);
    let mut own = Command::new("setsid");
    own.arg("--ctty").arg(client.get_program()).args(client.get_args());
    own.envs(client.get_envs().filter_map(|(key, value)| Some((key, value?))));
    let mut terminal = Terminal::start(own, LIMIT);
    for _ in 0..200 {
        terminal.see("ana@#geral> ");
        terminal.type_in("oi\r");
        terminal.see("✓");
        terminal.type_in("\x03");
        terminal.see("login> ");
        terminal.type_in("ana\r");
    }
}

#[test]
fn with_stay_it_outlives_its_terminal() {
    let stage = Stage::new();
    let mut terminal = start(&stage, &["--stay", "--user", "ana"]);
    terminal.see("ana> ");
    terminal.close();
    let syncs = || {
        let chat = stage.fake.chat();
        chat.requests.iter().filter(|request| request.service() == Service::Sync).count()
    };
    let before = syncs();
    until("signs of life", || syncs() > before + 1);
    assert!(terminal.ended().is_none());
}

#[test]
fn no_colour_means_no_colour() {
    let stage = Stage::new();
    for (wanted, variable) in [(true, ""), (false, "1")] {
        let mut command = stage.command(&["--state", "/nonexistent"]);
        command.env("NO_COLOR", variable);
        let mut terminal = Terminal::start(command, LIMIT);
        terminal.type_in("/nada\rsair\r");
        assert!(terminal.end().success());
        assert_eq!(terminal.seen().contains("\x1b[31m"), wanted, "{:?}", terminal.seen());
    }
}
