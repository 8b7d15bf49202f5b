/// Colours, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Paint {
    on: bool,
}

/// Colours that people can be told apart by, readable on dark and on light ground.
const PEOPLE: [u8; 10] = [33, 37, 71, 99, 127, 130, 136, 160, 166, 208];

impl Paint {
    /// On a terminal, unless somebody does not want them (<https://no-color.org>) or it has none.
    pub(crate) fn new(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let unwanted = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = variable("TERM").is_some_and(|term| term == "dumb");
        Self { on: is_terminal && !unwanted && !dumb }
    }

    pub(crate) const fn is_on(self) -> bool {
        self.on
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    pub(crate) fn good(self, text: &str) -> String {
        self.with("32", text)
    }

    pub(crate) fn bad(self, text: &str) -> String {
        self.with("31", text)
    }

    pub(crate) fn open(self, text: &str) -> String {
        self.with("33", text)
    }

    /// The same colour for the same person.
    pub(crate) fn person(self, name: &str, text: &str) -> String {
        let sum = name.bytes().fold(5381_u32, |sum, byte| sum.wrapping_mul(33) ^ u32::from(byte));
        let colour = PEOPLE[sum as usize % PEOPLE.len()];
        self.with(&format!("38;5;{colour}"), text)
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paint(is_terminal: bool, variables: &[(&str, &str)]) -> Paint {
        Paint::new(is_terminal, |name| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn colours_are_for_terminals_that_have_them_and_people_who_want_them() {
        assert!(paint(true, &[("TERM", "xterm"), ("NO_COLOR", "")]).is_on());
        assert!(!paint(false, &[("TERM", "xterm")]).is_on());
        assert!(!paint(true, &[("NO_COLOR", "1")]).is_on());
        assert!(!paint(true, &[("TERM", "dumb")]).is_on());
    }
}
