use super::*;

fn read(variables: &[(&str, &str)]) -> Result<Cloud, String> {
    let get = |name: &str| {
        let found = variables
            .iter()
            .find(|(key, _)| *key == name || format!("IOTHUB_DEVICE_{key}") == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Cloud::from_environment(get).map_err(|error| error.to_string())
}

const DPS: [(&str, &str); 4] = [
    ("SECURITY_TYPE", "DPS"),
    ("DPS_ID_SCOPE", "0ne1"),
    ("DPS_DEVICE_ID", "d"),
    ("DPS_DEVICE_KEY", "a2V5"),
];

#[test]
fn nothing_set_means_the_local_azure() {
    assert!(matches!(read(&[]), Ok(Cloud::Local)));
    assert!(matches!(read(&[("SECURITY_TYPE", "")]), Ok(Cloud::Local)));
}

#[test]
fn dps_goes_to_azures_endpoint_unless_told_otherwise() {
    let Ok(Cloud::Dps(dps)) = read(&DPS) else { panic!() };
    assert_eq!((dps.endpoint.host.as_str(), dps.endpoint.port), (GLOBAL_ENDPOINT, None));
    let mut local = DPS.to_vec();
    local.push(("DPS_ENDPOINT", "localhost:18883"));
    let Ok(Cloud::Dps(dps)) = read(&local) else { panic!() };
    assert_eq!(
        (dps.endpoint.host.as_str(), dps.endpoint.port),
        ("localhost", Some(18883))
    );
}

#[test]
fn every_missing_variable_is_named() {
    for missing in 1..DPS.len() {
        let mut variables = DPS.to_vec();
        let (name, _) = variables.remove(missing);
        let error = read(&variables).unwrap_err();
        assert!(
            error.starts_with(&format!("IOTHUB_DEVICE_{name} is not set; set it to")),
            "{error}"
        );
    }
    let error = read(&[("SECURITY_TYPE", "connectionString")]).unwrap_err();
    assert!(
        error.starts_with("IOTHUB_DEVICE_CONNECTION_STRING is not set"),
        "{error}"
    );
}

#[test]
fn a_malformed_variable_is_named_and_no_secret_shown() {
    let mut variables = DPS;
    variables[3] = ("DPS_DEVICE_KEY", "not*base64");
    let error = read(&variables).unwrap_err();
    assert!(
        error.starts_with("IOTHUB_DEVICE_DPS_DEVICE_KEY is not base64") && !error.contains("not*"),
        "{error}"
    );
    let string = "HostName=h;SharedAccessKey=c2VjcmV0";
    let error = read(&[("SECURITY_TYPE", "connectionString"), ("CONNECTION_STRING", string)]).unwrap_err();
    assert!(error.contains("DeviceId") && !error.contains("c2VjcmV0"), "{error}");
}

#[test]
fn variables_without_a_security_type_are_a_mistake() {
    let error = read(&[("CONNECTION_STRING", "x")]).unwrap_err();
    assert!(error.contains("IOTHUB_DEVICE_SECURITY_TYPE is not"), "{error}");
    let error = read(&[("SECURITY_TYPE", "x509")]).unwrap_err();
    assert!(
        error.contains("\"x509\"") && error.contains("DPS or connectionString"),
        "{error}"
    );
}

const FILES: [(&str, &str); 3] = [
    ("X509_CERT_FILE", "device.pem"),
    ("X509_KEY_FILE", "device.key"),
    ("PASS_PHRASE", " secret words "),
];

/// The files that `proof` names, and whether there is a pass phrase.
fn files(proof: &Proof) -> (String, String, bool) {
    let Proof::Certificate(files) = proof else {
        panic!("a key")
    };
    let name = |path: &PathBuf| path.display().to_string();
    (name(&files.certificate), name(&files.key), files.pass_phrase.is_some())
}

#[test]
fn a_certificate_takes_the_keys_place_at_dps() {
    let variables = [&DPS[..3], &FILES].concat();
    let Ok(Cloud::Dps(dps)) = read(&variables) else {
        panic!()
    };
    assert_eq!(
        files(&dps.proof),
        ("device.pem".to_owned(), "device.key".to_owned(), true)
    );
    assert!(!format!("{dps:?}").contains("secret"), "{dps:?}");
    let Ok(Cloud::Dps(dps)) = read(&variables[..5]) else {
        panic!()
    };
    assert!(!files(&dps.proof).2);
}

#[test]
fn a_certificate_takes_the_keys_place_in_a_connection_string() {
    let hub = [
        ("SECURITY_TYPE", "connectionString"),
        ("CONNECTION_STRING", "HostName=h;DeviceId=a;x509=true"),
    ];
    let Ok(Cloud::Hub(string, proof)) = read(&[&hub[..], &FILES].concat()) else {
        panic!()
    };
    assert_eq!(string.device_id, "a");
    assert_eq!(files(&proof).0, "device.pem");
    let error = read(&hub).unwrap_err();
    assert!(
        error.contains("x509=true") && error.contains("X509_CERT_FILE is not set"),
        "{error}"
    );
}

#[test]
fn a_certificate_without_its_key_is_a_mistake() {
    let error = read(&[&DPS[..3], &FILES[..1]].concat()).unwrap_err();
    assert!(error.starts_with("X509_KEY_FILE is not set; set it to"), "{error}");
}

#[test]
fn a_key_and_a_certificate_are_one_too_many() {
    let error = read(&[&DPS[..], &FILES].concat()).unwrap_err();
    for part in ["IOTHUB_DEVICE_DPS_DEVICE_KEY", "X509_CERT_FILE", "one or the other"] {
        assert!(error.contains(part), "{part} is missing: {error}");
    }
    let hub = [
        ("SECURITY_TYPE", "connectionString"),
        ("CONNECTION_STRING", "HostName=h;DeviceId=a;SharedAccessKey=c2VjcmV0"),
    ];
    let error = read(&[&hub[..], &FILES].concat()).unwrap_err();
    assert!(
        error.contains("IOTHUB_DEVICE_CONNECTION_STRING") && error.contains("one or the other"),
        "{error}"
    );
    assert!(!error.contains("c2VjcmV0"), "{error}");
}
