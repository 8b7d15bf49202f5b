//! What arrives on a servidor's own port is a message of another one, or nothing. A stranger can send there whatever it likes.

mod core;
mod golden;
mod samples;
mod values;

use papo_fuzz::{bombs, peak_of, spoils, spoilt};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use values::message;

#[global_allocator]
static ALLOCATOR: papo_fuzz::Counting = papo_fuzz::Counting;

/// What reading a letter may hold, besides so many bytes for each byte of it: a claimed length is believed up to 1 MiB of elements, in
/// lists that can stand inside one another twice.
const HELD: usize = 3 << 20;
const HELD_PER_BYTE: usize = 64;

fn sender() -> Sender {
    let id = MemberId { name: "servidor-1".to_owned(), disk: DiskId(7) };
    Sender::new(&id, Some(ClusterId(9)), None)
}

/// Reads frames, within the bound on what that may hold.
fn survive(frames: &[Vec<u8>]) -> Result<Letter, BadLetter> {
    let bytes: usize = frames.iter().map(Vec::len).sum();
    let (letter, held) = peak_of(|| decode(frames));
    assert!(held <= HELD + HELD_PER_BYTE * bytes, "{held} bytes held for {bytes}");
    if let Err(bad) = &letter {
        assert!(!bad.to_string().is_empty());
    }
    letter
}

#[test]
fn another_version_is_named() {
    let mut header = sender().encode();
    header[0] = 9;
    let error = decode(&[header, encode(&Message::AskHandOver)]).unwrap_err();
    assert!(error.to_string().contains("version 9"), "{error}");
}

/// Found by fuzzing: eleven bytes for each level of an operation inside an operation ended the process.
#[test]
fn an_operation_nested_without_end_does_not_exhaust_the_stack() {
    let nested = b"\x81\xa8Imported\x93".repeat(80_000);
    let body = [&b"\x81\xa6Submit\x91\x94\xa0\x81\xa6Client\xa1a"[..], &nested].concat();
    assert!(survive(&[sender().encode(), body]).is_err());
}

#[test]
fn small_frames_that_promise_to_be_large_cost_little() {
    for key in ["Submit", "Found", "Hello", "Batch", "Fetched", "Beacon"] {
        for bomb in bombs(key) {
            assert!(survive(&[sender().encode(), bomb.clone()]).is_err());
            let header = [&[VERSION][..], &bomb].concat();
            assert!(survive(&[header, encode(&Message::AskHandOver)]).is_err());
        }
    }
}

#[test]
fn what_follows_a_message_is_refused() {
    let sent = [sender().encode(), encode(&Message::AskHandOver)];
    for frame in 0..2 {
        let mut longer = sent.clone();
        longer[frame].push(0xc0);
        assert!(matches!(decode(&longer), Err(BadLetter::Trailing)), "frame {frame}");
    }
}

proptest! {
    #![proptest_config(papo_fuzz::cases(256))]

    #[test]
    fn what_is_sent_is_what_arrives(message in message(), sender in values::sender()) {
        let letter = survive(&[sender.encode(), encode(&message)]).unwrap();
        prop_assert_eq!(letter, Letter { sender, message });
    }

    #[test]
    fn garbage_never_panics(frames in vec(vec(any::<u8>(), 0..64), 0..4)) {
        let _ = survive(&frames);
        let _ = survive(&[sender().encode(), frames.concat()]);
    }

    /// What is still read of it is written again as it was read: nothing is made of a message that it does not say.
    #[test]
    fn a_spoilt_letter_is_refused_or_means_what_it_says(
        message in message(),
        other in message(),
        sender in values::sender(),
        in_header in any::<bool>(),
        spoils in spoils(),
    ) {
        let mut frames = [sender.encode(), encode(&message)];
        let frame = usize::from(!in_header);
        frames[frame] = spoilt(&frames[frame], &encode(&other), &spoils);
        if let Ok(letter) = survive(&frames) {
            let again = decode(&[letter.sender.encode(), encode(&letter.message)]).unwrap();
            prop_assert_eq!(again, letter);
        }
    }
}
