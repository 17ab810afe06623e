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

/// How long a user's token counts.
pub const LIFE: Duration = Duration::from_secs(15 * 60);
/// How long a ticket opens a live stream.
pub const TICKET_LIFE: Duration = Duration::from_secs(30);
/// How far two machines' clocks may be apart.
pub const LEEWAY: Duration = Duration::from_secs(5);
/// How long a service's token counts.
pub const SERVICE_LIFE: Duration = Duration::from_secs(60);
/// The shortest secret, in bytes: as long as what it makes (RFC 7518, 3.2).
const SHORTEST: usize = 32;

const ISSUER: &str = "pasar";
/// The audience of users' tokens. That of a service's token is the one service that it is for, so that
/// what one service was shown opens no other.
const SHOP: &str = "pasar";
/// The audience of tickets, which stand in addresses: they are good for nothing else.
const STREAM: &str = "pasar/stream";

/// What tokens are signed with. It is not shown, not even to developers.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// The secret that somebody chose; an error says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        match text.len() {
            SHORTEST.. => Ok(Self(text.as_bytes().to_vec())),
            length => Err(format!("a secret has at least {SHORTEST} bytes, this one has {length}")),
        }
    }

    /// The secret in `file`; where there is none, a fresh one is put there, for nobody else to read. If others can
    /// read it, it is refused where it must be `private`, else the log says so.
    pub fn in_file(file: &Path, private: bool) -> anyhow::Result<Self> {
        let folder = files::parent(file);
        if !file.try_exists()? {
            let mut bytes = [0; SHORTEST];
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
        // A token that was given must count after a power loss. Another process may have put the file there, and
        // not have come so far.
        files::sync_folder(folder)?;
        let text = std::fs::read_to_string(file)?;
        let secret = Self::new(text.trim()).map_err(anyhow::Error::msg)?;
        if let Some(Exposure { why, cure }) = files::exposure(file)? {
            let exposure =
                format!("{why}, and so make tokens: {cure} it, remove it for a fresh one, or set JWT_SECRET");
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
    /// A user's id; of a service's token `pasar`.
    sub: String,
    /// Of a user; absent in a service's token.
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<Role>,
    /// The version of the user's credentials; absent in a service's token.
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

    /// A token of a user, which counts for [`LIFE`].
    pub fn of_user(&self, id: UserId, role: Role, version: i64) -> Result<String> {
        self.make(SHOP, id.to_string(), Some((role, version)), LIFE)
    }

    /// A ticket for a live stream, which counts for [`TICKET_LIFE`].
    pub fn ticket(&self, id: UserId, role: Role, version: i64) -> Result<String> {
        self.make(STREAM, id.to_string(), Some((role, version)), TICKET_LIFE)
    }

    /// A token of one of our services for `peer` alone, which counts for [`SERVICE_LIFE`].
    pub fn of_service(&self, peer: &str) -> Result<String> {
        self.make(peer, "pasar".to_owned(), None, SERVICE_LIFE)
    }

    /// By the system's clock, not by [`Clock`](crate::clock::Clock): what checks the times reads that, too.
    fn make(&self, audience: &str, sub: String, user: Option<(Role, i64)>, life: Duration) -> Result<String> {
        let now = UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        let (iss, aud) = (ISSUER.to_owned(), audience.to_owned());
        let (role, version) = user.unzip();
        let claims = Claims { iss, aud, sub, role, version, iat: now, nbf: now, exp: now + life.as_secs() };
        encode(&Header::new(Algorithm::HS256), &claims, &self.0.signing).map_err(Error::internal)
    }

    /// Whom a token speaks for, at a server that answers for `services`.
    pub fn read(&self, token: &str, services: &[&str]) -> Result<Principal> {
        let audiences = [&[SHOP], services].concat();
        let claims = self.check(token, &audiences)?;
        match (claims.role, claims.version) {
            _ if claims.aud == SHOP => claims.user(),
            (None, None) => Ok(Principal::Service),
            _ => Err(Error::new(&TOKEN_INVALID)),
        }
    }

    /// Whom a ticket for a live stream speaks for.
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
