use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// As long as Kubernetes would wait for a probe, with room for a loaded machine.
const LIMIT: Duration = Duration::from_secs(10);

/// What an HTTP page answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// 200 and so on.
    pub status: u16,
    /// What follows the headers.
    pub body: String,
}

/// Asks a page of a port of this machine; `None` when nobody answers.
pub fn get(port: u16, path: &str) -> Option<Page> {
    exchange(port, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).ok()
}

/// Sends JSON to a page of a port of this machine; `None` when nobody answers.
pub fn post(port: u16, path: &str, body: &str) -> Option<Page> {
    let length = body.len();
    exchange(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ),
    )
    .ok()
}

fn exchange(port: u16, request: &str) -> io::Result<Page> {
    let mut stream = TcpStream::connect_timeout(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)), LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(wrong)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(wrong)?;
    Ok(Page { status, body: body.to_owned() })
}
