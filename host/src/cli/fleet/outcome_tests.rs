use setpoint::fleet::NotRun;

use super::*;

fn outcome(planned: u64, ran: u64, reasons: &[(Obstacle, u64)]) -> Outcome {
    let not_run = |(why, devices): &(Obstacle, u64)| NotRun {
        why: *why,
        devices: *devices,
        device: "sim-3".to_owned(),
        error: "no".to_owned(),
    };
    Outcome {
        cut_short: None,
        devices: Devices {
            planned,
            launched: planned,
            ran,
            ended: 0,
            parked: 0,
            abandoned: 0,
            most_connected: ran,
        },
        reasons: reasons.iter().map(not_run).collect(),
        all_ran: ran == planned,
    }
}

#[test]
fn what_is_the_same_for_all_devices_ends_the_fleet_as_it_ends_one() {
    let code = |ran, reasons: &[(Obstacle, u64)]| outcome(10, ran, reasons).exit_code();
    assert_eq!(code(0, &[(Obstacle::Provisioning, 10)]), 3);
    assert_eq!(code(0, &[(Obstacle::Guest, 10)]), 4);
    for why in [Obstacle::Hub, Obstacle::Certificate, Obstacle::Network] {
        assert_eq!(code(0, &[(why, 10)]), 1);
    }
    assert_eq!(code(0, &[(Obstacle::Provisioning, 9), (Obstacle::Network, 1)]), 1);
    assert_eq!(code(1, &[(Obstacle::Provisioning, 9)]), 1);
    assert_eq!(code(0, &[]), 1);
    let cut_short = Outcome {
        cut_short: Some((12.3, 60.0)),
        ..outcome(10, 10, &[])
    };
    assert_eq!(cut_short.exit_code(), 143);
    assert_eq!(
        cut_short.to_string(),
        "SIGTERM after 12 s of 60 s cut the fleet short; 10 of 10 devices ran"
    );
}

#[test]
fn who_did_not_run_is_said_with_the_reason_and_one_name() {
    let said = outcome(10, 2, &[(Obstacle::Provisioning, 5), (Obstacle::Network, 1)]).to_string();
    let reasons = "5 did not run because provisioning refused them, such as sim-3: no; 1 did not run because they did not get through; \
                   the fleet ended before 2 had begun";
    assert!(
        said.starts_with("2 of 10 devices ran; 0 ended by themselves, "),
        "{said}"
    );
    assert!(said.ends_with(reasons), "{said}");
}
