//! The syntax of settings: one function for each kind.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::time::Duration;

use reqwest::Url;

use crate::load::MAX_RATE;

/// The longest duration that a setting may have.
const MAX_DURATION: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Whether this can be the host of a URL, without a port.
pub(super) fn is_host(name: &str) -> bool {
    let label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    name.parse::<IpAddr>().is_ok() || name.chars().all(label)
}

/// Whether a browser can send this as an `Origin`. Origins are compared literally.
pub(super) fn is_origin(text: &str) -> bool {
    let browser = |url: Url| matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text;
    text == "null" || Url::parse(text).is_ok_and(browser)
}

/// A list without its empty entries: an empty variable has one.
pub(super) fn named(list: Vec<String>) -> Vec<String> {
    list.iter().map(|name| name.trim()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// An address to listen on: a name or an IP address, and a port.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let mut found = text.to_socket_addrs().map_err(|_| "an address is written HOST:PORT".to_owned())?;
    found.next().ok_or_else(|| "this host has no address".to_owned())
}

/// The URL of another service.
pub(super) fn peer(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if url.scheme() != "http" {
        return Err("a service is written http://HOST:PORT".to_owned());
    }
    plain(url)
}

/// The URL by which browsers find the services.
pub(super) fn public_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("where browsers find the services is written https://HOST".to_owned());
    }
    plain(url)
}

fn plain(url: Url) -> Result<Url, String> {
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("a service's URL has no user, query or fragment".to_owned());
    }
    Ok(url)
}

/// The URL of a service that may be absent.
#[derive(Clone, Debug)]
pub(super) enum OptionalPeer {
    Nowhere,
    At(Url),
}

pub(super) fn optional_peer(text: &str) -> Result<OptionalPeer, String> {
    if text == "none" { Ok(OptionalPeer::Nowhere) } else { peer(text).map(OptionalPeer::At) }
}

/// Yes or no.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" | "yes" | "true" => Ok(true),
        "off" | "no" | "false" => Ok(false),
        _ => Err("it is on or off, yes or no".to_owned()),
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if !time.is_zero() && time <= MAX_DURATION => Ok(time),
        Ok(_) => Err("it is more than nothing and at most a year".to_owned()),
        Err(_) => Err("a time is written 500ms, 2s, 15m".to_owned()),
    }
}

/// A number a second; 0 if there is no such limit.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if (0.0..=MAX_RATE).contains(&rate) => Ok(rate),
        _ => Err(format!("a rate is a number between 0 and {MAX_RATE}")),
    }
}
