//! What was done when, for people: on the terminal, and in a file.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

/// One line for each thing, with the time since the beginning.
#[derive(Debug)]
pub struct Journal {
    began: Instant,
    file: File,
}

impl Journal {
    /// Begins one at `path`, which is made.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn begin(path: &Path) -> io::Result<Self> {
        Ok(Self { began: Instant::now(), file: File::create(path)? })
    }

    /// Writes down that something happens now.
    pub fn note(&mut self, what: impl Display) {
        let at = self.began.elapsed();
        self.line(format!("{:>9.3} s  {what}", at.as_secs_f64()));
    }

    /// Writes something without a time.
    pub fn line(&mut self, text: impl Display) {
        println!("{text}");
        // The terminal has it; a full disk ends no run.
        writeln!(self.file, "{text}").ok();
    }
}
