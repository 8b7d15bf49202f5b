//! The hooks as HTTP: what may be asked, and what is answered. What it does to the child it does through [`Grip`].

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::orders::{Breakage, Demand};
use super::parent::{Failed, Grip};

/// Of the answers here.
const VERSION: u32 = 1;
/// Longer than any list of names.
const LONGEST_BODY: usize = 16 * 1024;
/// The longest that the child may be frozen.
const LONGEST_FREEZE: u64 = 60_000;
/// More servidores than any cluster has.
const MOST_NAMES: usize = 64;

pub(super) fn router(grip: Arc<Grip>) -> Router {
    Router::new()
        .route("/drill", get(tell))
        .route("/drill/crash", post(crash))
        .route("/drill/freeze", post(freeze))
        .route("/drill/cut", post(cut))
        .route("/drill/break", post(break_promise))
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(grip)
}

/// What `GET /drill` answers, and every hook that has taken effect.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Told {
    pub(super) version: u32,
    pub(super) name: String,
    pub(super) pid: i32,
    pub(super) frozen: bool,
    pub(super) cut: BTreeSet<String>,
    pub(super) broken: Option<Breakage>,
}

impl Told {
    pub(super) fn new(name: String, pid: i32) -> Self {
        Self { version: VERSION, name, pid, frozen: false, cut: BTreeSet::new(), broken: None }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Freeze {
    for_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cut {
    from: BTreeSet<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Break {
    // Not left out by mistake: null is to be said.
    #[serde(deserialize_with = "Option::deserialize")]
    how: Option<String>,
}

async fn tell(State(grip): State<Arc<Grip>>) -> Response {
    answer(StatusCode::OK, grip.told())
}

async fn crash(State(grip): State<Arc<Grip>>) -> Response {
    tracing::warn!("drill hook: crash");
    answer(StatusCode::ACCEPTED, grip.crash())
}

async fn freeze(State(grip): State<Arc<Grip>>, body: String) -> Response {
    let frozen = parse_freeze(&body).and_then(|span| {
        tracing::warn!(?span, "drill hook: freeze");
        grip.freeze(span)
    });
    answer(StatusCode::ACCEPTED, frozen)
}

async fn cut(State(grip): State<Arc<Grip>>, body: String) -> Response {
    demand(&grip, parse_cut(&body)).await
}

async fn break_promise(State(grip): State<Arc<Grip>>, body: String) -> Response {
    demand(&grip, parse_break(&body)).await
}

async fn demand(grip: &Grip, demand: Result<Demand, Failed>) -> Response {
    let told = match demand {
        Ok(demand) => {
            tracing::warn!(?demand, "drill hook");
            grip.demand(demand).await
        }
        Err(failed) => Err(failed),
    };
    answer(StatusCode::OK, told)
}

fn parse_freeze(body: &str) -> Result<Duration, Failed> {
    let Freeze { for_ms } = read(body, r#"{"for_ms": 2000}"#)?;
    if (1..=LONGEST_FREEZE).contains(&for_ms) {
        Ok(Duration::from_millis(for_ms))
    } else {
        Err(Failed::Refused(format!("for_ms must be 1 to {LONGEST_FREEZE}, not {for_ms}")))
    }
}

fn parse_cut(body: &str) -> Result<Demand, Failed> {
    let Cut { from } = read(body, r#"{"from": ["papo-servidor-1"]}"#)?;
    if from.len() > MOST_NAMES {
        let why = format!("these are {} names: at most {MOST_NAMES} can be cut off at once", from.len());
        return Err(Failed::Refused(why));
    }
    let is_name =
        |name: &str| (1..=63).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
    match from.iter().find(|name| !is_name(name)) {
        Some(wrong) => Err(Failed::Refused(format!("`{}` is no name of a servidor", wrong.escape_debug()))),
        None => Ok(Demand::Cut(from)),
    }
}

fn parse_break(body: &str) -> Result<Demand, Failed> {
    let Break { how } = read(body, r#"{"how": "acknowledge-before-store"} or {"how": null}"#)?;
    match how.as_deref() {
        None => Ok(Demand::Break(None)),
        Some("acknowledge-before-store") => Ok(Demand::Break(Some(Breakage::AcknowledgeBeforeStore))),
        Some(other) => Err(Failed::Refused(format!(
            "`{}` is nothing that can be broken: how is acknowledge-before-store or null",
            other.escape_debug()
        ))),
    }
}

fn read<T: DeserializeOwned>(body: &str, right: &str) -> Result<T, Failed> {
    serde_json::from_str(body)
        .map_err(|error| Failed::Refused(format!("the body must be JSON like {right}: {error}")))
}

fn answer(code: StatusCode, result: Result<Told, Failed>) -> Response {
    match result {
        Ok(told) => json(code, &told),
        Err(Failed::Refused(why)) => refuse(StatusCode::BAD_REQUEST, why),
        Err(Failed::NotNow(why)) => refuse(StatusCode::CONFLICT, why),
    }
}

fn refuse(code: StatusCode, error: String) -> Response {
    #[derive(Serialize)]
    struct Refusal {
        error: String,
    }
    tracing::warn!(error, "drill hook: refused");
    json(code, &Refusal { error })
}

fn json(code: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_string(body).expect("names and numbers are JSON") + "\n";
    (code, [(CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why<T: std::fmt::Debug>(result: Result<T, Failed>) -> String {
        match result {
            Err(Failed::Refused(why)) => why,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[test]
    fn what_is_asked_is_read() {
        assert_eq!(parse_freeze(r#"{"for_ms": 60000}"#).expect("right"), Duration::from_secs(60));
        let names = ["papo-servidor-1".to_owned()];
        assert_eq!(parse_cut(r#"{"from": ["papo-servidor-1"]}"#).expect("right"), Demand::Cut(names.into()));
        assert_eq!(parse_cut(r#"{"from": []}"#).expect("right"), Demand::Cut(BTreeSet::new()));
        let broken = Demand::Break(Some(Breakage::AcknowledgeBeforeStore));
        assert_eq!(parse_break(r#"{"how": "acknowledge-before-store"}"#).expect("right"), broken);
        assert_eq!(parse_break(r#"{"how": null}"#).expect("right"), Demand::Break(None));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_sentence() {
        for body in ["", "5", "{}", r#"{"for_ms": -1}"#, r#"{"for_ms": 5, "x": 1}"#] {
            assert!(why(parse_freeze(body)).contains(r#"{"for_ms": 2000}"#), "{body}");
        }
        for body in [r#"{"for_ms": 0}"#, r#"{"for_ms": 60001}"#] {
            assert!(why(parse_freeze(body)).contains("must be 1 to 60000"), "{body}");
        }
        for body in ["{}", r#"{"from": "a"}"#, r#"{"from": [1]}"#, r#"{"form": []}"#] {
            assert!(why(parse_cut(body)).contains("must be JSON like"), "{body}");
        }
        assert!(why(parse_cut(r#"{"from": [""]}"#)).contains("no name"));
        assert!(why(parse_cut(r#"{"from": ["a b\n"]}"#)).contains("no name"));
        let many: Vec<String> = (0..65).map(|n| format!("\"s{n}\"")).collect();
        assert!(why(parse_cut(&format!("{{\"from\": [{}]}}", many.join(",")))).contains("65 names"));
        assert!(why(parse_break("{}")).contains("must be JSON like"));
        assert!(why(parse_break(r#"{"how": "everything"}"#)).contains("nothing that can be broken"));
    }

    mod fuzz {
        //! What is asked of the hooks, and what the two processes say to each other.

        use papo_fuzz::{spoils, spoilt};
        use proptest::prelude::*;

        use super::*;
        use crate::drill::orders::{Line, Said};

        fn survives(text: &str) {
            if let Ok(span) = parse_freeze(text) {
                assert!((1..=u128::from(LONGEST_FREEZE)).contains(&span.as_millis()));
            }
            if let Ok(Demand::Cut(from)) = parse_cut(text) {
                assert!(from.len() <= MOST_NAMES);
            }
            let _ = parse_break(text);
            if let Ok(line) = serde_json::from_str::<Line>(text) {
                let again = serde_json::to_string(&line).expect("it is plain data");
                assert_eq!(serde_json::from_str::<Line>(&again).expect("it was just written"), line);
            }
            let _ = serde_json::from_str::<Said>(text);
        }

        #[test]
        fn bodies_nested_without_end_are_refused() {
            for text in [
                "[".repeat(200_000),
                "{\"from\":".repeat(100_000),
                format!("{{\"from\":{}", "[".repeat(100_000)),
            ] {
                survives(&text);
            }
        }

        proptest! {
            #![proptest_config(papo_fuzz::cases(256))]

            #[test]
            fn any_body_is_a_demand_or_refused(text in ".{0,80}", which in 0..4_usize, spoils in spoils()) {
                survives(&text);
                let asked = [
                    r#"{"for_ms": 2000}"#,
                    r#"{"from": ["papo-servidor-1", "papo-servidor-2"]}"#,
                    r#"{"how": "acknowledge-before-store"}"#,
                    r#"{"number": 7, "demand": {"cut": ["papo-servidor-1"]}}"#,
                ];
                let bytes = spoilt(asked[which].as_bytes(), asked[(which + 1) % 4].as_bytes(), &spoils);
                survives(&String::from_utf8_lossy(&bytes));
            }
        }
    }
}
