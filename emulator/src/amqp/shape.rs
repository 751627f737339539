//! Whether bytes have the shape of an AMQP value, looked at before anything is built of them.
//!
//! `serde_amqp` follows nested values by recursion and without a limit: a list in a list in a list, 1,000 deep and 9 KB long,
//! overflows a thread's stack and ends the process. So what comes from a client is measured here first: sizes and counts must
//! fit, and nothing may be nested deeper than [`DEPTH`].
//!
//! Source: OASIS AMQP 1.0, part 1.2, "Type Encodings".

/// The deepest nesting taken. A link with a filter, the deepest thing a client of an event hub has to say, has 6.
const DEPTH: u8 = 24;

/// Bytes that are no AMQP value, or one nested too deep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no AMQP value, or one that is nested deeper than {DEPTH}")]
pub(super) struct Malformed;

/// The length of the value that `bytes` begins with.
pub(super) fn measure(bytes: &[u8]) -> Result<usize, Malformed> {
    let mut reader = Reader { bytes, at: 0 };
    reader.value(DEPTH)?;
    Ok(reader.at)
}

/// Whether `bytes` is a sequence of values and nothing else.
pub(super) fn check_all(mut bytes: &[u8]) -> Result<(), Malformed> {
    while !bytes.is_empty() {
        bytes = bytes.get(measure(bytes)?..).ok_or(Malformed)?;
    }
    Ok(())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: u8) -> Result<(), Malformed> {
        let code = self.constructor(depth)?;
        self.body(code, depth)
    }

    /// Passes a constructor with its descriptor, if it has one; the format code.
    fn constructor(&mut self, depth: u8) -> Result<u8, Malformed> {
        match self.byte()? {
            0 => {
                let depth = depth.checked_sub(1).ok_or(Malformed)?;
                self.value(depth)?;
                self.constructor(depth)
            }
            code => Ok(code),
        }
    }

    fn body(&mut self, code: u8, depth: u8) -> Result<(), Malformed> {
        match code >> 4 {
            0x4 => Ok(()),
            width @ 0x5..=0x9 => self.skip(1 << (width - 5)),
            0xa | 0xb => {
                let length = self.number(code)?;
                self.skip(length)
            }
            0xc | 0xd => {
                let (count, end) = self.bounds(code)?;
                let depth = depth.checked_sub(1).ok_or(Malformed)?;
                (0..count).try_for_each(|_| self.value(depth))?;
                self.expect(end)
            }
            0xe | 0xf => {
                let (count, end) = self.bounds(code)?;
                let depth = depth.checked_sub(1).ok_or(Malformed)?;
                let code = self.constructor(depth)?;
                (0..count).try_for_each(|_| self.body(code, depth))?;
                self.expect(end)
            }
            _ => Err(Malformed),
        }
    }

    /// The number of elements of a compound or array, and where it ends.
    fn bounds(&mut self, code: u8) -> Result<(usize, usize), Malformed> {
        let size = self.number(code)?;
        let end = self
            .at
            .checked_add(size)
            .filter(|end| *end <= self.bytes.len())
            .ok_or(Malformed)?;
        let count = self.number(code)?;
        // Elements of an array may take no bytes at all: ten bytes could stand for four thousand million of them.
        if count > size {
            return Err(Malformed);
        }
        Ok((count, end))
    }

    /// A size or count: one byte in the smaller of two encodings, four in the larger.
    fn number(&mut self, code: u8) -> Result<usize, Malformed> {
        if code >> 4 & 1 == 0 {
            return self.byte().map(usize::from);
        }
        let bytes = self
            .bytes
            .get(self.at..)
            .and_then(|rest| rest.first_chunk())
            .ok_or(Malformed)?;
        self.at += 4;
        usize::try_from(u32::from_be_bytes(*bytes)).map_err(|_| Malformed)
    }

    fn byte(&mut self) -> Result<u8, Malformed> {
        let byte = self.bytes.get(self.at).copied().ok_or(Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    fn skip(&mut self, length: usize) -> Result<(), Malformed> {
        self.at = self
            .at
            .checked_add(length)
            .filter(|at| *at <= self.bytes.len())
            .ok_or(Malformed)?;
        Ok(())
    }

    fn expect(&self, end: usize) -> Result<(), Malformed> {
        if self.at == end { Ok(()) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_amqp::{Value, primitives::OrderedMap};

    use super::*;

    /// A list in a list in a list.
    fn nested(depth: usize) -> Vec<u8> {
        (0..depth).fold(vec![0x40], |inner, _| {
            let size = u32::try_from(inner.len() + 4).unwrap();
            [&[0xd0][..], &size.to_be_bytes(), &1_u32.to_be_bytes(), &inner].concat()
        })
    }

    #[test]
    fn values_are_measured() {
        let mut map = OrderedMap::new();
        map.insert(Value::from("key"), Value::Timestamp(1.into()));
        map.insert(
            Value::Ulong(300),
            Value::Array(vec![Value::Symbol("a".into()), Value::Symbol("b".into())].into()),
        );
        let value = Value::List(vec![
            Value::Map(map),
            Value::Null,
            Value::from("x".repeat(300)),
            Value::Bool(true),
        ]);
        let mut bytes = serde_amqp::to_vec(&value).unwrap();
        let length = bytes.len();
        assert_eq!(measure(&bytes), Ok(length));
        for cut in 0..length {
            assert_eq!(measure(&bytes[..cut]), Err(Malformed), "{cut}");
        }
        bytes.push(0x40);
        assert_eq!(measure(&bytes), Ok(length), "what follows does not matter");
        assert_eq!(check_all(&bytes), Ok(()));
        bytes.push(0xff);
        assert_eq!(check_all(&bytes), Err(Malformed));
    }

    #[test]
    fn what_is_nested_too_deep_is_no_value() {
        let depth = usize::from(DEPTH);
        assert_eq!(measure(&nested(depth)), Ok(1 + 9 * depth));
        for deep in [nested(depth + 1), nested(7000), vec![0; 64 * 1024]] {
            assert_eq!(measure(&deep), Err(Malformed));
        }
    }

    #[test]
    fn sizes_and_counts_must_fit() {
        for (bytes, expected) in [
            (&[0xc0, 2, 1, 0x40][..], Ok(4)),
            (&[0xc0, 3, 1, 0x40, 0x40], Err(Malformed)),
            (&[0xc0, 2, 2, 0x40], Err(Malformed)),
            (&[0xc0, 9, 1, 0x40], Err(Malformed)),
            (&[0xf0, 0, 0, 0, 5, 0, 0, 0, 2, 0x40], Ok(10)),
            (&[0xf0, 0, 0, 0, 5, 0xff, 0xff, 0xff, 0xff, 0x40], Err(Malformed)),
            (&[0xb0, 0xff, 0xff, 0xff, 0xff, 0x40], Err(Malformed)),
            (&[0x00, 0x53, 0x10, 0x45], Ok(4)),
            (&[0x10], Err(Malformed)),
            (&[], Err(Malformed)),
        ] {
            assert_eq!(measure(bytes), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_measured_can_be_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(length) = measure(&bytes) {
                let _ = serde_amqp::from_slice::<Value>(&bytes[..length]);
            }
        }
    }
}
