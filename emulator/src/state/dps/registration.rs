//! DPS at work: a device registers, and asks how far that is.

use chrono::{SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use setpoint_protocol::{
    Token,
    dps::{Operation, Refusal, RegistrationState, Status},
};

use super::{
    super::{ClientCertificate, DpsFault, Hub},
    DpsError, Enrollments, Known,
    assignment::assign,
    attestation::Verdict,
    canonical, guid,
    records::new_etag,
};

/// Who asks, as its connection says.
#[derive(Debug, Clone)]
pub struct Applicant {
    /// The id scope from the user name or the path.
    pub id_scope: String,
    /// The registration id from there, which the client id of MQTT repeats.
    pub registration_id: String,
    /// The password, `None` when it was no SAS token.
    pub token: Option<Token>,
    /// What it presented in the TLS handshake. Without a token, this is what it proves itself with.
    pub certificate: Option<ClientCertificate>,
    /// The name it reached this server by, which it is told to find the hub under.
    pub server_name: String,
}

/// What came of a device's last registration, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// To ask with.
    pub operation_id: String,
    /// Where the device is; also after a registration that came to nothing.
    pub place: Option<Place>,
    /// The group it registered through.
    pub group: Option<String>,
    /// What the device and services are told.
    pub state: RegistrationState,
}

/// Where a device is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// By what name DPS knows the hub.
    pub hub: String,
    /// Under what name the device is told to find it.
    pub endpoint: String,
    /// Its id there.
    pub device_id: String,
}

/// A registration request. `registrationId` and `payload` are those of [`setpoint_protocol::dps::RegisterRequest`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    registration_id: Option<String>,
    payload: Option<Value>,
    tpm: Option<Value>,
}

impl Enrollments {
    /// Registers a device: checks its token or certificate, gives its hub the device with its credentials, and answers that
    /// the assignment is under way, as DPS always does at first. It is in truth done already: the first poll says so. `hub` is the
    /// emulator's own; the enrolment may say another one.
    ///
    /// # Errors
    ///
    /// 400004 for a body that is no request or names another device, 401002 for a wrong or expired token or another certificate, 404201 for a
    /// device nobody enrolled, 404202 for a scope that is not this DPS's, 429001 when there are too many.
    pub fn register(&self, hub: &Hub, applicant: &Applicant, body: &[u8]) -> Result<Operation, DpsError> {
        let payload = self.check_request(applicant, body)?;
        self.count_registration()?;
        let mut guard = self.lock();
        let known = &mut *guard;
        let verdict = known.judge(applicant)?;
        let id = canonical(&applicant.registration_id);
        let fault = verdict.terms.enabled.then(|| self.faults.on_assignment(&id)).flatten();
        let before = known.registrations.get(&id);
        let mut state = fresh_state(applicant, before);
        let mut place = before.and_then(|before| before.place.clone());
        match fault {
            Some(DpsFault::Fail { error_code, message }) => {
                state.status = Status::Failed;
                (state.error_code, state.error_message) = (Some(error_code), Some(message));
            }
            Some(DpsFault::Disable { error_code, message }) => {
                (state.error_code, state.error_message) = (Some(error_code), Some(message));
            }
            _ if verdict.terms.enabled => {
                let server_name = &applicant.server_name;
                let (now, substatus) = assign(&known.linked, &verdict, hub, place.as_ref(), &id, server_name)?;
                state.status = Status::Assigned;
                state.substatus = Some(substatus.to_owned());
                state.assigned_hub = Some(now.endpoint.clone());
                state.device_id = Some(now.device_id.clone());
                state.payload = verdict.terms.payload.clone().or(payload);
                place = Some(now);
            }
            _ => {}
        }
        let Verdict { group, .. } = verdict;
        let registered = Registered {
            operation_id: format!("5.{:016x}.{}", Utc::now().timestamp_micros(), guid()),
            place,
            group: group.map(str::to_owned),
            state,
        };
        let operation = Operation {
            operation_id: registered.operation_id.clone(),
            status: Status::Assigning,
            registration_state: None,
        };
        known.registrations.insert(id.clone(), registered);
        known.tell_registration(&id);
        Ok(operation)
    }

    /// How far a registration is.
    ///
    /// # Errors
    ///
    /// 401002 when the token or certificate does not hold (any more), 404202 when the operation is not this device's last one,
    /// 429001 when it asks too often.
    pub fn poll(&self, applicant: &Applicant, operation_id: &str) -> Result<Operation, DpsError> {
        self.check_scope(applicant)?;
        let known = self.lock();
        known.judge(applicant)?;
        self.count_poll(&applicant.registration_id)?;
        match known.registered(applicant) {
            Some(registered) if registered.operation_id == operation_id => Ok(Operation {
                operation_id: operation_id.to_owned(),
                status: registered.state.status,
                registration_state: Some(registered.state.clone()),
            }),
            _ => Err(DpsError::NotFound("No such operation: register first.".to_owned())),
        }
    }

    /// What came of a device's last registration, for the device itself.
    ///
    /// # Errors
    ///
    /// Those of [`Enrollments::register`]; 404202 when it has not registered.
    pub fn look_up(&self, applicant: &Applicant, body: &[u8]) -> Result<RegistrationState, DpsError> {
        self.check_request(applicant, body)?;
        let known = self.lock();
        known.judge(applicant)?;
        let registered = known.registered(applicant);
        registered
            .map(|registered| registered.state.clone())
            .ok_or_else(|| DpsError::NotFound("The device has not registered: register first.".to_owned()))
    }

    fn check_scope(&self, applicant: &Applicant) -> Result<(), DpsError> {
        if applicant.id_scope == self.id_scope() {
            return Ok(());
        }
        let why = "There is no provisioning service with this id scope.";
        Err(DpsError::NotFound(why.to_owned()))
    }

    /// The payload of a request that may be one.
    fn check_request(&self, applicant: &Applicant, body: &[u8]) -> Result<Option<Value>, DpsError> {
        self.check_scope(applicant)?;
        let invalid = |why: &str| DpsError::Invalid(why.to_owned());
        let request: Request = serde_json::from_slice(body)
            .map_err(|_| invalid("The body is not a registration request: {\"registrationId\": .., ..}."))?;
        let named = request.registration_id.unwrap_or_default();
        if !named.eq_ignore_ascii_case(&applicant.registration_id) {
            return Err(invalid("The body names another registration id than the user name."));
        }
        if applicant.token.is_none() && applicant.certificate.is_none() && request.tpm.is_some_and(|tpm| !tpm.is_null())
        {
            return Err(DpsError::Unauthorized(
                "Unauthorized: no enrollment of this service is for a TPM.",
            ));
        }
        Ok(request.payload.filter(|payload| !payload.is_null()))
    }

    /// A refusal as devices and services get it.
    pub(crate) fn refuse(&self, error_code: u32, message: &str) -> Refusal {
        Refusal {
            error_code,
            tracking_id: guid(),
            message: message.to_owned(),
            timestamp_utc: Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
        }
    }
}

impl Known {
    fn registered(&self, applicant: &Applicant) -> Option<&Registered> {
        self.registrations.get(&canonical(&applicant.registration_id))
    }
}

/// A state that says disabled, until something better is known.
fn fresh_state(applicant: &Applicant, before: Option<&Registered>) -> RegistrationState {
    let now = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
    let created = before.map_or_else(|| now.clone(), |before| before.state.created_date_time_utc.clone());
    RegistrationState {
        registration_id: applicant.registration_id.clone(),
        created_date_time_utc: created,
        assigned_hub: None,
        device_id: None,
        status: Status::Disabled,
        substatus: None,
        last_updated_date_time_utc: now,
        etag: Some(new_etag()),
        payload: None,
        error_code: None,
        error_message: None,
    }
}

#[cfg(test)]
#[path = "registration_tests.rs"]
mod tests;
