use setpoint_protocol::Key;

use super::{
    super::{super::DeviceKeys, Enrollment, Group, Terms},
    *,
};

fn keys(byte: u8) -> DeviceKeys {
    [Key::from_bytes(vec![byte; 32]), Key::from_bytes(vec![byte + 1; 32])]
}

fn applicant(id: &str, key: &Key) -> Applicant {
    Applicant {
        id_scope: "0ne".into(),
        registration_id: id.into(),
        token: Some(Token::sign(
            &format!("0ne/registrations/{id}"),
            key,
            u64::MAX,
            Some("registration"),
        )),
        certificate: None,
        server_name: "localhost".into(),
    }
}

fn body(id: &str) -> Vec<u8> {
    format!(r#"{{"registrationId": "{id}", "payload": {{"modelId": "dtmi:a;1"}}}}"#).into_bytes()
}

fn enrollments() -> Enrollments {
    let enrollments = Enrollments::new("0ne");
    let device = |id: &str, enabled| Enrollment {
        terms: Terms {
            enabled,
            ..Terms::default()
        },
        ..Enrollment::new(id, keys(1))
    };
    enrollments.put(device("one", true)).unwrap();
    enrollments.put(device("off", false)).unwrap();
    enrollments.put_group(Group::new("g", keys(10))).unwrap();
    enrollments
}

#[test]
fn an_enrolled_device_is_assigned_at_the_first_poll() {
    let (hub, enrollments) = (Hub::new(), enrollments());
    for key in &keys(1) {
        let applicant = applicant("one", key);
        let operation = enrollments.register(&hub, &applicant, &body("one")).unwrap();
        assert_eq!(
            (operation.status, operation.registration_state),
            (Status::Assigning, None)
        );
        let done = enrollments.poll(&applicant, &operation.operation_id).unwrap();
        let state = done.registration_state.unwrap();
        assert_eq!(
            (done.status, state.assigned_hub.as_deref()),
            (Status::Assigned, Some("localhost"))
        );
        assert_eq!(state.payload.unwrap()["modelId"], "dtmi:a;1");
        assert_eq!(hub.device("one").unwrap().credentials, keys(1).into());
    }
}

#[test]
fn a_group_makes_its_devices_keys() {
    let (hub, enrollments) = (Hub::new(), enrollments());
    let derived = keys(10).each_ref().map(|key| key.derive("new-1"));
    for key in &derived {
        enrollments
            .register(&hub, &applicant("new-1", key), &body("new-1"))
            .unwrap();
    }
    assert_eq!(hub.device("new-1").unwrap().credentials, derived.into());
}

#[test]
fn refusals_name_their_codes() {
    let (hub, enrollments) = (Hub::new(), enrollments());
    let right = applicant("one", &keys(1)[0]);
    let code = |applicant: &Applicant, body: &[u8]| enrollments.register(&hub, applicant, body).unwrap_err().code();
    assert_eq!(code(&applicant("one", &keys(50)[0]), &body("one")), 401_002);
    assert_eq!(code(&applicant("unheard", &keys(50)[0]), &body("unheard")), 401_002);
    assert_eq!(
        code(
            &Applicant {
                token: None,
                ..right.clone()
            },
            &body("one")
        ),
        401_002
    );
    assert_eq!(
        code(
            &Applicant {
                id_scope: "0ff".into(),
                ..right.clone()
            },
            &body("one")
        ),
        404_202
    );
    assert_eq!(code(&right, &body("two")), 400_004);
    assert_eq!(code(&right, b"{"), 400_004);
    enrollments.delete_group("g");
    assert_eq!(code(&applicant("unheard", &keys(50)[0]), &body("unheard")), 404_201);
    assert!(hub.devices().is_empty());
}

#[test]
fn a_disabled_enrolment_ends_disabled_and_makes_no_device() {
    let (hub, enrollments) = (Hub::new(), enrollments());
    let applicant = applicant("off", &keys(1)[0]);
    let operation = enrollments.register(&hub, &applicant, &body("off")).unwrap();
    let done = enrollments.poll(&applicant, &operation.operation_id).unwrap();
    assert_eq!(
        (done.status, done.registration_state.unwrap().assigned_hub),
        (Status::Disabled, None)
    );
    assert!(hub.devices().is_empty());
}

#[test]
fn only_ones_own_operation_can_be_polled() {
    let (hub, enrollments) = (Hub::new(), enrollments());
    let operation = enrollments
        .register(&hub, &applicant("one", &keys(1)[0]), &body("one"))
        .unwrap();
    let other = enrollments.poll(&applicant("off", &keys(1)[0]), &operation.operation_id);
    assert_eq!(other.unwrap_err().code(), 404_202);
}

#[test]
fn what_a_function_would_give_back_is_given_and_else_what_was_sent() {
    let (hub, enrollments) = (Hub::new(), enrollments());
    let given = serde_json::json!({"site": "a"});
    let terms = Terms {
        payload: Some(given.clone()),
        ..Terms::default()
    };
    let enrollment = Enrollment {
        terms,
        ..Enrollment::new("gifted", keys(1))
    };
    enrollments.put(enrollment).unwrap();
    let payload = |id: &str, body: &[u8]| {
        let applicant = applicant(id, &keys(1)[0]);
        let operation = enrollments.register(&hub, &applicant, body).unwrap();
        let done = enrollments.poll(&applicant, &operation.operation_id).unwrap();
        done.registration_state.unwrap().payload
    };
    assert_eq!(payload("gifted", &body("gifted")), Some(given));
    assert_eq!(
        payload("one", &body("one")),
        Some(serde_json::json!({"modelId": "dtmi:a;1"}))
    );
    assert_eq!(payload("one", br#"{"registrationId": "one", "payload": null}"#), None);
}

#[test]
fn a_device_looks_up_what_became_of_it() {
    let (hub, enrollments) = (Hub::new(), enrollments());
    let one = applicant("one", &keys(1)[0]);
    let missing = enrollments.look_up(&one, &body("one")).unwrap_err();
    assert_eq!(missing.code(), 404_202);
    enrollments.register(&hub, &one, &body("one")).unwrap();
    let state = enrollments.look_up(&one, &body("one")).unwrap();
    assert_eq!(
        (state.status, state.device_id.as_deref()),
        (Status::Assigned, Some("one"))
    );
    let stranger = applicant("one", &keys(9)[0]);
    assert_eq!(
        enrollments.look_up(&stranger, &body("one")).unwrap_err().code(),
        401_002
    );
    assert_eq!(enrollments.look_up(&one, &body("off")).unwrap_err().code(), 400_004);
}

#[test]
fn a_tpm_is_told_that_nobody_enrolled_one() {
    let (hub, enrollments) = (Hub::new(), enrollments());
    let bare = Applicant {
        token: None,
        ..applicant("one", &keys(1)[0])
    };
    let body = br#"{"registrationId": "one", "tpm": {"endorsementKey": "AToAAQ=="}}"#;
    let refused = enrollments.register(&hub, &bare, body).unwrap_err();
    assert_eq!(refused.code(), 401_002);
    assert!(refused.to_string().contains("TPM"), "{refused}");
}

#[test]
fn too_many_registrations_wait() {
    let (hub, enrollments) = (Hub::new(), enrollments());
    let once = super::super::Rate {
        count: 1,
        period: std::time::Duration::from_secs(3600),
    };
    enrollments.throttle(super::super::DpsThrottles {
        registrations: Some(once),
        ..Default::default()
    });
    let one = applicant("one", &keys(1)[0]);
    enrollments.register(&hub, &one, &body("one")).unwrap();
    let refused = enrollments.register(&hub, &one, &body("one")).unwrap_err();
    assert_eq!((refused.code(), refused.retry_after()), (429_001, Some(3600)));
}
