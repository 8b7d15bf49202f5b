use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::log::Index;

/// The key that all servidores of a cluster share, and with which they sign sessions.
///
/// A session is `v1.<index of the login>.<HMAC-SHA256 in hexadecimal>`: any servidor can check it with nothing but the
/// log, and the same login always has the same one, so that a retried login is answered alike everywhere.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct SessionKey(Vec<u8>);

impl SessionKey {
    pub(super) fn new(key: &[u8]) -> Self {
        Self(key.to_vec())
    }

    /// The session of the user whose name has `key` and was taken by the entry `login`.
    pub(super) fn sign(&self, key: &str, login: Index) -> String {
        let signature = self.mac(key, login).finalize().into_bytes();
        let mut session = prefix(login);
        for byte in signature {
            session.push(char::from_digit(u32::from(byte >> 4), 16).expect("a nibble"));
            session.push(char::from_digit(u32::from(byte & 15), 16).expect("a nibble"));
        }
        session
    }

    /// Whether `session` is that user's. How long it takes does not depend on how much of the signature is right.
    pub(super) fn verify(&self, key: &str, login: Index, session: &str) -> bool {
        let signature = session.strip_prefix(&prefix(login)).and_then(decode);
        signature.is_some_and(|signature| self.mac(key, login).verify_slice(&signature).is_ok())
    }

    fn mac(&self, key: &str, login: Index) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(b"papo session v1\0");
        mac.update(&login.to_le_bytes());
        mac.update(key.as_bytes());
        mac
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

fn prefix(login: Index) -> String {
    format!("v1.{login}.")
}

/// 32 bytes from 64 lowercase hexadecimal digits: every signature has one spelling only.
fn decode(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
