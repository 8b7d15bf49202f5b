//! When two names are the same name. Written here once more on purpose: a checker that borrowed the function of the
//! system under test could not find it wrong.

use unicode_normalization::UnicodeNormalization;

/// Equal for names that look or read alike: NFKC, case folded, NFKC again.
pub(crate) fn key(name: &str) -> String {
    let normal: String = name.nfkc().collect();
    caseless::default_case_fold_str(&normal).nfkc().collect()
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn names_that_look_alike_have_one_key() {
        assert_eq!(key("Ana"), key("ANA"));
        assert_eq!(key("caf\u{e9}"), key("cafe\u{301}"));
        assert_eq!(key("\u{fb01}m"), key("fim"));
        assert_ne!(key("ana"), key("anna"));
    }
}
