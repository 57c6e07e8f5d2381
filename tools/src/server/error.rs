//! Why a server did not do what a command wanted.

use serde::Deserialize;

/// Why a server did not do what a command wanted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServerError {
    /// An address that is none.
    #[error("--server is an address such as https://heatmap.example, not {0:?}")]
    Address(String),
    /// Nobody said who asks.
    #[error("a server wants a token: --token, or the variable HEATGRID_TOKEN")]
    NoToken,
    /// The connection failed.
    #[error("{server}: {source}")]
    Connection {
        /// The server.
        server: String,
        /// What the connection said.
        source: Box<ureq::Error>,
    },
    /// The server refused.
    #[error("{server}: {refusal}")]
    Refused {
        /// The server.
        server: String,
        /// What it said.
        refusal: Refusal,
    },
    /// What came back is not what this version knows.
    #[error("{server}: the answer is not that of a heatgrid server of this version")]
    Answer {
        /// The server.
        server: String,
    },
    /// A job ended otherwise than well.
    #[error("{server}: the job ended as {state}: {reason}")]
    Job {
        /// The server.
        server: String,
        /// How it ended.
        state: String,
        /// Why.
        reason: String,
    },
    /// A site that is there was to be made with other settings.
    #[error("site {0} is there with other settings; leave the options out, or change the site first")]
    OtherSettings(String),
    /// No random bytes for an idempotency key.
    #[error("no random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// What a server says when it refuses: a problem as in RFC 9457.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: u16,
    /// What is wrong, and what to do.
    #[serde(default)]
    pub(crate) detail: String,
    /// Line of a bulk request, from 1.
    #[serde(default)]
    pub(crate) line: Option<u64>,
    /// Seconds after which it may be tried again.
    #[serde(skip)]
    pub(crate) retry_after_seconds: Option<u64>,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        match self.detail.as_str() {
            "" => write!(f, "HTTP status {}", self.status),
            detail => write!(f, "{detail} (HTTP status {})", self.status),
        }
    }
}

impl ServerError {
    /// Whether the command was asked wrongly.
    pub(crate) fn is_usage(&self) -> bool {
        match self {
            ServerError::Address(_) | ServerError::NoToken => true,
            ServerError::Refused { refusal, .. } => matches!(refusal.status, 400 | 422),
            _ => false,
        }
    }

    /// The same with the line of a request as that of the file, of which the request's first line is the
    /// `first_line`th.
    pub(super) fn with_lines_from(mut self, first_line: u64) -> ServerError {
        if let ServerError::Refused { refusal: Refusal { line: Some(line), .. }, .. } = &mut self {
            *line += first_line - 1;
        }
        self
    }

    /// After how many seconds the same call may go through, if it may.
    pub(crate) fn may_pass_after(&self) -> Option<u64> {
        match self {
            ServerError::Connection { .. } => Some(1),
            ServerError::Refused { refusal, .. } if matches!(refusal.status, 429 | 503) => {
                Some(refusal.retry_after_seconds.unwrap_or(1))
            }
            _ => None,
        }
    }
}
