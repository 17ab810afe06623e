//! What `pasar` prints after the start: the addresses of its services, and at a terminal what a newcomer wants to
//! know.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::config::{Config, ConfigError, base_url};
use crate::logging::Style;
use crate::service::ServiceName;

/// The line of a service: its name, its URL, and a first call to try. Programs read it too.
pub fn service(service: ServiceName, addr: SocketAddr, auth_required: bool) -> Result<String, ConfigError> {
    let url = base_url(addr)?;
    let call = match service {
        ServiceName::User if auth_required => format!(
            "curl {url}auth/register -H 'Content-Type: application/json' \
             -d '{{\"name\": \"Siti\", \"email\": \"siti@example.com\", \"password\": \"tiga ekor kucing\"}}'"
        ),
        ServiceName::Order if auth_required => format!("curl {url}payments/methods"),
        ServiceName::Order => {
            format!("curl {url}orders -H 'Content-Type: application/json' -d '{{\"user_id\": 1, \"product_id\": 1}}'")
        }
        service => format!("curl {url}{}", service.first_path()),
    };
    let name = service.title();
    Ok(format!("{name:<14} {}   {call}\n", url.as_str().trim_end_matches('/')))
}

/// The text for people, with the lines of the services. `found`: whether the database existed before.
pub fn welcome(config: &Config, addresses: &[(ServiceName, SocketAddr)], found: bool) -> Result<String, ConfigError> {
    let paint = |text: &str, colour: &str| match config.log_style {
        Style::Terminal { colours: true } => format!("\x1b[{colour}m{text}\x1b[0m"),
        _ => text.to_owned(),
    };
    let mut text = format!("{} {}", paint("Pasar", "1"), env!("CARGO_PKG_VERSION"));
    let page = addresses.iter().find(|(service, _)| *service == ServiceName::Order).or(addresses.first());
    if let Some((_, addr)) = page {
        text += &format!(" is ready. Open {} in a browser.", paint(&page_url(*addr)?, "1;36"));
    }
    text += "\n\n";
    for (one, addr) in addresses {
        text += &service(*one, *addr, config.auth_required)?;
    }
    text += "\n";
    let mut facts = Vec::new();
    if let Some(one) = config.services.first() {
        let state = match (found, config.demo) {
            (true, _) => "found, with what was in it",
            (false, true) => "new, with demo data",
            (false, false) => "new, empty",
        };
        facts.push(("Database", format!("{} ({state}); pasar reset starts over", one.database)));
    }
    let beyond: Vec<_> = addresses.iter().map(|(_, addr)| addr).filter(|addr| !addr.ip().is_loopback()).collect();
    facts.push((
        "Access",
        match (config.auth_required, beyond.is_empty()) {
            (true, _) => "everybody has to log in (AUTH=required); pasar admin EMAIL makes an admin".to_owned(),
            (false, true) => "this machine only, nobody has to log in (AUTH=open)".to_owned(),
            (false, false) => "the whole network, and nobody has to log in (AUTH=open, OPEN_TO_NETWORK)".to_owned(),
        },
    ));
    if let Some(addr) = beyond.first() {
        facts.push(("Network", network(config, addr)));
    }
    facts.push(("Stop", "ctrl-c".to_owned()));
    for (what, fact) in facts {
        text += &format!("{} {fact}\n", paint(&format!("{what:<14}"), "2"));
    }
    Ok(text + "\n")
}

/// The page of the server at `addr`, with the host name that people know.
fn page_url(addr: SocketAddr) -> Result<String, ConfigError> {
    let named = addr.ip().is_unspecified() || addr.ip() == IpAddr::from([127, 0, 0, 1]);
    Ok(if named { format!("http://localhost:{}/", addr.port()) } else { base_url(addr)?.to_string() })
}

/// How other machines reach a server at `addr`.
fn network(config: &Config, addr: &SocketAddr) -> String {
    if !addr.ip().is_unspecified() {
        return format!("others call http://{addr}/");
    }
    if !config.allowed_hosts.is_empty() {
        return format!("others call it {} (ALLOWED_HOSTS)", config.allowed_hosts.join(", "));
    }
    let name = lan_address().map_or_else(|| "the name or address of this machine".to_owned(), |ip| ip.to_string());
    format!("others are refused until ALLOWED_HOSTS says by which name they call: ALLOWED_HOSTS={name}")
}

/// The address of this machine in its network. Nothing is sent: the system only chooses a route.
fn lan_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // An address for documentation (RFC 5737), which nobody has.
    socket.connect("192.0.2.1:9").ok()?;
    socket.local_addr().ok().map(|addr| addr.ip()).filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(args: &[&str], found: bool) -> String {
        let config = Config::from_args([&["pasar"], args].concat()).unwrap();
        let addresses: Vec<_> = config.services.iter().filter_map(|one| Some((one.service, one.listen?))).collect();
        welcome(&Config { log_style: Style::Plain, ..config }, &addresses, found).unwrap()
    }

    #[test]
    fn a_newcomer_learns_what_to_open_what_there_is_who_may_call_and_how_to_stop() {
        let text = said(&[], false);
        for fact in [
            "Open http://localhost:5002/ in",
            "UserService    http://127.0.0.1:5000   curl http://127.0.0.1:5000/users/1\n",
            "sqlite:data/pasar.db (new, with demo data)",
            "this machine only, nobody has to log in (AUTH=open)",
            "ctrl-c",
        ] {
            assert!(text.contains(fact), "{fact} is not in:\n{text}");
        }
        assert!(!text.contains("ALLOWED_HOSTS") && !text.contains('\x1b'), "{text}");
        assert!(said(&["--demo=off"], false).contains("(new, empty)"));
        assert!(said(&["--demo=off"], true).contains("(found, with"));
        assert!(said(&["--auth=required"], true).contains("AUTH=required"));
        assert!(said(&["user"], true).contains("Open http://localhost:5000/ in"));
    }

    #[test]
    fn in_a_network_it_names_allowed_hosts() {
        let open = ["--order-addr=0.0.0.0:5002", "--open-to-network=yes"];
        let text = said(&open, true);
        assert!(text.contains("Open http://localhost:5002/ in") && text.contains("the whole network"), "{text}");
        assert!(text.contains("until ALLOWED_HOSTS says") && text.contains("ALLOWED_HOSTS="), "{text}");
        let named = said(&[&open[..], &["--allowed-hosts=shop.example,10.0.0.7"]].concat(), true);
        assert!(named.contains("others call it shop.example, 10.0.0.7 (ALLOWED_HOSTS)"), "{named}");
        let at = said(&["--order-addr=10.0.0.7:5002", "--open-to-network=yes"], true);
        assert!(at.contains("others call http://10.0.0.7:5002/"), "{at}");
    }
}
