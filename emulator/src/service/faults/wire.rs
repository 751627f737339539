//! Faults as JSON.

use std::time::Duration;

use serde::Deserialize;

use crate::state::{self, Whom};

/// A fault as it is asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ordered {
    /// A device or, at DPS, a registration; none for all.
    id: Option<String>,
    #[serde(flatten)]
    pub(super) fault: Fault,
    /// How often; none for ever.
    times: Option<u64>,
    /// How many occasions pass before it strikes.
    #[serde(default)]
    after: u64,
}

/// Which of the two it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Hub,
    Dps,
}

/// `{"hub": {"kind": ..}}` or `{"dps": {"kind": ..}}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Fault {
    Hub(HubFault),
    Dps(DpsFault),
}

#[derive(Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(super) enum HubFault {
    RefuseConnect {
        code: u8,
    },
    MuteConnection {},
    IgnorePing {},
    DelayPuback {
        milliseconds: u64,
    },
    WithholdPuback {},
    DuplicatePuback {},
    DuplicateMessage {},
    RefuseTwin {
        of: TwinRequest,
        status: u16,
        retry_after: Option<u64>,
    },
    DelayTwin {
        of: TwinRequest,
        milliseconds: u64,
    },
    IgnoreTwin {
        of: TwinRequest,
    },
    DropDesired {},
    CloseOn {
        publish: Stored,
        stored: bool,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum TwinRequest {
    Read,
    Report,
    Any,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Stored {
    Telemetry,
    Report,
}

#[derive(Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "camelCase",
    rename_all_fields = "camelCase",
    deny_unknown_fields
)]
pub(super) enum DpsFault {
    RefuseConnect { code: u8 },
    Refuse { error_code: u32, retry_after: Option<u64> },
    StayAssigning { retry_after: Option<u64> },
    Fail { error_code: u32, message: String },
    Disable { error_code: u32, message: String },
    Ignore {},
    Close {},
}

impl Ordered {
    pub(super) fn whom(&self) -> Whom {
        self.id.clone().map_or(Whom::All, Whom::One)
    }

    pub(super) fn when(&self) -> state::When {
        self.times
            .map_or_else(state::When::always, state::When::next)
            .after(self.after)
    }
}

impl From<HubFault> for state::HubFault {
    fn from(fault: HubFault) -> state::HubFault {
        use state::HubFault as To;
        match fault {
            HubFault::RefuseConnect { code } => To::RefuseConnect { code },
            HubFault::MuteConnection {} => To::MuteConnection,
            HubFault::IgnorePing {} => To::IgnorePing,
            HubFault::DelayPuback { milliseconds } => To::DelayPuback(Duration::from_millis(milliseconds)),
            HubFault::WithholdPuback {} => To::WithholdPuback,
            HubFault::DuplicatePuback {} => To::DuplicatePuback,
            HubFault::DuplicateMessage {} => To::DuplicateMessage,
            HubFault::RefuseTwin {
                of,
                status,
                retry_after,
            } => To::RefuseTwin {
                of: of.into(),
                status,
                retry_after,
            },
            HubFault::DelayTwin { of, milliseconds } => To::DelayTwin {
                of: of.into(),
                by: Duration::from_millis(milliseconds),
            },
            HubFault::IgnoreTwin { of } => To::IgnoreTwin { of: of.into() },
            HubFault::DropDesired {} => To::DropDesired,
            HubFault::CloseOn { publish, stored } => To::CloseOn {
                publish: publish.into(),
                stored,
            },
        }
    }
}

impl From<TwinRequest> for state::TwinRequest {
    fn from(request: TwinRequest) -> state::TwinRequest {
        match request {
            TwinRequest::Read => state::TwinRequest::Read,
            TwinRequest::Report => state::TwinRequest::Report,
            TwinRequest::Any => state::TwinRequest::Any,
        }
    }
}

impl From<Stored> for state::Stored {
    fn from(stored: Stored) -> state::Stored {
        match stored {
            Stored::Telemetry => state::Stored::Telemetry,
            Stored::Report => state::Stored::Report,
        }
    }
}

impl From<DpsFault> for state::DpsFault {
    fn from(fault: DpsFault) -> state::DpsFault {
        use state::DpsFault as To;
        match fault {
            DpsFault::RefuseConnect { code } => To::RefuseConnect { code },
            DpsFault::Refuse {
                error_code,
                retry_after,
            } => To::Refuse {
                error_code,
                retry_after,
            },
            DpsFault::StayAssigning { retry_after } => To::StayAssigning { retry_after },
            DpsFault::Fail { error_code, message } => To::Fail { error_code, message },
            DpsFault::Disable { error_code, message } => To::Disable { error_code, message },
            DpsFault::Ignore {} => To::Ignore,
            DpsFault::Close {} => To::Close,
        }
    }
}
