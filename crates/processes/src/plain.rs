//! A plain client of the wire protocol, as old ones are: REQ and SUB sockets, MessagePack maps, and nothing of ours.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::Error;
use crate::process::sound;

/// A REQ socket. A new one is made after an answer that did not come, as a plain REQ socket must be.
pub struct Asker {
    context: zmq::Context,
    port: u16,
    socket: Option<zmq::Socket>,
}

/// A reply: its service and its data.
#[derive(Clone, Debug, PartialEq, serde::Deserialize)]
pub struct Answer {
    /// The service it names.
    pub service: String,
    /// The rest.
    pub data: Value,
}

impl Asker {
    /// A socket that connects to a port of this machine when it is first used.
    pub fn new(port: u16) -> Self {
        Self { context: zmq::Context::new(), port, socket: None }
    }

    /// Asks, and waits for the answer; `None` when none comes within `limit`, or one that is no reply.
    ///
    /// # Panics
    /// When there are no sockets left.
    pub fn ask(&mut self, service: &str, data: &Value, limit: Duration) -> Option<Answer> {
        self.ask_as(service, data, limit)
    }

    /// [`Asker::ask`] for an answer of another shape.
    pub fn ask_as<T: DeserializeOwned>(&mut self, service: &str, data: &Value, limit: Duration) -> Option<T> {
        sound(self.try_ask_as(service, data, limit))
    }

    /// [`Asker::ask`], for those that may not panic.
    ///
    /// # Errors
    /// There are no sockets left.
    pub fn try_ask(&mut self, service: &str, data: &Value, limit: Duration) -> Result<Option<Answer>, Error> {
        self.try_ask_as(service, data, limit)
    }

    /// [`Asker::ask_as`], for those that may not panic.
    pub(crate) fn try_ask_as<T: DeserializeOwned>(
        &mut self,
        service: &str,
        data: &Value,
        limit: Duration,
    ) -> Result<Option<T>, Error> {
        let request = rmp_serde::to_vec_named(&json!({"service": service, "data": data}))
            .expect("JSON can be written as MessagePack");
        let answer = self.exchange(&request, limit)?;
        Ok(answer.and_then(|answer| rmp_serde::from_slice(&answer).ok()))
    }

    /// Sends these bytes as they are.
    pub fn ask_raw(&mut self, request: &[u8], limit: Duration) -> Option<Answer> {
        rmp_serde::from_slice(&sound(self.exchange(request, limit))?).ok()
    }

    fn exchange(&mut self, request: &[u8], limit: Duration) -> Result<Option<Vec<u8>>, Error> {
        let socket = match self.socket.take() {
            Some(socket) => socket,
            None => connect(&self.context, zmq::REQ, self.port)?,
        };
        if socket.send(request, zmq::DONTWAIT).is_err() || !is_readable(&socket, limit) {
            // A REQ socket that is owed an answer cannot ask again: the next question gets another one.
            return Ok(None);
        }
        let answer = socket.recv_bytes(zmq::DONTWAIT).ok();
        self.socket = answer.is_some().then_some(socket);
        Ok(answer)
    }
}

impl Answer {
    /// Whether it says yes.
    pub fn is_ok(&self) -> bool {
        matches!(self.data["status"].as_str(), Some("sucesso" | "OK"))
    }

    /// The index that it reflects; 0 where it tells none.
    pub fn index(&self) -> u64 {
        self.data["index"].as_u64().unwrap_or(0)
    }

    /// The word for why it says no; empty where it tells none.
    pub fn reason(&self) -> &str {
        self.data["reason"].as_str().unwrap_or("")
    }

    /// The sentence for why it says no.
    pub fn description(&self) -> &str {
        self.data["description"].as_str().unwrap_or("")
    }
}

/// A SUB socket.
pub struct Listener {
    socket: zmq::Socket,
}

impl Listener {
    /// Subscribes to topics at a proxy's port of this machine. They take effect in this order.
    pub fn new(port: u16, topics: &[&str]) -> Self {
        let socket = sound(connect(&zmq::Context::new(), zmq::SUB, port));
        for topic in topics {
            socket.set_subscribe(topic.as_bytes()).expect("a topic is bytes");
        }
        Self { socket }
    }

    /// The next publication's topic and data, if one comes within `limit`.
    ///
    /// # Panics
    /// When what comes is not two frames of topic and map.
    pub fn next(&self, limit: Duration) -> Option<(String, Value)> {
        if !is_readable(&self.socket, limit) {
            return None;
        }
        let frames = self.socket.recv_multipart(zmq::DONTWAIT).ok()?;
        let [topic, data] = frames.as_slice() else { panic!("a publication has {} frames", frames.len()) };
        let data = rmp_serde::from_slice(data).expect("a publication is a MessagePack map");
        Some((String::from_utf8(topic.clone()).expect("a topic is text"), data))
    }
}

fn connect(context: &zmq::Context, kind: zmq::SocketType, port: u16) -> Result<zmq::Socket, Error> {
    let socket = context.socket(kind)?;
    socket.set_linger(0)?;
    socket.connect(&format!("tcp://127.0.0.1:{port}"))?;
    Ok(socket)
}

fn is_readable(socket: &zmq::Socket, limit: Duration) -> bool {
    socket.poll(zmq::POLLIN, i64::try_from(limit.as_millis()).unwrap_or(i64::MAX)) == Ok(1)
}

/// Sends frames to a port over a socket of that kind, and leaves.
///
/// # Panics
/// When no such socket can be made. Frames that nobody takes are no failure.
pub fn send_garbage(port: u16, kind: zmq::SocketType, messages: &[Vec<Vec<u8>>]) {
    let context = zmq::Context::new();
    let socket = sound(connect(&context, kind, port));
    socket.set_linger(500).expect("a linger is allowed");
    socket.set_sndtimeo(500).expect("a timeout is allowed");
    for frames in messages {
        let _ = socket.send_multipart(frames, 0);
    }
}
