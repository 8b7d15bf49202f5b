//! Names that may hold spaces, and what follows them.

/// Takes the first word, or the first quoted words, off a line. The rest begins after the spaces between them.
pub(crate) fn split_name(line: &str) -> (String, &str) {
    for quote in ['"', '\''] {
        if let Some((name, rest)) = line.strip_prefix(quote).and_then(|line| line.split_once(quote))
            && (rest.is_empty() || rest.starts_with(' '))
        {
            return (name.to_owned(), rest.trim_start());
        }
    }
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    (name.to_owned(), rest.trim_start())
}

/// A whole line as one name, with or without quotes.
pub(super) fn unquote(line: &str) -> String {
    match split_name(line) {
        (name, "") => name,
        _ => line.to_owned(),
    }
}

/// A name as it must be typed where something follows it.
pub(crate) fn quoted(name: &str) -> String {
    if !name.contains(' ') && !name.starts_with(['"', '\'']) {
        return name.to_owned();
    }
    let quote = if name.contains('"') { '\'' } else { '"' };
    format!("{quote}{name}{quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_read_again() {
        for name in ["ana", "ana maria", "d'artagnan", "\"ana\"", "a \"b\" c", "o'neil silva"] {
            assert_eq!(split_name(&format!("{} oi", quoted(name))), (name.to_owned(), "oi"));
        }
    }

    #[test]
    fn an_apostrophe_is_not_always_a_quote() {
        assert_eq!(split_name("'t hooft"), ("'t".to_owned(), "hooft"));
        assert_eq!(unquote("bate papo"), "bate papo");
    }
}
