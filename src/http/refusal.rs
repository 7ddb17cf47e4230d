//! Why bytes are not a request that we take.

use super::Answer;

/// The peer's fault, or a wish that we do not fulfil. The connection ends with it: after broken
/// framing nobody knows where the next request would begin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// 400: not HTTP, or ambiguous about where it ends.
    #[error("bad request: {0}")]
    Bad(&'static str),
    /// 413: beyond [`crate::limits::HTTP_BODY_BYTES_MAX`], as sent or inflated.
    #[error("the body is too large")]
    BodyTooLarge,
    /// 415: a `Content-Encoding` other than gzip.
    #[error("the content coding is not supported")]
    ContentCoding,
    /// 417: an `Expect` other than `100-continue`.
    #[error("the expectation cannot be met")]
    Expectation,
    /// 431: beyond [`crate::limits::HTTP_HEAD_BYTES_MAX`] or [`crate::limits::HTTP_HEADERS_MAX`].
    #[error("the head is too large")]
    HeadTooLarge,
    /// 501: a `Transfer-Encoding` other than chunked.
    #[error("the transfer coding is not supported")]
    TransferCoding,
    /// 505: neither HTTP/1.0 nor HTTP/1.1.
    #[error("the HTTP version is not supported")]
    Version,
}

impl Refusal {
    /// The status code to answer with.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::Bad(_) => 400,
            Self::BodyTooLarge => 413,
            Self::ContentCoding => 415,
            Self::Expectation => 417,
            Self::HeadTooLarge => 431,
            Self::TransferCoding => 501,
            Self::Version => 505,
        }
    }

    /// The answer, which ends the connection.
    #[must_use]
    pub fn answer(self) -> Answer {
        let answer = Answer::text(self.status(), &self.to_string()).closing();
        match self {
            Self::ContentCoding => answer.with("Accept-Encoding", "gzip"),
            _ => answer,
        }
    }
}
