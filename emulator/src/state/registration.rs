//! DPS at work: a device registers, and asks how far that is.

use chrono::{SecondsFormat, Utc};
use serde_json::Value;
use setpoint_protocol::{
    Key, Token,
    dps::{Operation, Refusal, RegisterRequest, RegistrationState, Status},
};

use super::{
    Attestation, ClientCertificate, Credentials, DpsFault, Enrollments, Hub,
    device::etag,
    enrollment::{Known, Registered, canonical},
};

/// Who asks, as its connection says.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// The id scope from the user name.
    pub id_scope: String,
    /// The registration id from the user name, which the client id repeats.
    pub registration_id: String,
    /// The password, `None` when it was no SAS token.
    pub token: Option<Token>,
    /// What it presented in the TLS handshake. Without a token, this is what it proves itself with.
    pub certificate: Option<ClientCertificate>,
    /// The name it reached this server by, which it is told to find the hub under.
    pub server_name: String,
}

/// What the enrolments say to an applicant.
enum Verdict {
    Enrolled {
        device_id: String,
        credentials: Credentials,
    },
    Disabled,
}

impl Enrollments {
    /// Registers a device: checks its token or certificate, gives the hub the device with its credentials, and answers that
    /// the assignment is under way, as DPS always does at first. It is in truth done already: the first poll says so.
    ///
    /// # Errors
    ///
    /// 400004 for a body that is no request or names another device, 401002 for a wrong or expired token or another certificate, 404201 for a
    /// device nobody enrolled, 404202 for a scope that is not this DPS's.
    pub fn register(&self, hub: &Hub, applicant: &Applicant, body: &[u8]) -> Result<Operation, Refusal> {
        let request = self.check_request(applicant, body)?;
        let mut known = self.lock();
        let verdict = known.judge(applicant).map_err(|(code, why)| self.refuse(code, why))?;
        let id = canonical(&applicant.registration_id);
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        let before = known.registrations.get(&id);
        let created = before.map_or_else(|| now.clone(), |before| before.state.created_date_time_utc.clone());
        let mut state = RegistrationState {
            registration_id: applicant.registration_id.clone(),
            created_date_time_utc: created,
            assigned_hub: None,
            device_id: None,
            status: Status::Disabled,
            substatus: None,
            last_updated_date_time_utc: now,
            etag: Some(etag(self.next_number())),
            payload: None,
            error_code: None,
            error_message: None,
        };
        let fault = match verdict {
            Verdict::Enrolled { .. } => self.faults.on_assignment(&id),
            Verdict::Disabled => None,
        };
        match (verdict, fault) {
            (Verdict::Disabled, _) => {}
            (_, Some(DpsFault::Fail { error_code, message })) => {
                state.status = Status::Failed;
                (state.error_code, state.error_message) = (Some(error_code), Some(message));
            }
            (_, Some(DpsFault::Disable { error_code, message })) => {
                (state.error_code, state.error_message) = (Some(error_code), Some(message));
            }
            (Verdict::Enrolled { device_id, credentials }, _) => {
                let elsewhere = known.elsewhere.get(&id);
                let hub = elsewhere.map_or(hub, |elsewhere| &elsewhere.hub);
                hub.assign_device(&device_id, credentials)
                    .map_err(|error| self.refuse(error.code(), &error.to_string()))?;
                let endpoint = elsewhere.map_or(&applicant.server_name, |elsewhere| &elsewhere.endpoint);
                state.status = Status::Assigned;
                state.substatus = Some("initialAssignment".to_owned());
                state.assigned_hub = Some(endpoint.clone());
                state.device_id = Some(device_id);
                state.payload = request.payload;
            }
        }
        let operation_id = format!("5.{:016x}.{}", self.next_number(), id);
        known.registrations.insert(
            id,
            Registered {
                operation_id: operation_id.clone(),
                state,
            },
        );
        Ok(Operation {
            operation_id,
            status: Status::Assigning,
            registration_state: None,
        })
    }

    /// How far a registration is.
    ///
    /// # Errors
    ///
    /// 401002 when the token or certificate does not hold (any more), 404202 when the operation is not this device's last one.
    pub fn poll(&self, applicant: &Applicant, operation_id: &str) -> Result<Operation, Refusal> {
        self.check_scope(applicant)?;
        let known = self.lock();
        known.judge(applicant).map_err(|(code, why)| self.refuse(code, why))?;
        match known.registrations.get(&canonical(&applicant.registration_id)) {
            Some(registered) if registered.operation_id == operation_id => Ok(Operation {
                operation_id: operation_id.to_owned(),
                status: registered.state.status,
                registration_state: Some(registered.state.clone()),
            }),
            _ => Err(self.refuse(404_202, "No such operation: register first.")),
        }
    }

    fn check_scope(&self, applicant: &Applicant) -> Result<(), Refusal> {
        if applicant.id_scope == self.id_scope() {
            return Ok(());
        }
        Err(self.refuse(404_202, "There is no provisioning service with this id scope."))
    }

    fn check_request(&self, applicant: &Applicant, body: &[u8]) -> Result<RegisterRequest, Refusal> {
        self.check_scope(applicant)?;
        let request: RegisterRequest = serde_json::from_slice(body).map_err(|_| {
            self.refuse(
                400_004,
                "The body is not a registration request: {\"registrationId\": .., ..}.",
            )
        })?;
        if !request.registration_id.eq_ignore_ascii_case(&applicant.registration_id) {
            return Err(self.refuse(400_004, "The body names another registration id than the user name."));
        }
        Ok(RegisterRequest {
            payload: request.payload.filter(|payload| *payload != Value::Null),
            ..request
        })
    }

    pub(crate) fn refuse(&self, error_code: u32, message: &str) -> Refusal {
        let (tracking_id, timestamp_utc) = (self.next_number(), Utc::now());
        Refusal {
            error_code,
            tracking_id: format!("{tracking_id:08x}-0000-4000-8000-000000000000"),
            message: message.to_owned(),
            timestamp_utc: timestamp_utc.to_rfc3339_opts(SecondsFormat::Micros, true),
        }
    }
}

impl Known {
    /// Checks the applicant against the individual enrolment, when there is one, else against every group.
    fn judge(&self, applicant: &Applicant) -> Result<Verdict, (u32, &'static str)> {
        const UNAUTHORIZED: (u32, &str) = (401_002, "Unauthorized");
        let id = canonical(&applicant.registration_id);
        if self.individual.is_empty() && self.groups.is_empty() {
            return Err((404_201, "The device is not enrolled."));
        }
        if let Some(enrollment) = self.individual.get(&id) {
            let proven = match &enrollment.credentials {
                Credentials::Keys(keys) => applicant.holds(keys),
                Credentials::Certificates(thumbprints) => applicant
                    .proof()
                    .is_some_and(|certificate| thumbprints.contain(certificate.thumbprint())),
                // A hub's way to know a device; enrolments name their authorities themselves.
                Credentials::Authority => false,
            };
            if !proven {
                return Err(UNAUTHORIZED);
            }
            let device_id = enrollment.device_id.clone().unwrap_or(id);
            let enrolled = Verdict::Enrolled {
                device_id,
                credentials: enrollment.credentials.clone(),
            };
            return Ok(if enrollment.enabled {
                enrolled
            } else {
                Verdict::Disabled
            });
        }
        if self.groups.is_empty() {
            return Err((404_201, "The device is not enrolled."));
        }
        for group in self.groups.values() {
            if let Some(credentials) = applicant.credentials_in(&group.attestation, &id) {
                let enrolled = Verdict::Enrolled {
                    device_id: id,
                    credentials,
                };
                return Ok(if group.enabled { enrolled } else { Verdict::Disabled });
            }
        }
        Err(UNAUTHORIZED)
    }
}

impl Applicant {
    /// The credentials it has as a member of a group, when it proves to be one; `id` is its registration id in lower case.
    fn credentials_in(&self, attestation: &Attestation, id: &str) -> Option<Credentials> {
        match attestation {
            // The id is the same in any case, but keys derived from two spellings are not: both count.
            Attestation::Keys(keys) => [self.registration_id.as_str(), id]
                .into_iter()
                .map(|spelling| keys.each_ref().map(|key| key.derive(spelling)))
                .find(|keys| self.holds(keys))
                .map(Credentials::Keys),
            Attestation::Authority(authority) => self
                .proof()
                .filter(|certificate| {
                    let name = certificate.common_name();
                    name.is_some_and(|name| name.eq_ignore_ascii_case(id)) && authority.signed(certificate)
                })
                .map(|certificate| certificate.thumbprint().into()),
        }
    }

    /// The certificate it proves itself with; none when it came with a token.
    fn proof(&self) -> Option<&ClientCertificate> {
        self.certificate.as_ref().filter(|_| self.token.is_none())
    }

    fn holds(&self, keys: &[Key]) -> bool {
        let Some(token) = &self.token else { return false };
        let now = u64::try_from(Utc::now().timestamp()).unwrap_or(0);
        let resource = format!("{}/registrations/{}", self.id_scope, self.registration_id);
        token.resource().eq_ignore_ascii_case(&resource) && keys.iter().any(|key| token.verify(key, now).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::DeviceKeys, super::Enrollment, super::Group, *};

    fn keys(byte: u8) -> DeviceKeys {
        [Key::from_bytes(vec![byte; 32]), Key::from_bytes(vec![byte + 1; 32])]
    }

    fn applicant(id: &str, key: &Key) -> Applicant {
        Applicant {
            id_scope: "0ne".into(),
            registration_id: id.into(),
            token: Some(Token::sign(
                &format!("0ne/registrations/{id}"),
                key,
                u64::MAX,
                Some("registration"),
            )),
            certificate: None,
            server_name: "localhost".into(),
        }
    }

    fn body(id: &str) -> Vec<u8> {
        format!(r#"{{"registrationId": "{id}", "payload": {{"modelId": "dtmi:a;1"}}}}"#).into_bytes()
    }

    fn enrollments() -> Enrollments {
        let enrollments = Enrollments::new("0ne");
        let device = |id: &str, enabled| Enrollment {
            registration_id: id.into(),
            device_id: None,
            credentials: keys(1).into(),
            enabled,
        };
        enrollments.put(device("one", true)).unwrap();
        enrollments.put(device("off", false)).unwrap();
        enrollments.put_group(Group {
            group_id: "g".into(),
            attestation: Attestation::Keys(keys(10)),
            enabled: true,
        });
        enrollments
    }

    #[test]
    fn an_enrolled_device_is_assigned_at_the_first_poll() {
        let (hub, enrollments) = (Hub::new(), enrollments());
        for key in &keys(1) {
            let applicant = applicant("one", key);
            let operation = enrollments.register(&hub, &applicant, &body("one")).unwrap();
            assert_eq!(
                (operation.status, operation.registration_state),
                (Status::Assigning, None)
            );
            let done = enrollments.poll(&applicant, &operation.operation_id).unwrap();
            let state = done.registration_state.unwrap();
            assert_eq!(
                (done.status, state.assigned_hub.as_deref()),
                (Status::Assigned, Some("localhost"))
            );
            assert_eq!(state.payload.unwrap()["modelId"], "dtmi:a;1");
            assert_eq!(hub.device("one").unwrap().credentials, keys(1).into());
        }
    }

    #[test]
    fn a_group_makes_its_devices_keys() {
        let (hub, enrollments) = (Hub::new(), enrollments());
        let derived = keys(10).each_ref().map(|key| key.derive("new-1"));
        for key in &derived {
            enrollments
                .register(&hub, &applicant("new-1", key), &body("new-1"))
                .unwrap();
        }
        assert_eq!(hub.device("new-1").unwrap().credentials, derived.into());
    }

    #[test]
    fn refusals_name_their_codes() {
        let (hub, enrollments) = (Hub::new(), enrollments());
        let right = applicant("one", &keys(1)[0]);
        let code =
            |applicant: &Applicant, body: &[u8]| enrollments.register(&hub, applicant, body).unwrap_err().error_code;
        assert_eq!(code(&applicant("one", &keys(50)[0]), &body("one")), 401_002);
        assert_eq!(code(&applicant("unheard", &keys(50)[0]), &body("unheard")), 401_002);
        assert_eq!(
            code(
                &Applicant {
                    token: None,
                    ..right.clone()
                },
                &body("one")
            ),
            401_002
        );
        assert_eq!(
            code(
                &Applicant {
                    id_scope: "0ff".into(),
                    ..right.clone()
                },
                &body("one")
            ),
            404_202
        );
        assert_eq!(code(&right, &body("two")), 400_004);
        assert_eq!(code(&right, b"{"), 400_004);
        enrollments.delete_group("g");
        assert_eq!(code(&applicant("unheard", &keys(50)[0]), &body("unheard")), 404_201);
        assert!(hub.devices().is_empty());
    }

    #[test]
    fn a_disabled_enrolment_ends_disabled_and_makes_no_device() {
        let (hub, enrollments) = (Hub::new(), enrollments());
        let applicant = applicant("off", &keys(1)[0]);
        let operation = enrollments.register(&hub, &applicant, &body("off")).unwrap();
        let done = enrollments.poll(&applicant, &operation.operation_id).unwrap();
        assert_eq!(
            (done.status, done.registration_state.unwrap().assigned_hub),
            (Status::Disabled, None)
        );
        assert!(hub.devices().is_empty());
    }

    #[test]
    fn only_ones_own_operation_can_be_polled() {
        let (hub, enrollments) = (Hub::new(), enrollments());
        let operation = enrollments
            .register(&hub, &applicant("one", &keys(1)[0]), &body("one"))
            .unwrap();
        let other = enrollments.poll(&applicant("off", &keys(1)[0]), &operation.operation_id);
        assert_eq!(other.unwrap_err().error_code, 404_202);
    }
}
