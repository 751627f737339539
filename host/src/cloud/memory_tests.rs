use super::*;

#[tokio::test]
async fn messages_wait_for_the_device() {
    let hub = MemoryHub::new();
    for number in 0..=WAITING_MESSAGES {
        hub.message(number.to_string().as_bytes(), Vec::new());
    }
    let assignment = hub.provision("dtmi:com:example:Thermostat;1").await.unwrap();
    let mut connection = hub.connect(&assignment, "dtmi:com:example:Thermostat;1").await.unwrap();
    for number in 0..WAITING_MESSAGES {
        let Event::Message { body, .. } = connection.next().await.unwrap() else {
            panic!("something else than message {number}");
        };
        assert_eq!(body, number.to_string().as_bytes());
    }
    hub.cut();
    assert!(
        connection.next().await.is_err(),
        "the last one was dropped, and comes never"
    );
}
