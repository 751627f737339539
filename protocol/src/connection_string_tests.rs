use super::*;
use proptest::prelude::*;

fn device(text: &str) -> Result<DeviceConnectionString, ConnectionStringError> {
    text.parse()
}

#[test]
fn reads_a_device_connection_string() {
    let text = "HostName=hub.azure-devices.net;DeviceId=my-pnp-device;SharedAccessKey=c2VjcmV0";
    let read = device(text).unwrap();
    assert_eq!(read.host, Endpoint::new("hub.azure-devices.net"));
    assert_eq!(read.device_id, "my-pnp-device");
    assert_eq!((&read.module_id, &read.gateway), (&None, &None));
    assert_eq!(read.key.as_ref().unwrap().to_base64(), "c2VjcmV0");
    assert_eq!(read.to_text(), text);
}

#[test]
fn a_certificate_stands_in_the_keys_place() {
    let text = "HostName=h;DeviceId=a;x509=true";
    let read = device(text).unwrap();
    assert_eq!(read.key, None);
    assert_eq!(read.to_text(), text);
    assert_eq!(device("HostName=h;DeviceId=a;X509=True"), Ok(read));
    let key = "HostName=h;DeviceId=a;SharedAccessKey=c2VjcmV0";
    assert_eq!(device(&format!("{key};x509=false")), device(key));
    assert_eq!(
        device(&format!("{key};x509=true")),
        Err(ConnectionStringError::TwoProofs)
    );
    assert_eq!(device(&format!("{key};x509=maybe")), Err(ConnectionStringError::X509));
    assert!(matches!(
        device("HostName=h;DeviceId=a;x509=false"),
        Err(ConnectionStringError::Missing(KEY, _))
    ));
}

#[test]
fn takes_names_in_any_case_order_and_with_a_last_semicolon() {
    let read = device(" sharedaccesskey=c2VjcmV0;GATEWAYHOSTNAME=edge:1;deviceid=a;moduleId=m;hostname=[::1]:8883;\n");
    let read = read.unwrap();
    assert_eq!(read.host.to_string(), "[::1]:8883");
    assert_eq!(read.module_id.as_deref(), Some("m"));
    assert_eq!(
        read.gateway.map(|gateway| gateway.to_string()).as_deref(),
        Some("edge:1")
    );
}

#[test]
fn names_the_part_that_is_missing() {
    let required = "HostName, DeviceId and SharedAccessKey, or x509=true in the key's place";
    let cases = [
        ("", HOST),
        ("DeviceId=a;SharedAccessKey=c2VjcmV0", HOST),
        ("HostName=h;SharedAccessKey=c2VjcmV0", DEVICE),
        ("HostName=h;DeviceId=a", KEY),
    ];
    for (text, part) in cases {
        assert_eq!(
            device(text),
            Err(ConnectionStringError::Missing(part, required)),
            "{text:?}"
        );
    }
}

#[test]
fn names_the_part_that_is_malformed() {
    let good = "HostName=h;DeviceId=a;SharedAccessKey=c2VjcmV0";
    let error = |text: &str| device(text).unwrap_err();
    assert_eq!(error(&good.replace("=a", "=")), ConnectionStringError::Empty(DEVICE));
    assert_eq!(error(&good.replace("=a", "=a b")), ConnectionStringError::Id(DEVICE));
    assert_eq!(
        error(&format!("{good};HostName=i")),
        ConnectionStringError::Repeated(HOST)
    );
    assert_eq!(
        error(&good.replace("c2VjcmV0", "secret")),
        ConnectionStringError::Key(KeyError::NotBase64)
    );
    assert_eq!(
        error(&good.replace("=h", "=https://h")),
        ConnectionStringError::Endpoint {
            part: HOST,
            source: EndpointError::Character('/')
        }
    );
    assert!(matches!(
        error(&format!("{good};colour=blue")),
        ConnectionStringError::Unknown { part: 4, .. }
    ));
    assert!(matches!(
        error("HostName"),
        ConnectionStringError::Unknown { part: 1, .. }
    ));
}

#[test]
fn no_error_shows_a_value() {
    let secret = "c2VjcmV0c2VjcmV0";
    let broken = [
        secret.to_owned(),
        format!("{secret}=;HostName=h"),
        format!("HostName=h;DeviceId=a;SharedAccessKey={secret}="),
        format!("HostName=h;DeviceId=a;SharedAccessKey={secret};{secret}"),
        format!("HostName=h;DeviceId={secret}/;SharedAccessKey={secret}"),
    ];
    for text in broken {
        let error = device(&text).unwrap_err();
        assert!(
            !error.to_string().contains(secret) && !format!("{error:?}").contains(secret),
            "{error:?}"
        );
    }
}

#[test]
fn debug_does_not_show_the_key() {
    let text = "HostName=h;DeviceId=a;SharedAccessKey=c2VjcmV0";
    assert!(format!("{:?}", device(text).unwrap()).contains("Key(..)"));
}

#[test]
fn reads_a_service_connection_string() {
    let text = "HostName=localhost:8443;SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0";
    let read: ServiceConnectionString = text.parse().unwrap();
    assert_eq!(
        (read.host.to_string().as_str(), read.policy.as_str()),
        ("localhost:8443", "iothubowner")
    );
    assert_eq!(read.to_text(), text);
    assert!(format!("{read:?}").contains("key: Key(..)"));
}

#[test]
fn tells_the_two_kinds_apart() {
    let service = "HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey=c2VjcmV0";
    assert!(matches!(
        device(service),
        Err(ConnectionStringError::Unknown { part: 2, .. })
    ));
    let device = "HostName=h;DeviceId=a;SharedAccessKey=c2VjcmV0";
    let read = device.parse::<ServiceConnectionString>();
    assert!(matches!(read, Err(ConnectionStringError::Unknown { part: 2, .. })));
}

const HOSTS: &str = "[a-z0-9.-]{1,30}";
const IDS: &str = "[a-zA-Z0-9.%_*?!(),:=@$'-]{1,128}";

fn endpoints() -> impl Strategy<Value = Endpoint> {
    (HOSTS, proptest::option::of(1u16..)).prop_map(|(host, port)| Endpoint { host, port })
}

fn keys() -> impl Strategy<Value = Key> {
    proptest::collection::vec(any::<u8>(), 1..70).prop_map(Key::from_bytes)
}

proptest! {
    #[test]
    fn parsing_undoes_writing_a_device_connection_string(
        host in endpoints(),
        device_id in IDS,
        module_id in proptest::option::of(IDS),
        key in proptest::option::of(keys()),
        gateway in proptest::option::of(endpoints()),
    ) {
        let written = DeviceConnectionString { host, device_id, module_id, key, gateway };
        prop_assert_eq!(written.to_text().parse(), Ok(written));
    }

    #[test]
    fn parsing_undoes_writing_a_service_connection_string(host in endpoints(), policy in "[a-zA-Z0-9_=-]{1,64}", key in keys()) {
        let written = ServiceConnectionString { host, policy, key };
        prop_assert_eq!(written.to_text().parse(), Ok(written));
    }

    #[test]
    fn no_text_panics(text in "((HostName|DeviceId|SharedAccessKey|\\PC{0,4})=?\\PC{0,6};?){0,6}") {
        let _ = device(&text);
        let _ = text.parse::<ServiceConnectionString>();
    }
}
