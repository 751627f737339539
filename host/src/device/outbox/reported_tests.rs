use proptest::prelude::*;

use super::*;

const NOW: Duration = Duration::ZERO;

fn member(name: &str) -> Member {
    match name.split_once('*') {
        Some((component, name)) => Member {
            component: Some(component.to_owned()),
            name: name.to_owned(),
        },
        None => Member::named(name),
    }
}

fn filled(values: &[(&str, Value)]) -> Reported {
    let mut reported = Reported::default();
    for (seq, (name, value)) in (1..).zip(values) {
        reported.set(seq, member(name), value.clone());
    }
    reported
}

/// Hands over what goes, under ids from `id` on.
fn taken(reported: &mut Reported, id: u64) -> Vec<Value> {
    let mut patches = Vec::new();
    while reported.next_seq(NOW).is_some() {
        match reported.take(id + patches.len() as u64, None) {
            Some(Outgoing::Report(patch)) => patches.push(Value::Object(patch.clone())),
            other => panic!("{other:?}"),
        }
    }
    patches
}

#[test]
fn properties_share_a_patch_and_components_are_marked() {
    let mut reported = filled(&[
        ("t1*max", json!(1)),
        ("t1*min", json!(0)),
        ("serial", json!("s")),
        ("gone", json!(null)),
    ]);
    assert_eq!(
        taken(&mut reported, 10),
        [json!({ "t1": { "__t": "c", "max": 1, "min": 0 }, "serial": "s", "gone": null })]
    );
}

#[test]
fn a_component_and_a_property_of_its_name_make_two_patches() {
    let mut reported = filled(&[("c", json!(1)), ("c*a", json!(2))]);
    assert_eq!(taken(&mut reported, 10).len(), 2);
}

#[test]
fn of_what_waits_only_the_latest_value_is_sent() {
    let mut reported = filled(&[("a", json!(1)), ("b", json!(1)), ("a", json!(2))]);
    assert_eq!(reported.len(), 2);
    assert_eq!(taken(&mut reported, 10), [json!({ "a": 2, "b": 1 })]);
}

#[test]
fn a_hub_that_listens_is_told_every_value_in_order() {
    let mut reported = Reported::default();
    reported.connected();
    for (seq, (name, value)) in (1..).zip([("a", 1), ("b", 1), ("a", 2)]) {
        reported.set(seq, member(name), json!(value));
    }
    assert_eq!(taken(&mut reported, 10), [json!({ "a": 1, "b": 1 }), json!({ "a": 2 })]);
    reported.connection_lost();
    assert_eq!(taken(&mut reported, 20), [json!({ "b": 1, "a": 2 })]);
    assert_eq!(
        (reported.len(), reported.settle(20).map(|patch| patch.members)),
        (2, Some(2))
    );
    assert_eq!((reported.len(), reported.bytes), (0, 0));
}

#[test]
fn a_value_that_changes_while_another_is_on_its_way_follows_it() {
    let mut reported = filled(&[("a", json!(1))]);
    assert_eq!(taken(&mut reported, 10), [json!({ "a": 1 })]);
    reported.set(11, member("a"), json!(2));
    assert_eq!(taken(&mut reported, 12), [json!({ "a": 2 })]);
    assert!(reported.settle(10).is_some() && reported.settle(12).is_some());
    assert_eq!((reported.len(), reported.bytes), (0, 0));
}

#[test]
fn after_a_lost_connection_what_was_in_flight_is_merged_with_what_came_since() {
    let mut reported = filled(&[("a", json!(1)), ("b", json!(1))]);
    taken(&mut reported, 10);
    reported.set(11, member("a"), json!(2));
    taken(&mut reported, 12);
    reported.set(13, member("c"), json!(3));
    reported.connection_lost();
    assert_eq!(taken(&mut reported, 20), [json!({ "a": 2, "b": 1, "c": 3 })]);
}

#[test]
fn a_refused_patch_is_taken_apart_and_one_of_a_single_property_is_not() {
    let mut reported = filled(&[("good", json!(1)), ("bad", json!(2))]);
    taken(&mut reported, 10);
    assert!(reported.divide(10));
    assert_eq!(taken(&mut reported, 20), [json!({ "good": 1 }), json!({ "bad": 2 })]);
    assert!(!reported.divide(21));
    assert!(reported.settle(20).is_some() && reported.settle(21).is_some());
    assert_eq!((reported.len(), reported.bytes), (0, 0));
}

#[test]
fn a_busy_hub_is_left_alone_and_an_old_value_does_not_overtake_a_newer_one() {
    let mut reported = filled(&[("a", json!(1))]);
    taken(&mut reported, 10);
    reported.set(11, member("a"), json!(2));
    taken(&mut reported, 12);
    // The newer one was taken before the answer to the older came.
    assert!(reported.settle(12).is_some());
    reported.hold(10, Duration::from_secs(5));
    assert_eq!(reported.len(), 0, "what was overtaken does not come back");
    reported.set(13, member("b"), json!(1));
    assert_eq!(reported.held_until(), Some(Duration::from_secs(5)));
    assert_eq!(reported.next_seq(Duration::from_secs(4)), None);
    assert_eq!(reported.next_seq(Duration::from_secs(5)), Some(13));
}

#[test]
fn room_is_for_properties_not_for_values() {
    let mut reported = Reported::default();
    let empty = reported.room();
    for seq in 0..100 {
        reported.set(seq, member("a"), json!(seq));
    }
    assert_eq!(reported.room().0, empty.0 - 1);
    assert!(reported.room().1 > empty.1 - 20);
}

#[test]
fn large_values_make_patches_that_a_hub_takes() {
    let mut reported = Reported::default();
    for seq in 0..10 {
        reported.set(seq, member(&format!("p{seq}")), json!("x".repeat(4000)));
    }
    let patches = taken(&mut reported, 100);
    assert!(patches.len() > 1 && patches.iter().all(|patch| patch.to_string().len() <= PATCH_BYTES + 100));
}

#[derive(Debug, Clone)]
enum Step {
    Set(usize, u8),
    Take,
    Settle,
    Hold,
    Divide,
    Lose,
    Connect,
}

proptest! {
    /// Whatever happens, in the end the hub has the latest value of every property, as long as it takes patches in order.
    #[test]
    fn the_hub_ends_with_the_latest_values(steps in prop::collection::vec(prop_oneof![
        4 => (0..4_usize, any::<u8>()).prop_map(|(name, value)| Step::Set(name, value)),
        3 => Just(Step::Take), 2 => Just(Step::Settle), 1 => Just(Step::Hold),
        1 => Just(Step::Divide), 1 => Just(Step::Lose), 1 => Just(Step::Connect),
    ], 0..100)) {
        let names = ["a", "b", "c*a", "c*b"];
        let mut reported = Reported::default();
        let (mut wanted, mut hub, mut id) = (Document::new(), Document::new(), 0);
        // What is on its way, and whether the hub takes it: decided when it is answered, in order.
        let mut flying: VecDeque<(u64, Document)> = VecDeque::new();
        let take = |reported: &mut Reported, flying: &mut VecDeque<(u64, Document)>, id: &mut u64| {
            if reported.next_seq(Duration::MAX).is_some() {
                *id += 1;
                if let Some(Outgoing::Report(patch)) = reported.take(*id, None) {
                    flying.push_back((*id, patch.clone()));
                }
            }
        };
        for step in steps {
            match step {
                Step::Set(name, value) => {
                    id += 1;
                    let member = member(names[name]);
                    put(&mut wanted, &Property::new(id, member.clone(), json!(value)));
                    reported.set(id, member, json!(value));
                }
                Step::Take => take(&mut reported, &mut flying, &mut id),
                Step::Settle => if let Some((id, patch)) = flying.pop_front() {
                    setpoint_protocol::twin::merge(&mut hub, &patch);
                    prop_assert!(reported.settle(id).is_some());
                },
                Step::Hold => if let Some((id, _)) = flying.pop_front() { reported.hold(id, Duration::ZERO); },
                Step::Divide => if let Some((id, patch)) = flying.pop_front()
                    && !reported.divide(id) {
                    setpoint_protocol::twin::merge(&mut hub, &patch);
                    prop_assert!(reported.settle(id).is_some());
                },
                Step::Connect => reported.connected(),
                Step::Lose => { flying.clear(); reported.connection_lost(); }
            }
        }
        loop {
            take(&mut reported, &mut flying, &mut id);
            let Some((id, patch)) = flying.pop_front() else { break };
            setpoint_protocol::twin::merge(&mut hub, &patch);
            prop_assert!(reported.settle(id).is_some());
        }
        prop_assert_eq!(hub, wanted);
        prop_assert_eq!((reported.len(), reported.bytes), (0, 0));
    }
}
