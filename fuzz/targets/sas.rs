//! SAS tokens: what is read is written as something that is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use setpoint_protocol::{Key, Token};

fuzz_target!(|text: &str| {
    let Ok(token) = Token::parse(text) else { return };
    assert_eq!(Token::parse(&token.to_string()).as_ref(), Ok(&token));
    // No input is signed by this key but one that was.
    let key = Key::from_bytes(b"a key that no corpus was signed with".to_vec());
    assert!(token.verify(&key, 0).is_err());
    let again = Token::sign(token.resource(), &key, token.expiry(), token.policy());
    assert_eq!(again.verify(&key, 0).is_ok(), token.expiry() > 0);
});
