//! Why a session ends, told apart by what can be done about it.

use std::error::Error;
use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError};
use rustls::AlertDescription;

use crate::cloud::dial::tls_error;

/// What a CONNACK with a refusal means.
pub(super) enum Refusal {
    /// It stays refused.
    Final(&'static str),
    /// Another try may do.
    ForNow(&'static str),
}

/// What a CONNACK code means. After 4 and 5 the Python SDK gives up for good, after 3 it tries again.
pub(super) fn refusal(code: ConnectReturnCode) -> Refusal {
    match code {
        ConnectReturnCode::RefusedProtocolVersion => Refusal::Final("code 1, MQTT 3.1.1 is not spoken there"),
        ConnectReturnCode::BadClientId => Refusal::Final("code 2, the client id is not accepted"),
        ConnectReturnCode::BadUserNamePassword => Refusal::Final("code 4, bad user name or password"),
        ConnectReturnCode::NotAuthorized => Refusal::Final("code 5, not authorized"),
        ConnectReturnCode::ServiceUnavailable => Refusal::ForNow("refused with code 3, the service is unavailable"),
        ConnectReturnCode::Success => Refusal::ForNow("accepted and yet refused"),
    }
}

/// Whether the other side has closed the connection, rather than that it broke: the end of the stream, with TLS's goodbye or
/// without, or a reset. That holds for writing too: a peer that has gone answers with a reset, and from then on the pipe is
/// broken.
pub(super) fn is_closed_by_peer(error: &ConnectionError) -> bool {
    match io_error(error) {
        Some(error) => matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
        ),
        None => matches!(error, ConnectionError::MqttState(StateError::ConnectionAborted)),
    }
}

/// The transport's error, when it is one.
pub(super) fn io_error(error: &ConnectionError) -> Option<&io::Error> {
    match error {
        ConnectionError::Io(error)
        | ConnectionError::MqttState(StateError::Io(error) | StateError::Deserialization(rumqttc::Error::Io(error))) => {
            Some(error)
        }
        _ => None,
    }
}

/// A client's error as people read it: the transport's own words when they are known.
pub(super) fn client_error(error: &ConnectionError) -> String {
    match io_error(error) {
        Some(error) => in_words(error),
        None => in_words(error),
    }
}

/// What a TLS alert says of the client's certificate, when it is about that.
pub(in crate::cloud) fn verdict_on_client(error: &io::Error) -> Option<String> {
    let Some(rustls::Error::AlertReceived(alert)) = tls_error(error) else {
        return None;
    };
    let said = match alert {
        AlertDescription::CertificateRequired => "it asks for a certificate, and the device has none",
        AlertDescription::CertificateExpired => "the device's certificate has expired",
        AlertDescription::CertificateRevoked => "the device's certificate was revoked",
        AlertDescription::UnknownCA => "the authority of the device's certificate is not known there",
        AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied => "the device's certificate is not accepted",
        _ => return None,
    };
    Some(format!("{said} (TLS alert {alert:?})"))
}

/// An error with its causes, where they say more than it does.
pub(in crate::cloud) fn in_words(error: &dyn Error) -> String {
    let mut text = error.to_string();
    // rustls names a page of its documentation, which is for programmers, when a server just closes the connection.
    if text.contains("close_notify") {
        return "the server closed the connection".to_owned();
    }
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text = format!("{text}: {said}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn while_reading(error: io::Error) -> ConnectionError {
        ConnectionError::MqttState(StateError::Deserialization(rumqttc::Error::Io(error)))
    }

    #[test]
    fn only_an_unavailable_service_is_refused_for_now() {
        for code in [
            ConnectReturnCode::RefusedProtocolVersion,
            ConnectReturnCode::BadClientId,
            ConnectReturnCode::BadUserNamePassword,
            ConnectReturnCode::NotAuthorized,
        ] {
            assert!(matches!(refusal(code), Refusal::Final(_)), "{code:?}");
        }
        assert!(matches!(
            refusal(ConnectReturnCode::ServiceUnavailable),
            Refusal::ForNow(_)
        ));
    }

    #[test]
    fn the_end_of_the_stream_and_a_reset_are_the_peers_doing() {
        assert!(is_closed_by_peer(&ConnectionError::MqttState(
            StateError::ConnectionAborted
        )));
        for kind in [
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe,
        ] {
            assert!(is_closed_by_peer(&while_reading(kind.into())), "{kind:?}");
            assert!(is_closed_by_peer(&ConnectionError::Io(kind.into())), "{kind:?}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        for error in [
            while_reading(io::ErrorKind::TimedOut.into()),
            while_reading(io::ErrorKind::HostUnreachable.into()),
            while_reading(io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError)),
            ConnectionError::FlushTimeout,
            ConnectionError::MqttState(StateError::Unsolicited(7)),
        ] {
            assert!(!is_closed_by_peer(&error), "{error:?}");
        }
    }
}
