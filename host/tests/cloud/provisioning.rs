//! Provisioning over connections that break. What takes minutes is tested in virtual time, beside the code.

use setpoint::cloud::{ConnectError, ProvisionError, Provisioner};
use setpoint_emulator::state::{DpsFault, When};

use crate::local::{DEVICE, Local, MODEL};

#[tokio::test]
async fn a_connection_that_is_closed_over_a_request_is_made_again() {
    let local = Local::start().await;
    let faults = local.emulator.enrollments().faults();
    // Over the second poll; the registration is not made a second time.
    let assigning = faults.inject(DEVICE, DpsFault::StayAssigning { retry_after: Some(0) }, When::next(1));
    let closed = faults.inject(DEVICE, DpsFault::Close, When::nth(2));
    let assignment = local.provisioner(local.access()).provision(MODEL).await.unwrap();
    assert_eq!(assignment.device_id, DEVICE);
    assert_eq!((assigning.struck(), closed.struck()), (1, 1));
}

#[tokio::test]
async fn a_service_that_refuses_the_connection_afterwards_has_the_last_word() {
    let local = Local::start().await;
    let faults = local.emulator.enrollments().faults();
    faults.inject(DEVICE, DpsFault::Close, When::next(1));
    faults.inject(DEVICE, DpsFault::RefuseConnect { code: 5 }, When::nth(2));
    let refused = local.provisioner(local.access()).provision(MODEL).await;
    assert!(
        matches!(refused, Err(ProvisionError::Connect(ConnectError::Refused { .. }))),
        "{refused:?}"
    );
}
