use std::sync::{Arc, Mutex};

use setpoint_protocol::{Key, Token};

use super::{
    super::{
        super::{Change, Hub},
        Applicant,
    },
    *,
};

fn keyed() -> Value {
    json!({"attestation": {"type": "symmetricKey"}})
}

#[test]
fn what_exists_is_changed_only_by_who_has_seen_it() {
    let enrollments = Enrollments::new("0ne");
    let code = |result: Result<Value, DpsError>| result.unwrap_err().code();
    let write = |if_match: Option<&str>| enrollments.write::<Enrollment>("Dev-1", &keyed(), if_match);
    assert_eq!(code(write(Some("*"))), 404_201);
    let made = write(None).unwrap();
    assert_eq!(code(write(None)), 409_001);
    let etag = made["etag"].as_str().unwrap();
    let changed = write(Some(etag)).unwrap();
    assert_eq!(code(write(Some(etag))), 412_001);
    assert_eq!(changed["createdDateTimeUtc"], made["createdDateTimeUtc"]);
    assert_ne!(changed["etag"], made["etag"]);
    assert_eq!(changed["attestation"], made["attestation"], "keys stay");
    let read = enrollments.read::<Enrollment>("DEV-1").unwrap();
    assert_eq!(read["etag"], changed["etag"]);
    assert_eq!(
        enrollments.attestation::<Enrollment>("dev-1").unwrap(),
        made["attestation"]
    );
    assert_eq!(
        enrollments.erase::<Enrollment>("dev-1", Some(etag)).unwrap_err().code(),
        412_001
    );
    enrollments.erase::<Enrollment>("dev-1", None).unwrap();
    assert_eq!(
        enrollments.erase::<Enrollment>("dev-1", None).unwrap_err().code(),
        404_201
    );
    assert_eq!(code(enrollments.read::<Enrollment>("dev-1")), 404_201);
    assert_eq!(code(enrollments.attestation::<Group>("g")), 404_201);
}

#[test]
fn bulk_operations_do_what_they_can() {
    let enrollments = Enrollments::new("0ne");
    let entry = |id: &str| {
        let mut entry = keyed();
        entry["enrollmentGroupId"] = json!(id);
        entry
    };
    let codes = |mode, entries: &[Value]| -> Vec<_> {
        let failed = enrollments.bulk::<Group>(mode, entries);
        failed.into_iter().map(|(id, error)| (id, error.code())).collect()
    };
    let failed = |id: &str, code: u32| vec![(id.to_owned(), code)];
    assert_eq!(codes(BulkMode::Create, &[entry("a"), entry("b")]), []);
    assert_eq!(codes(BulkMode::Create, &[entry("b"), entry("c")]), failed("b", 409_001));
    assert_eq!(codes(BulkMode::Update, &[entry("a"), entry("d")]), failed("d", 404_201));
    let mut stale = entry("a");
    stale["etag"] = json!("stale");
    assert_eq!(
        codes(BulkMode::UpdateIfMatchEtag, &[stale.clone(), entry("b")]).len(),
        2
    );
    stale["etag"] = enrollments.read::<Group>("a").unwrap()["etag"].clone();
    assert_eq!(codes(BulkMode::UpdateIfMatchEtag, &[stale.clone()]), []);
    assert_eq!(codes(BulkMode::Delete, &[stale]), failed("a", 412_001));
    assert_eq!(codes(BulkMode::Delete, &[entry("a"), entry("b"), entry("c")]), []);
    assert!(enrollments.groups().is_empty());
    assert_eq!(codes(BulkMode::Create, &[keyed()]), failed("", 400_004));
}

#[test]
fn lists_go_on_where_they_stopped() {
    let enrollments = Enrollments::new("0ne");
    for id in ["c", "A", "b"] {
        enrollments.write::<Enrollment>(id, &keyed(), None).unwrap();
    }
    let ids = |after, top| -> Vec<_> {
        let page = enrollments.page::<Enrollment>(after, top);
        page.iter()
            .map(|item| item["registrationId"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        (ids(None, 2), ids(Some("b"), 2)),
        (vec!["A".into(), "b".into()], vec!["c".into()])
    );
}

/// What a keeper keeps is put back into another DPS, which then has the same.
#[test]
fn what_is_kept_is_what_there_is() {
    let enrollments = Enrollments::new("0ne");
    let kept: Arc<Mutex<BTreeMap<String, Value>>> = Arc::default();
    let notes = Arc::clone(&kept);
    enrollments.keep_with(Box::new(move |Change { name, value }| {
        let mut notes = notes.lock().unwrap();
        match value {
            Some(value) => notes.insert(name.clone(), value.clone()),
            None => notes.remove(name),
        };
    }));
    let group = Key::from_bytes(vec![7; 32]);
    enrollments
        .put_group(Group::new("G", [group.clone(), group.clone()]))
        .unwrap();
    enrollments.write::<Enrollment>("one", &keyed(), None).unwrap();
    enrollments.write::<Enrollment>("gone", &keyed(), None).unwrap();
    enrollments.erase::<Enrollment>("gone", None).unwrap();
    let applicant = Applicant {
        id_scope: "0ne".into(),
        registration_id: "member".into(),
        token: Some(Token::sign(
            "0ne/registrations/member",
            &group.derive("member"),
            u64::MAX,
            None,
        )),
        certificate: None,
        server_name: "localhost".into(),
    };
    let hub = Hub::new();
    let body = br#"{"registrationId": "member"}"#;
    let operation = enrollments.register(&hub, &applicant, body).unwrap();

    let second = Enrollments::new("0ne");
    for (name, value) in kept.lock().unwrap().iter() {
        second.restore(name, value).unwrap();
    }
    let all = |enrollments: &Enrollments| -> BTreeMap<_, _> {
        let contents = enrollments.contents().into_iter();
        contents.map(|Change { name, value }| (name, value.unwrap())).collect()
    };
    assert_eq!(all(&second), all(&enrollments));
    assert_eq!(all(&second), *kept.lock().unwrap());
    assert_eq!(all(&second).len(), 3);
    let done = second.poll(&applicant, &operation.operation_id).unwrap();
    assert_eq!(done.registration_state, enrollments.registration("member"));
    assert_eq!(second.registrations("g", None, 10).unwrap().len(), 1);
    let wrong = second.restore("enrollments/x", &json!({"attestation": {"type": "symmetricKey"}}));
    assert!(wrong.unwrap_err().contains("not whole"));
    assert!(second.restore("registrations/x", &json!({})).is_err());
    second.restore("another/x", &json!({})).unwrap();
}

#[test]
fn an_enrolment_takes_its_registration_along_and_a_group_does_not() {
    let enrollments = Enrollments::new("0ne");
    let key = Key::from_bytes(vec![7; 32]);
    enrollments
        .put(Enrollment::new("one", [key.clone(), key.clone()]))
        .unwrap();
    enrollments
        .put_group(Group::new("g", [key.clone(), key.clone()]))
        .unwrap();
    let hub = Hub::new();
    for (id, key) in [("one", key.clone()), ("member", key.derive("member"))] {
        let applicant = Applicant {
            id_scope: "0ne".into(),
            registration_id: id.into(),
            token: Some(Token::sign(&format!("0ne/registrations/{id}"), &key, u64::MAX, None)),
            certificate: None,
            server_name: "localhost".into(),
        };
        let body = json!({"registrationId": id}).to_string();
        enrollments.register(&hub, &applicant, body.as_bytes()).unwrap();
    }
    let shown = enrollments.read::<Enrollment>("one").unwrap();
    assert_eq!(shown["registrationState"]["status"], "assigned");
    assert!(enrollments.delete("one") && enrollments.delete_group("g"));
    assert_eq!(enrollments.registration("one"), None);
    let etag = enrollments.registration("member").unwrap().etag.unwrap();
    let stale = enrollments.delete_registration("member", Some("stale")).unwrap_err();
    assert_eq!(stale.code(), 412_001);
    enrollments.delete_registration("member", Some(&etag)).unwrap();
    assert_eq!(
        enrollments.delete_registration("member", None).unwrap_err().code(),
        404_202
    );
    assert_eq!(hub.devices().len(), 2, "they stay in their hub");
}
