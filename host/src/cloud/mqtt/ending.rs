//! Why a session ends, told apart by what can be done about it.

use std::error::Error;
use std::io;

use rumqttc::ConnectReturnCode;
use rustls::AlertDescription;

use super::wire::Broken;
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
pub(super) fn is_closed_by_peer(error: &Broken) -> bool {
    match error {
        Broken::Ended => true,
        Broken::Io(error) => matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe
        ),
        _ => false,
    }
}

/// The transport's error, when it is one.
pub(super) fn io_error(error: &Broken) -> Option<&io::Error> {
    match error {
        Broken::Io(error) => Some(error),
        _ => None,
    }
}

/// An error of the session as people read it.
pub(super) fn broken(error: &Broken) -> String {
    match error {
        Broken::Io(error) => in_words(error),
        error => in_words(error),
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
        assert!(is_closed_by_peer(&Broken::Ended));
        for kind in [
            io::ErrorKind::UnexpectedEof,
            io::ErrorKind::ConnectionReset,
            io::ErrorKind::BrokenPipe,
        ] {
            assert!(is_closed_by_peer(&Broken::Io(kind.into())), "{kind:?}");
        }
    }

    #[test]
    fn everything_else_is_not() {
        let garbled = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        for error in [
            Broken::Io(io::ErrorKind::TimedOut.into()),
            Broken::Io(io::ErrorKind::HostUnreachable.into()),
            Broken::Io(garbled),
            Broken::Silence(std::time::Duration::from_secs(90)),
            Broken::Packet(rumqttc::Error::MalformedPacket),
            Broken::Over,
        ] {
            assert!(!is_closed_by_peer(&error), "{error:?}");
        }
    }
}
