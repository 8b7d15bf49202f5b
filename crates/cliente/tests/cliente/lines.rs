use crate::stage::Stage;

#[test]
fn a_script_of_lines_is_carried_out_in_order() {
    let stage = Stage::new();
    let script = "login ana\nentrar geral\nbom dia\npublish geral boa tarde\ncanais\nsair\n";
    let (lines, status) = stage.run(&[], script);
    assert!(status.success());
    let texts: Vec<_> = stage.fake.chat().said().iter().map(|said| said.message.clone()).collect();
    assert_eq!(texts, ["bom dia", "boa tarde"]);
    let expected =
        ["você entrou como ana", "você está em #geral", "bom dia ✓", "boa tarde ✓", "#geral ✓", "ana saiu"];
    let mut rest = lines.iter();
    for part in expected {
        assert!(rest.any(|line| line.contains(part)), "{part} is not next in {lines:#?}");
    }
    assert!(lines.iter().all(|line| !line.contains('\x1b')), "colours are for terminals");
}

#[test]
fn bare_commands_take_their_fields_from_the_next_lines() {
    let stage = Stage::new();
    stage.fake.chat().add_user("bia");
    let (_, status) = stage.run(&[], "login\nana\npublish\ngeral\nbom dia\nmsg bia\nolá\n");
    assert!(status.success());
    let texts: Vec<_> = stage.fake.chat().said().iter().map(|said| said.message.clone()).collect();
    assert_eq!(texts, ["bom dia", "olá"]);
}

#[test]
fn what_does_not_succeed_is_told_with_its_reason_and_in_the_exit_code() {
    let stage = Stage::new();
    let (lines, status) = stage.run(&["--user", "ana"], "publish nada oi\nmsg ninguém oi\n/dançar\n");
    assert_eq!(status.code(), Some(1));
    for part in
        ["oi ✗ — Canal não existe.", "oi ✗ — Usuário de destino não existe.", "Não há comando /dançar"]
    {
        assert!(lines.iter().any(|line| line.contains(part)), "{part} is not in {lines:#?}");
    }
}

#[test]
fn a_taken_name_is_told() {
    let stage = Stage::new();
    stage.fake.chat().add_user("ana");
    let (lines, status) = stage.run(&["--user", "ana"], "");
    assert_eq!(status.code(), Some(1));
    assert!(lines[0].contains("Usuário já existe"), "{lines:#?}");
}

#[test]
fn a_channel_is_created_if_it_is_to_be_entered_and_is_not_there() {
    let stage = Stage::new();
    let (lines, status) = stage.run(&["--user", "ana", "--channel", "novo"], "oi\n");
    assert!(status.success());
    assert!(lines.iter().any(|line| line.contains("#novo foi criado")), "{lines:#?}");
    assert_eq!(stage.fake.chat().said()[0].message, "oi");
}

#[test]
fn what_is_on_its_way_is_told_until_it_is_stored() {
    let stage = Stage::new();
    let mut client = stage.start(&["--user", "ana", "--channel", "geral"]);
    client.line_with("você está em #geral");
    stage.fake.silence_broker(0, true);
    client.write("oi\n");
    client.line_with("oi …");
    stage.fake.silence_broker(0, false);
    client.line_with("oi ✓");
    assert_eq!(stage.fake.chat().said().len(), 1);
}

#[test]
fn escape_sequences_of_others_do_not_reach_the_output() {
    let stage = Stage::new();
    let mut client = stage.start(&["--user", "ana", "--channel", "geral"]);
    client.line_with("você está em #geral");
    stage.fake.say("bia", "geral", "\u{1b}[2Jsumiu?");
    assert!(client.line_with("sumiu?").ends_with("bia: ␛[2Jsumiu?"));
}

#[test]
fn a_history_is_shown_in_order() {
    let stage = Stage::new();
    for text in ["um", "dois", "três"] {
        stage.fake.say("bia", "geral", text);
    }
    let (lines, _) = stage.run(&[], "historico geral 2\n");
    assert!(lines[0].contains("mais antigas"), "{lines:#?}");
    assert!(lines[1].ends_with("dois") && lines[2].ends_with("três"), "{lines:#?}");
}

#[test]
fn a_long_history_is_shown_whole_and_older_messages_on_request() {
    let stage = Stage::new();
    for number in 1..=450 {
        stage.fake.say("bia", "geral", &format!("mensagem {number}."));
    }
    let (lines, status) =
        stage.run(&[], "historico geral 300\nhistorico geral mais 100\nhistorico mais 100\n");
    assert!(status.success());
    let shown: Vec<&str> = lines.iter().filter_map(|line| line.split("mensagem ").nth(1)).collect();
    let expected: Vec<String> =
        [151..=450, 51..=150, 1..=50].into_iter().flatten().map(|number| format!("{number}.")).collect();
    assert_eq!(shown, expected);
    let hints: Vec<&String> = lines.iter().filter(|line| line.contains("historico geral mais")).collect();
    assert_eq!(hints.len(), 2, "there is nothing before the first message: {hints:#?}");
}
