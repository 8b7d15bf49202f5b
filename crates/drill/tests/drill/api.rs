//! An API server over HTTP, for the program as it is: it notes every request, and can go away in the middle.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use kube::config::Config;
use papo_drill::connect::Connection;
use serde_json::{Value, json};
use tokio::sync::oneshot;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

/// A server that knows what it was told, and nothing else: everything else is not there (404). What is deleted, and not as a dry
/// run, is not there any more.
pub(crate) struct Api {
    address: SocketAddr,
    known: Arc<Known>,
    /// A folder for a kubeconfig that leads to it.
    folder: tempfile::TempDir,
}

#[derive(Default)]
struct Known {
    answers: Mutex<BTreeMap<(String, String), (u16, Value)>>,
    denied: Mutex<Vec<String>>,
    asked: Mutex<Vec<String>>,
    deletes: Mutex<Vec<(String, Value)>>,
    deleted: Mutex<Vec<String>>,
    /// The request with which it goes away.
    last: Mutex<Option<(String, String)>>,
    stop: Mutex<Option<oneshot::Sender<()>>>,
}

impl Api {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("bound");
        let known = Arc::new(Known::default());
        let (stop, stopped) = oneshot::channel();
        *known.stop.lock().expect("whole") = Some(stop);
        let app = Router::new().fallback(answer).with_state(Arc::clone(&known));
        // On a runtime of its own: with that, every connection of it breaks.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                listener.set_nonblocking(true).expect("it can");
                let listener = tokio::net::TcpListener::from_std(listener).expect("it listens");
                tokio::select! {
                    served = axum::serve(listener, app) => served.expect("it serves until it is stopped"),
                    _ = stopped => {}
                }
            });
        });
        Self { address, known, folder: tempfile::tempdir().expect("a directory") }
    }

    /// Answers a request (a path without its query) with this, as often as it comes.
    pub(crate) fn answers(self, method: &Method, path: &str, body: Value) -> Self {
        self.says(method, path, 200, body)
    }

    /// Refuses one, with the server's sentence.
    pub(crate) fn refuses(self, method: &Method, path: &str, code: u16, message: &str) -> Self {
        self.says(method, path, code, status(code, message))
    }

    fn says(self, method: &Method, path: &str, code: u16, body: Value) -> Self {
        let key = (method.to_string(), path.to_owned());
        self.known.answers.lock().expect("whole").insert(key, (code, body));
        self
    }

    /// Says of these rights that they are not given, such as `patch nodes`; of all others that they are.
    pub(crate) fn denies(self, rights: &[&str]) -> Self {
        self.known.denied.lock().expect("whole").extend(rights.iter().map(|right| (*right).to_owned()));
        self
    }

    /// Goes away when this is asked, without an answer.
    pub(crate) fn goes_away_at(self, method: &Method, path: &str) -> Self {
        *self.known.last.lock().expect("whole") = Some((method.to_string(), path.to_owned()));
        self
    }

    /// Every request but for questions about rights, in order: `GET /path`.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.known.asked.lock().expect("whole").clone()
    }

    /// Those of them that would have changed something.
    pub(crate) fn changes(&self) -> Vec<String> {
        self.asked().into_iter().filter(|one| !one.starts_with("GET ")).collect()
    }

    /// The path and the body of every `DELETE`, in order.
    pub(crate) fn deletes(&self) -> Vec<(String, Value)> {
        self.known.deletes.lock().expect("whole").clone()
    }

    /// The paths of what is really gone.
    pub(crate) fn deleted(&self) -> Vec<String> {
        self.known.deleted.lock().expect("whole").clone()
    }

    /// A connection of this process to it.
    pub(crate) fn connection(&self) -> Connection {
        let config = Config::new(format!("http://{}", self.address).parse().expect("an address"));
        let client = kube::Client::try_from(config).expect("a client");
        Connection { client, namespace: "chat".to_owned(), inside: false }
    }

    /// Runs `drill` against it, with a kubeconfig whose context `here` leads to it.
    pub(crate) fn drill(&self, arguments: &[&str]) -> Output {
        command(&self.kubeconfig(), arguments).output().expect("it starts")
    }

    fn kubeconfig(&self) -> PathBuf {
        kubeconfig(self.folder.path(), self.address)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.known.stop.lock().expect("whole").take());
    }
}

/// Writes a kubeconfig with one context.
pub(crate) fn kubeconfig(folder: &Path, server: SocketAddr) -> PathBuf {
    let path = folder.join("kubeconfig");
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": "chat"}}],
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{server}")}}],
        "users": [{"name": "u", "user": {}}],
    });
    std::fs::write(&path, config.to_string()).expect("written");
    path
}

/// `drill` with nothing of this machine's own settings.
pub(crate) fn command(kubeconfig: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drill"));
    command.args(arguments).arg("--kubeconfig").arg(kubeconfig).env_clear();
    command
}

fn status(code: u16, message: &str) -> Value {
    let reason = match code {
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        _ => "Unknown",
    };
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    })
}

async fn answer(State(known): State<Arc<Known>>, request: Request) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let query =
        request.uri().query().filter(|query| query.contains("dryRun")).map(|query| format!("?{query}"));
    let body = to_bytes(request.into_body(), 1 << 20).await.expect("a body");
    if path == REVIEWS {
        let review: Value = serde_json::from_slice(&body).expect("JSON");
        let right = right(&review["spec"]["resourceAttributes"]);
        let denied = known.denied.lock().expect("whole").contains(&right);
        return json_answer(201, &json!({"spec": {}, "status": {"allowed": !denied}}));
    }
    known
        .asked
        .lock()
        .expect("whole")
        .push(format!("{method} {path}{}", query.as_deref().unwrap_or_default()));
    let key = (method, path);
    let is_last = known.last.lock().expect("whole").as_ref() == Some(&key);
    if is_last {
        drop(known.stop.lock().expect("whole").take());
        std::future::pending::<()>().await;
    }
    let mut answers = known.answers.lock().expect("whole");
    let there = answers.get(&key).cloned();
    if key.0 == "DELETE" {
        let options =
            if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") };
        let kept = is_dry(&options, query.as_deref());
        known.deletes.lock().expect("whole").push((key.1.clone(), options));
        if there.as_ref().is_some_and(|(code, _)| *code < 300) && !kept {
            answers.retain(|(_, path), _| *path != key.1);
            known.deleted.lock().expect("whole").push(key.1.clone());
        }
    }
    match &there {
        Some((code, body)) => json_answer(*code, body),
        None => json_answer(404, &status(404, &format!("{} is not there", key.1))),
    }
}

/// Whether a `DELETE` is a dry run, as the API server sees it: where there are options in the body, the query counts for nothing.
fn is_dry(options: &Value, query: Option<&str>) -> bool {
    if options.is_null() { query.is_some() } else { options["dryRun"] == json!(["All"]) }
}

/// `create pods/eviction`, without group and namespace.
fn right(attributes: &Value) -> String {
    let text = |key: &str| attributes[key].as_str().unwrap_or_default().to_owned();
    let below = Some(text("subresource")).filter(|text| !text.is_empty()).map(|text| format!("/{text}"));
    format!("{} {}{}", text("verb"), text("resource"), below.unwrap_or_default())
}

fn json_answer(code: u16, body: &Value) -> Response {
    let code = StatusCode::from_u16(code).expect("a code");
    (code, [("content-type", "application/json")], Body::from(body.to_string())).into_response()
}
