//! The beginning of a connection: who the client is, and that both speak AMQP 1.0.
//!
//! Source: OASIS AMQP 1.0, parts 2.2 and 5.3. The mechanisms are those of Event Hubs: MSSBCBS and ANONYMOUS let everybody in, who
//! then puts a token to `$cbs`; PLAIN takes a policy's name and its key, or a token.

use fe2o3_amqp_types::sasl::{SaslCode, SaslInit, SaslMechanisms, SaslOutcome};
use serde_amqp::primitives::{Array, Symbol};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    frame::{self, Kind},
    grants::Grants,
    shape::{self, Malformed},
    wire::{Ended, Wire},
};

const SASL: [u8; 8] = *b"AMQP\x03\x01\x00\x00";
const AMQP: [u8; 8] = *b"AMQP\x00\x01\x00\x00";

const MECHANISMS: [&str; 3] = ["MSSBCBS", "PLAIN", "ANONYMOUS"];

/// Greets a client up to where it says `open`.
pub(super) async fn greet<S: AsyncRead + AsyncWrite>(wire: &mut Wire<S>, grants: &mut Grants) -> Result<(), Ended> {
    let protocol = wire.protocol().await?;
    if protocol == AMQP {
        // Without SASL, as Microsoft's service SDK for Node begins; it says who it is to `$cbs`.
        wire.output().extend_from_slice(&AMQP);
        return Ok(());
    }
    if protocol != SASL {
        // As the standard has it: a server that does not agree says what it speaks, and goes.
        wire.output().extend_from_slice(&SASL);
        return Err(Ended::OtherProtocol);
    }
    wire.output().extend_from_slice(&SASL);
    let mechanisms = SaslMechanisms {
        sasl_server_mechanisms: Array(MECHANISMS.map(Symbol::from).to_vec()),
    };
    frame::write(wire.output(), Kind::Sasl, 0, &mechanisms, &[]);
    let body = wire.next(Kind::Sasl).await?.body;
    let length = shape::measure(&body)?;
    let init: SaslInit = serde_amqp::from_slice(body.get(..length).unwrap_or_default()).map_err(|_| Malformed)?;
    let welcome = match init.mechanism.as_str() {
        "MSSBCBS" | "ANONYMOUS" => true,
        "PLAIN" => log_in(
            init.initial_response.as_deref().map_or(&[], |bytes| bytes.as_slice()),
            grants,
        ),
        _ => false,
    };
    let outcome = SaslOutcome {
        code: if welcome { SaslCode::Ok } else { SaslCode::Auth },
        additional_data: None,
    };
    frame::write(wire.output(), Kind::Sasl, 0, &outcome, &[]);
    if !welcome {
        return Err(Ended::Refused(format!(
            "by {}, or its name or password",
            init.mechanism.as_str()
        )));
    }
    let protocol = wire.protocol().await?;
    wire.output().extend_from_slice(&AMQP);
    if protocol == AMQP {
        Ok(())
    } else {
        Err(Ended::OtherProtocol)
    }
}

/// RFC 4616: who to act as, the name, the password, each after a zero.
fn log_in(response: &[u8], grants: &mut Grants) -> bool {
    let mut parts = response.split(|byte| *byte == 0).skip(1).map(std::str::from_utf8);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(user)), Some(Ok(password)), None) => grants.log_in(user, password),
        _ => false,
    }
}
