//! An API server that expects one conversation: these requests in this order, and not one more.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::{Method, Request, Response};
use http_body_util::BodyExt;
use kube::Client;
use kube::client::Body;
use papo_drill::connect::Connection;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tower_test::mock;

/// No conversation here takes longer.
const LIMIT: Duration = Duration::from_secs(20);

/// A request that is expected, and what is answered.
pub(crate) struct Exchange {
    method: Method,
    path: String,
    body: Option<Value>,
    answer: Answer,
    waits: bool,
}

enum Answer {
    Status(u16, Value),
    /// The connection breaks.
    Broken,
    /// There never is one.
    None,
}

/// Expects a request for this path (with its query).
pub(crate) fn expect(method: Method, path: &str) -> Exchange {
    Exchange { method, path: path.to_owned(), body: None, answer: Answer::Broken, waits: false }
}

impl Exchange {
    /// The request's body has at least this in it.
    pub(crate) fn with(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    pub(crate) fn answer(mut self, body: Value) -> Self {
        self.answer = Answer::Status(200, body);
        self
    }

    pub(crate) fn refuse(mut self, code: u16, message: &str) -> Self {
        let reason = match code {
            403 => "Forbidden",
            404 => "NotFound",
            409 => "Conflict",
            429 => "TooManyRequests",
            _ => "Unknown",
        };
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        self.answer = Answer::Status(code, status);
        self
    }

    pub(crate) fn break_off(mut self) -> Self {
        self.answer = Answer::Broken;
        self
    }

    /// The answer comes once [`Server::tell`] was called.
    pub(crate) fn when_told(mut self) -> Self {
        self.waits = true;
        self
    }

    pub(crate) fn never_answer(mut self) -> Self {
        self.answer = Answer::None;
        self
    }
}

/// A server, which gives back the bodies of all requests once the conversation is over.
pub(crate) struct Server {
    conversation: JoinHandle<Vec<Value>>,
    told: Arc<Notify>,
    asked: Arc<AtomicUsize>,
}

/// A connection to a server that expects this conversation.
pub(crate) fn server(script: Vec<Exchange>) -> (Connection, Server) {
    let (service, handle) = mock::pair::<Request<Body>, Response<Body>>();
    let connection =
        Connection { client: Client::new(service, "chat"), namespace: "chat".to_owned(), inside: false };
    let told = Arc::new(Notify::new());
    let wait = Arc::clone(&told);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let conversation = tokio::spawn(async move {
        let mut handle = pin!(handle);
        let mut bodies = Vec::new();
        let mut unanswered = Vec::new();
        for expected in script {
            let (method, path) = (&expected.method, &expected.path);
            let (request, reply) =
                handle.next_request().await.unwrap_or_else(|| panic!("nobody asked for {method} {path}"));
            let said = format!("{} {}", request.method(), request.uri());
            count.fetch_add(1, Ordering::Relaxed);
            assert_eq!(said, format!("{method} {path}"));
            let bytes = request.into_body().collect().await.expect("a body").to_bytes();
            let body: Value =
                if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).expect("JSON") };
            if let Some(part) = &expected.body {
                contains(&body, part, &said);
            }
            bodies.push(body);
            if expected.waits {
                wait.notified().await;
            }
            match expected.answer {
                Answer::Status(code, body) => reply.send_response(
                    Response::builder()
                        .status(code)
                        .body(Body::from(body.to_string().into_bytes()))
                        .expect("an answer"),
                ),
                Answer::Broken => reply.send_error(std::io::Error::other("connection reset by peer")),
                Answer::None => unanswered.push(reply),
            }
        }
        if let Some((request, _)) = handle.next_request().await {
            panic!("unexpected: {} {}", request.method(), request.uri());
        }
        bodies
    });
    (connection, Server { conversation, told, asked })
}

impl Server {
    /// Has the answer come that waits for it.
    pub(crate) fn tell(&self) {
        self.told.notify_one();
    }

    /// Whether so many requests have come.
    pub(crate) fn was_asked(&self, number: usize) -> bool {
        self.asked.load(Ordering::Relaxed) >= number
    }

    /// Waits until everybody has hung up. Fails if something was not asked for.
    pub(crate) async fn finish(self) -> Vec<Value> {
        tokio::time::timeout(LIMIT, self.conversation)
            .await
            .expect("the conversation ends")
            .expect("as expected")
    }
}

/// Whether `part` is in `whole`: objects may have more keys, all else is equal.
fn contains(whole: &Value, part: &Value, said: &str) {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            for (key, value) in part {
                contains(whole.get(key).unwrap_or(&Value::Null), value, &format!("{said} .{key}"));
            }
        }
        _ => assert_eq!(whole, part, "{said}"),
    }
}
