//! Problem documents (RFC 9457) of other services.

use serde::{Deserialize, Deserializer};

/// How much is kept of a peer's `detail`, in characters.
const MAX_DETAIL_CHARS: usize = 200;

/// The members of a problem document that matter to a caller. A stranger wrote them: they are kept short and on one
/// line, as they may reach a log.
#[derive(Deserialize)]
pub struct Problem {
    pub code: String,
    #[serde(default, deserialize_with = "words")]
    pub detail: String,
}

fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.chars().filter(|c| !c.is_control()).take(MAX_DETAIL_CHARS).collect())
}
