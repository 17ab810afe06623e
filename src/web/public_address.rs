//! Where browsers find the services: not always where they find each other.

use std::net::IpAddr;

use reqwest::Url;

/// Where browsers find a service.
#[derive(Clone, Debug)]
pub struct PublicAddress {
    pub name: &'static str,
    pub title: &'static str,
    origin: Origin,
    /// The path of the service there, without a slash at its end.
    pub path: String,
}

#[derive(Clone, Debug)]
enum Origin {
    /// At this port of the host that the page is from.
    Port(u16),
    Elsewhere(String),
}

impl PublicAddress {
    /// Of a service that the others find at `url`. A loopback address is the browser's only if that is on this machine,
    /// so the host that the page is from counts instead.
    pub fn of(name: &'static str, title: &'static str, url: &Url) -> Self {
        let origin = match url.port_or_known_default() {
            Some(port) if is_loopback(url) && url.scheme() == "http" => Origin::Port(port),
            _ => Origin::Elsewhere(url.origin().ascii_serialization()),
        };
        Self { name, title, origin, path: url.path().trim_end_matches('/').to_owned() }
    }

    /// The address of the service, for a page that is from `host`.
    pub fn url(&self, host: &str) -> String {
        format!("{}{}", self.origin(host), self.path)
    }

    /// Of a page that is from `host`.
    pub fn origin(&self, host: &str) -> String {
        match &self.origin {
            Origin::Port(port) => format!("http://{host}:{port}"),
            Origin::Elsewhere(origin) => origin.clone(),
        }
    }
}

/// Whether a URL is of this machine, for whoever is on it.
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_of_the_host_that_the_page_is_from() {
        for (url, of_localhost, of_lan) in [
            ("http://127.0.0.1:5000", "http://localhost:5000", "http://10.0.0.7:5000"),
            ("http://[::1]:5000/", "http://localhost:5000", "http://10.0.0.7:5000"),
            ("http://localhost:5000", "http://localhost:5000", "http://10.0.0.7:5000"),
            ("http://10.0.0.8:5000", "http://10.0.0.8:5000", "http://10.0.0.8:5000"),
            ("https://shop.example/api/", "https://shop.example", "https://shop.example"),
            ("https://localhost/", "https://localhost", "https://localhost"),
        ] {
            let address = PublicAddress::of("user", "UserService", &url.parse().unwrap());
            assert_eq!(address.origin("localhost"), of_localhost, "{url}");
            assert_eq!(address.origin("10.0.0.7"), of_lan, "{url}");
            assert_eq!(address.path, if url.contains("api") { "/api" } else { "" });
        }
    }
}
