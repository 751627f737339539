//! Questions about twins.

use serde_json::{Value, json};

use super::api::Api;

/// Every page of a query.
async fn pages(api: &Api, query: &str, size: &str) -> Vec<Value> {
    let body = json!({ "query": query }).to_string();
    let mut pages = Vec::new();
    let mut next = String::new();
    loop {
        let headers = [("x-ms-max-item-count", size), ("x-ms-continuation", next.as_str())];
        let page = api.send("POST", "/devices/query", &headers, body.clone()).await;
        assert_eq!(page.status, 200, "{}", page.body);
        pages.push(page.body);
        match page.headers.get("x-ms-continuation") {
            Some(more) => next = more.to_str().unwrap().to_owned(),
            None => return pages,
        }
    }
}

#[tokio::test]
async fn a_query_gives_twins_page_by_page() {
    let api = Api::new();
    for id in ["a", "b", "c"] {
        api.hub.create_device(id, None).unwrap();
    }
    let query = json!({"query": "select *  from DEVICES"}).to_string();
    let first = api
        .send("POST", "/devices/query", &[("x-ms-max-item-count", "2")], query.clone())
        .await;
    assert_eq!(
        (&first.body[0]["deviceId"], &first.body[1]["deviceId"]),
        (&json!("a"), &json!("b"))
    );
    assert_eq!(first.headers["x-ms-item-type"], "Twin");
    let next = first.headers["x-ms-continuation"].to_str().unwrap();
    let headers = [("x-ms-max-item-count", "2"), ("x-ms-continuation", next)];
    let second = api.send("POST", "/devices/query", &headers, query).await;
    assert_eq!(
        (second.body.as_array().unwrap().len(), &second.body[0]["deviceId"]),
        (1, &json!("c"))
    );
    assert!(!second.headers.contains_key("x-ms-continuation"));
    let wrong = json!({"query": "SELECT * FROM devices WHERE\n status == 'enabled'"});
    let refused = api.json("POST", "/devices/query", wrong).await;
    assert!(refused.is_refusal(400, "ArgumentInvalid").contains("line 2, column 10"));
    for headers in [("x-ms-max-item-count", "0"), ("x-ms-continuation", "nonsense")] {
        let query = json!({"query": "SELECT * FROM devices"}).to_string();
        api.send("POST", "/devices/query", &[headers], query)
            .await
            .is_refusal(400, "ArgumentInvalid");
    }
}

#[tokio::test]
async fn only_what_matches_is_paged() {
    let api = Api::new();
    for (id, site) in [
        ("a", "north"),
        ("b", "south"),
        ("c", "north"),
        ("d", "north"),
        ("e", "south"),
    ] {
        api.hub.create_device(id, None).unwrap();
        let tags = json!({"tags": {"site": site}});
        api.hub.patch_twin(id, tags.as_object().unwrap(), None).unwrap();
    }
    let north = "SELECT deviceId FROM devices WHERE tags.site = 'north'";
    let id = |id: &str| json!({ "deviceId": id });
    assert_eq!(
        pages(&api, north, "2").await,
        [json!([id("a"), id("c")]), json!([id("d")])]
    );
    let top = "SELECT TOP 2 deviceId FROM devices WHERE tags.site = 'north'";
    assert_eq!(pages(&api, top, "1").await, [json!([id("a")]), json!([id("c")])]);
    let groups = "SELECT tags.site AS site, COUNT() AS n FROM devices GROUP BY tags.site";
    assert_eq!(
        pages(&api, groups, "1").await,
        [json!([{"site": "north", "n": 3}]), json!([{"site": "south", "n": 2}])]
    );
    assert_eq!(
        pages(&api, "SELECT * FROM devices WHERE tags.site = 'west'", "1").await,
        [json!([])]
    );
}

#[tokio::test]
async fn modules_are_asked_about_apart_from_devices() {
    let api = Api::with_device();
    api.hub.create_module("d", "m", None).unwrap();
    api.hub.create_device("e", None).unwrap();
    api.hub.create_module("e", "m", None).unwrap();
    let all = pages(&api, "SELECT * FROM devices.modules", "1").await;
    assert_eq!(all.len(), 2);
    assert_eq!(
        (&all[0][0]["deviceId"], &all[0][0]["moduleId"]),
        (&json!("d"), &json!("m"))
    );
    let one = "select moduleId, deviceId from devices.modules where devices.modules.moduleId = 'm' and devices.deviceId = 'e'";
    assert_eq!(
        pages(&api, one, "10").await,
        [json!([{"moduleId": "m", "deviceId": "e"}])]
    );
    assert_eq!(
        pages(&api, "SELECT COUNT() AS n FROM devices", "10").await,
        [json!([{"n": 2}])]
    );
}
