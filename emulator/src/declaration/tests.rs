use serde_json::json;

use super::*;
use crate::state::{Admission, Allocation, Attestation, Credentials, Enrollments, Hub, Throttle, Thumbprint};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/emulator.yaml");

/// A folder of its own, with an identity, and a place for files.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Place {
        let dir = std::env::temp_dir().join(format!("setpoint-declaration-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).unwrap();
        Place(dir)
    }

    fn identity(&self) -> Identity {
        Identity::open(&self.0.join("data")).unwrap()
    }

    fn open(&self, text: &str) -> Result<Declaration, DeclarationError> {
        let path = self.0.join("azure.yaml");
        fs::write(&path, text).unwrap();
        Declaration::open(&path, &self.identity())
    }

    /// What is wrong with a text, without the file's name.
    #[track_caller]
    fn complaint(&self, text: &str) -> String {
        let found = self
            .open(text)
            .and_then(|declaration| declaration.apply(&Hub::new(), &Enrollments::new("0ne")));
        let said = found.unwrap_err().to_string();
        said.split_once("azure.yaml:").unwrap().1.to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_example_is_applied_and_applied_again() {
    let place = Place::new("example");
    let (hub, enrollments) = (Hub::new(), Enrollments::new("0ne"));
    let mut etags = Vec::new();
    for _ in 0..2 {
        let declaration = Declaration::open(Path::new(EXAMPLE), &place.identity()).unwrap();
        assert_eq!(declaration.hubs().collect::<Vec<_>>(), ["127.0.0.2"]);
        declaration.apply(&hub, &enrollments).unwrap();
        let device = hub.device("thermostat-1").unwrap();
        let enrolled = enrollments
            .contents()
            .into_iter()
            .map(|change| change.value.unwrap()["etag"].clone());
        etags.push((device.etag, device.credentials, enrolled.collect::<Vec<_>>()));
        // What a service writes between two starts stays.
        assert_eq!(hub.twin("thermostat-1").unwrap()["tags"]["site"], "shed");
        let patch = json!({"properties": {"desired": {"targetTemperature": 30}}});
        hub.patch_twin("thermostat-1", patch.as_object().unwrap(), None)
            .unwrap();
    }
    assert_eq!(etags[0], etags[1]);
    assert_eq!(
        hub.twin("thermostat-1").unwrap()["properties"]["desired"]["targetTemperature"],
        30
    );
    let second = enrollments.linked("127.0.0.2").unwrap();
    let device = second.device("thermostat-2").unwrap();
    assert!(!device.enabled);
    assert_eq!(
        device.credentials.keys().unwrap()[0],
        Key::from_bytes(b"0123456789abcdef".to_vec())
    );
    assert_eq!(hub.devices().len(), 1);
    let sensor = enrollments.get("sensor-1").unwrap();
    assert_eq!(sensor.device_id.as_deref(), Some("sensor-in-the-shed"));
    assert_eq!(sensor.terms.allocation, Some(Allocation::Static));
    assert_eq!(sensor.terms.payload, Some(json!({"greeting": "hello"})));
    assert!(enrollments.group("sheds").unwrap().terms.enabled);
}

#[test]
fn keys_that_are_left_out_are_made_once() {
    let place = Place::new("keys");
    let text = "devices: [{id: d}]\nenrollments: [{id: E}]\ngroups: [{id: g}]\n";
    let keys = |text: &str| {
        let declaration = place.open(text).unwrap();
        let keyed = declaration.keyed();
        keyed
            .iter()
            .map(|keyed| (keyed.id.to_owned(), keyed.key.to_base64()))
            .collect::<Vec<_>>()
    };
    let first = keys(text);
    assert_eq!(
        first.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
        ["d", "E", "g"]
    );
    assert!(first[0].1 != first[1].1 && first[1].1 != first[2].1);
    // Another order and more beside them change nothing; the same id in another hub is another device.
    let more = "groups: [{id: g}]\nenrollments: [{id: e}]\nhubs: [two]\ndevices: [{id: d}, {id: d, hub: two}]\n";
    let second = keys(more);
    assert_eq!(
        (&second[0].1, &second[2].1, &second[3].1),
        (&first[0].1, &first[1].1, &first[2].1)
    );
    assert_ne!(second[1].1, first[0].1);
    fs::write(keys::path(&place.0.join("data")), "{").unwrap();
    let damaged = place.open(text).unwrap_err().to_string();
    assert!(
        damaged.contains("declared-keys.json: not as written at line 1"),
        "{damaged}"
    );
}

#[test]
fn certificates_are_files_beside_it() {
    let place = Place::new("certificates");
    let identity = Identity::temporary().unwrap();
    let device = identity.issue_device_certificate("cert-1").unwrap().certificate_pem;
    fs::write(place.0.join("device.pem"), &device).unwrap();
    fs::write(place.0.join("ca.pem"), identity.ca_pem()).unwrap();
    let text = "devices: [{id: d, certificates: [device.pem]}]\nenrollments: [{id: e, certificates: [device.pem, ca.pem]}]\n\
                groups: [{id: g, certificates: [ca.pem]}]\n";
    let (hub, enrollments) = (Hub::new(), Enrollments::new("0ne"));
    let declaration = place.open(text).unwrap();
    assert!(declaration.keyed().is_empty());
    declaration.apply(&hub, &enrollments).unwrap();
    let thumbprint = Thumbprint::of_pem(&device).unwrap();
    assert_eq!(hub.device("d").unwrap().credentials, Credentials::from(thumbprint));
    let Attestation::Certificates { primary, secondary } = enrollments.get("e").unwrap().attestation else {
        panic!("no certificates")
    };
    assert_eq!(primary.thumbprint, thumbprint);
    assert!(secondary.is_some());
    assert!(matches!(
        enrollments.group("g").unwrap().attestation,
        Attestation::Authorities { .. }
    ));
}

#[test]
fn a_hub_has_the_throttles_that_the_file_gives_it() {
    let place = Place::new("throttles");
    let text = "hubs:\n  - plain\n  - {name: none, throttle: []}\n  - {name: some, throttle: [sends, queries]}\n  \
                - {name: all, throttle: [s1]}\n";
    let declaration = place.open(text).unwrap();
    let (own, enrollments) = (Hub::new(), Enrollments::new("0ne"));
    declaration.apply(&own, &enrollments).unwrap();
    let on = |hub: &Hub| {
        let throttles = Throttle::ALL.into_iter();
        let on = throttles.filter(|throttle| hub.throttles().admit(*throttle, 1_000_000) == Admission::Refused);
        on.collect::<Vec<_>>()
    };
    let of = |name| on(&enrollments.linked(name).unwrap());
    assert_eq!(on(&own), []);
    assert_eq!((of("plain"), declaration.throttles("plain")), (vec![], false));
    assert_eq!((of("none"), declaration.throttles("none")), (vec![], true));
    assert_eq!(of("some"), [Throttle::Sends, Throttle::Queries]);
    assert_eq!(of("all"), Throttle::ALL);
}

#[test]
fn mistakes_are_named_with_their_place() {
    let place = Place::new("mistakes");
    for (text, place_and_reason) in [
        ("hub: [a]\n", ("1:1: ", "unknown field")),
        ("devices:\n  - id: d\n    kes: 1\n", ("3:5: ", "kes")),
        ("devices:\n  - status: enabled\n", ("2:5: ", "id")),
        ("devices: 7\n", ("1:10: ", "a list belongs here")),
        ("hubs:\n  - a:1\n", ("2:5: ", "without a port")),
        ("hubs:\n  - name: a:1\n", ("2:5: ", "without a port")),
        ("hubs: [a, {name: A}]\n", ("1:11: ", "there is a hub A already")),
        ("hubs:\n  - [a]\n", ("2:5: ", "")),
        ("hubs:\n  - {throttle: [s1]}\n", ("2:6: ", "name")),
        ("hubs:\n  - name: a\n    throtle: [s1]\n", ("3:5: ", "throtle")),
        (
            "hubs:\n  - name: a\n    throttle: s1\n",
            ("3:15: ", "a list belongs here"),
        ),
        (
            "hubs:\n  - name: a\n    throttle: [sends, s2]\n",
            ("3:23: ", "\"s2\" is not a throttle: connects, sends, "),
        ),
        (
            "devices:\n  - id: d\n    hub: two\n",
            ("3:10: ", "declare it under hubs"),
        ),
        ("devices:\n  - id: a/b\n", ("2:9: ", "not a device id")),
        (
            "devices:\n  - id: d\n    certificates: [none.pem]\n",
            ("3:20: ", "none.pem: "),
        ),
        ("groups:\n  - id: g\n    deviceId: d\n", ("3:15: ", "registration ids")),
        ("enrollments:\n  - id: a b\n", ("2:9: ", "not an id")),
        (
            "enrollments:\n  - id: e\n    allocationPolicy: custom\n",
            ("2:9: ", "calls a function in Azure"),
        ),
        (
            "enrollments:\n  - id: e\n    iotHubs: [two]\n",
            ("2:9: ", "\"two\" is no hub"),
        ),
        ("enrollments:\n  - id: e\n    provisioningStatus: on\n", ("3:", "")),
    ] {
        let said = place.complaint(text);
        let (at, reason) = place_and_reason;
        assert!(said.starts_with(at) && said.contains(reason), "{text}: {said}");
    }
    let keys = "symmetricKey: {primaryKey: c2VjcmV0, secondaryKey: c2VjcmV0!}";
    for list in ["devices", "enrollments"] {
        let said = place.complaint(&format!("{list}:\n  - id: x\n    {keys}\n"));
        assert!(said.starts_with("2:9: ") && !said.contains("c2VjcmV0"), "{said}");
    }
    let missing = Declaration::open(&place.0.join("nowhere"), &place.identity()).unwrap_err();
    assert!(missing.to_string().contains("give the path of a file"), "{missing}");
}
