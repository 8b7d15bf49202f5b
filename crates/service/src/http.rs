//! The HTTP side of a process: health for Kubernetes, metrics for Prometheus.

use std::io;
use std::net::{SocketAddr, TcpListener};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::{Health, Metrics, Shutdown};

/// What the pages show.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) health: Health,
    pub(crate) metrics: Metrics,
    pub(crate) shutdown: Shutdown,
}

/// Takes the port, before anything else starts, so that a port in use is a clear error.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until the runtime ends. Must be called inside a tokio runtime.
pub(crate) async fn serve(listener: TcpListener, shown: Shown) -> io::Result<()> {
    let router = Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/startupz", get(startupz))
        .route("/metrics", get(metrics))
        .with_state(shown);
    axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await
}

async fn livez(State(shown): State<Shown>) -> Response {
    answer(shown.health.live())
}

async fn readyz(State(shown): State<Shown>) -> Response {
    if shown.shutdown.is_requested() {
        return answer(Err("stopping".to_owned()));
    }
    answer(shown.health.ready())
}

async fn startupz(State(shown): State<Shown>) -> Response {
    answer(if shown.health.is_started() { Ok(()) } else { Err("starting".to_owned()) })
}

async fn metrics(State(shown): State<Shown>) -> Response {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match shown.metrics.encode() {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

fn answer(health: Result<(), String>) -> Response {
    match health {
        Ok(()) => (StatusCode::OK, "ok\n").into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}
