//! What a DPS can do wrong.

use super::Faults;

/// Something DPS does wrong to a device that registers. A request is a registration or a poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DpsFault {
    /// Refuses a CONNECT with this code, 1 to 5; other codes are taken for 3, server unavailable.
    RefuseConnect {
        /// The CONNACK's return code.
        code: u8,
    },
    /// Refuses a request, without a look at it.
    Refuse {
        /// The status and three digits more: 429001, 500000, 503000, 401002, 403000, 404201.
        error_code: u32,
        /// Seconds, told in the answer when there are some.
        retry_after: Option<u64>,
    },
    /// Answers a poll that the assignment is still under way.
    StayAssigning {
        /// Seconds to the next poll, told in the answer when there are some.
        retry_after: Option<u64>,
    },
    /// Takes a registration that will come to nothing: the polls that follow say `failed`, with this.
    Fail {
        /// As in [`DpsFault::Refuse`].
        error_code: u32,
        /// In words.
        message: String,
    },
    /// Takes a registration that will come to nothing: the polls that follow say `disabled`, with this.
    Disable {
        /// As in [`DpsFault::Refuse`].
        error_code: u32,
        /// In words.
        message: String,
    },
    /// Never answers a request, which it does not carry out.
    Ignore,
    /// Closes the connection over a request, which it does not carry out.
    Close,
}

/// What becomes of a request before it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestFault {
    Refuse { error_code: u32, retry_after: Option<u64> },
    StayAssigning { retry_after: Option<u64> },
    Ignore,
    Close,
}

impl Faults<DpsFault> {
    /// A device says CONNECT: the code to refuse it with.
    pub(crate) fn on_connect(&self, registration_id: &str) -> Option<u8> {
        self.take(registration_id, |fault| match fault {
            DpsFault::RefuseConnect { code } => Some(*code),
            _ => None,
        })
    }

    /// A request came.
    pub(crate) fn on_request(&self, registration_id: &str, is_poll: bool) -> Option<RequestFault> {
        self.take(registration_id, |fault| match *fault {
            DpsFault::Refuse {
                error_code,
                retry_after,
            } => Some(RequestFault::Refuse {
                error_code,
                retry_after,
            }),
            DpsFault::StayAssigning { retry_after } if is_poll => Some(RequestFault::StayAssigning { retry_after }),
            DpsFault::Ignore => Some(RequestFault::Ignore),
            DpsFault::Close => Some(RequestFault::Close),
            _ => None,
        })
    }

    /// A registration would be assigned: why it will not be.
    pub(in crate::state) fn on_assignment(&self, registration_id: &str) -> Option<DpsFault> {
        self.take(registration_id, |fault| {
            matches!(fault, DpsFault::Fail { .. } | DpsFault::Disable { .. }).then(|| fault.clone())
        })
    }
}
