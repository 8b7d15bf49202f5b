use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::Method;
use papo_drill::names::component::BROKER;
use papo_drill::pod_watch::PodWatch;
use papo_drill::snapshot::Pod;
use papo_drill::tunnel::{Toward, Tunnel};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::sample;
use super::script::{expect, server};

const LIMIT: Duration = Duration::from_secs(20);
const LIST: &str = "/api/v1/namespaces/chat/pods?&labelSelector=app.kubernetes.io%2Fname%3Dpapo%2Capp.kubernetes.io%2Finstance%3Dpapo&limit=500";
const WATCH: &str = "/api/v1/namespaces/chat/pods?&watch=true&timeoutSeconds=290&labelSelector=app.kubernetes.io%2Fname%3Dpapo%2Capp.kubernetes.io%2Finstance%3Dpapo&allowWatchBookmarks=true";

/// Something in a pod that says who it is to everybody who connects, and then says nothing more.
async fn speaker(at: SocketAddr, name: u8) -> SocketAddr {
    let listener = TcpListener::bind(at).await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(&[name]).await.expect("heard");
            open.push(stream);
        }
    });
    address
}

/// Speakers of pods at one port of two addresses.
async fn speakers() -> u16 {
    loop {
        let first = speaker(SocketAddr::from(([127, 0, 0, 1], 0)), b'a').await;
        let second = SocketAddr::from(([127, 0, 0, 2], first.port()));
        // Somebody may have the other address' port.
        if TcpListener::bind(second).await.is_ok() {
            speaker(second, b'b').await;
            return first.port();
        }
    }
}

fn broker(name: &str, ip: &str) -> Pod {
    Pod { ip: Some(ip.to_owned()), ..sample::pod(name, BROKER, "n1") }
}

/// Who answers at an address; `None` when the connection is closed instead.
async fn who(address: SocketAddr) -> Option<u8> {
    let mut stream = TcpStream::connect(address).await.expect("a tunnel");
    let mut name = [0];
    tokio::time::timeout(LIMIT, stream.read_exact(&mut name)).await.expect("in time").ok().map(|_| name[0])
}

async fn tunnel(pods: Vec<Pod>, toward: Toward, port: u16) -> Tunnel {
    let (mut connection, server) = server(Vec::new());
    connection.inside = true;
    let tunnel = Tunnel::open(&connection, &PodWatch::fixed(pods), toward, port, 0).await.expect("a port");
    // Nothing of it goes through the API.
    drop(server);
    tunnel
}

#[tokio::test]
async fn connections_go_to_all_that_serve_in_turn() {
    let port = speakers().await;
    let tunnel =
        tunnel(vec![broker("a", "127.0.0.1"), broker("b", "127.0.0.2")], Toward::Any(BROKER), port).await;
    let mut heard = [who(tunnel.address()).await, who(tunnel.address()).await];
    heard.sort_unstable();
    assert_eq!(heard, [Some(b'a'), Some(b'b')]);
}

#[tokio::test]
async fn nobody_is_led_to_a_pod_that_does_not_serve() {
    let port = speakers().await;
    let leaving = Pod { leaving: true, ..broker("a", "127.0.0.1") };
    let unready = Pod { ready: false, ..broker("b", "127.0.0.2") };
    let none = tunnel(vec![leaving.clone(), unready.clone()], Toward::Any(BROKER), port).await;
    assert_eq!(who(none.address()).await, None);
    // But who asks for one by its name means just that one.
    let named = tunnel(vec![leaving, unready], Toward::Named("b".to_owned()), port).await;
    assert_eq!(who(named.address()).await, Some(b'b'));
}

#[tokio::test]
async fn a_pod_that_cannot_be_reached_is_passed_over() {
    let port = speakers().await;
    let dead = Pod { ip: None, ..broker("a", "") };
    let tunnel = tunnel(vec![dead, broker("b", "127.0.0.2")], Toward::Any(BROKER), port).await;
    for _ in 0..4 {
        assert_eq!(who(tunnel.address()).await, Some(b'b'));
    }
}

#[tokio::test]
async fn a_connection_ends_with_its_pod() {
    let address = speaker(SocketAddr::new(IpAddr::from([127, 0, 0, 1]), 0), b'a').await;
    let pod = json!({
        "metadata": {"name": "a", "uid": "uid-a", "resourceVersion": "5", "labels": {"app.kubernetes.io/component": "broker"}},
        "status": {
            "podIP": "127.0.0.1",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "broker", "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": {"running": {}}}],
        },
    });
    let (mut connection, server) = server(vec![
        expect(Method::GET, LIST)
            .answer(json!({"metadata": {"resourceVersion": "5"}, "items": [pod.clone()]})),
        expect(Method::GET, &format!("{WATCH}&resourceVersion=5"))
            .answer(json!({"type": "DELETED", "object": pod}))
            .when_told(),
        expect(Method::GET, &format!("{WATCH}&resourceVersion=5")).never_answer(),
    ]);
    connection.inside = true;
    let pod_watch = PodWatch::start(&connection, "papo");
    assert!(pod_watch.until(LIMIT, |pods| pods.len() == 1).await);
    let tunnel =
        Tunnel::open(&connection, &pod_watch, Toward::Any(BROKER), address.port(), 0).await.expect("a port");
    let mut stream = TcpStream::connect(tunnel.address()).await.expect("a tunnel");
    let mut heard = Vec::new();
    heard.push(stream.read_u8().await.expect("a greeting"));
    server.tell();
    let rest = tokio::time::timeout(LIMIT, stream.read_to_end(&mut heard)).await.expect("it ends");
    assert_eq!((rest.ok(), heard), (Some(0), vec![b'a']));
}
