//! Why the hub refused: status, code and name as the real one gives them.

use setpoint_protocol::twin::TwinError;

use super::Throttle;

/// A refusal by the hub. Status, code and name follow Microsoft's "Understand and resolve Azure IoT Hub errors" and the C# SDK's `ErrorCode`; the text is ours and
/// says what to do next. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// 404001: no device of this id.
    #[error("device {0} is not registered: create it or provision it first")]
    DeviceNotFound(String),
    /// 404010: no module of this name (`device/module`).
    #[error("module {0} is not registered: create it on its device first")]
    ModuleNotFound(String),
    /// 404103: the device is not connected, or does not listen for methods, and did not within the connect timeout.
    #[error("device {0} is not online: it must be connected and subscribed to methods")]
    DeviceNotOnline(String),
    /// 504101: the device took the call and did not answer within the response timeout.
    #[error("device {0} did not answer within the response timeout")]
    GatewayTimeout(String),
    /// 502100: the device answered a method with something that is not JSON.
    #[error("device {0} answered with a payload that is not JSON")]
    BadDeviceResponse(String),
    /// 409001: a device of this id exists.
    #[error("device {0} exists already: choose another id, or delete it first")]
    DeviceAlreadyExists(String),
    /// 409301: a module of this name exists.
    #[error("module {0} exists already: choose another id, or delete it first")]
    ModuleAlreadyExists(String),
    /// 413003: 50 modules are on the device already.
    #[error("device {0} has 50 modules: delete one before another is created")]
    TooManyModules(String),
    /// 413002: too many identities in one call.
    #[error("{0}")]
    TooManyDevices(String),
    /// 412002: what was received is not the receiver's any more, or never was.
    #[error("the lock token is not valid, or no longer: receive again")]
    LockLost,
    /// 412001: If-Match names an ETag that is not the current one.
    #[error("the ETag does not match: {0} was changed meanwhile, read it again")]
    PreconditionFailed(String),
    /// 413001: too large for the limit named.
    #[error("{0}")]
    TooLarge(String),
    /// 400004: an argument the hub does not take.
    #[error("{0}")]
    InvalidArgument(String),
    /// 403004: 50 messages wait for the device already.
    #[error("device {0} has 50 messages waiting: it must take some before more can be sent")]
    QueueFull(String),
    /// 429001: there is too much of it.
    #[error("too many {0} for this hub: wait and try again, or start the emulator without this throttle")]
    Throttled(Throttle),
    /// 500001: the machine has no randomness to make keys from.
    #[error("cannot make keys: the system gives no random bytes")]
    NoRandomness,
}

impl HubError {
    /// The HTTP status the service API answers with, 400..=504.
    pub fn status(&self) -> u16 {
        u16::try_from(self.code() / 1000).unwrap_or(500)
    }

    /// The hub's six-digit error code; its first three digits are the status.
    pub fn code(&self) -> u32 {
        match self {
            HubError::InvalidArgument(_) => 400_004,
            HubError::QueueFull(_) => 403_004,
            HubError::DeviceNotFound(_) => 404_001,
            HubError::ModuleNotFound(_) => 404_010,
            HubError::DeviceNotOnline(_) => 404_103,
            HubError::DeviceAlreadyExists(_) => 409_001,
            HubError::ModuleAlreadyExists(_) => 409_301,
            HubError::PreconditionFailed(_) => 412_001,
            HubError::LockLost => 412_002,
            HubError::TooLarge(_) => 413_001,
            HubError::TooManyDevices(_) => 413_002,
            HubError::TooManyModules(_) => 413_003,
            HubError::Throttled(_) => 429_001,
            HubError::NoRandomness => 500_001,
            HubError::BadDeviceResponse(_) => 502_100,
            HubError::GatewayTimeout(_) => 504_101,
        }
    }

    /// The name real bodies carry as `ErrorCode:{name};..`.
    pub fn name(&self) -> &'static str {
        match self {
            HubError::InvalidArgument(_) => "ArgumentInvalid",
            HubError::QueueFull(_) => "DeviceMaximumQueueDepthExceeded",
            HubError::DeviceNotFound(_) => "DeviceNotFound",
            HubError::ModuleNotFound(_) => "ModuleNotFound",
            HubError::DeviceNotOnline(_) => "DeviceNotOnline",
            HubError::DeviceAlreadyExists(_) => "DeviceAlreadyExists",
            HubError::ModuleAlreadyExists(_) => "ModuleAlreadyExistsOnDevice",
            HubError::PreconditionFailed(_) => "PreconditionFailed",
            HubError::LockLost => "DeviceMessageLockLost",
            HubError::TooLarge(_) => "MessageTooLarge",
            HubError::TooManyDevices(_) => "TooManyDevices",
            HubError::TooManyModules(_) => "TooManyModulesOnDevice",
            HubError::Throttled(_) => "ThrottlingException",
            HubError::NoRandomness => "ServerError",
            HubError::BadDeviceResponse(_) => "BadDeviceResponseFormat",
            HubError::GatewayTimeout(_) => "GatewayTimeout",
        }
    }
}

impl From<TwinError> for HubError {
    fn from(error: TwinError) -> HubError {
        match error {
            TwinError::TooLarge(_) => HubError::TooLarge(error.to_string()),
            _ => HubError::InvalidArgument(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_the_front_of_the_code() {
        assert_eq!(HubError::DeviceNotOnline("a".into()).status(), 404);
        assert_eq!(HubError::GatewayTimeout("a".into()).status(), 504);
        assert_eq!(HubError::PreconditionFailed("a".into()).status(), 412);
    }
}
