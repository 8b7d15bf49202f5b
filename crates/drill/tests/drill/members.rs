//! Who counts is changed before pods are, and both are changed back.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use http::Method;
use papo_drill::connect::Trouble;
use papo_drill::faults::find;
use papo_drill::interrupt::Interrupt;
use papo_drill::members::{Members, Question, Standing};
use papo_drill::options::Options;
use papo_drill::plan::{Act, Plan};
use papo_drill::snapshot::Snapshot;
use papo_drill::step::Step;
use papo_drill::stop::Ending;
use serde_json::{Value, json};

use super::injection::{injector, journal_gone, journal_written};
use super::journal::{at, map};
use super::sample::{pod, snapshot};
use super::script::{Exchange, expect, server};

const SCALE: &str = "/apis/apps/v1/namespaces/chat/statefulsets/papo-servidor/scale";
const THREE: [&str; 3] = ["papo-servidor-0", "papo-servidor-1", "papo-servidor-2"];
const FIVE: [&str; 5] =
    ["papo-servidor-0", "papo-servidor-1", "papo-servidor-2", "papo-servidor-3", "papo-servidor-4"];

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).into()
}

fn set<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.map(str::to_owned).into()
}

/// Servidores that do what they are asked, and note it.
#[derive(Clone)]
struct Chat {
    standing: Arc<Mutex<Standing>>,
    asked: Arc<Mutex<Vec<String>>>,
    /// How often they are asked how it stands before those who are dismissed are gone.
    slow: Arc<Mutex<usize>>,
}

impl Chat {
    fn of<const N: usize>(members: [&str; N]) -> Self {
        let standing = Standing { wanted: set(members), members: set(members) };
        Self {
            standing: Arc::new(Mutex::new(standing)),
            asked: Arc::default(),
            slow: Arc::new(Mutex::new(3)),
        }
    }

    fn answer(&self, question: Question) -> Result<Standing, Trouble> {
        let mut standing = self.standing.lock().expect("whole");
        let mut asked = self.asked.lock().expect("whole");
        match question {
            Question::Standing => {
                let mut slow = self.slow.lock().expect("whole");
                *slow = slow.saturating_sub(1);
                if *slow == 0 {
                    let wanted = standing.wanted.clone();
                    standing.members.retain(|name| wanted.contains(name));
                }
                return Ok(standing.clone());
            }
            Question::Admit(name, _) => {
                asked.push(format!("admit {name}"));
                standing.wanted.insert(name);
            }
            Question::Dismiss(name, _) => {
                asked.push(format!("dismiss {name}"));
                standing.wanted.remove(&name);
            }
            Question::Itself(..) => panic!("nobody is to be asked alone"),
        }
        Ok(Standing::default())
    }

    fn members(&self) -> Members {
        let chat = self.clone();
        Members::by(Arc::new(move |question| {
            let answer = chat.answer(question);
            async move { answer }.boxed()
        }))
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("whole").clone()
    }
}

fn plan() -> Plan {
    planned(&snapshot()).expect("a plan")
}

fn planned(snapshot: &Snapshot) -> Result<Plan, papo_drill::stop::Stop> {
    (find("grow-shrink").expect("a drill").plan)(snapshot, &Options::default())
}

fn scaled(replicas: i32) -> Exchange {
    expect(Method::PATCH, SCALE).with(json!({"spec": {"replicas": replicas}})).answer(json!({}))
}

fn claim_gone(name: &str) -> Exchange {
    expect(Method::DELETE, &format!("/api/v1/namespaces/chat/persistentvolumeclaims/data-{name}"))
        .answer(json!({}))
}

/// The plan without what it looks for: the picture of the pods does not change here.
fn blind(mut plan: Plan) -> Plan {
    plan.acts.retain(|act| matches!(act, Act::Do(_)));
    plan
}

#[test]
fn members_come_before_pods_both_ways_and_what_undoes_it_is_the_way_back() {
    let plan = plan();
    let deeds: Vec<String> = plan.acts.iter().map(ToString::to_string).collect();
    assert_eq!(
        deeds[0],
        format!(
            "have {} count and nobody else, then PATCH {SCALE} {{\"spec\":{{\"replicas\":5}}}}",
            FIVE.join(", ")
        )
    );
    assert!(deeds[1].starts_with("wait until 5 servidor pods are ready"), "{deeds:?}");
    assert!(
        deeds[2].starts_with(&format!("wait until {} count, and nobody else", FIVE.join(", "))),
        "{deeds:?}"
    );
    assert_eq!(
        deeds[4],
        format!(
            "have {} count and nobody else, then PATCH {SCALE} {{\"spec\":{{\"replicas\":3}}}}",
            THREE.join(", ")
        )
    );
    let [Step::Resize { names: back, calls }] = plan.undo.as_slice() else { panic!("{:?}", plan.undo) };
    assert_eq!(*back, names(THREE));
    let calls: Vec<String> = calls.iter().map(|call| call.path.clone()).collect();
    let claim = |name| format!("/api/v1/namespaces/chat/persistentvolumeclaims/data-{name}");
    assert_eq!(calls, [SCALE.to_owned(), claim(FIVE[3]), claim(FIVE[4])]);
    assert_eq!(plan.servidores(), FIVE.into());
    assert_eq!(plan.expect.failed_requests, Some(0));
}

#[test]
fn volumes_of_earlier_days_are_left_alone() {
    let mut snapshot = snapshot();
    snapshot
        .claims
        .push(papo_drill::snapshot::Claim { name: "data-papo-servidor-3".into(), uid: "old".into() });
    let undo = planned(&snapshot).expect("a plan").undo[0].to_string();
    assert!(!undo.contains("data-papo-servidor-3") && undo.contains("data-papo-servidor-4"), "{undo}");
    snapshot.pods.iter_mut().for_each(|pod| pod.claims.clear());
    let undo = planned(&snapshot).expect("a plan").undo[0].to_string();
    assert!(!undo.contains("persistentvolumeclaims"), "{undo}");
}

#[test]
fn the_rights_are_those_for_scaling_and_for_the_volumes_that_it_made() {
    let rights: Vec<String> = plan().rights("chat").iter().map(ToString::to_string).collect();
    assert!(rights.contains(&"patch statefulsets/scale.apps in chat".to_owned()), "{rights:?}");
    assert!(rights.contains(&"delete persistentvolumeclaims in chat".to_owned()), "{rights:?}");
}

#[test]
fn a_chat_that_cannot_grow_or_is_about_to_is_left_alone() {
    let refused = |change: fn(&mut Snapshot)| {
        let mut snapshot = snapshot();
        change(&mut snapshot);
        let stop = planned(&snapshot).expect_err("refused");
        assert_eq!(stop.ending(), Ending::Refused);
        stop.to_string()
    };
    let said = refused(|snapshot| {
        snapshot.view.servidores.values_mut().flatten().for_each(|status| status.wanted.clear());
    });
    assert!(said.ends_with("its release cannot take others in"), "{said}");
    let said = refused(|snapshot| {
        snapshot
            .view
            .servidores
            .values_mut()
            .flatten()
            .for_each(|status| status.wanted.push(FIVE[4].to_owned()));
    });
    assert!(said.contains("papo-servidor-4 are to count, and not those that there are"), "{said}");
    let said = refused(|snapshot| snapshot.workloads[0].replicas = 7);
    assert!(said.ends_with("there are 7 servidores, and no more than 7 can be"), "{said}");
}

#[tokio::test]
async fn who_comes_is_admitted_first_and_who_goes_is_waited_for() {
    let chat = Chat::of(["a", "b", "c"]);
    chat.members().set(&names(["a", "b", "d"]), Duration::from_secs(20)).await.expect("done");
    assert_eq!(chat.asked(), ["admit d", "dismiss c"]);
    assert_eq!(chat.standing.lock().expect("whole").members, set(["a", "b"]));
    assert_eq!(*chat.slow.lock().expect("whole"), 0, "it was waited for");
}

#[tokio::test]
async fn who_never_goes_is_named() {
    let chat = Chat::of(["a", "b", "c"]);
    *chat.slow.lock().expect("whole") = usize::MAX;
    let trouble = chat.members().set(&names(["a"]), Duration::ZERO).await.expect_err("they stay");
    assert!(trouble.to_string().ends_with("b, c still counts"), "{trouble}");
}

#[tokio::test]
async fn a_silence_is_asked_again_with_the_same_id_and_a_refusal_is_the_end() {
    let ids = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&ids);
    let standing = Standing { wanted: set(["a"]), members: set(["a"]) };
    let members = Members::by(Arc::new(move |question| {
        let answer = match question {
            Question::Standing => Ok(standing.clone()),
            Question::Admit(_, id) | Question::Dismiss(_, id) | Question::Itself(_, id) => {
                let mut ids = heard.lock().expect("whole");
                ids.push(id);
                let tries = ids.len();
                Err(if tries < 3 {
                    Trouble::Away("no answer".into())
                } else {
                    Trouble::Denied("never".into())
                })
            }
        };
        async move { answer }.boxed()
    }));
    let trouble = members.set(&names(["a", "b"]), Duration::from_secs(20)).await.expect_err("refused");
    assert_eq!(trouble.to_string(), "never");
    let ids = ids.lock().expect("whole");
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn the_journal_comes_first_then_members_and_pods_and_everything_is_back_at_the_end() {
    let (connection, server) = server(vec![
        journal_written(),
        scaled(5),
        scaled(3),
        // Undone: nobody has to be told any more, and the rest is asked for once more.
        scaled(3),
        claim_gone(FIVE[3]),
        claim_gone(FIVE[4]),
        journal_gone(),
    ]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let pods = THREE.map(|name| pod(name, "servidor", "n1"));
    let mut injector = injector(&connection, pods.into(), interrupt);
    let chat = Chat::of(THREE);
    injector.executor.members = chat.members();
    let injection = injector.carry_out("grow-shrink", &blind(plan())).await.expect("carried out");
    assert_eq!((injection.unproven, injection.not_undone), (Vec::new(), Vec::new()));
    assert_eq!(
        chat.asked(),
        [3, 4, 3, 4]
            .map(|n: usize| n)
            .iter()
            .zip(["admit", "admit", "dismiss", "dismiss"])
            .map(|(n, what)| format!("{what} {}", FIVE[*n]))
            .collect::<Vec<_>>()
    );
    drop((connection, injector));
    let bodies = server.finish().await;
    let journal: Value =
        serde_json::from_str(bodies[0]["data"]["journal.json"].as_str().expect("text")).expect("JSON");
    assert_eq!(journal["undo"][0]["step"], "resize");
    assert_eq!(journal["undo"][0]["names"], json!(THREE));
}

#[tokio::test]
async fn what_a_drill_left_that_died_when_it_had_grown_is_undone_by_another() {
    let step = plan().undo.remove(0);
    let left = json!({"drill": "grow-shrink", "holder": "me", "written": "now", "undo": [step]});
    let (connection, server) = server(vec![
        expect(Method::GET, &at("/papo-drill-journal")).answer(map(&left.to_string(), "1")),
        scaled(3),
        claim_gone(FIVE[3]),
        // Its pod never came, so that there is none.
        expect(Method::DELETE, "/api/v1/namespaces/chat/persistentvolumeclaims/data-papo-servidor-4")
            .refuse(404, "not found"),
        journal_gone(),
    ]);
    let (_hand, interrupt) = Interrupt::by_hand();
    let mut injector = injector(&connection, Vec::new(), interrupt);
    let chat = Chat::of(FIVE);
    injector.executor.members = chat.members();
    let mut journal =
        papo_drill::journal::Journal::read(&connection).await.expect("answered").expect("there");
    assert_eq!(injector.undo(&mut journal).await, Vec::<String>::new());
    assert_eq!(chat.asked(), ["dismiss papo-servidor-3", "dismiss papo-servidor-4"]);
    drop((connection, injector, journal));
    server.finish().await;
}

#[tokio::test]
async fn pods_that_still_count_are_not_taken_away() {
    let (connection, server) = server(Vec::new());
    let (_hand, interrupt) = Interrupt::by_hand();
    let mut injector = injector(&connection, Vec::new(), interrupt);
    injector.executor.members =
        Members::by(Arc::new(|_| async { Err(Trouble::Denied("no".into())) }.boxed()));
    let outcome = injector.executor.undo(&plan().undo[0]).await;
    assert!(matches!(outcome, Err(Trouble::Denied(_))), "{outcome:?}");
    drop((connection, injector));
    server.finish().await;
}
