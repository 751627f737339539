use super::*;
use crate::clock::VirtualClock;
use std::time::Duration;

/// Eight in the morning, in truth.
fn truth() -> DateTime<Utc> {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

const HOURS: TimeDelta = TimeDelta::hours(7);

fn showing(wall: DateTime<Utc>) -> (VirtualClock, TokenClock) {
    let clock = VirtualClock::starting_at(wall);
    // As on a machine that has been up for a while.
    clock.advance(Duration::from_secs(1_000));
    clock.jump_to(wall);
    (clock.clone(), TokenClock::new(Arc::new(clock)))
}

#[test]
fn shows_the_machines_time_until_it_learns_another() {
    let (clock, tokens) = showing(truth());
    assert_eq!(tokens.now(), truth());
    clock.advance(Duration::from_secs(60));
    assert_eq!(tokens.now(), truth() + TimeDelta::seconds(60));
}

#[test]
fn a_few_minutes_are_no_difference() {
    let (_, tokens) = showing(truth());
    for minutes in [-5, 5] {
        assert!(!tokens.learn(truth() + TimeDelta::minutes(minutes)), "{minutes}");
    }
    assert_eq!(tokens.now(), truth());
}

#[test]
fn a_clock_that_is_wrong_from_the_start_is_corrected() {
    for wrong in [truth() - HOURS, truth() + HOURS, DateTime::UNIX_EPOCH] {
        let (clock, tokens) = showing(wrong);
        assert!(tokens.learn(truth()), "{wrong}");
        assert_eq!(tokens.now(), truth(), "{wrong}");
        clock.advance(Duration::from_secs(600));
        assert_eq!(tokens.now(), truth() + TimeDelta::minutes(10), "{wrong}");
        assert!(!tokens.learn(truth() + TimeDelta::minutes(10)), "it is known already");
    }
}

#[test]
fn what_was_learned_does_not_count_twice_when_the_clock_is_set_right() {
    let (clock, tokens) = showing(truth() - HOURS);
    tokens.learn(truth());
    clock.advance(Duration::from_secs(60));
    clock.jump_to(truth() + TimeDelta::seconds(60));
    assert_eq!(tokens.now(), truth() + TimeDelta::seconds(60));
    // From here on the machine's clock counts again, wherever it goes.
    clock.jump_to(truth() + HOURS);
    assert_eq!(tokens.now(), truth() + HOURS);
}

#[test]
fn a_clock_that_jumps_to_another_wrong_time_changes_nothing() {
    let (clock, tokens) = showing(truth() - HOURS);
    tokens.learn(truth());
    clock.jump_to(truth() + HOURS);
    assert_eq!(tokens.now(), truth());
}

#[test]
fn a_clock_that_jumps_later_is_corrected_then() {
    let (clock, tokens) = showing(truth());
    clock.advance(Duration::from_secs(3_600));
    clock.jump_to(truth() - HOURS);
    assert_eq!(tokens.now(), truth() - HOURS, "nobody has said otherwise");
    assert!(tokens.learn(truth() + TimeDelta::hours(1)));
    assert_eq!(tokens.now(), truth() + TimeDelta::hours(1));
}

#[test]
fn clones_share_what_one_learned() {
    let (_, tokens) = showing(truth() - HOURS);
    let other = tokens.clone();
    other.learn(truth());
    assert_eq!(tokens.now(), truth());
}

#[test]
fn translates_into_the_machines_own_time() {
    let end = truth() + TimeDelta::hours(1);
    let (clock, tokens) = showing(truth() - HOURS);
    tokens.learn(truth());
    assert_eq!(tokens.on_this_machine(end), end - HOURS);
    clock.jump_to(truth());
    assert_eq!(tokens.on_this_machine(end), end, "after it was set right");
}

#[test]
fn an_absurd_time_does_not_overflow() {
    for absurd in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
        let (clock, tokens) = showing(truth());
        tokens.learn(absurd);
        clock.advance(Duration::from_secs(60));
        tokens.now();
        tokens.on_this_machine(truth());
        tokens.learn(truth());
    }
}
