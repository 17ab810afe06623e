//! The hosts that a server answers for, and the origins whose pages may call it.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::http::header::HeaderValue;

/// The host names of a server, and the origins whose pages may call it.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// Names besides the loopback ones, in lower case, without a port.
    names: Vec<String>,
    /// Origins besides those on allowed hosts, in the form that a browser sends.
    origins: Vec<String>,
}

impl Hosts {
    /// The address `listen` is allowed as a host, unless it is the unspecified one.
    pub fn new(names: &[String], origins: &[String], listen: SocketAddr) -> Self {
        let mut names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        if !listen.ip().is_unspecified() {
            names.push(listen.ip().to_string());
        }
        Self { names, origins: origins.to_vec() }
    }

    /// Whether a `Host`, with or without a port, is one of ours. The port is not compared: behind a forwarded port it
    /// differs, and a rebound name is recognised without it.
    pub fn allows(&self, host: &str) -> bool {
        without_port(host)
            .is_some_and(|name| is_loopback(&name) || self.names.iter().any(|ours| ours.eq_ignore_ascii_case(&name)))
    }

    /// Whether pages of this origin may call: those of allowed hosts, and the listed ones.
    pub fn allows_origin(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| {
            let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            host.is_some_and(|host| self.allows(host)) || self.origins.iter().any(|ours| ours == origin)
        })
    }
}

/// The name in a `Host`, an IPv6 address in its usual spelling; `None` if it is not `NAME`, `NAME:PORT` or the
/// same with an IPv6 address in brackets (RFC 3986, 3.2.2 and 3.2.3: the port may be empty).
fn without_port(host: &str) -> Option<Cow<'_, str>> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (Cow::from(address.parse::<Ipv6Addr>().ok()?.to_string()), port)
        }
        None => {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            (Cow::from(name), port)
        }
    };
    let port = if port.is_empty() { "" } else { port.strip_prefix(':')? };
    let is_port = port.is_empty() || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok());
    is_port.then_some(name)
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        let listen = SocketAddr::from(([127, 0, 0, 1], 5000));
        Hosts::new(&["Shop.example".to_owned()], &["null".to_owned(), "https://other.example".to_owned()], listen)
    }

    #[test]
    fn loopback_and_allowed_names_are_answered_with_any_port() {
        for host in
            ["localhost", "LOCALHOST:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000", "[::1]", "shop.example:80"]
        {
            assert!(hosts().allows(host), "{host}");
        }
        for host in
            ["", ":5000", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::1", "192.168.0.1"]
        {
            assert!(!hosts().allows(host), "{host}");
        }
    }

    #[test]
    fn what_follows_a_name_is_a_port_or_nothing() {
        for host in ["localhost:", "[::1]:", "[0:0::1]", "localhost:0", "localhost:65535", "shop.example:"] {
            assert!(hosts().allows(host), "{host}");
        }
        for host in MALFORMED {
            assert!(!hosts().allows(host), "{host}");
            for scheme in ["http", "https"] {
                let origin = format!("{scheme}://{host}");
                assert!(!hosts().allows_origin(&HeaderValue::from_str(&origin).unwrap()), "{origin}");
            }
        }
    }

    const MALFORMED: [&str; 22] = [
        "[::1]evil.com",
        "[::1]x",
        "[::1].evil.com",
        "[::1]@evil.com",
        "[::1]/",
        "[::1]:x",
        "[::1]:80:80",
        "[::1]]",
        "[[::1]]",
        "[localhost]",
        "[127.0.0.1]",
        "[shop.example]:80",
        "[]",
        "::1",
        "localhost:80:80",
        "localhost:evil",
        "localhost:evil.com",
        "localhost:@evil.com",
        "localhost:+80",
        "localhost:65536",
        "localhost: 80",
        "localhost/",
    ];

    #[test]
    fn pages_of_this_machine_and_allowed_origins_may_call() {
        for origin in
            ["http://localhost:3000", "https://127.0.0.1", "null", "https://other.example", "https://shop.example"]
        {
            assert!(hosts().allows_origin(&HeaderValue::from_static(origin)), "{origin}");
        }
        for origin in [
            "",
            "http://evil.example",
            "file://localhost",
            "https://other.example:444",
            "http://localhost.evil.example",
        ] {
            assert!(!hosts().allows_origin(&HeaderValue::from_static(origin)), "{origin}");
        }
    }
}
