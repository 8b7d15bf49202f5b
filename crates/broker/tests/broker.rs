//! The broker's loop, the same plays over ZeroMQ and over memory.

mod cast;

use cast::{FakeClient, FakeServidor, LOCALHOST, Manner, RunningBroker, settings, wait_until};
use papo_broker::{Broker, BrokerMetrics, BrokerSettings, StartError};
use papo_service::Metrics;
use papo_transport::{Kind, MemoryFabric, MemoryNet, Net, ZmqContext, ZmqNet};
use papo_wire::Service;
use papo_wire::limits::REFUSED_BYTES;
use papo_wire::reply::{Failure, Reason, Reply};
use papo_wire::request::{Body, Request};

/// Makes nets that reach one another.
trait Fabric {
    type Net: Net + Send + 'static;

    fn net(&self) -> Self::Net;
}

impl Fabric for ZmqContext {
    type Net = ZmqNet;

    fn net(&self) -> ZmqNet {
        ZmqNet::new(self).expect("a net")
    }
}

impl Fabric for MemoryFabric {
    type Net = MemoryNet;

    fn net(&self) -> MemoryNet {
        Self::net(self)
    }
}

/// Declares each play as a test on each fabric.
macro_rules! plays {
    ($($play:ident),* $(,)?) => {
        mod over_zeromq {
            $(#[test] fn $play() { super::$play(&super::ZmqContext::new()); })*
        }
        mod over_memory {
            $(#[test] fn $play() { super::$play(&super::MemoryFabric::new()); })*
        }
    };
}

plays![
    a_request_is_answered_by_a_servidor,
    a_client_that_builds_its_own_delimiters_is_answered_with_them,
    a_client_that_abandons_a_request_for_another_is_answered_the_other,
    requests_are_spread_over_all_servidores,
    a_request_survives_the_death_of_its_servidor,
    a_request_survives_a_servidor_that_stands_still,
    a_request_that_is_given_back_is_answered_by_another,
    a_client_is_told_when_nobody_can_answer,
    garbage_harms_nobody,
    what_is_too_large_is_refused_and_the_connection_lives_on,
    a_broker_that_is_stopped_answers_what_is_open_and_what_still_comes,
    a_broker_that_is_stopped_and_does_not_get_quiet_refuses_what_is_new,
    a_broker_takes_clients_once_a_servidor_has_found_it_whatever_becomes_of_that,
    a_broker_that_is_stopped_without_an_answer_says_so_within_its_grace,
    health_and_numbers_are_shown,
];

fn a_request_is_answered_by_a_servidor(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    let _um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Echo);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    for number in 0..100 {
        let payload = publish(&number.to_string());
        assert_eq!(client.ask(&payload), payload);
    }
}

fn a_client_that_builds_its_own_delimiters_is_answered_with_them(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    let _um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Echo);
    let mut client = FakeClient::connect(fabric.net(), Kind::Dealer, broker.clients);
    for way in [&[&b""[..]][..], &[b"correlation", b""], &[b"device", b"correlation", b""]] {
        let mut message = way.to_vec();
        message.push(b"payload");
        client.send(&message);
        assert_eq!(client.receive(), message);
    }
}

/// What a REQ socket does that was made relaxed, and what clients of ours do after a timeout.
fn a_client_that_abandons_a_request_for_another_is_answered_the_other(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    let um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Mute);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    client.send(&[&publish("abandoned")]);
    wait_until("the first is in flight", || um.taken() == 1);
    um.set(Manner::Echo);
    let other = publish("other");
    assert_eq!(client.ask(&other), other);
    // The abandoned one is answered, too, and that answer is not taken for the next one's.
    let _dois = FakeServidor::start(fabric.net(), broker.servidores, "dois", Manner::Echo);
    broker.wait_for_metric(r#"papo_broker_requests_total{outcome="answered"} 2"#);
    let next = publish("next");
    assert_eq!(client.ask(&next), next);
}

fn requests_are_spread_over_all_servidores(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    let servidores: Vec<_> = ["um", "dois", "tres"]
        .iter()
        .map(|name| FakeServidor::start(fabric.net(), broker.servidores, name, Manner::Echo))
        .collect();
    broker.wait_for_metric(r#"papo_broker_servidores{standing="serving"} 3"#);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    for _ in 0..30 {
        client.ask(&publish("oi"));
    }
    let taken: Vec<_> = servidores.iter().map(FakeServidor::taken).collect();
    assert_eq!(taken, [10, 10, 10]);
}

fn a_request_survives_the_death_of_its_servidor(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    let um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Mute);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    let payload = publish("oi");
    client.send(&[&payload]);
    wait_until("the first has it", || um.taken() == 1);
    drop(um);
    let _dois = FakeServidor::start(fabric.net(), broker.servidores, "dois", Manner::Echo);
    assert_eq!(client.receive(), [payload]);
    // The death is noticed, by silence.
    broker.wait_for_metric(r#"papo_broker_retries_total{reason="silent"} 1"#);
}

fn a_request_survives_a_servidor_that_stands_still(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    let um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Echo);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    client.ask(&publish("before"));
    let dois = FakeServidor::start(fabric.net(), broker.servidores, "dois", Manner::Echo);
    broker.wait_for_metric(r#"papo_broker_servidores{standing="serving"} 2"#);
    um.set(Manner::Frozen);
    for number in 0..4 {
        let payload = publish(&number.to_string());
        assert_eq!(client.ask(&payload), payload);
    }
    assert!(dois.taken() >= 4);
    um.set(Manner::Echo);
    broker.wait_for_metric(r#"papo_broker_servidores{standing="serving"} 2"#);
}

fn a_request_that_is_given_back_is_answered_by_another(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    let um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Elsewhere);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    let payload = publish("oi");
    client.send(&[&payload]);
    wait_until("the first gave it back, more than once", || um.taken() >= 2);
    let _dois = FakeServidor::start(fabric.net(), broker.servidores, "dois", Manner::Echo);
    assert_eq!(client.receive(), [payload]);
}

fn a_client_is_told_when_nobody_can_answer(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&["--deadline=600ms"]));
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    let certain = failure(&client.ask(&publish("oi")));
    assert_eq!((certain.service, certain.reason), (Some(Service::Publish), Reason::NotOrdered));
    assert_eq!(certain.description, "Serviço indisponível, tente de novo.");
    let _um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Mute);
    broker.wait_for_metric(r#"papo_broker_servidores{standing="serving"} 1"#);
    let doubtful = failure(&client.ask(&publish("oi")));
    assert_eq!((doubtful.service, doubtful.reason), (Some(Service::Publish), Reason::Unknown));
}

fn garbage_harms_nobody(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    let _um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Echo);
    let mut vandal = FakeClient::connect(fabric.net(), Kind::Dealer, broker.clients);
    let garbage: [&[&[u8]]; 5] = [&[b"x"], &[b"x", b"y"], &[b""], &[b"", b"a", b"b"], &[b"x".as_slice(); 50]];
    for frames in garbage {
        vandal.send(frames);
    }
    for delimiters in [0, 0, 1, 1] {
        let answer = vandal.receive();
        assert_eq!(answer.len(), delimiters + 1, "{answer:?}");
        assert_eq!(failure(&answer[delimiters]).reason, Reason::BadRequest);
    }
    let mut impostor = FakeClient::connect(fabric.net(), Kind::Dealer, broker.servidores);
    for frames in garbage {
        impostor.send(frames);
    }
    broker.wait_for_metric(r#"papo_broker_requests_total{outcome="malformed"} 4"#);
    broker.wait_for_metric(r#"papo_broker_dropped_total{reason="nameless"} 1"#);
    broker.wait_for_metric(r#"papo_broker_dropped_total{reason="bad_envelope"} 5"#);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    assert_eq!(client.ask(b"payload"), b"payload");
}

fn what_is_too_large_is_refused_and_the_connection_lives_on(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    let um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Echo);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    for bytes in [64 * 1024 + 1, REFUSED_BYTES] {
        let refused = failure(&client.ask(&vec![b'x'; bytes]));
        assert_eq!(refused.reason, Reason::BadRequest, "{bytes} bytes");
    }
    let refused = failure(&client.ask(&vec![b'x'; 64 * 1024 + 1]));
    assert_eq!(refused.description, "Mensagem grande demais.");
    let largest = vec![b'x'; 64 * 1024];
    assert_eq!(client.ask(&largest), largest);
    assert_eq!(um.taken(), 1);
}

fn a_broker_that_is_stopped_answers_what_is_open_and_what_still_comes(fabric: &impl Fabric) {
    let mut broker = RunningBroker::start(fabric.net(), &settings(&["--grace=20s"]));
    let um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Mute);
    let mut early = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    let mut late = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    let (payload, another) = (publish("oi"), publish("late"));
    early.send(&[&payload]);
    wait_until("it is in flight", || um.taken() == 1);
    broker.shutdown.request();
    wait_until("it is not ready", || broker.health.ready().is_err());
    late.send(&[&another]);
    wait_until("that is in flight, too", || um.taken() == 2);
    let _dois = FakeServidor::start(fabric.net(), broker.servidores, "dois", Manner::Echo);
    assert_eq!(early.receive(), [payload]);
    assert_eq!(late.receive(), [another]);
    broker.wait_until_stopped();
}

fn a_broker_that_is_stopped_and_does_not_get_quiet_refuses_what_is_new(fabric: &impl Fabric) {
    let mut broker = RunningBroker::start(fabric.net(), &settings(&["--grace=2s", "--deadline=1h"]));
    let um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Mute);
    let mut clients = Vec::new();
    let mut ask = || {
        let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
        client.send(&[&publish("oi")]);
        clients.push(client);
    };
    ask();
    wait_until("it is in flight", || um.taken() == 1);
    broker.shutdown.request();
    wait_until("what is new is refused", || {
        ask();
        !broker.shows(r#"papo_broker_requests_total{outcome="stopping"} 0"#)
    });
    broker.wait_until_stopped();
    let reasons: Vec<Reason> =
        clients.iter_mut().map(|client| failure(&client.receive()[0]).reason).collect();
    assert_eq!(reasons[0], Reason::Unknown, "it was with a servidor when the grace was over");
    assert!(reasons.contains(&Reason::NotOrdered), "{reasons:?}");
}

fn a_broker_takes_clients_once_a_servidor_has_found_it_whatever_becomes_of_that(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    wait_until("it has started", || broker.health.is_started());
    assert!(broker.health.ready().is_err());
    let um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Echo);
    wait_until("it is ready", || broker.health.ready().is_ok());
    drop(um);
    broker.wait_for_metric(r#"papo_broker_servidores{standing="serving"} 0"#);
    assert_eq!(broker.health.ready(), Ok(()));
}

fn a_broker_that_is_stopped_without_an_answer_says_so_within_its_grace(fabric: &impl Fabric) {
    let mut broker = RunningBroker::start(fabric.net(), &settings(&["--grace=100ms", "--deadline=1h"]));
    let um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Mute);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    client.send(&[&publish("oi")]);
    wait_until("it is in flight", || um.taken() == 1);
    broker.shutdown.request();
    assert_eq!(failure(&client.receive()[0]).reason, Reason::Unknown);
    broker.wait_until_stopped();
}

fn health_and_numbers_are_shown(fabric: &impl Fabric) {
    let broker = RunningBroker::start(fabric.net(), &settings(&[]));
    wait_until("it has started", || broker.health.is_started());
    assert_eq!(broker.health.live(), Ok(()));
    broker.wait_for_metric(r#"papo_broker_servidores{standing="serving"} 0"#);
    let _um = FakeServidor::start(fabric.net(), broker.servidores, "um", Manner::Echo);
    let mut client = FakeClient::connect(fabric.net(), Kind::Request, broker.clients);
    client.ask(b"payload");
    broker.wait_for_metric(r#"papo_broker_requests_total{outcome="answered"} 1"#);
    broker.wait_for_metric("papo_broker_request_duration_seconds_count 1");
    broker.wait_for_metric("papo_broker_open_requests 0");
    broker.wait_for_metric("papo_broker_connections 1");
}

#[test]
fn a_port_in_use_is_named() {
    let context = ZmqContext::new();
    let first = RunningBroker::start(context.net(), &settings(&[]));
    let taken = BrokerSettings { client_port: first.clients.port(), listen: LOCALHOST, ..settings(&[]) };
    let metrics = BrokerMetrics::new(&Metrics::new("broker", "0"));
    let error = Broker::bind(context.net(), &taken, 1, metrics).err().expect("the port is taken");
    assert!(matches!(error, StartError::Bind { whom: "clients", .. }));
    assert_eq!(error.to_string(), format!("cannot listen for clients: {}: port in use", first.clients));
}

/// The payload of a write.
fn publish(message: &str) -> Vec<u8> {
    let body = Body::Publish { user: "ana".into(), channel: "geral".into(), message: message.into() };
    Request::new(body).encode()
}

fn failure(payload: &[u8]) -> Failure {
    Reply::decode(payload).expect("a reply").answer.expect_err("a failure")
}
