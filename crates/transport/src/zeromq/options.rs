use std::net::SocketAddr;

use super::keys::CurveKeys;
use crate::net::{Kind, SocketOptions};

/// A peer that opens a connection and then says nothing is cut off after this.
const HANDSHAKE_MS: i32 = 5_000;
/// A SYN that nobody answers is given up after this and tried again; the system's own limit is two minutes.
const CONNECT_TIMEOUT_MS: i32 = 3_000;
/// First and longest pause between attempts to connect.
const RECONNECT_MS: (i32, i32) = (50, 1_000);
/// Silence before the first TCP probe, and between probes, in seconds; probes before the connection counts as
/// dead.
const KEEPALIVE: (i32, i32, i32) = (10, 5, 3);

/// libzmq's name of a kind; `None` for the one that is not libzmq's.
pub(super) fn zmq_type(kind: Kind) -> Option<zmq::SocketType> {
    Some(match kind {
        Kind::Router => zmq::ROUTER,
        Kind::Dealer => zmq::DEALER,
        Kind::Request => zmq::REQ,
        Kind::Reply => zmq::REP,
        Kind::Publish => zmq::PUB,
        Kind::Subscribe => zmq::SUB,
        Kind::ProxyIn => zmq::XSUB,
        Kind::ProxyOut => return None,
    })
}

/// What every socket gets when it is made. `ZMQ_HEARTBEAT_*` is never set: libzmq aborts the process on it
/// when a reader falls behind a finite high-water mark.
pub(super) fn configure(socket: &zmq::Socket, kind: Kind, options: &SocketOptions) -> zmq::Result<()> {
    // Until `close` says otherwise: a net that is dropped must not hold the process.
    socket.set_linger(0)?;
    socket.set_sndhwm(queue(options.send_queue))?;
    socket.set_rcvhwm(queue(options.receive_queue))?;
    socket.set_handshake_ivl(HANDSHAKE_MS)?;
    socket.set_connect_timeout(CONNECT_TIMEOUT_MS)?;
    socket.set_reconnect_ivl(RECONNECT_MS.0)?;
    socket.set_reconnect_ivl_max(RECONNECT_MS.1)?;
    socket.set_tcp_keepalive(1)?;
    socket.set_tcp_keepalive_idle(KEEPALIVE.0)?;
    socket.set_tcp_keepalive_intvl(KEEPALIVE.1)?;
    socket.set_tcp_keepalive_cnt(KEEPALIVE.2)?;
    match kind {
        Kind::Router => socket.set_router_mandatory(true)?,
        Kind::Dealer => socket.set_immediate(true)?,
        Kind::Request => {
            socket.set_req_relaxed(true)?;
            socket.set_req_correlate(true)?;
        }
        // An XSUB subscribes by sending; it repeats it to every publisher that connects later.
        Kind::ProxyIn => socket.send(&[1_u8][..], zmq::DONTWAIT)?,
        Kind::Reply | Kind::Publish | Kind::Subscribe | Kind::ProxyOut => {}
    }
    Ok(())
}

/// What a listening address gets, over and above: libzmq copies a socket's options when it starts to listen.
pub(super) fn before_bind(
    socket: &zmq::Socket,
    address: SocketAddr,
    options: &SocketOptions,
    curve: Option<(&CurveKeys, &[u8; 32])>,
) -> zmq::Result<()> {
    socket.set_ipv6(address.is_ipv6())?;
    socket.set_maxmsgsize(i64::try_from(options.max_message).unwrap_or(i64::MAX))?;
    curve.map_or(Ok(()), |(keys, secret)| keys.set_listening(socket, secret))
}

/// What a connecting side gets. No limit on frames: a connecting link that refuses one is dead for good in
/// libzmq, it never reconnects; what it connects to is a service of the system.
pub(super) fn before_connect(
    socket: &zmq::Socket,
    address: SocketAddr,
    keys: Option<&CurveKeys>,
) -> zmq::Result<()> {
    socket.set_ipv6(address.is_ipv6())?;
    socket.set_maxmsgsize(-1)?;
    keys.map_or(Ok(()), |keys| keys.set_connecting(socket))
}

/// Zero would mean unbounded.
fn queue(messages: usize) -> i32 {
    i32::try_from(messages.max(1)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_socket_is_bounded_and_has_no_heartbeat() {
        let context = zmq::Context::new();
        for kind in [
            Kind::Router,
            Kind::Dealer,
            Kind::Request,
            Kind::Reply,
            Kind::Publish,
            Kind::Subscribe,
            Kind::ProxyIn,
        ] {
            let socket = context.socket(zmq_type(kind).unwrap()).unwrap();
            configure(&socket, kind, &SocketOptions { send_queue: 7, ..SocketOptions::default() }).unwrap();
            assert_eq!(socket.get_heartbeat_ivl(), Ok(0), "{kind:?}");
            assert_eq!(socket.get_linger(), Ok(0));
            assert_eq!(socket.get_sndhwm(), Ok(7));
            assert_eq!(socket.get_rcvhwm(), Ok(1000));
            assert_eq!(socket.get_handshake_ivl(), Ok(HANDSHAKE_MS));
            assert_eq!(socket.get_tcp_keepalive(), Ok(1));
            assert_eq!(socket.is_immediate(), Ok(kind == Kind::Dealer));

            before_bind(&socket, "127.0.0.1:1".parse().unwrap(), &SocketOptions::default(), None).unwrap();
            assert_eq!(socket.get_maxmsgsize(), Ok(1 << 20));
            before_connect(&socket, "127.0.0.1:1".parse().unwrap(), None).unwrap();
            assert_eq!(socket.get_maxmsgsize(), Ok(-1));
        }
    }

    #[test]
    fn a_queue_of_nothing_is_not_a_queue_without_end() {
        assert_eq!(queue(0), 1);
        assert_eq!(queue(usize::MAX), i32::MAX);
    }
}
