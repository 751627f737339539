use proptest::prelude::*;

use super::*;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The longest pauses that chance may choose.
fn longest(backoff: &mut Backoff, ending: Ending, lived: Option<Duration>) -> Decision {
    backoff.decide(ending, lived, u64::MAX)
}

#[test]
fn the_first_try_is_within_a_second_and_pauses_grow_to_a_minute() {
    let mut backoff = Backoff::default();
    let ceilings = [1, 2, 4, 8, 16, 32, 60, 60];
    for ceiling in ceilings {
        let pause = longest(&mut backoff, Ending::Failed, None).pause;
        assert!(
            pause <= s(ceiling) && pause > s(ceiling) - Duration::from_millis(1),
            "{pause:?}"
        );
    }
    assert_eq!(backoff.decide(Ending::Failed, None, 0).pause, s(0), "full jitter");
}

#[test]
fn after_a_connection_that_held_the_pauses_begin_anew() {
    let mut backoff = Backoff::default();
    for _ in 0..5 {
        longest(&mut backoff, Ending::Failed, None);
    }
    assert!(longest(&mut backoff, Ending::Failed, Some(s(59))).pause > s(30));
    assert!(longest(&mut backoff, Ending::Failed, Some(s(60))).pause <= s(1));
}

#[test]
fn every_tenth_attempt_in_a_row_that_fails_asks_the_provisioning_service() {
    let mut backoff = Backoff::default();
    let asked: Vec<_> = (1..=30)
        .filter(|_| longest(&mut backoff, Ending::Failed, None).provision)
        .collect();
    assert_eq!(asked, [10, 20, 30]);
    longest(&mut backoff, Ending::Failed, Some(s(1)));
    assert!(
        (0..9).all(|_| !longest(&mut backoff, Ending::Failed, None).provision),
        "they are no longer in a row"
    );
}

#[test]
fn a_refused_device_asks_for_its_hub_and_backs_off_to_an_hour_saying_so_once() {
    let mut backoff = Backoff::default();
    let first = longest(&mut backoff, Ending::Refused, None);
    assert!(first.provision && first.news && first.pause <= s(1));
    assert_eq!(first.cause, Cause::Refused);
    // That the service refuses it as well is another piece of news, and the last.
    let second = longest(&mut backoff, Ending::NotAssigned, None);
    assert!(second.news && second.cause == Cause::NotAssigned);
    let mut last = second;
    for _ in 0..20 {
        let next = longest(&mut backoff, Ending::NotAssigned, None);
        assert!(!next.news && next.provision && next.pause >= last.pause);
        last = next;
    }
    assert!(last.pause > s(3599) && last.pause <= s(3600));
    assert!(
        backoff.decide(Ending::NotAssigned, None, 0).pause >= s(1800),
        "never in the first half"
    );
    // Once it has been let in again, a refusal is news.
    longest(&mut backoff, Ending::Failed, Some(s(100)));
    assert!(longest(&mut backoff, Ending::NotAssigned, None).news);
}

#[test]
fn who_is_thrown_out_three_times_at_once_waits_half_a_minute_and_more_each_time() {
    let mut backoff = Backoff::default();
    for _ in 0..2 {
        let decision = longest(&mut backoff, Ending::Closed, Some(s(1)));
        assert_eq!(decision.cause, Cause::Network);
    }
    let third = backoff.decide(Ending::Closed, Some(s(1)), 0);
    assert!(third.news && third.cause == Cause::ThrownOut && third.pause == s(30));
    let mut last = s(0);
    for _ in 0..10 {
        let next = longest(&mut backoff, Ending::Closed, Some(s(40)));
        assert!(!next.news && next.pause >= last);
        last = next.pause;
    }
    assert!(last > s(900) && last <= s(930));
    // Also when it is the network that fails meanwhile.
    assert!(backoff.decide(Ending::Failed, None, 0).pause >= s(30));
    // Alone for longer than the other would have waited.
    assert_eq!(
        longest(&mut backoff, Ending::Closed, Some(s(1200))).cause,
        Cause::Network
    );
}

#[test]
fn a_hub_that_closes_now_and_then_is_no_other_client() {
    let mut backoff = Backoff::default();
    for _ in 0..20 {
        assert_eq!(longest(&mut backoff, Ending::Closed, Some(s(15))).cause, Cause::Network);
        longest(&mut backoff, Ending::Closed, Some(s(1)));
        longest(&mut backoff, Ending::Closed, Some(s(1)));
        longest(&mut backoff, Ending::Failed, Some(s(1)));
    }
}

proptest! {
    /// Two clients with one identity, both of this kind: each throws the other out whenever it connects.
    #[test]
    fn two_of_the_same_identity_soon_leave_the_hub_alone(seed in any::<u64>()) {
        let mut random = seed;
        let mut next = move || { random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407); random };
        let mut backoffs = [Backoff::default(), Backoff::default()];
        // Who is up, since when, and when the other comes.
        let (mut up, mut since, mut comes) = (0, s(0), s(1));
        let mut connects: Vec<Duration> = Vec::new();
        while comes < s(3600) {
            connects.push(comes);
            let lived = comes - since;
            let pause = backoffs[up].decide(Ending::Closed, Some(lived), next()).pause;
            (up, since) = (1 - up, comes);
            comes += pause;
        }
        // After the first ones, each of the two at most once in 30 s; they take turns.
        for turns in connects.windows(3).skip(6) {
            prop_assert!(turns[2] - turns[0] >= s(30), "{connects:?}");
        }
        prop_assert!(connects.len() < 100, "{}", connects.len());
    }
}
