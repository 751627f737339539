//! What the hub calls an identity: a device by its id, a module by `device/module`. MQTT client ids have the same form, and no
//! id holds a slash, so a name says by itself what it is.

/// The name of a module.
pub fn module_name(device_id: &str, module_id: &str) -> String {
    format!("{device_id}/{module_id}")
}

/// The name of a device, or of one of its modules.
pub(crate) fn identity_name(device_id: &str, module_id: Option<&str>) -> String {
    module_id.map_or_else(|| device_id.to_owned(), |module_id| module_name(device_id, module_id))
}

/// A name's device, and its module when it is a module's.
pub fn split_name(name: &str) -> (&str, Option<&str>) {
    name.split_once('/')
        .map_or((name, None), |(device_id, module_id)| (device_id, Some(module_id)))
}

/// What all topics and tokens of an identity begin with: `devices/{device}` or `devices/{device}/modules/{module}`.
pub(crate) fn path_of(name: &str) -> String {
    match split_name(name) {
        (device_id, Some(module_id)) => format!("devices/{device_id}/modules/{module_id}"),
        (device_id, None) => format!("devices/{device_id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_whose_it_is() {
        assert_eq!(split_name(&module_name("d", "m")), ("d", Some("m")));
        assert_eq!(split_name("d"), ("d", None));
        assert_eq!(
            (path_of("d").as_str(), path_of("d/m").as_str()),
            ("devices/d", "devices/d/modules/m")
        );
    }
}
