use super::frame::{self, Violation, command_body, split_command};
use super::mechanism::{Mechanism, Plain, Step};
use crate::net::Frames;

const GREETING: usize = 64;
/// The longest handshake command that a decent peer sends is some 500 bytes.
const HANDSHAKE_FRAME: usize = 4096;

/// One peer's side of the protocol: bytes in, signs and bytes out. No socket, no clock.
pub(super) struct Session {
    stage: Stage,
    mechanism: Mechanism,
    /// The longest frame taken after the handshake.
    limit: usize,
    /// What has arrived and is not understood yet.
    input: Vec<u8>,
    /// Inside a message of several frames: none of its frames is a subscription.
    in_message: bool,
    ignored: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Greeting,
    Handshake,
    Open,
}

/// What a peer's bytes meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The handshake is over.
    Opened,
    /// It asks for a topic.
    Subscribe(Vec<u8>),
    /// It no longer wants a topic.
    Cancel(Vec<u8>),
    /// These bytes are to be sent to it.
    Send(Vec<u8>),
}

impl Session {
    pub(super) fn new(mechanism: Mechanism, limit: usize) -> Self {
        Self { stage: Stage::Greeting, mechanism, limit, input: Vec::new(), in_message: false, ignored: 0 }
    }

    /// What is sent before anything is received.
    pub(super) fn greeting(&self) -> Vec<u8> {
        let mut greeting = vec![0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0];
        greeting.extend(self.mechanism.name().as_bytes());
        greeting.resize(32, 0);
        greeting.push(u8::from(!self.mechanism.is_plain()));
        greeting.resize(GREETING, 0);
        greeting
    }

    pub(super) fn is_open(&self) -> bool {
        self.stage == Stage::Open
    }

    pub(super) fn is_plain(&self) -> bool {
        self.mechanism.is_plain()
    }

    /// A message as this peer is to get it. Only after [`Sign::Opened`].
    pub(super) fn encode(&mut self, frames: &Frames) -> Vec<u8> {
        self.mechanism.seal_message(frames)
    }

    /// How many messages meant nothing since this was last asked.
    pub(super) fn take_ignored(&mut self) -> u64 {
        std::mem::take(&mut self.ignored)
    }

    /// Takes what arrived.
    pub(super) fn input(&mut self, bytes: &[u8], signs: &mut Vec<Sign>) -> Result<(), Violation> {
        let mut input = std::mem::take(&mut self.input);
        input.extend(bytes);
        let mut understood = 0;
        while let Some(length) = self.step(&input[understood..], signs)? {
            understood += length;
        }
        input.drain(..understood);
        self.input = input;
        Ok(())
    }

    /// Understands one thing at the beginning of `bytes`; how long it was, or `None` while it is not all
    /// there.
    fn step(&mut self, bytes: &[u8], signs: &mut Vec<Sign>) -> Result<Option<usize>, Violation> {
        if self.stage == Stage::Greeting {
            return self.greet(bytes);
        }
        let limit = match self.stage {
            Stage::Open => self.limit.saturating_add(self.mechanism.overhead()),
            Stage::Greeting | Stage::Handshake => HANDSHAKE_FRAME,
        };
        let Some((frame, length)) = frame::first(bytes, limit)? else { return Ok(None) };
        if self.stage == Stage::Open {
            let plain = self.mechanism.open(&frame)?;
            self.take(&plain, signs)?;
        } else if frame.command {
            match self.mechanism.handshake(frame.body)? {
                Step::Reply(body) => signs.push(Sign::Send(frame::command(&body))),
                Step::Done(body) => {
                    self.stage = Stage::Open;
                    signs.extend([Sign::Send(frame::command(&body)), Sign::Opened]);
                }
            }
        } else {
            return Err(Violation("message before the handshake"));
        }
        Ok(Some(length))
    }

    fn greet(&mut self, bytes: &[u8]) -> Result<Option<usize>, Violation> {
        let signature = |at: usize, ok: fn(u8) -> bool| bytes.get(at).is_none_or(|byte| ok(*byte));
        if !signature(0, |byte| byte == 0xff) || !signature(9, |byte| byte & 1 == 1) {
            return Err(Violation("not ZMTP"));
        }
        if !signature(10, |major| major >= 3) {
            return Err(Violation("ZMTP before 3.0"));
        }
        let Some(greeting) = bytes.get(..GREETING) else { return Ok(None) };
        let name = self.mechanism.name().as_bytes();
        let (theirs, padding) = greeting[12..32].split_at(name.len());
        if theirs != name || padding.iter().any(|byte| *byte != 0) {
            return Err(Violation("another security mechanism"));
        }
        self.stage = Stage::Handshake;
        Ok(Some(GREETING))
    }

    fn take(&mut self, frame: &Plain, signs: &mut Vec<Sign>) -> Result<(), Violation> {
        if frame.command {
            return self.take_command(&frame.body, signs);
        }
        // ZMTP 3.0: a subscription is a message of one frame. Any other message is not for a publisher.
        let alone = !frame.more && !self.in_message;
        self.in_message = frame.more;
        match frame.body.split_first() {
            Some((1, topic)) if alone => signs.push(Sign::Subscribe(topic.to_vec())),
            Some((0, topic)) if alone => signs.push(Sign::Cancel(topic.to_vec())),
            // Counted once, with its last frame.
            _ => self.ignored += u64::from(!frame.more),
        }
        Ok(())
    }

    fn take_command(&mut self, body: &[u8], signs: &mut Vec<Sign>) -> Result<(), Violation> {
        match split_command(body)? {
            // ZMTP 3.1.
            (b"SUBSCRIBE", topic) => signs.push(Sign::Subscribe(topic.to_vec())),
            (b"CANCEL", topic) => signs.push(Sign::Cancel(topic.to_vec())),
            // A heartbeat of the peer's: a time to live of two bytes, and a context to be given back.
            (b"PING", rest) => {
                let context = rest.get(2..).ok_or(Violation("malformed PING"))?;
                let pong = command_body("PONG", context);
                signs.push(Sign::Send(self.mechanism.seal_command(&pong)));
            }
            (b"ERROR", _) => return Err(Violation("the peer reports an error")),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer_greeting(mechanism: &str) -> Vec<u8> {
        let mut greeting = Session::new(Mechanism::Null, 0).greeting();
        greeting[12..32].fill(0);
        greeting[12..12 + mechanism.len()].copy_from_slice(mechanism.as_bytes());
        greeting
    }

    fn ready() -> Vec<u8> {
        let metadata = [b"\x0bSocket-Type".as_slice(), &3_u32.to_be_bytes(), b"SUB"].concat();
        frame::command(&command_body("READY", &metadata))
    }

    fn opening() -> Vec<u8> {
        [peer_greeting("NULL"), ready()].concat()
    }

    fn message(parts: &[&[u8]]) -> Vec<u8> {
        frame::message(&parts.iter().map(|part| part.to_vec()).collect())
    }

    fn signs_of(bytes: &[u8]) -> Result<Vec<Sign>, Violation> {
        let mut signs = Vec::new();
        Session::new(Mechanism::Null, 100).input(bytes, &mut signs)?;
        Ok(signs)
    }

    /// What follows the handshake.
    fn signs_after_opening(bytes: &[u8]) -> Result<Vec<Sign>, Violation> {
        let signs = signs_of(&[opening().as_slice(), bytes].concat())?;
        let opened = signs.iter().position(|sign| *sign == Sign::Opened).expect("the handshake is complete");
        Ok(signs.into_iter().skip(opened + 1).collect())
    }

    #[test]
    fn a_handshake_is_answered_with_our_own_ready() {
        let signs = signs_of(&opening()).unwrap();
        let [Sign::Send(bytes), Sign::Opened] = signs.as_slice() else { panic!("{signs:?}") };
        assert!(bytes.ends_with(b"XPUB"));
    }

    #[test]
    fn subscriptions_of_both_protocol_versions_are_understood() {
        let old = [message(&[b"\x01geral"]), message(&[b"\x00geral"])].concat();
        let new = [
            frame::command(&command_body("SUBSCRIBE", b"geral")),
            frame::command(&command_body("CANCEL", b"geral")),
        ];
        let expected = vec![Sign::Subscribe(b"geral".to_vec()), Sign::Cancel(b"geral".to_vec())];
        assert_eq!(signs_after_opening(&old).unwrap(), expected);
        assert_eq!(signs_after_opening(&new.concat()).unwrap(), expected);
    }

    #[test]
    fn it_does_not_matter_how_the_bytes_are_cut() {
        let bytes = [opening(), message(&[b"\x01a"]), message(&[b"\x01b"])].concat();
        let whole = signs_of(&bytes).unwrap();
        let mut session = Session::new(Mechanism::Null, 100);
        let mut signs = Vec::new();
        for byte in &bytes {
            session.input(&[*byte], &mut signs).unwrap();
        }
        assert_eq!(signs, whole);
    }

    #[test]
    fn a_message_that_is_no_subscription_is_ignored() {
        let bytes = [
            message(&[b"\x02hello"]),
            message(&[b""]),
            message(&[b"\x01not", b"\x01one"]),
            frame::command(&command_body("WHATEVER", b"")),
            message(&[b"\x01this"]),
        ];
        assert_eq!(signs_after_opening(&bytes.concat()).unwrap(), [Sign::Subscribe(b"this".to_vec())]);
        let mut session = Session::new(Mechanism::Null, 100);
        session.input(&[opening(), bytes.concat()].concat(), &mut Vec::new()).unwrap();
        assert_eq!((session.take_ignored(), session.take_ignored()), (3, 0), "messages, not frames");
    }

    #[test]
    fn a_heartbeat_gets_its_context_back() {
        let ping = frame::command(&command_body("PING", b"\x00\x0acontext"));
        let pong = frame::command(&command_body("PONG", b"context"));
        assert_eq!(signs_after_opening(&ping).unwrap(), [Sign::Send(pong)]);
    }

    #[test]
    fn a_topic_over_the_limit_is_refused() {
        assert!(signs_after_opening(&message(&[&[1; 100]])).is_ok());
        assert!(signs_after_opening(&message(&[&[1; 101]])).is_err());
    }

    #[test]
    fn whoever_is_no_subscriber_of_this_protocol_is_refused() {
        let other_kind = opening().iter().map(|b| if *b == b'B' { b'X' } else { *b }).collect::<Vec<_>>();
        let mut old_version = opening();
        old_version[10] = 1;
        let plain = [peer_greeting("PLAIN"), ready()].concat();
        let longer_name = [peer_greeting("NULLX"), ready()].concat();
        let message_first = [peer_greeting("NULL"), message(&[b"\x01a"])].concat();
        for bytes in
            [other_kind, old_version, plain, longer_name, message_first, b"GET / HTTP/1.1\r\n".to_vec()]
        {
            assert!(signs_of(&bytes).is_err(), "{bytes:?}");
        }
    }

    proptest::proptest! {
        #![proptest_config(papo_fuzz::cases(256))]

        #[test]
        fn no_bytes_make_it_panic(start in 0..3, bytes: Vec<u8>) {
            let before = [Vec::new(), peer_greeting("NULL"), opening()];
            let _ = signs_of(&[before[start as usize].as_slice(), &bytes].concat());
        }

        /// Whatever happens to a conversation on its way, and however it is cut into pieces: no more is kept of it than the longest
        /// frame, and it means the same in pieces as at once.
        #[test]
        fn a_spoilt_conversation_is_understood_or_ended(
            topics in proptest::collection::vec(proptest::collection::vec(proptest::prelude::any::<u8>(), 0..90), 0..6),
            spoils in papo_fuzz::spoils(),
            piece in 1..200_usize,
        ) {
            let said: Vec<u8> = topics.iter().flat_map(|topic| message(&[&[&b"\x01"[..], topic].concat()])).collect();
            let bytes = papo_fuzz::spoilt(&[opening(), said.clone()].concat(), &said, &spoils);
            let whole = signs_of(&bytes);
            let mut session = Session::new(Mechanism::Null, 100);
            let mut signs = Vec::new();
            let in_pieces = bytes.chunks(piece).try_for_each(|bytes| {
                session.input(bytes, &mut signs)?;
                assert!(session.input.len() <= HANDSHAKE_FRAME + 9);
                Ok::<_, Violation>(())
            });
            proptest::prop_assert_eq!(whole.is_err(), in_pieces.is_err());
            if let Ok(whole) = whole {
                proptest::prop_assert_eq!(whole, signs);
            }
        }
    }
}
