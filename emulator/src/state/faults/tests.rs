use super::*;

fn faults() -> Faults<u32> {
    Faults::new(str::eq)
}

fn struck(faults: &Faults<u32>, id: &str) -> Option<u32> {
    faults.take(id, |fault| Some(*fault))
}

#[test]
fn a_fault_strikes_as_often_as_it_was_asked_to_and_in_its_turn() {
    let faults = faults();
    faults.inject("d", 1, When::next(2));
    let last = faults.inject(Whom::All, 2, When::nth(3));
    faults.inject("d", 3, When::next(0));
    assert_eq!(struck(&faults, "e"), None, "the first of three for the last one");
    assert_eq!(struck(&faults, "d"), Some(1));
    assert_eq!(struck(&faults, "d"), Some(1));
    assert_eq!(struck(&faults, "d"), None, "the second of three");
    assert!(!faults.is_empty());
    assert_eq!(struck(&faults, "e"), Some(2));
    assert_eq!(last.struck(), 1);
    assert!(faults.is_empty());
    assert_eq!(struck(&faults, "d"), None);
}

#[test]
fn an_occasion_for_one_fault_is_none_for_another() {
    let faults = faults();
    faults.inject("d", 1, When::next(1));
    faults.inject("d", 2, When::next(1).after(1));
    let even = |faults: &Faults<u32>| faults.take("d", |fault| (fault % 2 == 0).then_some(*fault));
    assert_eq!(even(&faults), None);
    assert_eq!(even(&faults), Some(2));
    assert_eq!(struck(&faults, "d"), Some(1));
}

#[test]
fn a_fault_lasts_until_it_is_withdrawn() {
    let faults = faults();
    let injection = faults.inject("d", 1, When::always());
    for _ in 0..10 {
        assert_eq!(struck(&faults, "d"), Some(1));
    }
    faults.withdraw(&injection);
    assert_eq!(struck(&faults, "d"), None);
    assert_eq!(injection.struck(), 10);
    faults.inject("d", 1, When::always());
    faults.clear();
    assert!(faults.is_empty());
}

#[test]
fn each_service_says_which_ids_are_the_same() {
    let faults = Faults::new(str::eq_ignore_ascii_case);
    faults.inject("Shed-1", 1, When::always());
    assert_eq!(struck(&faults, "shed-1"), Some(1));
    assert_eq!(struck(&faults, "shed-2"), None);
}
