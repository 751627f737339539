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
        Ok(body) => write_encoded(output, kind, channel, &complete(body), payload),
        // Nothing that is written here is of a kind that cannot be.
        Err(error) => tracing::error!("an AMQP frame could not be written: {error}"),
    }
}

/// The fields of each performative, from `open` to `close`.
const FIELDS: [u8; 9] = [10, 8, 14, 11, 11, 6, 3, 1, 1];

/// Writes out the nulls at the end of a performative. The standard lets them be left out, as the encoder does; but the AMQP in
/// Microsoft's SDKs for Python takes the fields by their number, as the real service always sends all of them.
fn complete(mut body: Vec<u8>) -> Vec<u8> {
    let [0x00, 0x53, code, list @ ..] = body.as_slice() else {
        return body;
    };
    let Some(fields) = code.checked_sub(0x10).and_then(|index| FIELDS.get(usize::from(index))) else {
        return body;
    };
    let count = match list {
        [0x45, ..] => 0,
        [0xc0, _, count, ..] => *count,
        [0xd0, _, _, _, _, 0, 0, 0, count, ..] => *count,
        _ => return body,
    };
    let elements = match list {
        [0x45, ..] => 4,
        [0xc0, ..] => 6,
        _ => 12,
    };
    let mut written = body.split_off(elements.min(body.len()));
    written.resize(written.len() + usize::from(fields.saturating_sub(count)), 0x40);
    body.truncate(3);
    let size = u32::try_from(written.len() + 4).unwrap_or(u32::MAX);
    body.push(0xd0);
    body.extend_from_slice(&size.to_be_bytes());
    body.extend_from_slice(&u32::from(count.max(*fields)).to_be_bytes());
    body.extend_from_slice(&written);
    body
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
    use fe2o3_amqp_types::{
        definitions::Handle,
        performatives::{Close, Detach, Performative},
    };

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
    fn every_field_is_written() {
        let mut long = Vec::new();
        for (performative, fields) in [
            (Performative::Close(Close { error: None }), 1),
            (
                Performative::Detach(Detach {
                    handle: Handle(7),
                    closed: false,
                    error: None,
                }),
                3,
            ),
            (
                Performative::Detach(Detach {
                    handle: Handle(7),
                    closed: true,
                    error: Some(super::super::fault::not_allowed(&"x".repeat(300))),
                }),
                3,
            ),
        ] {
            long.clear();
            write(&mut long, Kind::Amqp, 0, &performative, &[]);
            assert_eq!(long.get(HEADER + 3), Some(&0xd0));
            assert_eq!(long.get(HEADER + 11), Some(&fields));
            let (frame, length) = Frame::split(&long).unwrap().unwrap();
            assert_eq!(length, long.len());
            assert_eq!(frame.performative().unwrap(), (performative, &[][..]));
        }
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
