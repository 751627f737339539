"""What an owner of devices and their devices do with DPS, with Microsoft's own SDKs, unmodified, against the emulator.

Run as `provisioning.py NAME`. Where the emulator is comes from the environment; what the scenario needs beside that, as JSON from
TASK. The last line on standard output is one JSON object with what was seen, which provisioning/main.rs compares with what DPS
knows. Nothing here asserts: a scenario that cannot go on raises.
"""

import json
import os
import signal
import sys

from azure.iot.device import ProvisioningDeviceClient, X509
from azure.iot.device.exceptions import ClientError
from provisioningserviceclient import (
    BULKOP_CREATE,
    BULKOP_DELETE,
    BulkEnrollmentOperation,
    ProvisioningServiceClient,
    ProvisioningServiceError,
    QuerySpecification,
)
from provisioningserviceclient.models import (
    AttestationMechanism,
    DeviceCapabilities,
    EnrollmentGroup,
    IndividualEnrollment,
    InitialTwin,
    ReprovisionPolicy,
    SymmetricKeyAttestation,
)

TASK = json.loads(os.environ.get("TASK", "{}"))

# Seconds to wait for what must come; long, because machines that run tests are busy.
PATIENCE = 120


def service():
    return ProvisioningServiceClient.create_from_connection_string(os.environ["IOT_PROVISIONING_SERVICE_CONNECTION_STRING"])


def refusal(attempt, *arguments):
    """The status of a call that must fail, and the number in its body."""
    try:
        attempt(*arguments)
    except ProvisioningServiceError as error:
        return [error.cause.response.status_code, error.cause.error.error_code]
    return "accepted"


def keyed(primary=None, secondary=None):
    keys = SymmetricKeyAttestation(primary_key=primary, secondary_key=secondary) if primary else None
    return AttestationMechanism(type="symmetricKey", symmetric_key=keys)


def pages(query):
    return [[getattr(item, "registration_id", None) or item.enrollment_group_id for item in page] for page in query]


def individual():
    """An individual enrolment: made with keys of the service's making, read, changed against its ETag, removed."""
    client = service()
    twin = InitialTwin.create(tags={"site": "shed"}, desired_properties={"targetTemperature": 20})
    wanted = IndividualEnrollment.create(
        "sdk-1",
        keyed(),
        device_id="Shed",
        initial_twin=twin,
        device_capabilities=DeviceCapabilities.create(iot_edge=True),
        reprovision_policy=ReprovisionPolicy(update_hub_assignment=True, migrate_device_data=False),
        allocation_policy="static",
        iot_hubs=[TASK["hub"]],
    )
    made = client.create_or_update(wanted)
    again = refusal(client.create_or_update, IndividualEnrollment.create("sdk-1", keyed()))
    read = client.get_individual_enrollment("sdk-1")
    keys = client.get_individual_enrollment_attestation_mechanism("sdk-1").symmetric_key
    first_etag = read.etag
    read.provisioning_status = "disabled"
    changed = client.create_or_update(read)
    changed_keys = client.get_individual_enrollment_attestation_mechanism("sdk-1").symmetric_key
    changed.etag = first_etag
    stale = refusal(client.create_or_update, changed)
    stale_delete = refusal(client.delete, changed)
    client.delete_individual_enrollment_by_param("sdk-1")
    return {
        "made": made.attestation.symmetric_key.primary_key == keys.primary_key,
        "again": again,
        "read_without_keys": read.attestation.symmetric_key is None,
        "tags": read.initial_twin.tags,
        "desired": read.initial_twin.desired_properties,
        "device": read.device_id,
        "edge": read.capabilities.iot_edge,
        "hubs": read.iot_hubs,
        "policy": [read.allocation_policy, read.reprovision_policy.migrate_device_data],
        "created": read.created_date_time_utc is not None,
        "changed": [changed.provisioning_status, keys.primary_key == changed_keys.primary_key],
        "stale": [stale, stale_delete],
        "gone": refusal(client.get_individual_enrollment, "sdk-1"),
    }


def certificates():
    """X.509, of one device and of a group; and what the service does not have."""
    client = service()
    one = IndividualEnrollment.create("cert-1", AttestationMechanism.create_with_x509_client_certs(TASK["device"]))
    made = client.create_or_update(one)
    group = EnrollmentGroup.create("certs", AttestationMechanism.create_with_x509_signing_certs(TASK["authority"]))
    made_group = client.create_or_update(group)
    # As an owner who has read the enrolment changes something else in it.
    read = client.get_individual_enrollment("cert-1")
    read.device_id = "Shed"
    changed = client.create_or_update(read)
    info = changed.attestation.x509.client_certificates.primary.info
    tpm = IndividualEnrollment.create("tpm-1", AttestationMechanism.create_with_tpm("AToAAQALAAMAsgAg"))
    custom = IndividualEnrollment.create("custom-1", keyed(), allocation_policy="custom")
    elsewhere = IndividualEnrollment.create("far-1", keyed(), iot_hubs=["far.azure-devices.net"])
    return {
        "same": info.sha256_thumbprint == made.attestation.x509.client_certificates.primary.info.sha256_thumbprint,
        "thumbprint": info.sha256_thumbprint,
        "subject": info.subject_name,
        "ends": info.not_after_utc.isoformat(),
        "authority": made_group.attestation.x509.signing_certificates.primary.info.subject_name,
        "refused": [refusal(client.create_or_update, entry) for entry in (tpm, custom, elsewhere)],
    }


def lists():
    """Bulk operations and queries."""
    client = service()
    entries = [IndividualEnrollment.create("bulk-%d" % number, keyed()) for number in range(5)]
    made = client.run_bulk_operation(BulkEnrollmentOperation(BULKOP_CREATE, entries))
    again = client.run_bulk_operation(BulkEnrollmentOperation(BULKOP_CREATE, entries[:1]))
    listed = pages(client.create_individual_enrollment_query(QuerySpecification("SELECT * FROM enrollments"), 4))
    groups = pages(client.create_enrollment_group_query(QuerySpecification("*")))
    removed = client.run_bulk_operation(BulkEnrollmentOperation(BULKOP_DELETE, entries))
    return {
        "made": made.is_successful,
        "again": [again.is_successful, again.errors[0].registration_id, again.errors[0].error_code],
        "listed": listed,
        "groups": groups,
        "removed": removed.is_successful,
        "query": refusal(client.create_individual_enrollment_query(QuerySpecification("SELECT 1")).next),
    }


def register(device):
    """A device of TASK: an id, a key or a certificate, a way to go."""
    arguments = {
        "provisioning_host": TASK["host"],
        "registration_id": device["id"],
        "id_scope": TASK["scope"],
        "websockets": device.get("websockets", False),
    }
    if "key" in device:
        client = ProvisioningDeviceClient.create_from_symmetric_key(symmetric_key=device["key"], **arguments)
    else:
        x509 = X509(cert_file=device["certificate"], key_file=device["private"])
        client = ProvisioningDeviceClient.create_from_x509_certificate(x509=x509, **arguments)
    client.provisioning_payload = {"colour": "red"}
    try:
        result = client.register()
    except ClientError as error:
        return {"error": str(error.__cause__ or error)}
    state = result.registration_state
    return {
        "status": result.status,
        "substatus": state.sub_status,
        "hub": state.assigned_hub,
        "device": state.device_id,
        "payload": state.response_payload,
    }


def devices():
    """Devices register; their owner sees it, removes a registration, and one registers again."""
    client = service()
    seen = [register(device) for device in TASK["devices"]]
    first = TASK["devices"][0]
    state = client.get_registration_state(first["id"])
    # The SDK's own Query hands this call arguments that it does not have.
    listed = client._runtime_client.query_device_registration_states(TASK["group"])
    of_group = [state.registration_id for state in listed]
    again = register(first)
    client.delete(client.get_registration_state(first["id"]))
    gone = refusal(client.get_registration_state, first["id"])
    return {
        "seen": seen,
        "state": [state.status, state.assigned_hub, state.device_id],
        "of_group": of_group,
        "again": again["substatus"],
        "gone": gone,
        "anew": register(first)["substatus"],
    }


SCENARIOS = {scenario.__name__: scenario for scenario in [individual, certificates, lists, devices]}

if __name__ == "__main__":
    # A scenario that hangs is ended by the system, whatever the SDK's threads do.
    signal.alarm(PATIENCE)
    outcome = SCENARIOS[sys.argv[1]]()
    print(json.dumps(outcome), flush=True)
    # Without waiting for the SDK's background threads, some of which a refused connection leaves behind.
    os._exit(0)
