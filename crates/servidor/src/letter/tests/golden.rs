//! Servidores of two releases talk to each other while an upgrade goes on.

use std::path::Path;

use super::samples::{messages, senders};
use crate::letter::{VERSION, decode, encode};

#[test]
fn letters_are_written_and_read_as_in_earlier_releases() {
    let headers = senders().into_iter().map(|(name, sender)| (format!("from-{name}"), sender.encode()));
    let bodies = messages().into_iter().map(|(name, message)| (name.to_owned(), encode(&message)));
    let encoded: Vec<_> = headers.chain(bodies).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("golden/letters-{VERSION}.txt"));
    let samples = papo_fuzz::golden(&path, &encoded);

    let (headers, bodies) = samples.split_at(senders().len());
    let hand_over = encode(&papo_core::replica::Message::AskHandOver);
    for ((_, sender), (name, header)) in senders().iter().zip(headers) {
        let letter = decode(&[header.clone(), hand_over.clone()]).expect(name);
        assert_eq!(letter.sender, *sender, "{name}");
    }
    for ((_, message), (name, body)) in messages().iter().zip(bodies) {
        let letter = decode(&[headers[0].1.clone(), body.clone()]).expect(name);
        assert_eq!(letter.message, *message, "{name}");
    }
}
