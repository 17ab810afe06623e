//! Whom a server answers: its own names, and pages of its own machine.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::Method;
use actix_web::http::header::HeaderValue;

/// The names by which this server may be called, and the origins whose pages may call it.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    /// Names besides the loopback ones, in lower case, without a port.
    names: Vec<String>,
    /// Origins besides those on allowed hosts, as a browser writes them.
    origins: Vec<String>,
}

impl Hosts {
    /// `listen` is allowed by its number; to listen on every address allows none by itself.
    pub fn new(names: &[String], origins: &[String], listen: SocketAddr) -> Self {
        let mut names: Vec<String> = names.iter().map(|name| name.to_ascii_lowercase()).collect();
        if !listen.ip().is_unspecified() {
            names.push(listen.ip().to_string());
        }
        Self { names, origins: origins.to_vec() }
    }

    /// Whether a `Host` (with or without a port) is one of ours. The port is not compared: it differs
    /// behind a forwarded port, and a rebound name gives itself away without it.
    pub fn allow(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split_once(']').map(|(address, _)| address),
            None => Some(host.rsplit_once(':').map_or(host, |(name, _)| name)),
        };
        name.is_some_and(|name| is_loopback(name) || self.names.iter().any(|ours| ours.eq_ignore_ascii_case(name)))
    }

    /// Whether pages of this origin may call: those of this machine, and those that were allowed.
    pub fn allow_origin(&self, origin: &HeaderValue) -> bool {
        origin.to_str().is_ok_and(|origin| {
            let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            host.is_some_and(|host| self.allow(host)) || self.origins.iter().any(|ours| ours == origin)
        })
    }
}

fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The method's name for a label; a made-up method must not make up a label.
pub fn known_method(method: &Method) -> &'static str {
    const KNOWN: [&Method; 8] = [
        &Method::GET,
        &Method::POST,
        &Method::PUT,
        &Method::PATCH,
        &Method::DELETE,
        &Method::OPTIONS,
        &Method::HEAD,
        &Method::TRACE,
    ];
    KNOWN.into_iter().find(|known| *known == method).map_or("other", Method::as_str)
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
            assert!(hosts().allow(host), "{host}");
        }
        for host in
            ["", ":5000", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "[::1", "192.168.0.1"]
        {
            assert!(!hosts().allow(host), "{host}");
        }
    }

    #[test]
    fn pages_of_this_machine_and_allowed_origins_may_call() {
        for origin in
            ["http://localhost:3000", "https://127.0.0.1", "null", "https://other.example", "https://shop.example"]
        {
            assert!(hosts().allow_origin(&HeaderValue::from_static(origin)), "{origin}");
        }
        for origin in [
            "",
            "http://evil.example",
            "file://localhost",
            "https://other.example:444",
            "http://localhost.evil.example",
        ] {
            assert!(!hosts().allow_origin(&HeaderValue::from_static(origin)), "{origin}");
        }
    }
}
