//! Calls somebody before it does anything else.

use setpoint_guest::{Device, Host, StartReason};
use std::net::TcpStream;

/// The device.
pub struct Caller;

impl Device for Caller {
    const MODEL_ID: &'static str = "dtmi:com:example:Caller;1";

    fn start(_: &mut impl Host, _: StartReason, _: Option<Vec<u8>>) -> Result<Self, String> {
        TcpStream::connect("127.0.0.1:80")
            .map(|_| Caller)
            .map_err(|error| error.to_string())
    }
}

setpoint_guest::export!(Caller);
