//! Servidores of two releases talk to each other while an upgrade goes on.

use std::path::Path;

use papo_fuzz::Sample;

use super::samples::{messages, senders};
use crate::letter::{VERSION, decode, encode};

#[test]
fn letters_are_written_and_read_as_in_earlier_releases() {
    let headers = senders().into_iter().map(|(name, sender)| (format!("from-{name}"), sender.encode()));
    let bodies = messages().into_iter().map(|(name, message)| (name.to_owned(), encode(&message)));
    let encoded: Vec<_> = headers.chain(bodies).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/letters-{VERSION}.txt"));
    let samples = papo_fuzz::golden(&path, &encoded);

    let hand_over = encode(&papo_core::replica::Message::AskHandOver);
    for Sample { name, bytes, today } in samples {
        if let Some(from) = name.strip_prefix("from-") {
            let letter = decode(&[bytes, hand_over.clone()]).expect(&name);
            let (_, sender) = senders().into_iter().find(|(name, _)| *name == from).expect(from);
            assert!(!today || letter.sender == sender, "{name}: {letter:?}");
        } else {
            let letter = decode(&[senders()[0].1.encode(), bytes]).expect(&name);
            let (_, message) = messages().into_iter().find(|(of, _)| *of == name).expect(&name);
            assert!(!today || letter.message == message, "{name}: {letter:?}");
        }
    }
}
