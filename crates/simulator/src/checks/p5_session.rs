//! P5: a client reads its own writes, and never reads backwards.

use papo_core::log::Index;

use super::{Check, broken};

const P: &str = "P5 session";

/// A client that had seen `seen` was allowed to read at a servidor that had applied `applied`, with views as of `shown`.
///
/// # Errors
/// If it reads backwards.
pub fn read(client: &str, seen: Index, applied: Index, shown: Index) -> Check {
    if applied < seen {
        return broken(P, format!("{client} had seen {seen}, and was let read backwards at {applied}"));
    }
    if shown < seen {
        return broken(P, format!("{client} had seen {seen}, and was shown pages as of {shown}"));
    }
    Ok(())
}

/// A client that had seen no more than it was told was told that the log ends before that.
///
/// # Errors
/// Always.
pub fn beyond_log(client: &str, seen: Index, last: Index) -> Check {
    broken(P, format!("{client} was told up to {seen} once, and now that the log ends at {last}"))
}

/// A client was answered as of `index`, having seen `seen` before it asked.
///
/// # Errors
/// If the answer is older than what it had seen.
pub fn answered(client: &str, seen: Index, index: Index) -> Check {
    if index < seen {
        return broken(P, format!("{client} had seen {seen}, and was answered as of {index}"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::sentence;
    use super::*;

    #[test]
    fn reading_backwards_is_found() {
        assert_eq!(read("ana", 5, 5, 6), Ok(()));
        assert!(sentence(read("ana", 5, 4, 5)).contains("read backwards"));
        assert!(sentence(read("ana", 5, 5, 4)).contains("pages as of 4"));
        assert!(sentence(answered("ana", 5, 4)).contains("answered as of 4"));
        assert!(sentence(beyond_log("ana", 5, 4)).contains("the log ends at 4"));
    }
}
