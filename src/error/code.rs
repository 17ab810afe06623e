//! [`Code`]: an entry of the catalogue of errors.

use crate::domain::Sentence;

/// The kind of a failure; `web` maps each to one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is malformed: not JSON, a wrong type, a bad query or header.
    BadRequest,
    /// The principal is unknown: no token, or one that is not valid.
    Unauthorized,
    /// The principal may not do this.
    Forbidden,
    NotFound,
    MethodNotAllowed,
    /// The client did not finish its request in time.
    Timeout,
    /// In conflict with the current state: taken, changed, in use.
    Conflict,
    /// Another request with the same key is in progress. A later retry may succeed.
    UnderWay,
    TooLarge,
    UnsupportedMediaType,
    /// Sent to a host that this server does not answer for.
    Misdirected,
    /// A rule is broken, or a field is missing or unknown.
    Invalid,
    /// Too many requests. A later retry may succeed.
    TooMany,
    /// Temporary: a full queue or disk, a peer that is down. A later retry may succeed.
    Unavailable,
    /// A bug of ours.
    Internal,
}

/// An entry of the catalogue: an error that clients can tell from others by [`Code::name`].
#[derive(Debug)]
pub struct Code {
    /// Stable, snake_case; the `code` of a problem document.
    pub name: &'static str,
    pub kind: Kind,
    /// The sentence for people, in their language.
    pub message: Sentence,
    /// Why it happens, for developers.
    pub cause: Sentence,
    /// What to do about it, for developers.
    pub remedy: Sentence,
}
