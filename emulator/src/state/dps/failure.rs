//! Why DPS does not do what it was asked.

use super::super::HubError;

/// A refusal of the service API or of a registration. The code's first three digits are the HTTP status, as "Troubleshoot with Azure
/// IoT Hub Device Provisioning Service" lists them. 401002, 404201 and 404202 are the real service's; where it documents no
/// more than the status, the rest is IoT Hub's for the same thing. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DpsError {
    /// 400004: something in the request is not as it must be.
    #[error("{0}")]
    Invalid(String),
    /// 401002: no valid token or certificate. Says nothing more, so that nobody can probe.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// 404201: no such enrolment, or a device that nobody enrolled.
    #[error("{0}")]
    NotEnrolled(String),
    /// 404202: no registration, operation or DPS of this name.
    #[error("{0}")]
    NotFound(String),
    /// 405001: the path is there, and not for this method.
    #[error("{0}")]
    Method(String),
    /// 409001: there is one already.
    #[error("{0} exists already: to change it, send its ETag, or *, in If-Match")]
    Exists(String),
    /// 412001: If-Match names an ETag that is not the current one.
    #[error("the ETag does not match: {0} was changed meanwhile, read it again")]
    Precondition(String),
    /// 415001: the body is not JSON, as its content type says.
    #[error("the body must be application/json")]
    MediaType,
    /// 429001: too many requests; the number is after how many seconds to try again.
    #[error("too many {what}: try again in {retry_after} s")]
    Throttled {
        /// What there were too many of.
        what: &'static str,
        /// Seconds.
        retry_after: u64,
    },
    /// What a hub said.
    #[error(transparent)]
    Hub(#[from] HubError),
}

impl DpsError {
    /// Six digits.
    pub fn code(&self) -> u32 {
        match self {
            DpsError::Invalid(_) => 400_004,
            DpsError::Unauthorized(_) => 401_002,
            DpsError::NotEnrolled(_) => 404_201,
            DpsError::NotFound(_) => 404_202,
            DpsError::Method(_) => 405_001,
            DpsError::Exists(_) => 409_001,
            DpsError::Precondition(_) => 412_001,
            DpsError::MediaType => 415_001,
            DpsError::Throttled { .. } => 429_001,
            DpsError::Hub(error) => error.code(),
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        u16::try_from(self.code() / 1000).unwrap_or(500)
    }

    /// After how many seconds to try again, when that is known.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            DpsError::Throttled { retry_after, .. } => Some(*retry_after),
            _ => None,
        }
    }
}
