//! [`Failure`]: why a call has no answer that can be used.

/// Why an attempt has no usable answer.
pub(super) enum Failure {
    /// The peer is unwell: it refuses connections, hangs, loses the connection, fails (5xx), or answers nonsense.
    Unhealthy(anyhow::Error),
    /// It answered properly, but with nothing that the caller understands. The request of one client may be the
    /// cause, so it must not count against the peer.
    NotUnderstood(anyhow::Error),
}

impl Failure {
    pub fn cause(&self) -> &anyhow::Error {
        match self {
            Self::Unhealthy(cause) | Self::NotUnderstood(cause) => cause,
        }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Unhealthy(error.into())
    }
}
