//! `papo health`: asks a health page as a container's health check does, in an image without a shell or curl.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use papo_service::{Boot, Failure, Settings};
use papo_transport::HostPort;

/// Asks a service's health page; succeeds if it says yes.
///
/// For health checks of containers: papo health http://127.0.0.1:9100/readyz
///
/// Exit codes: 0 the page said yes, 1 it said no or could not be had, 64 no such URL.
#[derive(clap::Parser)]
#[command(name = "papo health", version)]
struct Health {
    /// The page: http://HOST:PORT/livez, /readyz or /startupz
    #[arg(value_name = "URL")]
    url: Url,
    /// How long the answer may take
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = papo_service::duration)]
    timeout: Duration,
}

impl Settings for Health {}

/// `http://host:port/path`, and nothing cleverer.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Url {
    at: HostPort,
    path: String,
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("http://").ok_or("it must begin with http://")?;
        let (at, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if path.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err("a path has no spaces".to_owned());
        }
        let at = at.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { at, path: if path.is_empty() { "/".to_owned() } else { path.to_owned() } })
    }
}

pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    papo_service::run_tool_from(arguments, check)
}

fn check(boot: Boot<Health>) -> Result<(), Failure> {
    let Health { url, timeout } = boot.settings;
    let answer = get(&url, timeout).map_err(|error| Failure::failed(format!("{}: {error}", url.at)))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status == "200" {
        println!("{}", body.trim_end());
        return Ok(());
    }
    Err(Failure::failed(format!("{} says {status}: {}", url.at, body.trim_end())))
}

fn get(url: &Url, timeout: Duration) -> io::Result<String> {
    /// More than any health page has.
    const LONGEST: u64 = 64 * 1024;
    let addresses = crate::ask::resolve(std::slice::from_ref(&url.at))
        .map_err(|error| io::Error::other(error.to_string()))?;
    let address = addresses.first().ok_or_else(|| io::Error::other("no address"))?;
    let mut stream = TcpStream::connect_timeout(address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    write!(stream, "GET {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", url.path, url.at)?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let url: Url = "http://127.0.0.1:9100/readyz".parse().expect("a URL");
        assert_eq!((url.at.port(), url.path.as_str()), (9100, "/readyz"));
        assert_eq!("http://broker:9100".parse::<Url>().expect("a URL").path, "/");
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in ["", "127.0.0.1:9100", "https://x:1/", "http://x/", "http://x:1/a b", "http://:1/"] {
            assert!(wrong.parse::<Url>().is_err(), "{wrong} was taken");
        }
    }
}
