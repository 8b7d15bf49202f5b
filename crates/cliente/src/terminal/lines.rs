use std::io::{BufRead, ErrorKind, Read as _};

use super::Read;

/// Longer lines than any request could hold.
const LONGEST: u64 = 64 * 1024;

/// Reads lines from a stream without terminal.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    input: R,
}

impl<R: BufRead> LineReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input }
    }

    /// Waits for a line. After an end there may be more, if the stream is fed again.
    pub(crate) fn read(&mut self) -> Read {
        let mut bytes = Vec::new();
        match self.input.by_ref().take(LONGEST).read_until(b'\n', &mut bytes) {
            Ok(0) => return Read::End,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => return Read::Interrupted,
            Err(error) => {
                tracing::debug!(%error, "the input is gone");
                return Read::Gone;
            }
        }
        if bytes.last() != Some(&b'\n') && bytes.len() as u64 == LONGEST {
            return self.skip_line();
        }
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
        String::from_utf8(bytes).map_or(Read::Unreadable("A linha não é UTF-8."), Read::Line)
    }

    fn skip_line(&mut self) -> Read {
        let mut rest = Vec::new();
        loop {
            rest.clear();
            match self.input.by_ref().take(LONGEST).read_until(b'\n', &mut rest) {
                Ok(0) => break,
                Ok(_) if rest.last() == Some(&b'\n') => break,
                Ok(_) => {}
                Err(_) => return Read::Gone,
            }
        }
        Read::Unreadable("A linha é longa demais.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(input: &[u8]) -> Vec<Read> {
        let mut reader = LineReader::new(input);
        std::iter::from_fn(|| Some(reader.read()).filter(|read| *read != Read::End)).collect()
    }

    #[test]
    fn lines_end_in_either_way_and_the_last_one_need_not() {
        let line = |text: &str| Read::Line(text.to_owned());
        assert_eq!(all(b"um\r\ndois\n\ntr\xc3\xaas"), [line("um"), line("dois"), line(""), line("três")]);
    }

    #[test]
    fn a_line_that_cannot_be_read_costs_itself_only() {
        let mut input = vec![b'x'; 200_000];
        input.extend_from_slice(b"\n\xff\nbom dia\n");
        let read = all(&input);
        assert!(matches!(read[0], Read::Unreadable(_)));
        assert!(matches!(read[1], Read::Unreadable(_)));
        assert_eq!(read[2], Read::Line("bom dia".to_owned()));
    }
}
