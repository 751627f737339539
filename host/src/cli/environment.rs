//! Which cloud a device goes to, from the variables of Microsoft's samples: a user of the Python sample changes nothing.
//!
//! | variable | meaning |
//! | --- | --- |
//! | `IOTHUB_DEVICE_SECURITY_TYPE` | `DPS` or `connectionString`; unset, the device goes to the local Azure IoT |
//! | `IOTHUB_DEVICE_DPS_ENDPOINT` | the provisioning service, `global.azure-devices-provisioning.net` by default; it may carry a port |
//! | `IOTHUB_DEVICE_DPS_ID_SCOPE`, `.._DPS_DEVICE_ID`, `.._DPS_DEVICE_KEY` | the id scope, the registration id, the base64 device key |
//! | `IOTHUB_DEVICE_CONNECTION_STRING` | `HostName=..;DeviceId=..;SharedAccessKey=..` |

use setpoint_protocol::connection_string::DeviceConnectionString;
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::identifier::is_registration_id;
use setpoint_protocol::key::Key;

use super::Usage;

const SECURITY_TYPE: &str = "IOTHUB_DEVICE_SECURITY_TYPE";
const DPS_ENDPOINT: &str = "IOTHUB_DEVICE_DPS_ENDPOINT";
const DPS_ID_SCOPE: &str = "IOTHUB_DEVICE_DPS_ID_SCOPE";
const DPS_DEVICE_ID: &str = "IOTHUB_DEVICE_DPS_DEVICE_ID";
const DPS_DEVICE_KEY: &str = "IOTHUB_DEVICE_DPS_DEVICE_KEY";
const CONNECTION_STRING: &str = "IOTHUB_DEVICE_CONNECTION_STRING";

/// Azure's global provisioning endpoint, the same for every customer.
const GLOBAL_ENDPOINT: &str = "global.azure-devices-provisioning.net";

/// Where the environment sends a device.
#[derive(Debug)]
pub(crate) enum Cloud {
    /// Nowhere: to the local Azure IoT.
    Local,
    /// To the hub that this provisioning service assigns.
    Dps(Dps),
    /// To the hub named here.
    Hub(DeviceConnectionString),
}

/// How a device registers.
#[derive(Debug)]
pub(crate) struct Dps {
    pub(crate) endpoint: Endpoint,
    pub(crate) id_scope: String,
    pub(crate) registration_id: String,
    pub(crate) key: Key,
}

impl Cloud {
    /// Reads the variables through `get`.
    pub(crate) fn from_environment(get: impl Fn(&str) -> Option<String>) -> Result<Self, Usage> {
        let get = |name: &str| {
            get(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
        };
        let need = |name: &str| get(name).ok_or_else(|| Usage(format!("{name} is not set; {}", purpose(name))));
        let Some(security_type) = get(SECURITY_TYPE) else {
            let stray = [DPS_ID_SCOPE, DPS_DEVICE_ID, DPS_DEVICE_KEY, CONNECTION_STRING];
            return match stray.into_iter().find(|name| get(name).is_some()) {
                None => Ok(Self::Local),
                Some(name) => Err(Usage(format!(
                    "{name} is set, but {SECURITY_TYPE} is not; {}",
                    purpose(SECURITY_TYPE)
                ))),
            };
        };
        if security_type.eq_ignore_ascii_case("DPS") {
            let malformed = |name: &str, why: &str| Usage(format!("{name} {why}; {}", purpose(name)));
            let endpoint = get(DPS_ENDPOINT).unwrap_or_else(|| GLOBAL_ENDPOINT.to_owned());
            let endpoint = endpoint
                .parse()
                .map_err(|_| malformed(DPS_ENDPOINT, "is not a host name"))?;
            let id_scope = need(DPS_ID_SCOPE)?;
            let registration_id = need(DPS_DEVICE_ID)?;
            if !is_registration_id(&registration_id) {
                return Err(malformed(DPS_DEVICE_ID, "is not a registration id"));
            }
            let key = need(DPS_DEVICE_KEY)?;
            let key = Key::from_base64(&key).map_err(|_| malformed(DPS_DEVICE_KEY, "is not base64"))?;
            return Ok(Self::Dps(Dps {
                endpoint,
                id_scope,
                registration_id,
                key,
            }));
        }
        if security_type.eq_ignore_ascii_case("connectionString") {
            let text = need(CONNECTION_STRING)?;
            let parsed = text
                .parse()
                .map_err(|error| Usage(format!("{CONNECTION_STRING}: {error}")))?;
            return Ok(Self::Hub(parsed));
        }
        Err(Usage(format!(
            "{SECURITY_TYPE} is {security_type:?}; {}",
            purpose(SECURITY_TYPE)
        )))
    }
}

/// What to set a variable to.
fn purpose(name: &str) -> &'static str {
    match name {
        DPS_ENDPOINT => "set it to the provisioning service's host name, or unset it for Azure's own",
        DPS_ID_SCOPE => "set it to the provisioning service's id scope, such as 0ne00000000",
        DPS_DEVICE_ID => "set it to the registration id: up to 128 letters, digits and - . _ :",
        DPS_DEVICE_KEY => "set it to the device's symmetric key, as the portal shows it",
        CONNECTION_STRING => "set it to HostName=..;DeviceId=..;SharedAccessKey=..",
        _ => "set it to DPS or connectionString, or unset all IOTHUB_DEVICE_ variables for the local Azure IoT",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Cloud, String> {
        let get = |name: &str| {
            let found = variables.iter().find(|(key, _)| format!("IOTHUB_DEVICE_{key}") == name);
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
}
