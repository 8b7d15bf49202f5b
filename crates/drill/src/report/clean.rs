use papo_witness::evidence::{Broken, Evidence, Moment};

use crate::suite::NotHeld;

/// The evidence with nothing in its texts that a terminal, a browser or an XML reader would obey instead of show.
pub(super) fn cleaned(evidence: &Evidence) -> Evidence {
    let moment = |moment: &Moment| Moment { text: line(&moment.text), ..moment.clone() };
    let broken =
        |broken: &Broken| Broken { promise: line(&broken.promise), sentence: line(&broken.sentence) };
    Evidence {
        drill: line(&evidence.drill),
        started: line(&evidence.started),
        because: evidence.because.iter().map(|text| line(text)).collect(),
        timeline: evidence.timeline.iter().map(moment).collect(),
        broken: evidence.broken.iter().map(broken).collect(),
        not_undone: evidence.not_undone.iter().map(|text| line(text)).collect(),
        ..evidence.clone()
    }
}

/// The same for drills that were not held.
pub(super) fn all_cleaned(not_held: &[NotHeld]) -> Vec<NotHeld> {
    not_held.iter().map(|one| NotHeld { needs: line(&one.needs), ..*one }).collect()
}

/// One line in which every character is shown: what is obeyed instead is written as its number.
fn line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\t' => clean.push(' '),
            _ if is_obeyed(c) => clean.extend(c.escape_unicode()),
            _ => clean.push(c),
        }
    }
    clean
}

/// Characters that steer whoever shows them: control characters, those that turn the direction of writing, invisible
/// ones that join words which look apart, and those that no XML may hold.
fn is_obeyed(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
        || matches!(c, '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_as_its_number() {
        assert_eq!(line("a\u{1b}[2Jb"), "a\\u{1b}[2Jb");
        assert_eq!(line("gnp\u{202e}exe"), "gnp\\u{202e}exe");
        assert_eq!(line("two\nlines"), "two lines");
    }

    #[test]
    fn everything_else_stays_as_it_is() {
        let text = "Olá, Zé: 2 < 3 & \"ok\" — 日本語 🙂";
        assert_eq!(line(text), text);
    }
}
