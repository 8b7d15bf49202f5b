use std::fmt::Write as _;
use std::path::Path;

/// What to set to have the files of samples written anew.
const VARIABLE: &str = "PAPO_GOLDEN";

/// Holds today's encodings against a file of samples that was checked in, and returns the file's samples by name, for the caller to
/// decode. Each line is `name hexadecimal`.
///
/// Both directions count: what was written once must be read for ever, and what is written today must be readable to those who
/// wrote the file. With `PAPO_GOLDEN=write` the file is written anew; `docs/formats.md` tells when that may be done.
///
/// # Panics
/// If an encoding differs from its sample, or there is one without the other.
#[track_caller]
pub fn golden(path: &Path, encoded: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    if std::env::var(VARIABLE).as_deref() == Ok("write") {
        write(path, encoded);
    }
    let text = std::fs::read_to_string(path).expect("the samples are checked in");
    let samples: Vec<(String, Vec<u8>)> = text.lines().map(read).collect();
    let names = |of: &[(String, Vec<u8>)]| of.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let advice =
        format!("see docs/formats.md before {VARIABLE}=write; the samples are in {}", path.display());
    assert_eq!(names(encoded), names(&samples), "every format has a sample: {advice}");
    for ((name, today), (_, sample)) in encoded.iter().zip(&samples) {
        assert_eq!(hex(today), hex(sample), "{name} is no longer encoded as it was: {advice}");
    }
    samples
}

#[track_caller]
fn read(line: &str) -> (String, Vec<u8>) {
    let (name, digits) = line.rsplit_once(' ').unwrap_or((line, ""));
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2).unwrap_or_default(), 16);
    let bytes = (0..digits.len()).step_by(2).map(byte).collect::<Result<_, _>>();
    (name.to_owned(), bytes.expect("a sample is hexadecimal"))
}

fn write(path: &Path, encoded: &[(String, Vec<u8>)]) {
    let mut text = String::new();
    for (name, bytes) in encoded {
        writeln!(text, "{name} {}", hex(bytes)).expect("memory takes it");
    }
    std::fs::create_dir_all(path.parent().expect("a file in a directory")).expect("it can be made");
    std::fs::write(path, text).expect("it can be written");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
