//! Tokens: JSON Web Tokens (RFC 7519) signed with HMAC-SHA256, and the secret that they are signed with.

use std::fmt;
use std::io::{ErrorKind as IoErrorKind, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::bail;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};

use super::principal::{Principal, Role, UserPrincipal};
use crate::domain::UserId;
use crate::error::{Error, Result, TOKEN_EXPIRED, TOKEN_INVALID};
use crate::storage::files::{self, Exposure};

/// How long a user's token is valid.
pub const TOKEN_TTL: Duration = Duration::from_secs(15 * 60);
/// How long a ticket for a live stream is valid.
pub const TICKET_TTL: Duration = Duration::from_secs(30);
/// How far the clocks of two machines may be apart.
pub const LEEWAY: Duration = Duration::from_secs(5);
/// How long a service's token is valid.
pub const SERVICE_TOKEN_TTL: Duration = Duration::from_secs(60);
const _: () = assert!(
    TICKET_TTL.as_millis() <= TOKEN_TTL.as_millis(),
    "a revocation is kept as long as a token is valid, and must outlast the tickets too"
);
/// The shortest secret, in bytes: as long as a signature (RFC 7518, 3.2).
const MIN_SECRET_BYTES: usize = 32;

const ISSUER: &str = "pasar";
/// The audience of users' tokens. The audience of a service's token is the one service that it is for: that service
/// can't use it to call another.
const SHOP: &str = "pasar";
/// The audience of tickets. A ticket is sent in a URL, which may be logged, so it only opens live streams.
const STREAM: &str = "pasar/stream";

/// The key that signs tokens. `Debug` does not show it.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A secret from the settings. An error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        match text.len() {
            MIN_SECRET_BYTES.. => Ok(Self(text.as_bytes().to_vec())),
            length => Err(format!("a secret has at least {MIN_SECRET_BYTES} bytes, this one has {length}")),
        }
    }

    /// The secret in `file`. If there is no such file, it is created with a random secret, readable by its owner
    /// alone. If others can read the file, it is refused when it must be `private`; otherwise a warning is logged.
    pub fn in_file(file: &Path, private: bool) -> anyhow::Result<Self> {
        let folder = files::parent(file);
        if !file.try_exists()? {
            let mut bytes = [0; MIN_SECRET_BYTES];
            getrandom::fill(&mut bytes)?;
            let mut fresh = tempfile::NamedTempFile::new_in(folder)?;
            fresh.write_all(BASE64.encode(bytes).as_bytes())?;
            fresh.as_file().sync_all()?;
            match fresh.persist_noclobber(file) {
                // Another process was faster; its secret is as good.
                Err(error) if error.error.kind() != IoErrorKind::AlreadyExists => return Err(error.error.into()),
                _ => {}
            }
        }
        // A token must stay valid after a power loss. The process that created the file may not have synced the
        // folder yet.
        files::sync_folder(folder)?;
        let text = std::fs::read_to_string(file)?;
        let secret = Self::new(text.trim()).map_err(anyhow::Error::msg)?;
        if let Some(Exposure { why, remedy }) = files::exposure(file)? {
            let exposure =
                format!("{why}, and so make tokens: {remedy} it, remove it for a fresh one, or set JWT_SECRET");
            if private {
                bail!(exposure);
            }
            log::warn!("{}: {exposure}", file.display());
        }
        Ok(secret)
    }
}

/// What a token says.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// A user's id, or `pasar` in a service's token.
    sub: String,
    /// The user's role. Absent in a service's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// The version of the user's credentials. Absent in a service's token.
    #[serde(rename = "ver", skip_serializing_if = "Option::is_none")]
    version: Option<i64>,
    /// Epoch seconds.
    iat: u64,
    nbf: u64,
    exp: u64,
}

/// Makes tokens and reads them. Clones share the key.
#[derive(Clone)]
pub struct Tokens(Arc<Keys>);

struct Keys {
    signing: EncodingKey,
    checking: DecodingKey,
}

impl Tokens {
    pub fn new(Secret(secret): &Secret) -> Self {
        Self(Arc::new(Keys { signing: EncodingKey::from_secret(secret), checking: DecodingKey::from_secret(secret) }))
    }

    /// A user's token, valid for [`TOKEN_TTL`].
    pub fn of_user(&self, id: UserId, role: Role, version: i64) -> Result<String> {
        self.make(SHOP, id.to_string(), Some((role, version)), TOKEN_TTL)
    }

    /// A user's ticket for a live stream, valid for [`TICKET_TTL`].
    pub fn ticket(&self, id: UserId, role: Role, version: i64) -> Result<String> {
        self.make(STREAM, id.to_string(), Some((role, version)), TICKET_TTL)
    }

    /// A service's token, which only `peer` accepts, valid for [`SERVICE_TOKEN_TTL`].
    pub fn of_service(&self, peer: &str) -> Result<String> {
        self.make(peer, "pasar".to_owned(), None, SERVICE_TOKEN_TTL)
    }

    /// Uses the system's clock, not [`Clock`](crate::clock::Clock), because the library that checks tokens does.
    fn make(&self, audience: &str, sub: String, user: Option<(Role, i64)>, ttl: Duration) -> Result<String> {
        let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let (iss, aud) = (ISSUER.to_owned(), audience.to_owned());
        let (role, version) = user.unzip();
        let claims = Claims { iss, aud, sub, role, version, iat: now, nbf: now, exp: now + ttl.as_secs() };
        encode(&Header::new(Algorithm::HS256), &claims, &self.0.signing).map_err(Error::internal)
    }

    /// The principal of a token, on a server that runs `services`; [`TOKEN_EXPIRED`] or [`TOKEN_INVALID`] otherwise.
    pub fn read(&self, token: &str, services: &[&str]) -> Result<Principal> {
        let audiences = [&[SHOP], services].concat();
        let claims = self.check(token, &audiences)?;
        match (claims.role, claims.version) {
            _ if claims.aud == SHOP => claims.user(),
            (None, None) => Ok(Principal::Service),
            _ => Err(Error::new(&TOKEN_INVALID)),
        }
    }

    /// The principal of a ticket for a live stream; [`TOKEN_EXPIRED`] or [`TOKEN_INVALID`] otherwise.
    pub fn read_ticket(&self, ticket: &str) -> Result<Principal> {
        self.check(ticket, &[STREAM])?.user()
    }

    fn check(&self, token: &str, audiences: &[&str]) -> Result<Claims> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(audiences);
        rules.validate_nbf = true;
        rules.leeway = LEEWAY.as_secs();
        decode(token, &self.0.checking, &rules).map(|token| token.claims).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => Error::new(&TOKEN_EXPIRED),
            _ => Error::new(&TOKEN_INVALID),
        })
    }
}

impl Claims {
    fn user(&self) -> Result<Principal> {
        match (self.sub.parse().ok(), self.role, self.version) {
            (Some(id), Some(role), Some(version)) => Ok(Principal::User(UserPrincipal { id, role, version })),
            _ => Err(Error::new(&TOKEN_INVALID)),
        }
    }
}
