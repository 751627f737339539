//! Frames: eight bytes of header, a value, and for a transfer a piece of a message.
//!
//! Source: OASIS AMQP 1.0, part 2.3, "Framing".

use fe2o3_amqp_types::performatives::Performative;
use serde::Serialize;

use super::shape::{self, Malformed};

/// The largest frame taken, in bytes; what the real service says of itself.
pub(super) const FRAME_LIMIT: usize = 64 * 1024;

/// The smallest largest frame that a peer may ask for.
pub(super) const SMALLEST_LIMIT: usize = 512;

/// The header of a frame without an extension.
pub(super) const HEADER: usize = 8;

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Amqp,
    Sasl,
}

/// A frame as it arrived.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// The session; without meaning in SASL.
    pub(super) channel: u16,
    /// The value and what follows; empty to say that one is alive.
    pub(super) body: Vec<u8>,
}

impl Frame {
    /// The frame that `bytes` begins with and its length; `None` while it is not whole.
    pub(super) fn split(bytes: &[u8]) -> Result<Option<(Frame, usize)>, Malformed> {
        let Some([s0, s1, s2, s3, offset, kind, c0, c1]) = bytes.first_chunk() else {
            return Ok(None);
        };
        let size = usize::try_from(u32::from_be_bytes([*s0, *s1, *s2, *s3])).map_err(|_| Malformed)?;
        let begin = usize::from(*offset) * 4;
        if size > FRAME_LIMIT || begin < HEADER || begin > size {
            return Err(Malformed);
        }
        let kind = match kind {
            0 => Kind::Amqp,
            1 => Kind::Sasl,
            _ => return Err(Malformed),
        };
        if bytes.len() < size {
            return Ok(None);
        }
        let body = bytes.get(begin..size).unwrap_or_default().to_vec();
        let channel = u16::from_be_bytes([*c0, *c1]);
        Ok(Some((Frame { kind, channel, body }, size)))
    }

    /// What an AMQP frame says, and the bytes after it.
    pub(super) fn performative(&self) -> Result<(Performative, &[u8]), Malformed> {
        let length = shape::measure(&self.body)?;
        let (value, payload) = self.body.split_at_checked(length).ok_or(Malformed)?;
        let performative = serde_amqp::from_slice(value).map_err(|_| Malformed)?;
        Ok((performative, payload))
    }
}

/// Adds a frame to `output`.
pub(super) fn write(output: &mut Vec<u8>, kind: Kind, channel: u16, body: &impl Serialize, payload: &[u8]) {
    match serde_amqp::to_vec(body) {
        Ok(body) => write_encoded(output, kind, channel, &body, payload),
        // Nothing that is written here is of a kind that cannot be.
        Err(error) => tracing::error!("an AMQP frame could not be written: {error}"),
    }
}

/// Adds a frame of a value that is encoded already.
pub(super) fn write_encoded(output: &mut Vec<u8>, kind: Kind, channel: u16, body: &[u8], payload: &[u8]) {
    let size = HEADER + body.len() + payload.len();
    output.extend_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
    let kind = match kind {
        Kind::Amqp => 0,
        Kind::Sasl => 1,
    };
    output.extend_from_slice(&[2, kind]);
    output.extend_from_slice(&channel.to_be_bytes());
    output.extend_from_slice(body);
    output.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use fe2o3_amqp_types::performatives::{Close, Performative};

    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let mut bytes = Vec::new();
        write(&mut bytes, Kind::Amqp, 258, &Close { error: None }, b"rest");
        for cut in 0..bytes.len() {
            assert_eq!(Frame::split(&bytes[..cut]), Ok(None), "{cut}");
        }
        bytes.push(7);
        let (frame, length) = Frame::split(&bytes).unwrap().unwrap();
        assert_eq!((length, frame.channel, frame.kind), (bytes.len() - 1, 258, Kind::Amqp));
        let (performative, payload) = frame.performative().unwrap();
        assert_eq!(performative, Performative::Close(Close { error: None }));
        assert_eq!(payload, b"rest");
    }

    #[test]
    fn an_extended_header_is_passed_over() {
        let (frame, length) = Frame::split(&[0, 0, 0, 14, 3, 1, 0, 0, 9, 9, 9, 9, 1, 2])
            .unwrap()
            .unwrap();
        assert_eq!((length, frame.kind, frame.body), (14, Kind::Sasl, vec![1, 2]));
    }

    #[test]
    fn what_is_no_frame_is_refused_at_its_header() {
        for header in [
            [0, 0, 0, 7, 2, 0, 0, 0],
            [0, 0, 0, 8, 1, 0, 0, 0],
            [0, 0, 0, 8, 3, 0, 0, 0],
            [0, 0, 0, 8, 2, 2, 0, 0],
            [0, 1, 0, 1, 2, 0, 0, 0],
            [0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0],
        ] {
            assert_eq!(Frame::split(&header), Err(Malformed), "{header:?}");
        }
        assert!(
            Frame::split(&[0, 0, 0, 8, 2, 0, 0, 0])
                .unwrap()
                .unwrap()
                .0
                .body
                .is_empty()
        );
    }
}
