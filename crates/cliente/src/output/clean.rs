//! Text of others, made harmless for a terminal.

/// Characters that move the cursor, change the direction of writing, or show nothing: a terminal must never get them from
/// somebody else.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200c}'
                | '\u{200e}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

/// One line: a control character becomes its picture (`␛`), what else is harmful becomes `\u{fffd}`.
pub(crate) fn line(text: &str) -> String {
    text.chars().map(harmless).collect()
}

/// Several lines; each but the first begins with `indent`, so that none can pass for a message of its own.
pub(crate) fn lines(text: &str, indent: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' {
            clean.push('\n');
            clean.push_str(indent);
        } else {
            clean.push(harmless(c));
        }
    }
    clean
}

/// JSON text whose strings hold nothing harmful unescaped.
pub(crate) fn json(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        if is_harmful(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                clean.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            clean.push(c);
        }
    }
    clean
}

fn harmless(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        c if is_harmful(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_pictures() {
        assert_eq!(line("a\u{1b}[2Jb\u{7}\r\u{7f}"), "a␛[2Jb␇␍␡");
        assert_eq!(line("\u{9b}31m"), "\u{fffd}31m");
    }

    #[test]
    fn nobody_turns_the_line_around() {
        assert_eq!(line("a\u{202e}b\u{2066}c\u{2028}d"), "a\u{fffd}b\u{fffd}c\u{fffd}d");
    }

    #[test]
    fn what_people_write_stays() {
        let text = "olá, 世界! 👩‍👩‍👧 ❤️ ação";
        assert_eq!(line(text), text);
    }

    #[test]
    fn a_second_line_is_marked_as_one() {
        assert_eq!(lines("um\ndois", "  │ "), "um\n  │ dois");
    }

    #[test]
    fn json_means_the_same_afterwards() {
        let text = "\u{9b}31m\u{202e}\u{e0041}";
        let json = json(&serde_json::to_string(text).expect("text is JSON"));
        assert!(json.is_ascii());
        assert_eq!(serde_json::from_str::<String>(&json).expect("still JSON"), text);
    }
}
