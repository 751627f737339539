//! A tunnel through an HTTP proxy: CONNECT, as in RFC 9110, 9.3.6.

use setpoint_protocol::endpoint::Endpoint;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Proxy;

/// Proxies answer with a few hundred bytes.
const LONGEST_ANSWER: usize = 16 * 1024;

/// How much of a proxy's own words an error shows, in characters.
const SHOWN: usize = 80;

/// Has the proxy, to which `stream` leads, open a tunnel to `endpoint`, which has a port. An error is a sentence that names the
/// proxy.
pub(super) async fn tunnel(proxy: &Proxy, stream: &mut TcpStream, endpoint: &Endpoint) -> Result<(), String> {
    let mut request = format!("CONNECT {endpoint} HTTP/1.1\r\nHost: {endpoint}\r\n");
    if let Some(authorization) = &proxy.authorization {
        request.push_str("Proxy-Authorization: ");
        request.push_str(authorization);
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let request = zeroize::Zeroizing::new(request);
    let broken = |error: std::io::Error| format!("the proxy {proxy} broke off: {error}");
    stream.write_all(request.as_bytes()).await.map_err(broken)?;

    // Byte by byte, since what follows the answer's end is the tunnel's.
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == LONGEST_ANSWER {
            return Err(format!("the proxy {proxy} gives an answer without end"));
        }
        answer.push(stream.read_u8().await.map_err(broken)?);
    }
    let answer = String::from_utf8_lossy(&answer);
    let line = answer.lines().next().unwrap_or_default();
    match status(line) {
        Some(200..=299) => Ok(()),
        Some(status) => Err(format!(
            "the proxy {proxy} answered {}{}",
            shown(line),
            advice(status, proxy.authorization.is_some())
        )),
        None => Err(format!("what answers at {proxy} is no HTTP proxy")),
    }
}

/// The status in `HTTP/1.1 200 Connection established`.
fn status(line: &str) -> Option<u16> {
    let (version, rest) = line.split_once(' ')?;
    let status = rest.split(' ').next()?;
    version.starts_with("HTTP/1.").then(|| status.parse().ok())?
}

/// Status and reason, in the proxy's words.
fn shown(line: &str) -> String {
    let words = line.split_once(' ').map_or(line, |(_, words)| words);
    words.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

fn advice(status: u16, identified: bool) -> &'static str {
    match (status, identified) {
        (407, false) => " (give it a user and a password: http://USER:PASSWORD@HOST:PORT)",
        (407, true) => " (it does not accept the user and the password)",
        (403 | 405, _) => " (it does not let this host or port through; --websockets goes to port 443)",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_status() {
        assert_eq!(status("HTTP/1.1 200 Connection established"), Some(200));
        assert_eq!(status("HTTP/1.0 200"), Some(200));
        assert_eq!(status("HTTP/1.1 407 Proxy Authentication Required"), Some(407));
        for line in [
            "",
            "200 OK",
            "SSH-2.0-OpenSSH_9.2",
            "HTTP/1.1",
            "HTTP/1.1 fine",
            "HTTP/2 200",
        ] {
            assert_eq!(status(line), None, "{line}");
        }
    }

    #[test]
    fn shows_no_more_than_a_line_of_the_proxys_words() {
        let line = format!("HTTP/1.1 502 Bad\u{1b}[31m{}", "x".repeat(500));
        let shown = shown(&line);
        assert!(
            shown.starts_with("502 Bad[31m") && shown.chars().count() == SHOWN,
            "{shown}"
        );
    }
}
