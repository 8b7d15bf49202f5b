use std::fmt::Write as _;
use std::path::Path;

/// What to set to have new samples added to the files.
const VARIABLE: &str = "PAPO_GOLDEN";

/// A line of a file of samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// What it is a sample of.
    pub name: String,
    /// As it was encoded.
    pub bytes: Vec<u8>,
    /// Whether it is encoded so today; of several with one name the last one is.
    pub today: bool,
}

/// Holds today's encodings against a file of samples that was checked in, and returns the file's samples, for the caller to decode: all
/// of them. Each line is `name hexadecimal`.
///
/// Both directions count: what was written once must be read for ever, and what is written today must be readable to those who
/// wrote the file. With `PAPO_GOLDEN=write` what is encoded differently today is added to the file, and what was there stays;
/// `docs/formats.md` tells when that may be done.
///
/// # Panics
/// If an encoding differs from its sample, or there is one without the other.
#[track_caller]
pub fn golden(path: &Path, encoded: &[(String, Vec<u8>)]) -> Vec<Sample> {
    let mut samples = load(path);
    if std::env::var(VARIABLE).as_deref() == Ok("write") {
        add(&mut samples, encoded);
        save(path, &samples);
    }
    let file = path.file_name().unwrap_or_default().display();
    let advice = format!("(docs/formats.md tells what to do; the samples are in {file})");
    for (name, today) in encoded {
        let sample = samples.iter().find(|sample| sample.today && sample.name == *name);
        let sample = sample.unwrap_or_else(|| panic!("there is no sample of {name} {advice}"));
        assert_eq!(hex(today), hex(&sample.bytes), "{name} is encoded differently now {advice}");
    }
    for sample in &samples {
        let known = encoded.iter().any(|(name, _)| *name == sample.name);
        assert!(known, "{} is not encoded any more {advice}", sample.name);
    }
    samples
}

#[track_caller]
fn load(path: &Path) -> Vec<Sample> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let mut samples: Vec<Sample> = text.lines().map(read).collect();
    for at in 0..samples.len() {
        samples[at].today = !samples[at + 1..].iter().any(|later| later.name == samples[at].name);
    }
    samples
}

#[track_caller]
fn read(line: &str) -> Sample {
    let (name, digits) = line.rsplit_once(' ').unwrap_or((line, ""));
    let byte = |at| u8::from_str_radix(digits.get(at..at + 2).unwrap_or_default(), 16);
    let bytes = (0..digits.len()).step_by(2).map(byte).collect::<Result<_, _>>();
    Sample { name: name.to_owned(), bytes: bytes.expect("a sample is hexadecimal"), today: true }
}

fn add(samples: &mut Vec<Sample>, encoded: &[(String, Vec<u8>)]) {
    for (name, bytes) in encoded {
        let last = samples.iter().rposition(|sample| sample.name == *name);
        if last.is_none_or(|at| samples[at].bytes != *bytes) {
            if let Some(at) = last {
                samples[at].today = false;
            }
            let at = last.map_or(samples.len(), |at| at + 1);
            samples.insert(at, Sample { name: name.clone(), bytes: bytes.clone(), today: true });
        }
    }
}

fn save(path: &Path, samples: &[Sample]) {
    let mut text = String::new();
    for Sample { name, bytes, .. } in samples {
        writeln!(text, "{name} {}", hex(bytes)).expect("memory takes it");
    }
    std::fs::create_dir_all(path.parent().expect("a file in a directory")).expect("it can be made");
    std::fs::write(path, text).expect("it can be written");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &str, bytes: &[u8], today: bool) -> Sample {
        Sample { name: name.to_owned(), bytes: bytes.to_vec(), today }
    }

    #[test]
    fn what_was_written_once_stays_when_it_is_written_differently() {
        let mut samples = vec![sample("one", b"1", true), sample("two", b"2", true)];
        let today = [("one".to_owned(), b"11".to_vec()), ("two".to_owned(), b"2".to_vec())];
        add(&mut samples, &today);
        assert_eq!(
            samples,
            [sample("one", b"1", false), sample("one", b"11", true), sample("two", b"2", true)]
        );
    }

    #[test]
    fn a_difference_is_noticed_and_so_is_a_sample_too_many_or_too_few() {
        let file = std::env::temp_dir().join(format!("papo-golden-{}.txt", std::process::id()));
        save(&file, &[sample("one", b"\x00\xff", true), sample("two", b"", true)]);
        let encoded = |pairs: &[(&str, &[u8])]| {
            pairs.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect::<Vec<_>>()
        };
        let differs =
            |pairs: &[(&str, &[u8])]| std::panic::catch_unwind(|| golden(&file, &encoded(pairs))).is_err();
        assert!(!differs(&[("one", b"\x00\xff"), ("two", b"")]));
        assert!(differs(&[("one", b"\x00\xfe"), ("two", b"")]));
        assert!(differs(&[("one", b"\x00\xff")]));
        assert!(differs(&[("one", b"\x00\xff"), ("two", b""), ("three", b"")]));
        std::fs::remove_file(file).expect("it is there");
    }
}
