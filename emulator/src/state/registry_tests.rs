use super::*;

#[test]
fn a_device_is_made_once_with_its_own_keys() {
    let hub = Hub::new();
    let device = hub.create_device("d", None).unwrap();
    let keys = device.credentials.keys().unwrap();
    assert_ne!(keys[0], keys[1]);
    assert_eq!(
        hub.create_device("d", None).unwrap_err(),
        HubError::DeviceAlreadyExists("d".into())
    );
    assert!(matches!(
        hub.create_device("a/b", None),
        Err(HubError::InvalidArgument(_))
    ));
    hub.delete_device("d").unwrap();
    let second = hub.create_device("d", None).unwrap();
    assert_ne!(second.generation_id, device.generation_id);
}

#[test]
fn modules_live_on_their_device_and_go_with_it() {
    let hub = Hub::new();
    assert_eq!(
        hub.create_module("d", "m", None).unwrap_err(),
        HubError::DeviceNotFound("d".into())
    );
    // Neighbours in the order of names, which are not the device's.
    for id in ["d", "d-", "d0", "e"] {
        hub.create_device(id, None).unwrap();
        hub.create_module(id, "m", None).unwrap();
    }
    let module = hub.create_module("d", "$edgeAgent", None).unwrap();
    assert_eq!(
        (module.device_id.as_str(), module.module_id.as_deref()),
        ("d", Some("$edgeAgent"))
    );
    assert_eq!(
        hub.create_module("d", "m", None).unwrap_err(),
        HubError::ModuleAlreadyExists("d/m".into())
    );
    assert!(matches!(
        hub.create_module("d", "a/b", None),
        Err(HubError::InvalidArgument(_))
    ));
    let names = |modules: Vec<Device>| {
        modules
            .into_iter()
            .filter_map(|module| module.module_id)
            .collect::<Vec<_>>()
    };
    assert_eq!(names(hub.modules("d").unwrap()), ["$edgeAgent", "m"]);
    assert_eq!(hub.devices().len(), 4);
    assert_eq!(hub.all_modules().len(), 5);

    assert_eq!(
        hub.device("d/none").unwrap_err(),
        HubError::ModuleNotFound("d/none".into())
    );
    assert_eq!(
        hub.device("none/m").unwrap_err(),
        HubError::DeviceNotFound("none".into())
    );
    hub.delete_device("d/m").unwrap();
    assert_eq!(names(hub.modules("d").unwrap()), ["$edgeAgent"]);
    hub.delete_device("d").unwrap();
    assert_eq!((hub.devices().len(), hub.all_modules().len()), (3, 3));
    assert!(hub.modules("d").is_err());
}

#[test]
fn fifty_modules_and_no_more() {
    let hub = Hub::new();
    hub.create_device("d", None).unwrap();
    for n in 0..MODULE_LIMIT {
        hub.create_module("d", &format!("m{n}"), None).unwrap();
    }
    let refused = hub.create_module("d", "one-too-many", None).unwrap_err();
    assert_eq!((refused.code(), refused.name()), (413_003, "TooManyModulesOnDevice"));
}

#[test]
fn a_disabled_device_takes_its_modules_offline() {
    let hub = Hub::new();
    hub.create_device("d", None).unwrap();
    hub.create_module("d", "m", None).unwrap();
    let _link = hub.connect("d/m", true, None).unwrap();
    assert!(hub.device("d/m").unwrap().connected);
    hub.update_device("d", None, Some(false)).unwrap();
    assert!(!hub.device("d/m").unwrap().connected);
    let key = hub.device("d/m").unwrap().credentials.keys().unwrap()[0].clone();
    let token = setpoint_protocol::Token::sign("hub/devices/d/modules/m", &key, u64::MAX, None);
    assert_eq!(
        hub.authenticate("d/m", "hub", &token),
        Err(super::super::AuthError::Disabled)
    );
    hub.update_device("d", None, Some(true)).unwrap();
    assert_eq!(hub.authenticate("d/m", "hub", &token), Ok(()));
    let of_device = setpoint_protocol::Token::sign("hub/devices/d", &key, u64::MAX, None);
    assert_eq!(
        hub.authenticate("d/m", "hub", &of_device),
        Err(super::super::AuthError::Resource)
    );
}

#[test]
fn an_etag_guards_and_changes_only_with_the_identity() {
    let hub = Hub::new();
    let made = hub.create_device("d", None).unwrap();
    let disable = || IdentityChange {
        enabled: Some(false),
        status_reason: Some("stolen".into()),
        ..IdentityChange::default()
    };
    assert!(matches!(
        hub.update("d", disable(), Some("\"other\"")),
        Err(HubError::PreconditionFailed(_))
    ));
    let changed = hub.update("d", disable(), Some(&made.etag)).unwrap();
    assert_eq!(changed.details.status_reason.as_deref(), Some("stolen"));
    assert!(changed.details.status_changed.is_some());
    assert_ne!(changed.etag, made.etag);
    assert_eq!(hub.update("d", disable(), Some("*")).unwrap().etag, changed.etag);
    let long = IdentityChange {
        status_reason: Some("x".repeat(REASON_LIMIT + 1)),
        ..IdentityChange::default()
    };
    assert!(matches!(hub.update("d", long, None), Err(HubError::InvalidArgument(_))));
    assert!(hub.delete("d", Some(&made.etag)).is_err());
    hub.delete("d", Some(&changed.etag)).unwrap();
}

#[test]
fn an_edge_device_has_a_scope_of_its_own_and_gives_it_to_its_children() {
    let hub = Hub::new();
    let edge = IdentityChange {
        edge: Some(true),
        scope: Some("ignored".into()),
        ..IdentityChange::default()
    };
    let edge = hub.create("edge", edge).unwrap();
    let scope = edge.details.scope.unwrap();
    assert_eq!(scope, format!("ms-azure-iot-edge://edge-{}", edge.generation_id));
    let leaf = IdentityChange {
        scope: Some(scope.clone()),
        ..IdentityChange::default()
    };
    let leaf = hub.create("leaf", leaf).unwrap();
    assert_eq!(leaf.details.parent_scopes, [scope]);
}
