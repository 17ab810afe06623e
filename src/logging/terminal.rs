//! A log line for people at a terminal: the id, who calls whom, the request and its outcome; other fields follow,
//! dimmed.

use std::fmt::Write;

use log::Level;

/// Longer ids are shortened.
const MAX_WHOLE_ID: usize = 16;
/// The length of a shortened id.
const SHORTENED_ID: usize = 8;

const DIM: &str = "2";
const BOLD: &str = "1";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";

/// The fields of a line.
pub(super) struct Line<'a> {
    pub level: Level,
    pub target: &'a str,
    /// RFC 3339, in seconds.
    pub time: &'a str,
    /// Without control characters.
    pub message: &'a str,
}

/// The line for a terminal, without its end.
pub(super) fn render(line: &Line<'_>, colours: bool) -> String {
    let paint = |text: &str, colour: &str| match colours {
        true => format!("\x1b[{colour}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    let (mut pairs, said) = match pairs(line.message) {
        Some(pairs) => (pairs, None),
        None => (Vec::new(), Some(line.message)),
    };
    let mut take = |key: &str| {
        let at = pairs.iter().position(|(name, _)| *name == key)?;
        Some(pairs.remove(at).1)
    };
    let mut words = Vec::new();
    let id = take("id").map_or("", short);
    words.push(paint(&format!("{id:<SHORTENED_ID$}"), DIM));
    if line.level <= Level::Warn {
        let colour = if line.level == Level::Error { RED } else { YELLOW };
        // The time of day: RFC 3339 has it after the date.
        let time = line.time.get(11..).unwrap_or(line.time);
        words.push(format!("{} {}", paint(line.level.as_str(), colour), paint(time, DIM)));
    }
    match (take("service").map(title), take("peer").map(title)) {
        (Some(service), Some(peer)) => words.push(paint(&format!("{service} → {peer}"), CYAN)),
        (Some(service), None) => words.push(paint(&service, CYAN)),
        _ => words.push(paint(&format!("{}:", line.target), DIM)),
    }
    words.extend(said.map(str::to_owned));
    words.extend(take("event").map(|event| paint(event, BOLD)));
    words.extend(take("method").map(|method| paint(method, BOLD)));
    words.extend(take("path").map(str::to_owned));
    words.extend(take("status").map(|status| {
        let colour = match status.as_bytes().first() {
            Some(b'1'..=b'3') => GREEN,
            Some(b'4') => YELLOW,
            _ => RED,
        };
        paint(status, colour)
    }));
    words.extend(take("took").map(str::to_owned));
    let error = take("error").map(|error| paint(error, RED));
    words.extend(pairs.iter().map(|(key, value)| paint(&format!("{key}={value}"), DIM)));
    words.extend(error);
    let mut text = String::new();
    for word in words {
        let gap = if text.is_empty() { "" } else { " " };
        // Memory takes it all.
        let _ = write!(text, "{gap}{word}");
    }
    text
}

/// A short id is shown in full: a client may have chosen it. Of a generated one, the beginning is enough to tell it
/// from others.
fn short(id: &str) -> &str {
    if id.len() <= MAX_WHOLE_ID { id } else { id.get(..SHORTENED_ID).unwrap_or(id) }
}

/// `order` as `Order`.
fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The `key=value` pairs of a message; values without their quotes, still escaped as Rust does. `None` if the message
/// has anything else.
fn pairs(message: &str) -> Option<Vec<(&str, &str)>> {
    let mut found = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return None;
        }
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = closing_quote(quoted)?;
                (&quoted[..end], &quoted[end + 1..])
            }
            None => after.split_at(after.find(' ').unwrap_or(after.len())),
        };
        found.push((key, value));
        rest = match after.strip_prefix(' ') {
            Some(next) => next,
            None if after.is_empty() => "",
            None => return None,
        };
    }
    Some(found)
}

/// The end of a quoted text.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(level: Level, message: &str) -> String {
        render(&Line { level, target: "pasar::x", time: "2026-01-31T08:00:00Z", message }, false)
    }

    #[test]
    fn a_line_begins_with_a_short_id_and_says_who_calls_whom() {
        let made = "4bf92f3577b34da6a3ce929d0e0e4736";
        let call = format!("service=order peer=product method=GET path=/products/1 status=200 took=0.4ms id={made}");
        assert_eq!(shown(Level::Info, &call), "4bf92f35 Order → Product GET /products/1 200 0.4ms");
        let own = "service=user method=GET path=/users?x=a=b status=404 took=0.1ms by=user:2 from=127.0.0.1 id=my-first-trace";
        assert_eq!(shown(Level::Info, own), "my-first-trace User GET /users?x=a=b 404 0.1ms by=user:2 from=127.0.0.1");
    }

    #[test]
    fn a_warning_says_when_and_why() {
        let failed = r#"service=order peer=user method=GET path=/users/1 took=9.1ms attempt=1 error="it said \"no\", twice" id=abc"#;
        assert_eq!(
            shown(Level::Warn, failed),
            r#"abc      WARN 08:00:00Z Order → User GET /users/1 9.1ms attempt=1 it said \"no\", twice"#
        );
    }

    #[test]
    fn what_is_not_pairs_stays_as_it_is() {
        for message in ["events have to wait: x=1", "a", "a=\"b", "a=\"b\"c", "=b", "A b=c"] {
            assert_eq!(shown(Level::Info, message), format!("         pasar::x: {message}"));
        }
    }

    #[test]
    fn colours_are_codes_around_the_same_words() {
        let line =
            Line { level: Level::Error, target: "t", time: "", message: "service=order status=500 error=\"x\" id=a" };
        let coloured = render(&line, true);
        assert!(coloured.contains("\x1b[31m500\x1b[0m"), "{coloured}");
        let bare = ["\x1b[0m", "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[36m"].iter();
        assert_eq!(bare.fold(coloured, |text, code| text.replace(code, "")), render(&line, false));
    }
}
