use std::sync::Arc;

use setpoint_protocol::{Key, Token};

use super::{
    super::{
        super::{Credentials, DeviceKeys},
        Allocation, Applicant, Enrollment, Enrollments, Terms,
    },
    *,
};

const HERE: &str = "localhost";
const THERE: &str = "127.0.0.2";

/// A DPS with two hubs and one device, which belongs to one of them at a time.
struct World {
    enrollments: Enrollments,
    here: Arc<Hub>,
    there: Arc<Hub>,
}

fn keys(byte: u8) -> DeviceKeys {
    [byte, byte + 1].map(|byte| Key::from_bytes(vec![byte; 32]))
}

fn object(value: Value) -> Document {
    value.as_object().unwrap().clone()
}

impl World {
    fn new() -> World {
        let (enrollments, here, there) = (Enrollments::new("0ne"), Hub::new(), Hub::new());
        enrollments.link(THERE, &there);
        World {
            enrollments,
            here,
            there,
        }
    }

    /// Enrolls the device for one hub, with an initial twin.
    fn enroll(&self, hub: &str, reprovisioning: Option<Reprovisioning>) {
        let initial = InitialTwin {
            tags: object(json!({"site": "a"})),
            desired: object(json!({"targetTemperature": 20})),
        };
        let terms = Terms {
            allocation: Some(Allocation::Static),
            hubs: vec![hub.to_owned()],
            reprovisioning,
            initial_twin: Some(initial),
            iot_edge: true,
            ..Terms::default()
        };
        let enrollment = Enrollment {
            device_id: Some("Shed".to_owned()),
            terms,
            ..Enrollment::new("dev-1", keys(1))
        };
        self.enrollments.put(enrollment).unwrap();
    }

    /// Registers: the hub it is told, and how it came there.
    fn register(&self) -> (String, String) {
        let applicant = Applicant {
            id_scope: "0ne".into(),
            registration_id: "dev-1".into(),
            token: Some(Token::sign("0ne/registrations/dev-1", &keys(1)[0], u64::MAX, None)),
            certificate: None,
            server_name: HERE.into(),
        };
        let body = br#"{"registrationId": "dev-1"}"#;
        self.enrollments.register(&self.here, &applicant, body).unwrap();
        let state = self.enrollments.registration("dev-1").unwrap();
        assert_eq!(state.device_id.as_deref(), Some("Shed"));
        (state.assigned_hub.unwrap(), state.substatus.unwrap())
    }

    /// Assigned here, after which both sides wrote into the twin.
    fn lived(reprovisioning: Option<Reprovisioning>) -> World {
        let world = World::new();
        world.enroll(HERE, reprovisioning);
        assert_eq!(world.register(), (HERE.into(), "initialAssignment".into()));
        let patch = object(json!({"tags": {"floor": 3}, "properties": {"desired": {"targetTemperature": 25}}}));
        world.here.patch_twin("Shed", &patch, None).unwrap();
        let link = world.here.connect("Shed", true, None).unwrap();
        link.report(&object(json!({"maxTempSinceLastReboot": 30}))).unwrap();
        world
    }
}

#[track_caller]
fn is_initial(hub: &Hub) {
    let twin = hub.twin("Shed").unwrap();
    assert_eq!(twin["tags"], json!({"site": "a"}));
    assert_eq!(twin["properties"]["desired"]["targetTemperature"], 20);
    assert_eq!(twin["properties"]["reported"]["maxTempSinceLastReboot"], Value::Null);
}

#[track_caller]
fn has_lived(hub: &Hub) {
    let twin = hub.twin("Shed").unwrap();
    assert_eq!(twin["tags"], json!({"site": "a", "floor": 3}));
    assert_eq!(twin["properties"]["desired"]["targetTemperature"], 25);
    assert_eq!(twin["properties"]["reported"]["maxTempSinceLastReboot"], 30);
}

#[test]
fn a_first_assignment_gives_keys_capabilities_and_a_twin() {
    let world = World::new();
    world.enroll(THERE, None);
    assert_eq!(world.register(), (THERE.into(), "initialAssignment".into()));
    is_initial(&world.there);
    let device = world.there.device("Shed").unwrap();
    assert_eq!(device.credentials, Credentials::Keys(keys(1)));
    assert_eq!(
        world.there.twin("Shed").unwrap()["capabilities"],
        json!({"iotEdge": true})
    );
    assert!(world.here.devices().is_empty());
}

#[test]
fn a_device_that_is_there_already_keeps_its_twin() {
    let world = World::new();
    world.here.create_device("Shed", Some(keys(7).into())).unwrap();
    let patch = object(json!({"tags": {"floor": 3}}));
    world.here.patch_twin("Shed", &patch, None).unwrap();
    world.enroll(HERE, None);
    world.register();
    assert_eq!(
        world.here.device("Shed").unwrap().credentials,
        Credentials::Keys(keys(1))
    );
    assert_eq!(
        world.here.twin("Shed").unwrap()["tags"],
        json!({"site": "a", "floor": 3})
    );
}

#[test]
fn in_the_same_hub_the_twin_stays_unless_it_is_to_be_reset() {
    let again = (HERE.to_owned(), "reprovisionedToInitialAssignment".to_owned());
    for policy in [None, Some(Reprovisioning::MIGRATE), Some(Reprovisioning::NEVER)] {
        let world = World::lived(policy);
        assert_eq!(world.register(), again);
        has_lived(&world.here);
    }
    let world = World::lived(Some(Reprovisioning::RESET));
    assert_eq!(world.register(), again);
    is_initial(&world.here);
}

#[test]
fn another_hub_gets_the_twin_as_it_is_or_as_it_began() {
    for policy in [None, Some(Reprovisioning::MIGRATE)] {
        let world = World::lived(policy);
        world.enroll(THERE, policy);
        assert_eq!(world.register(), (THERE.into(), "deviceDataMigrated".into()));
        has_lived(&world.there);
        assert!(world.here.devices().is_empty());
    }
    let world = World::lived(Some(Reprovisioning::RESET));
    world.enroll(THERE, Some(Reprovisioning::RESET));
    assert_eq!(world.register(), (THERE.into(), "deviceDataReset".into()));
    is_initial(&world.there);
    assert!(world.here.devices().is_empty());
}

#[test]
fn a_device_that_is_never_to_move_stays() {
    let world = World::lived(Some(Reprovisioning::NEVER));
    world.enroll(THERE, Some(Reprovisioning::NEVER));
    assert_eq!(world.register().0, HERE);
    has_lived(&world.here);
    assert!(world.there.devices().is_empty());
}

#[test]
fn a_device_that_was_removed_begins_anew() {
    let world = World::lived(Some(Reprovisioning::NEVER));
    world.here.delete_device("Shed").unwrap();
    assert_eq!(world.register(), (HERE.into(), "initialAssignment".into()));
    is_initial(&world.here);
    // And so does one whose registration was removed, but for its twin, which is the hub's.
    world.enrollments.delete_registration("DEV-1", None).unwrap();
    assert_eq!(world.register().1, "initialAssignment");
}
