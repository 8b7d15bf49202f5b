//! Questions to a servidor's drill hooks: small JSON over HTTP.

use std::time::Duration;

use http::{Method, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;

use crate::connect::{Connection, Trouble};
use crate::names::port;
use crate::snapshot::Pod;
use crate::tunnel::dial;

/// How long an answer may take: a cut is answered only once the servidor has taken it.
const PATIENCE: Duration = Duration::from_secs(5);
/// No answer is longer.
const LONGEST: usize = 64 * 1024;

/// What the hooks are set to. [`Trouble::Gone`]: nothing answers there, so that pod has no hooks.
pub async fn look(connection: &Connection, pod: &Pod) -> Result<Value, Trouble> {
    send(connection, pod, Method::GET, "/drill", &Value::Null).await
}

/// Has a hook do something. An answer means that it is done, or (for a crash) about to be.
pub async fn order(connection: &Connection, pod: &Pod, path: &str, body: &Value) -> Result<Value, Trouble> {
    send(connection, pod, Method::POST, path, body).await
}

async fn send(
    connection: &Connection,
    pod: &Pod,
    method: Method,
    path: &str,
    body: &Value,
) -> Result<Value, Trouble> {
    let talk = async {
        let way = dial(connection, pod, port::HOOKS).await?;
        let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(way))
            .await
            .map_err(|error| no_hooks(&error))?;
        let driver = tokio::spawn(driver);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &pod.name)
            .header("content-type", "application/json")
            .header("connection", "close")
            .body(Full::new(Bytes::from(text)))
            .expect("paths of hooks are ours");
        let answer = sender.send_request(request).await.map_err(|error| no_hooks(&error))?;
        let code = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        driver.abort();
        let body = body.map_err(|error| Trouble::Away(format!("hooks of {}: {error}", pod.name)))?.to_bytes();
        if code.is_success() {
            // A crash or a freeze may have nothing to say.
            return Ok(serde_json::from_slice(&body).unwrap_or(Value::Null));
        }
        Err(Trouble::Denied(format!(
            "the hooks of {} say {code}: {}",
            pod.name,
            String::from_utf8_lossy(&body)
        )))
    };
    match tokio::time::timeout(PATIENCE, talk).await {
        Ok(answer) => answer,
        Err(_) => Err(Trouble::Away(format!("the hooks of {} do not answer", pod.name))),
    }
}

fn no_hooks(error: &hyper::Error) -> Trouble {
    Trouble::Gone(format!("nothing answers on the port of the drill hooks ({error})"))
}
