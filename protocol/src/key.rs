//! Symmetric keys of devices, enrolment groups and service policies.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use zeroize::Zeroizing;

/// A symmetric key. `Debug` shows no byte of it, equality takes the same time wherever two keys differ, and the memory
/// is wiped on drop.
///
/// Azure makes keys of 64 bytes and accepts 16 to 64; any length but zero is accepted here.
#[derive(Clone)]
pub struct Key(Zeroizing<Vec<u8>>);

/// Why a text is not a key. Says nothing of the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Nothing was given, or base64 of nothing.
    #[error("the key is empty")]
    Empty,
    /// Not standard base64 with padding.
    #[error("the key is not base64: copy it whole, with the `=` at its end")]
    NotBase64,
}

impl Key {
    /// Reads a key as Azure shows it: standard base64 with padding. Surrounding white space is ignored.
    pub fn from_base64(text: &str) -> Result<Key, KeyError> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| KeyError::NotBase64)?);
        if bytes.is_empty() {
            Err(KeyError::Empty)
        } else {
            Ok(Key(bytes))
        }
    }

    /// A key of exactly these bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Key {
        Key(Zeroizing::new(bytes))
    }

    /// The key as Azure shows it. The text is a secret and is not wiped: do not log it.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0.as_slice())
    }

    /// The device key that an enrolment group's key gives `registration_id`: HMAC-SHA256 of the id, 32 bytes.
    ///
    /// Source: Microsoft, "Symmetric key attestation", group enrolments.
    pub fn derive(&self, registration_id: &str) -> Key {
        Key::from_bytes(self.mac(registration_id.as_bytes()).finalize().into_bytes().to_vec())
    }

    /// HMAC-SHA256 over `message`, not finished, so that the caller can either take it or compare in constant time.
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes a key of any length: the error cannot occur"
    )]
    pub(crate) fn mac(&self, message: &[u8]) -> Hmac<Sha256> {
        Hmac::<Sha256>::new_from_slice(&self.0)
            .expect("HMAC takes a key of any length")
            .chain_update(message)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(..)")
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        // Comparing tags of a fixed message is constant-time by `verify`'s contract, whatever the keys' lengths.
        // Two keys of up to 64 bytes have one tag only if they are equal but for trailing zeros, hence the length.
        self.0.len() == other.0.len() && self.mac(b"").verify(&other.mac(b"").finalize().into_bytes()).is_ok()
    }
}

impl Eq for Key {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The example in Microsoft's "How to provision devices using symmetric key enrollment groups".
    #[test]
    fn derives_the_documented_device_key() {
        let group = Key::from_base64(concat!(
            "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9y",
            "egxkqIChbqOS9Egw=="
        ))
        .unwrap();
        let device = group.derive("sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6");
        assert_eq!(device.to_base64(), "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc=");
    }

    #[test]
    fn says_what_is_wrong_with_a_key() {
        assert_eq!(Key::from_base64(""), Err(KeyError::Empty));
        assert_eq!(Key::from_base64("not base64!"), Err(KeyError::NotBase64));
        assert_eq!(
            Key::from_base64("c2VjcmV0cw"),
            Err(KeyError::NotBase64),
            "padding was cut off"
        );
    }

    #[test]
    fn shows_nothing_of_the_key() {
        assert_eq!(format!("{:?}", Key::from_bytes(b"secret".to_vec())), "Key(..)");
    }

    #[test]
    fn trailing_zeros_make_another_key() {
        assert_ne!(Key::from_bytes(vec![1]), Key::from_bytes(vec![1, 0]));
    }

    proptest! {
        #[test]
        fn base64_gives_the_key_back(bytes in proptest::collection::vec(any::<u8>(), 1..100)) {
            let key = Key::from_bytes(bytes);
            prop_assert_eq!(Key::from_base64(&key.to_base64()), Ok(key));
        }

        #[test]
        fn keys_are_equal_when_their_bytes_are(
            a in proptest::collection::vec(any::<u8>(), 0..4),
            b in proptest::collection::vec(any::<u8>(), 0..4),
        ) {
            prop_assert_eq!(Key::from_bytes(a.clone()) == Key::from_bytes(b.clone()), a == b);
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Key::from_base64(&text);
        }
    }
}
