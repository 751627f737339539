//! The oracle itself can find something.

use serde_json::Value;
use setpoint_tests::oracle::Balance;

fn balance(accepted: &[u64], stored: &[u64]) -> (usize, usize, usize) {
    let values = |numbers: &[u64]| numbers.iter().copied().map(Value::from).collect::<Vec<_>>();
    let mut balance = Balance::default();
    balance.telemetry("d", &values(accepted), &values(stored));
    (balance.lost.len(), balance.out_of_order.len(), balance.duplicates)
}

#[test]
fn what_is_lost_late_or_double_is_seen() {
    assert_eq!(balance(&[1, 2, 3], &[1, 2, 3]), (0, 0, 0));
    assert_eq!(balance(&[1, 2, 3], &[1, 3]), (1, 0, 0));
    assert_eq!(balance(&[1, 2, 3], &[1, 3, 2]), (0, 1, 0));
    assert_eq!(balance(&[1, 2, 3], &[1, 2, 1, 2, 3]), (0, 0, 2));
    assert_eq!(balance(&[1], &[1, 7]), (0, 1, 0));
}
