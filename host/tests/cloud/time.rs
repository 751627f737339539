//! Tokens and the clocks they are signed by.

use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use serde_json::json;
use setpoint::clock::{Clock, VirtualClock};
use setpoint::cloud::{AzureConnector, ConnectError, Connector, ProvisionError, Provisioner, TokenClock};

use crate::local::{DEVICE, Local, MODEL};
use crate::server::Server;

fn tokens(clock: &VirtualClock) -> TokenClock {
    TokenClock::new(Arc::new(clock.clone()))
}

#[tokio::test]
async fn a_device_whose_clock_is_hours_off_learns_the_time_and_registers() {
    let server = Server::start().await;
    let truth = Utc::now();
    let clock = VirtualClock::starting_at(truth - TimeDelta::hours(7));
    let access = server.access().clock(tokens(&clock));
    let provisioner = server.provisioner(access.clone());
    let dps = async {
        let mut first = server.device(1).await;
        let refusal = json!({
            "errorCode": 401_002,
            "trackingId": "97d6b1f0",
            "message": "Unauthorized",
            "timestampUtc": truth.to_rfc3339(),
        });
        first.answer("401/?", &refusal).await;
        let mut second = server.device(1).await;
        let state =
            json!({"registrationId": DEVICE, "assignedHub": "localhost", "deviceId": DEVICE, "status": "assigned"});
        let assigned = json!({"operationId": "4.d0", "status": "assigned", "registrationState": state});
        second.answer("200/?", &assigned).await;
        second.left().await;
        [first, second].map(|client| expiry(&client.password()))
    };
    let (assignment, [wrong, right]) = tokio::join!(provisioner.provision(MODEL), dps);
    assert_eq!(assignment.unwrap().device_id, DEVICE);
    assert_eq!(wrong, truth.timestamp() - 7 * 3_600 + 3_600);
    assert_eq!(right, truth.timestamp() + 3_600);

    // Its connector shares what was learned, and speaks of the end in the device's own time.
    let (connector, assignment) = (AzureConnector::new(access), server.assignment());
    let (connection, hub) = tokio::join!(connector.connect(&assignment, MODEL), server.device(4));
    assert_eq!(expiry(&hub.password()), truth.timestamp() + 3_600);
    let left = connection.unwrap().expires().unwrap() - clock.now();
    assert!((left - TimeDelta::hours(1)).abs() <= TimeDelta::seconds(1), "{left}");
}

#[tokio::test]
async fn a_device_whose_clock_is_right_is_refused_at_once() {
    let server = Server::start().await;
    let provisioner = server.provisioner(server.access());
    let dps = async {
        let mut client = server.device(1).await;
        let refusal = json!({"errorCode": 401_002, "message": "Unauthorized", "timestampUtc": Utc::now().to_rfc3339()});
        client.answer("401/?", &refusal).await;
        client.left().await;
    };
    let (refused, ()) = tokio::join!(provisioner.provision(MODEL), dps);
    assert!(
        matches!(refused, Err(ProvisionError::Refused { status: 401, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn what_is_refused_with_the_right_time_too_is_refused() {
    let server = Server::start().await;
    let clock = VirtualClock::starting_at(Utc::now() + TimeDelta::hours(7));
    let provisioner = server.provisioner(server.access().clock(tokens(&clock)));
    let dps = async {
        for _ in 0..2 {
            let mut client = server.device(1).await;
            let refusal = json!({"errorCode": 401_002, "timestampUtc": Utc::now().to_rfc3339()});
            client.answer("401/?", &refusal).await;
            client.left().await;
        }
    };
    let (refused, ()) = tokio::join!(provisioner.provision(MODEL), dps);
    assert!(
        matches!(refused, Err(ProvisionError::Refused { status: 401, .. })),
        "{refused:?}"
    );
}

/// The second in which this token ends.
fn expiry(token: &str) -> i64 {
    let (_, expiry) = token.split_once("se=").unwrap();
    expiry.split('&').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn without_a_service_that_says_the_time_a_wrong_clock_is_refused() {
    let local = Local::start().await;
    let assignment = local.provisioner(local.access()).provision(MODEL).await.unwrap();
    let clock = VirtualClock::starting_at(Utc::now() - TimeDelta::hours(7));
    let connector = AzureConnector::new(local.access().clock(tokens(&clock)));
    let Err(error) = connector.connect(&assignment, MODEL).await else {
        panic!("the hub takes a token that has expired");
    };
    assert!(matches!(error, ConnectError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("clock"), "{error}");
}

#[tokio::test]
async fn a_connection_expires_with_its_token() {
    let local = Local::start().await;
    let clock = VirtualClock::starting_at(Utc::now());
    let access = local.access().clock(tokens(&clock)).token_life(Duration::from_secs(40));
    let assignment = local.provisioner(access.clone()).provision(MODEL).await.unwrap();
    let connection = AzureConnector::new(access).connect(&assignment, MODEL).await.unwrap();
    let left = connection.expires().unwrap() - clock.now();
    assert!(
        left > TimeDelta::seconds(38) && left <= TimeDelta::seconds(40),
        "{left}"
    );
    connection.close().await;
}

#[tokio::test]
async fn the_emulator_says_the_time_as_azure_does() {
    let local = Local::start().await;
    let clock = VirtualClock::starting_at(Utc::now() - TimeDelta::hours(7));
    let access = local.access().clock(tokens(&clock));
    let assignment = local.provisioner(access.clone()).provision(MODEL).await.unwrap();
    let connection = AzureConnector::new(access).connect(&assignment, MODEL).await.unwrap();
    connection.close().await;
}
