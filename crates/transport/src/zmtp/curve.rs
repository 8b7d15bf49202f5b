use crypto_box::aead::Aead;
use crypto_box::{PublicKey, SalsaBox, SecretKey};

use super::frame::{self, Violation, command_body};
use super::mechanism::{Plain, Step, check_subscriber, own_metadata};
use crate::net::Frames;

/// How much longer a sealed frame is than its content: command name, nonce, authentication, flags.
pub(super) const OVERHEAD: usize = MESSAGE.len() + 8 + 16 + 1;

const MESSAGE: &[u8] = b"\x07MESSAGE";
const MORE: u8 = 1;
const COMMAND: u8 = 2;

/// The listening side of CurveZMQ (ZeroMQ RFC 26) for one peer.
///
/// The names of keys are the RFC's: `S` is the system's, `C` the client's; with a dash, made for this
/// connection only.
pub(super) struct Curve {
    secret: SecretKey,
    stage: Stage,
    /// The last counter that the peer used; each must be greater than the one before.
    peer_nonce: u64,
    own_nonce: u64,
}

enum Stage {
    Hello,
    /// The RFC keeps nothing here and reads its own cookie back; we keep C', s' and the cookie for the 5
    /// seconds that a handshake may take.
    Initiate {
        client: PublicKey,
        own: SecretKey,
        cookie: [u8; 96],
    },
    /// Sealed with C' and s'.
    Open(SalsaBox),
}

impl Curve {
    /// `secret` is the system's.
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self { secret: secret.into(), stage: Stage::Hello, peer_nonce: 0, own_nonce: 0 }
    }

    pub(super) fn handshake(&mut self, body: &[u8]) -> Result<Step, Violation> {
        match &self.stage {
            Stage::Hello => self.hello(body).map(Step::Reply),
            Stage::Initiate { client, own, cookie } => {
                let (client, own, cookie) = (client.clone(), own.clone(), *cookie);
                self.initiate(body, &client, &own, &cookie).map(Step::Done)
            }
            Stage::Open(_) => Err(Violation("handshake after the handshake")),
        }
    }

    /// HELLO proves that the peer knows S; WELCOME gives it S' and a cookie.
    fn hello(&mut self, body: &[u8]) -> Result<Vec<u8>, Violation> {
        let fields = body.strip_prefix(b"\x05HELLO\x01\x00").filter(|fields| fields.len() == 192);
        let fields = fields.ok_or(Violation("malformed HELLO"))?;
        let client = PublicKey::from(array(&fields[72..104]));
        self.count(&fields[104..112])?;
        let signature = open(&SalsaBox::new(&client, &self.secret), b"CurveZMQHELLO---", &fields[104..]);
        if signature != Some(vec![0; 64]) {
            return Err(Violation("HELLO for another system's key"));
        }
        let own = SecretKey::from(random::<32>()?);
        let cookie = random::<96>()?;
        let nonce = random::<16>()?;
        let content = [own.public_key().as_bytes().as_slice(), &cookie].concat();
        let sealed = seal(&SalsaBox::new(&client, &self.secret), b"WELCOME-", &nonce, &content);
        self.stage = Stage::Initiate { client, own, cookie };
        Ok(command_body("WELCOME", &sealed))
    }

    /// INITIATE proves that C' belongs to C and says what the peer is; READY says what we are.
    fn initiate(
        &mut self,
        body: &[u8],
        client: &PublicKey,
        own: &SecretKey,
        cookie: &[u8; 96],
    ) -> Result<Vec<u8>, Violation> {
        let fields = body.strip_prefix(b"\x08INITIATE").filter(|fields| fields.len() >= 96 + 8);
        let (their_cookie, sealed) = fields.ok_or(Violation("malformed INITIATE"))?.split_at(96);
        if their_cookie != cookie {
            return Err(Violation("INITIATE with another cookie"));
        }
        self.count(&sealed[..8])?;
        let shared = SalsaBox::new(client, own);
        let content = open(&shared, b"CurveZMQINITIATE", sealed).filter(|content| content.len() >= 128);
        let content = content.ok_or(Violation("INITIATE cannot be opened"))?;
        let permanent = PublicKey::from(array(&content[..32]));
        let vouch = open(&SalsaBox::new(&permanent, own), b"VOUCH---", &content[32..128]);
        let expected = [client.as_bytes().as_slice(), self.secret.public_key().as_bytes()].concat();
        if vouch != Some(expected) {
            return Err(Violation("INITIATE without a vouch for its key"));
        }
        check_subscriber(&content[128..])?;
        let nonce = self.next_nonce();
        let ready = seal(&shared, b"CurveZMQREADY---", &nonce, &own_metadata());
        self.stage = Stage::Open(shared);
        Ok(command_body("READY", &ready))
    }

    pub(super) fn open(&mut self, body: &[u8]) -> Result<Plain, Violation> {
        let sealed = body.strip_prefix(MESSAGE).filter(|sealed| sealed.len() >= 8);
        let sealed = sealed.ok_or(Violation("expected a sealed message"))?;
        self.count(&sealed[..8])?;
        let Stage::Open(shared) = &self.stage else { return Err(Violation("message before the handshake")) };
        let content = open(shared, b"CurveZMQMESSAGEC", sealed);
        let content = content.ok_or(Violation("message cannot be opened"))?;
        let (flags, body) = content.split_first().ok_or(Violation("message without flags"))?;
        Ok(Plain { more: flags & MORE != 0, command: flags & COMMAND != 0, body: body.to_vec() })
    }

    pub(super) fn seal_message(&mut self, frames: &Frames) -> Vec<u8> {
        let last = frames.len().saturating_sub(1);
        let mut bytes = Vec::with_capacity(frames.iter().map(|frame| frame.len() + OVERHEAD + 9).sum());
        for (at, body) in frames.iter().enumerate() {
            let flags = if at < last { MORE } else { 0 };
            frame::push(&mut bytes, 0, &self.seal(flags, body));
        }
        bytes
    }

    pub(super) fn seal_command(&mut self, body: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        frame::push(&mut bytes, 0, &self.seal(COMMAND, body));
        bytes
    }

    fn seal(&mut self, flags: u8, body: &[u8]) -> Vec<u8> {
        let nonce = self.next_nonce();
        let Stage::Open(shared) = &self.stage else { panic!("sealed before the handshake was over") };
        let sealed = seal(shared, b"CurveZMQMESSAGES", &nonce, &[&[flags], body].concat());
        [MESSAGE, &sealed].concat()
    }

    /// Refuses what was sent before: a replay.
    fn count(&mut self, nonce: &[u8]) -> Result<(), Violation> {
        let nonce = u64::from_be_bytes(array(nonce));
        if nonce <= self.peer_nonce {
            return Err(Violation("a nonce was used again"));
        }
        self.peer_nonce = nonce;
        Ok(())
    }

    fn next_nonce(&mut self) -> [u8; 8] {
        self.own_nonce += 1;
        self.own_nonce.to_be_bytes()
    }
}

/// `short nonce + box`, for a long nonce that begins with `prefix`.
fn seal(shared: &SalsaBox, prefix: &[u8], short: &[u8], content: &[u8]) -> Vec<u8> {
    let nonce: [u8; 24] = array(&[prefix, short].concat());
    let sealed = shared.encrypt(&nonce.into(), content);
    [short, &sealed.expect("sealing fails only beyond any length that fits in memory")].concat()
}

/// The content of `short nonce + box`, or `None` when it is too short or not sealed by the other side.
fn open(shared: &SalsaBox, prefix: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (short, sealed) = sealed.split_at_checked(24 - prefix.len())?;
    let nonce: [u8; 24] = array(&[prefix, short].concat());
    shared.decrypt(&nonce.into(), sealed).ok()
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("callers cut fields to the length of their type")
}

fn random<const N: usize>() -> Result<[u8; N], Violation> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Violation("the system gives no random numbers"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use papo_fuzz::{spoils, spoilt};
    use proptest::prelude::*;

    use super::*;

    /// The prefix of the nonces of what a client sends, by the RFC.
    const FROM_CLIENT: &[u8] = b"CurveZMQMESSAGEC";

    /// Both ends of a connection after the handshake.
    fn connected() -> (SalsaBox, Curve) {
        let (client, own) = (SecretKey::from([1; 32]), SecretKey::from([2; 32]));
        let ours = SalsaBox::new(&client.public_key(), &own);
        let curve = Curve { secret: [3; 32].into(), stage: Stage::Open(ours), peer_nonce: 0, own_nonce: 0 };
        (SalsaBox::new(&own.public_key(), &client), curve)
    }

    fn sealed(client: &SalsaBox, nonce: u64, flags: u8, body: &[u8]) -> Vec<u8> {
        let nonce = nonce.to_be_bytes();
        let content = [&[flags][..], body].concat();
        [MESSAGE, &seal(client, FROM_CLIENT, &nonce, &content)].concat()
    }

    #[test]
    fn what_a_client_seals_is_opened_once() {
        let (client, mut curve) = connected();
        let body = sealed(&client, 1, 0, b"\x01geral");
        let plain = curve.open(&body).expect("it is sealed for us");
        assert_eq!(plain, Plain { more: false, command: false, body: b"\x01geral".to_vec() });
        assert!(curve.open(&body).is_err(), "again");
    }

    proptest! {
        #![proptest_config(papo_fuzz::cases(256))]

        /// It is authenticated: nothing is made of it that was not sent.
        #[test]
        fn a_spoilt_frame_is_never_opened(
            said in proptest::collection::vec(any::<u8>(), 0..60),
            other in proptest::collection::vec(any::<u8>(), 0..60),
            spoils in spoils(),
        ) {
            let (client, mut curve) = connected();
            let body = sealed(&client, 1, 0, &said);
            let arrived = spoilt(&body, &sealed(&client, 2, 1, &other), &spoils);
            if let Ok(plain) = curve.open(&arrived) {
                prop_assert!(plain.body == said || plain.body == other);
                prop_assert!(arrived == body || arrived == sealed(&client, 2, 1, &other));
            }
        }

        #[test]
        fn no_handshake_makes_it_panic(fields in proptest::collection::vec(any::<u8>(), 192), more: Vec<u8>) {
            let mut curve = Curve::new([3; 32]);
            let _ = curve.handshake(&[&b"\x05HELLO\x01\x00"[..], &fields].concat());
            let _ = curve.handshake(&more);
            let _ = curve.handshake(&[&b"\x08INITIATE"[..], &fields, &more].concat());
        }
    }
}
