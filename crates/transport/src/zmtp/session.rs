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
        Self { stage: Stage::Greeting, mechanism, limit, input: Vec::new(), in_message: false }
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

    /// Understands one thing at the beginning of `bytes`; how long it was, or `None` while it is not all there.
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
            _ => {}
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
