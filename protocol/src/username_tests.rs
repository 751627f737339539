use super::*;
use proptest::prelude::*;

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn reads_python_with_an_encoded_model_id() {
    let text = "localhost/my-pnp-device/?api-version=2019-10-01&DeviceClientType=azure-iot-device%2F2.14.0\
                &model-id=dtmi%3Acom%3Aexample%3AThermostat%3B1";
    let name = HubUsername::parse(text).unwrap();
    assert_eq!(
        (name.hub.as_str(), name.device_id.as_str()),
        ("localhost", "my-pnp-device")
    );
    assert_eq!(name.model_id.as_deref(), Some("dtmi:com:example:Thermostat;1"));
    assert_eq!(name.api_version(), Some("2019-10-01"));
    assert_eq!(
        name.parameters,
        owned(&[
            ("api-version", "2019-10-01"),
            ("DeviceClientType", "azure-iot-device/2.14.0")
        ])
    );
    assert_eq!(name.to_string(), text);
}

#[test]
fn reads_node_with_a_plain_model_id_in_another_order() {
    let text = "hub.azure-devices.net/a/?model-id=dtmi:com:example:Thermostat;1&api-version=2021-04-12";
    let name = HubUsername::parse(text).unwrap();
    assert_eq!(name.model_id.as_deref(), Some("dtmi:com:example:Thermostat;1"));
    assert_eq!(name.parameters, owned(&[("api-version", "2021-04-12")]));
}

#[test]
fn the_question_mark_is_optional() {
    let with = HubUsername::parse("hub/a/?api-version=2018-06-30").unwrap();
    assert_eq!(HubUsername::parse("hub/a/api-version=2018-06-30").unwrap(), with);
    let with = DpsUsername::parse("scope/registrations/a/?api-version=2019-03-31").unwrap();
    assert_eq!(
        DpsUsername::parse("scope/registrations/a/api-version=2019-03-31").unwrap(),
        with
    );
}

#[test]
fn parameters_may_be_missing() {
    for text in ["hub/a", "hub/a/", "hub/a/?"] {
        assert_eq!(HubUsername::parse(text).unwrap().to_string(), "hub/a/?", "{text:?}");
    }
    assert_eq!(
        DpsUsername::parse("scope/registrations/a").unwrap().to_string(),
        "scope/registrations/a/"
    );
}

#[test]
fn reads_a_module() {
    for text in ["hub/a/m/?api-version=1", "hub/a/m/api-version=1"] {
        let name = HubUsername::parse(text).unwrap();
        assert_eq!(name.module_id.as_deref(), Some("m"));
        assert_eq!(name.to_string(), "hub/a/m/?api-version=1");
    }
}

#[test]
fn tells_dps_from_a_hub() {
    let dps = "0ne000A1B2C/registrations/my-pnp-device/api-version=2019-03-31&ClientVersion=py%2F2";
    let Username::Dps(name) = Username::parse(dps).unwrap() else {
        panic!("not DPS")
    };
    assert_eq!(
        (name.id_scope.as_str(), name.registration_id.as_str()),
        ("0ne000A1B2C", "my-pnp-device")
    );
    assert_eq!(
        name.parameters,
        owned(&[("api-version", "2019-03-31"), ("ClientVersion", "py/2")])
    );
    assert_eq!(name.api_version(), Some("2019-03-31"));
    assert_eq!(Username::Dps(name).to_string(), dps);
    assert!(matches!(Username::parse("hub/a/?api-version=1"), Ok(Username::Hub(_))));
    assert!(matches!(
        Username::parse("hub/registrations/?api-version=1"),
        Ok(Username::Hub(_))
    ));
}

#[test]
fn says_what_is_wrong() {
    let hub = |text: &str| HubUsername::parse(text).unwrap_err();
    assert_eq!(hub(""), UsernameError::Missing("device id"));
    assert_eq!(hub("hub"), UsernameError::Missing("device id"));
    assert_eq!(hub("/a/?"), UsernameError::Missing("host name"));
    assert_eq!(hub("hub//?api-version=1"), UsernameError::Missing("device id"));
    assert_eq!(hub("hub/a/m/n/?api-version=1"), UsernameError::TooLong);
    assert_eq!(hub("hub/a/?x=%"), UsernameError::Parameter);
    assert_eq!(hub("hub/a/?=x"), UsernameError::Parameter);
    assert_eq!(hub("hub/a/?model-id=x&model-id=y"), UsernameError::Repeated("model-id"));
    assert_eq!(DpsUsername::parse("hub/a/?api-version=1"), Err(UsernameError::NotDps));
    assert_eq!(
        DpsUsername::parse("/registrations/a"),
        Err(UsernameError::Missing("id scope"))
    );
    assert_eq!(
        DpsUsername::parse("s/registrations/"),
        Err(UsernameError::Missing("registration id"))
    );
}

fn parameters() -> impl Strategy<Value = Vec<(String, String)>> {
    let name = "\\PC{1,8}".prop_filter("the model id has its own field", |name| name != MODEL_ID);
    proptest::collection::vec((name, any::<String>()), 0..4)
}

proptest! {
    #[test]
    fn parsing_undoes_display_towards_a_hub(
        hub in "[a-z0-9.-]{1,20}",
        device_id in "[a-zA-Z0-9.%_*!(),:=@$'-][a-zA-Z0-9.%_*?!(),:=@$'-]{0,30}",
        module_id in proptest::option::of("[a-zA-Z0-9.%_*!(),:=@$'-]{1,9}"),
        model_id in proptest::option::of(any::<String>()),
        parameters in parameters(),
    ) {
        let name = Username::Hub(HubUsername { hub, device_id, module_id, model_id, parameters });
        prop_assert_eq!(Username::parse(&name.to_string()), Ok(name));
    }

    #[test]
    fn parsing_undoes_display_towards_dps(
        id_scope in "[a-zA-Z0-9]{1,12}",
        registration_id in "[a-zA-Z0-9._:-]{1,30}",
        parameters in parameters(),
    ) {
        let name = Username::Dps(DpsUsername { id_scope, registration_id, parameters });
        prop_assert_eq!(Username::parse(&name.to_string()), Ok(name));
    }

    #[test]
    fn no_text_panics(text in "([a-z]{0,3}|registrations|/|\\?|=|&|%|\\PC){0,12}") {
        let _ = Username::parse(&text);
        let _ = HubUsername::parse(&text);
        let _ = DpsUsername::parse(&text);
    }
}
