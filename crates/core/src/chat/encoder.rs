use sha2::{Digest as _, Sha256};

use crate::log::Operation;

/// Feeds values to a hash such that different sequences of values are different input: numbers have a fixed width,
/// texts carry their length.
#[derive(Clone, Default)]
pub(super) struct Encoder(Sha256);

impl Encoder {
    pub(super) fn byte(&mut self, value: u8) {
        self.0.update([value]);
    }

    pub(super) fn number(&mut self, value: u64) {
        self.0.update(value.to_le_bytes());
    }

    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.number(value.len() as u64);
        self.0.update(value);
    }

    /// 128 bits: an earlier hash.
    pub(super) fn chain(&mut self, value: &[u8; 16]) {
        self.0.update(value);
    }

    pub(super) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    /// What was asked for, and no more: a name counts as it was typed, since its key may differ between two servidores
    /// built with different Unicode tables and a retry may reach either.
    pub(super) fn operation(&mut self, mut operation: &Operation) {
        while let Operation::Imported { operation: inner, time, clock } = operation {
            self.byte(11);
            self.number(time.as_nanos().cast_unsigned());
            self.number(clock.get());
            operation = inner;
        }
        match operation {
            Operation::Empty => self.byte(0),
            Operation::Genesis(genesis) => {
                self.byte(1);
                self.number(genesis.cluster.0);
                self.number(genesis.members.len() as u64);
                for member in &genesis.members {
                    self.text(&member.id.name);
                    self.number(member.id.disk.0);
                    self.number(member.rank);
                }
                self.bytes(&genesis.session_key);
                self.number(u64::from(genesis.rules));
            }
            Operation::AddMember(member) => {
                self.byte(2);
                self.text(&member.id.name);
                self.number(member.id.disk.0);
                self.number(member.rank);
            }
            Operation::RemoveMember { member, replaced_by } => {
                self.byte(3);
                self.text(&member.name);
                self.number(member.disk.0);
                self.byte(u8::from(replaced_by.is_some()));
                self.number(replaced_by.map_or(0, |disk| disk.0));
            }
            Operation::RaiseRules(rules) => {
                self.byte(4);
                self.number(u64::from(*rules));
            }
            Operation::Login { user } => self.tagged(5, [&user.display]),
            Operation::Channel { channel } => self.tagged(6, [&channel.display]),
            Operation::Publish { channel, user, message } => self.tagged(7, [channel, user, message]),
            Operation::Message { src, dst, message } => self.tagged(8, [src, dst, message]),
            Operation::Join { user, channel } => self.tagged(9, [user, channel]),
            Operation::Leave { user, channel } => self.tagged(10, [user, channel]),
            Operation::Admit { name } => self.tagged(12, [name]),
            Operation::Dismiss { name } => self.tagged(13, [name]),
            Operation::Imported { .. } => unreachable!("unwrapped above"),
        }
    }

    fn tagged<const N: usize>(&mut self, tag: u8, texts: [&str; N]) {
        self.byte(tag);
        for text in texts {
            self.text(text);
        }
    }

    /// The first `N` bytes of the hash.
    pub(super) fn finish<const N: usize>(self) -> [u8; N] {
        let hash = self.0.finalize();
        *hash.first_chunk().expect("no more is asked for than SHA-256 gives")
    }
}
