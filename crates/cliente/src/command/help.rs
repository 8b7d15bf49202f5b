//! What `ajuda` says.

/// The help of one command, or of all.
pub(crate) fn help(about: Option<&str>) -> String {
    let word = about.map(|word| word.trim_start_matches('/').to_lowercase());
    let found = word.and_then(|word| {
        let lines = LINES.iter().filter(|(usage, _)| usage.split(' ').next() == Some(word.as_str()));
        let lines: Vec<String> = lines.map(|(usage, text)| format!("{usage}: {text}")).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    });
    found.unwrap_or_else(all)
}

const LINES: [(&str, &str); 12] = [
    ("login USUÁRIO", "entra no chat com esse nome"),
    ("listar", "mostra os usuários"),
    ("canais", "mostra os canais; ✓ marca os que você segue"),
    ("canal CANAL", "cria um canal e entra nele"),
    ("entrar CANAL", "passa a seguir um canal e a falar nele"),
    ("sair-do-canal [CANAL]", "deixa de seguir um canal"),
    ("publish CANAL MENSAGEM", "publica em qualquer canal"),
    ("msg USUÁRIO MENSAGEM", "manda uma mensagem privada"),
    ("historico [CANAL|USUÁRIO] [N]", "mostra as últimas N mensagens"),
    ("historico [CANAL|USUÁRIO] mais [N]", "mostra as N anteriores às já mostradas"),
    ("ajuda [COMANDO]", "mostra isto"),
    ("sair", "sai do chat"),
];

fn all() -> String {
    let width = LINES.iter().map(|(usage, _)| usage.chars().count()).max().unwrap_or(0);
    let mut text = String::from("Comandos (com ou sem / na frente; sem os campos, eles são perguntados):\n");
    for (usage, what) in LINES {
        let gap = " ".repeat(width - usage.chars().count());
        text.push_str(&format!("  {usage}{gap}  {what}\n"));
    }
    text.push_str(
        "O resto é conversa no canal atual. Para dizer algo que parece um comando, comece com um espaço.\n\
         Nomes com espaços vão entre aspas: msg \"ana maria\" olá. Tab completa; ↑ repete.\n\
         … a caminho   ✓ guardada   ✗ não foi   ? não se sabe",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::COMMANDS;

    #[test]
    fn every_command_has_its_help() {
        for command in COMMANDS {
            assert!(help(Some(command)).starts_with(command), "{command} has no help");
            assert!(help(None).contains(command));
        }
    }

    #[test]
    fn a_command_that_can_be_said_in_two_ways_has_help_for_both() {
        let told = help(Some("historico"));
        assert!(told.lines().count() == 2 && told.contains("mais"), "{told}");
    }
}
