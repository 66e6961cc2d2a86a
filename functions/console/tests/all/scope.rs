//! Tenants never meet: what is somebody else's is answered, to the byte, as what does not exist.

use bellhop_console::document;
use bellhop_events::Queue;
use serde_json::{Value, json};

use crate::common::{Answered, Stage, claims, desk};

/// Every route with a tenant or a desk in its path, as method, path and a body that would do.
fn scoped(tenant: &str, item: &str) -> Vec<(String, String, Value)> {
    let document = document();
    let mut found = Vec::new();
    for (path, operations) in document["paths"].as_object().expect("paths") {
        if !path.contains("{tenant}") && !path.contains("{desk}") {
            continue;
        }
        let path = path.trim_start_matches('/').replace("{tenant}", tenant).replace("{desk}", tenant);
        let path = path.replace("{property}", "villa").replace("{item}", item);
        let body = match path.rsplit('/').next() {
            Some("edit") => json!({"body": "{}"}),
            Some("discard") => json!({"reason": "x"}),
            Some("check") => json!({"queue": "automation", "body": "{}"}),
            Some("bulk") => json!({"act": "retry", "code": "mail-refused", "dry_run": false}),
            _ => json!({}),
        };
        for method in operations.as_object().expect("operations").keys() {
            found.push((method.to_uppercase(), path.clone(), body.clone()));
        }
    }
    found
}

async fn ask(stage: &Stage, token: &str, (method, path, body): &(String, String, Value)) -> Answered {
    let body = if method == "GET" { String::new() } else { body.to_string() };
    stage.ask(method, path, &json!({ "authorization": format!("Bearer {token}") }), &body).await
}

#[tokio::test]
async fn what_is_somebody_elses_is_as_if_it_did_not_exist() {
    let stage = Stage::new().await;
    stage.items(Some("sea"), 3).await;
    stage.items(None, 1).await;
    let item = stage.open(&desk("sea")).await.remove(0).id.to_string();
    let of_hill = stage.manager("hill");
    let mut routes = 0;
    for token in [of_hill.clone(), stage.viewer("hill"), stage.issuer.token(&claims("no", "manager", &json!([])))] {
        for (own, other) in scoped("sea", &item).iter().zip(scoped("no-such-tenant", &item)) {
            // Twenty a second, as everybody.
            bellhop_kit::advance(1);
            let (theirs, nothing) = (ask(&stage, &token, own).await, ask(&stage, &token, &other).await);
            assert_eq!((theirs.status, theirs.code()), (404, "not-found".to_owned()), "{own:?}");
            assert_eq!(theirs, nothing, "{own:?}");
            routes += 1;
        }
        for route in scoped("~", &item).iter().chain(&scoped("*", &item)).chain(&scoped("SEA", &item)) {
            bellhop_kit::advance(1);
            assert_eq!(ask(&stage, &token, route).await.status, 404, "{route:?}");
        }
    }
    assert!(routes >= 3 * 13, "{routes}");
    assert!(stage.open(&desk("sea")).await.iter().all(|item| item.act.is_none()));
    assert!(stage.world.aws.queue(Queue::OperationalCalendar, |queue| queue.is_empty()));
}

#[tokio::test]
async fn an_item_of_another_desk_is_not_on_ones_own() {
    let stage = Stage::new().await;
    stage.items(Some("sea"), 1).await;
    stage.items(None, 1).await;
    let item = stage.open(&desk("sea")).await.remove(0).id.to_string();
    let of_hill = stage.manager("hill");
    for route in scoped("hill", &item).iter().filter(|(_, path, _)| path.contains(&item)) {
        let theirs = ask(&stage, &of_hill, route).await;
        let mut nothing = route.clone();
        nothing.1 = nothing.1.replace(&item, "r0000000000000000000000000");
        assert_eq!(theirs.status, 404, "{route:?}");
        assert_eq!(theirs, ask(&stage, &of_hill, &nothing).await, "{route:?}");
    }
    let bulk = json!({"act": "discard", "reason": "x", "ids": [item], "dry_run": false});
    assert_eq!(stage.post("api/desks/hill/review/bulk", &of_hill, &bulk).await.status, 404);
    let list = stage.get("api/desks/hill/review", &of_hill).await.json();
    assert_eq!(list, json!({"items": [], "next": null}));
    assert_eq!(stage.get("api/desks/~/review", &stage.operator()).await.json()["items"][0]["tenant"], "~");
}

#[tokio::test]
async fn a_cursor_leads_nowhere_but_to_its_own_list() {
    let stage = Stage::new().await;
    stage.items(Some("sea"), 60).await;
    let both = stage.issuer.token(&claims("both", "manager", &json!(["sea", "hill"])));
    let page = stage.get("api/desks/sea/review", &both).await.json();
    let cursor = page["next"].as_str().expect("a second page");
    let next = stage.get(&format!("api/desks/sea/review?cursor={cursor}"), &both).await;
    assert_eq!(next.json()["items"].as_array().map(Vec::len), Some(10));
    let elsewhere = [
        format!("api/desks/hill/review?cursor={cursor}"),
        format!("api/desks/sea/review?order=newest&cursor={cursor}"),
        "api/desks/sea/review?cursor=AAAA".to_owned(),
        "api/desks/sea/review?cursor=%00".to_owned(),
        format!("api/desks/sea/review?cursor={}", &cursor[1..]),
    ];
    for path in elsewhere {
        assert_eq!(stage.get(&path, &both).await.status, 404, "{path}");
    }
    let bulk = json!({"act": "retry", "code": "x", "dry_run": true, "cursor": cursor});
    assert_eq!(stage.post("api/desks/sea/review/bulk", &both, &bulk).await.status, 404);
}

#[tokio::test]
async fn tenants_are_those_of_the_token_and_all_for_operators() {
    let stage = Stage::new().await;
    stage.items(Some("sea"), 2).await;
    let own = stage.issuer.token(&claims("both", "viewer", &json!("sea hill")));
    let of =
        |tenant: &str, open: u8| json!({"tenant": tenant, "open": open, "standing": "active", "own_queues": false});
    let all = stage.get("api/tenants", &own).await.json();
    assert_eq!(all, json!({"tenants": [of("hill", 0), of("sea", 2)], "next": null}));
    assert_eq!(stage.get("api/tenants?q=h", &own).await.json()["tenants"], json!([of("hill", 0)]));
    assert_eq!(stage.get("api/tenants?after=hill", &own).await.json()["tenants"], json!([of("sea", 2)]));
    assert_eq!(stage.get("api/tenants?q=%23", &own).await.json()["tenants"], json!([]));
    assert_eq!(stage.get("api/tenants?after=%23", &own).await.code(), "invalid-request");
    let many: Vec<_> = (0..45).map(|n| format!("t{n:02}")).collect();
    let many = stage.issuer.token(&claims("many", "viewer", &json!(many)));
    let (mut after, mut seen) = (String::new(), 0);
    loop {
        let page = stage.get(&format!("api/tenants?after={after}"), &many).await.json();
        seen += page["tenants"].as_array().expect("tenants").len();
        let Some(next) = page["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(seen, 45);
}
