use super::*;
use proptest::prelude::*;

fn key() -> Key {
    Key::from_bytes(b"0123456789abcdef".to_vec())
}

/// The same inputs through Python's `hmac` and `urllib.parse.quote(.., safe="")`.
#[test]
fn signs_as_the_python_sdk_does() {
    let token = Token::sign(
        "hub.azure-devices.net/devices/my-pnp-device",
        &key(),
        1_700_000_000,
        None,
    );
    assert_eq!(
        token.to_string(),
        "SharedAccessSignature sr=hub.azure-devices.net%2Fdevices%2Fmy-pnp-device\
         &sig=mYyHH0AsuHBvC%2BVCNBM2j%2BkXo2rzOmqorIg4bRxBVhw%3D&se=1700000000"
    );
}

#[test]
fn takes_the_fields_in_any_order() {
    let text = Token::sign("scope/registrations/id", &key(), 100, Some("registration")).to_string();
    let fields: Vec<&str> = text
        .strip_prefix("SharedAccessSignature ")
        .unwrap()
        .split('&')
        .collect();
    let [sr, sig, se, skn] = fields.as_slice() else {
        panic!("four fields, not {fields:?}")
    };
    for order in [[sig, se, skn, sr], [skn, sr, se, sig], [se, sig, sr, skn]] {
        let shuffled = format!("SharedAccessSignature {}", order.map(|field| *field).join("&"));
        let token = Token::parse(&shuffled).unwrap();
        assert_eq!(token.resource(), "scope/registrations/id");
        assert_eq!((token.expiry(), token.policy()), (100, Some("registration")));
        assert_eq!(token.verify(&key(), 99), Ok(()));
    }
}

/// .NET writes hex digits in lower case, and its signature covers them so.
#[test]
fn verifies_the_resource_as_it_was_encoded() {
    let message = "hub%2fdevices%2fa\n100";
    let signature = STANDARD.encode(key().mac(message.as_bytes()).finalize().into_bytes());
    let token = Token::parse(&format!(
        "SharedAccessSignature sr=hub%2fdevices%2fa&sig={}&se=100",
        encode(&signature)
    ))
    .unwrap();
    assert_eq!(token.resource(), "hub/devices/a");
    assert_eq!(token.verify(&key(), 0), Ok(()));
}

#[test]
fn expires_at_its_second() {
    let token = Token::sign("hub", &key(), 100, None);
    assert_eq!(token.verify(&key(), 99), Ok(()));
    assert_eq!(token.verify(&key(), 100), Err(TokenError::Expired));
}

#[test]
fn another_key_does_not_verify_even_when_expired() {
    let token = Token::sign("hub", &key(), 100, None);
    let other = Key::from_bytes(vec![1]);
    assert_eq!(token.verify(&other, 99), Err(TokenError::BadSignature));
    assert_eq!(token.verify(&other, 200), Err(TokenError::BadSignature));
}

#[test]
fn an_altered_field_does_not_verify() {
    let text = Token::sign("hub/devices/a", &key(), 100, None).to_string();
    for altered in [text.replace("%2Fa", "%2Fb"), text.replace("se=100", "se=101")] {
        assert_ne!(altered, text);
        assert_eq!(
            Token::parse(&altered).unwrap().verify(&key(), 0),
            Err(TokenError::BadSignature)
        );
    }
}

#[test]
fn an_empty_policy_is_none() {
    let text = Token::sign("hub", &key(), 100, None).to_string() + "&skn=";
    assert_eq!(Token::parse(&text).unwrap().policy(), None);
}

#[test]
fn says_what_is_wrong() {
    let parse = |text: &str| Token::parse(text).unwrap_err();
    assert_eq!(parse("Bearer x"), TokenError::NotASignature);
    assert_eq!(parse("SharedAccessSignature sr=a&se=1"), TokenError::Missing("sig"));
    assert_eq!(parse("SharedAccessSignature sig=AAAA&se=1"), TokenError::Missing("sr"));
    assert_eq!(parse("SharedAccessSignature sr=a&sig=AAAA"), TokenError::Missing("se"));
    assert_eq!(
        parse("SharedAccessSignature sr=a&sr=b&sig=AAAA&se=1"),
        TokenError::Repeated("sr")
    );
    assert_eq!(
        parse("SharedAccessSignature sr=a&sig=?&se=1"),
        TokenError::Malformed("sig")
    );
    assert_eq!(
        parse("SharedAccessSignature sr=%&sig=AAAA&se=1"),
        TokenError::Malformed("sr")
    );
    assert_eq!(
        parse("SharedAccessSignature sr=a&sig=AAAA&se=soon"),
        TokenError::Malformed("se")
    );
    assert_eq!(
        parse("SharedAccessSignature sr=a&sig=AAAA&se=+1"),
        TokenError::Malformed("se")
    );
}

#[test]
fn debug_shows_no_signature() {
    let token = Token::sign("hub", &key(), 100, None);
    let signature = STANDARD.encode(&token.signature);
    let shown = format!("{token:?}");
    assert!(token.to_string().contains(&encode(&signature).to_string()));
    assert!(
        !shown.contains(&signature) && !shown.contains(&encode(&signature).to_string()),
        "{shown}"
    );
    assert_eq!(shown, r#"Token { resource: "hub", expiry: 100, policy: None, .. }"#);
}

proptest! {
    #[test]
    fn parsing_undoes_display(
        resource in any::<String>(),
        bytes in proptest::collection::vec(any::<u8>(), 1..80),
        expiry in 1u64..,
        policy in proptest::option::of("\\PC{1,12}"),
    ) {
        let key = Key::from_bytes(bytes);
        let token = Token::sign(&resource, &key, expiry, policy.as_deref());
        let parsed = Token::parse(&token.to_string()).unwrap();
        prop_assert_eq!(parsed.resource(), resource);
        prop_assert_eq!(parsed.verify(&key, expiry - 1), Ok(()));
        prop_assert_eq!(parsed, token);
    }

    #[test]
    fn no_text_panics(text in "(SharedAccessSignature )?([sirgekn]{0,3}=?[%&0-9A-Za-z]{0,5}&?){0,6}|\\PC*") {
        let _ = Token::parse(&text);
    }
}
