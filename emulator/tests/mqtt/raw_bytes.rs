//! The raw cases over TLS.

use std::collections::BTreeSet;

use crate::{client::Azure, raw};

#[tokio::test]
async fn every_case_is_answered_as_it_should_be() {
    let azure = Azure::start().await;
    setpoint_test_logs::keys([&raw::key()]);
    let cases = raw::cases();
    assert!(cases.len() >= 150, "{}", cases.len());
    for case in &cases {
        println!("{}", case.name);
        raw::prepare(azure.emulator.hub());
        raw::run(azure.dial().await.into_stream(), case, azure.identity.id_scope()).await;
    }
}

#[test]
fn every_case_has_a_name_of_its_own_and_says_truly_whether_it_is_one_packet() {
    let mut names = BTreeSet::new();
    for case in raw::cases() {
        assert!(names.insert(case.name), "{}", case.name);
        if case.well_formed {
            let [first, rest @ ..] = &case.send[..] else { panic!() };
            let digits = 1 + rest.iter().position(|digit| digit & 0x80 == 0).unwrap();
            let length = rest[..digits]
                .iter()
                .rev()
                .fold(0, |length, digit| length << 7 | usize::from(digit & 0x7F));
            assert_eq!(rest.len(), digits + length, "{}", case.name);
            assert!((1..15).contains(&(first >> 4)), "{}", case.name);
        }
    }
}
