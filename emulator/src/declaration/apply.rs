//! A declaration is put in place.

use std::{fs, sync::Arc};

use serde_json::{Map, Value, json};
use serde_saphyr::Spanned;
use setpoint_protocol::{identifier::is_device_id, twin::Document as Properties};

use super::{
    Declaration, DeclarationError,
    document::{Device, Enrolled, Status, Twin},
};
use crate::state::{
    Credentials, DpsThrottles, Enrollment, Enrollments, Group, Hub, HubError, IdentityChange, Record, Thumbprint,
    Thumbprints,
};

impl Declaration {
    /// Links the hubs, and makes or changes what is declared. `own` is the emulator's own hub.
    ///
    /// # Errors
    ///
    /// [`DeclarationError::Wrong`] at the first thing that cannot be; what comes before it in the file is in place.
    pub(crate) fn apply(&self, own: &Arc<Hub>, enrollments: &Enrollments) -> Result<(), DeclarationError> {
        for declared in &self.document.hubs {
            let name = &declared.value.name;
            let hub = enrollments.linked(name).unwrap_or_else(|| {
                let hub = Hub::new();
                enrollments.link(name, &hub);
                hub
            });
            if let Some(limits) = self.limits(declared)? {
                hub.throttles().turn_on(&limits);
            }
        }
        if self.document.throttle_provisioning {
            enrollments.throttle(DpsThrottles::documented());
        }
        for device in &self.document.devices {
            let hub = match &device.hub {
                None => Arc::clone(own),
                Some(name) => enrollments
                    .linked(&name.value)
                    .ok_or_else(|| self.wrong(name, "there is no such hub: declare it under hubs"))?,
            };
            self.put_device(&hub, device)?;
        }
        for enrolled in &self.document.enrollments {
            self.enroll::<Enrollment>(enrollments, enrolled, "clientCertificates")?;
        }
        for enrolled in &self.document.groups {
            if let Some(device_id) = &enrolled.device_id {
                return Err(self.wrong(device_id, "a group's devices have their registration ids as device ids"));
            }
            self.enroll::<Group>(enrollments, enrolled, "signingCertificates")?;
        }
        Ok(())
    }

    fn put_device(&self, hub: &Hub, device: &Device) -> Result<(), DeclarationError> {
        let id = &device.id;
        if !is_device_id(&id.value) {
            return Err(self.wrong(
                id,
                "it is not a device id: 1 to 128 characters of letters, digits and - . % _ * ? ! ( ) , : = @ $ '",
            ));
        }
        let refused = |error: HubError| self.wrong(id, error.to_string());
        let wanted = IdentityChange {
            credentials: Some(self.credentials(device)?),
            enabled: Some(device.status == Status::Enabled),
            edge: Some(device.iot_edge),
            ..IdentityChange::default()
        };
        match hub.create(&id.value, wanted.clone()) {
            Err(HubError::DeviceAlreadyExists(_)) => hub.update(&id.value, wanted, None).map(drop).map_err(refused),
            other => {
                other.map_err(refused)?;
                let twin = device.twin.as_ref().map_or_else(Properties::new, as_patch);
                hub.patch_twin(&id.value, &twin, None).map(drop).map_err(refused)
            }
        }
    }

    fn credentials(&self, device: &Device) -> Result<Credentials, DeclarationError> {
        if let Some(keys) = self.keys_alone(&device.certificates, &device.symmetric_key, &device.id)? {
            return keys
                .keys()
                .map(Credentials::Keys)
                .map_err(|reason| self.wrong(&device.id, reason));
        }
        let mut thumbprints = self
            .certificates(&device.certificates)?
            .into_iter()
            .map(|(at, pem)| Thumbprint::of_pem(&pem).map_err(|error| self.wrong(at, error.to_string())));
        let primary = thumbprints
            .next()
            .ok_or_else(|| self.wrong(&device.id, "it has neither keys nor certificates"))??;
        let secondary = thumbprints.next().transpose()?;
        Ok(Thumbprints { primary, secondary }.into())
    }

    /// The keys of what has keys, none of what has certificates.
    fn keys_alone<'a, K>(
        &self,
        certificates: &[Spanned<String>],
        keys: &'a Option<K>,
        at: &Spanned<String>,
    ) -> Result<Option<&'a K>, DeclarationError> {
        match (certificates, keys) {
            ([_, ..], Some(_)) => Err(self.wrong(at, "it has certificates and symmetricKey: leave one of them out")),
            ([_, _, third, ..], None) => Err(self.wrong(third, "there are two certificates at most")),
            (_, keys) => Ok(keys.as_ref()),
        }
    }

    /// The files' texts, each with where it was named.
    fn certificates<'a>(
        &self,
        files: &'a [Spanned<String>],
    ) -> Result<Vec<(&'a Spanned<String>, String)>, DeclarationError> {
        let read = |at: &'a Spanned<String>| {
            let text = fs::read_to_string(self.folder.join(&at.value));
            text.map(|text| (at, text))
                .map_err(|error| self.wrong(at, format!("{}: {error}", at.value)))
        };
        files.iter().map(read).collect()
    }

    /// Puts an enrolment in place, in the form and by the rules of the service API.
    fn enroll<R: Record>(
        &self,
        enrollments: &Enrollments,
        enrolled: &Enrolled,
        certificates: &str,
    ) -> Result<(), DeclarationError> {
        let attestation = match self.keys_alone(&enrolled.certificates, &enrolled.symmetric_key, &enrolled.id)? {
            Some(keys) => json!({"type": "symmetricKey", "symmetricKey": keys}),
            None => {
                let texts = self.certificates(&enrolled.certificates)?;
                let certificate = |index: usize| texts.get(index).map(|(_, pem)| json!({"certificate": pem}));
                let pair = json!({"primary": certificate(0), "secondary": certificate(1)});
                json!({"type": "x509", "x509": {certificates: pair}})
            }
        };
        let names: Vec<_> = enrolled.iot_hubs.iter().map(|name| &name.value).collect();
        let twin = enrolled.initial_twin.as_ref().map(as_patch);
        let document = json!({
            R::ID: enrolled.id.value,
            "deviceId": enrolled.device_id.as_ref().map(|id| &id.value),
            "attestation": attestation,
            "provisioningStatus": enrolled.provisioning_status,
            "allocationPolicy": enrolled.allocation_policy.as_ref().map(|policy| &policy.value),
            "iotHubs": names,
            "reprovisionPolicy": enrolled.reprovision_policy,
            "initialTwin": twin,
            "capabilities": {"iotEdge": enrolled.iot_edge},
            "payload": enrolled.payload,
        });
        let declared = enrollments.declare::<R>(&enrolled.id.value, &document);
        declared.map_err(|error| self.wrong(&enrolled.id, format!("{}: {error}", enrolled.id.value)))
    }
}

fn as_patch(twin: &Twin) -> Properties {
    Map::from_iter([
        ("tags".to_owned(), Value::Object(twin.tags.clone())),
        ("properties".to_owned(), json!({"desired": twin.desired})),
    ])
}
