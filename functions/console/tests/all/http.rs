//! The console as a browser meets it: pages, headers, versions, compression, limits.

use std::io::Read as _;

use bellhop_kit::advance;
use bellhop_kit::given::{GROUP, booking, property};
use bellhop_store::{Mode, Registration, Standing};
use flate2::read::GzDecoder;
use serde_json::json;

use crate::common::{Stage, claims};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
     connect-src 'self' https://issuer.example https://login.example; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

#[tokio::test]
async fn every_answer_has_the_headers_of_safety() {
    let stage = Stage::new().await;
    let mia = format!("Bearer {}", stage.manager("sea"));
    let asked = [
        ("GET", "", 200),
        ("GET", "index.html", 200),
        ("GET", "main.js", 200),
        ("GET", "nowhere", 404),
        ("POST", "main.js", 405),
        ("GET", "api/config", 200),
        ("GET", "api/me", 200),
        ("GET", "api/queues", 403),
        ("GET", "api/nowhere", 404),
        ("DELETE", "api/me", 405),
        ("GET", "api/desks/sea/review/bulk", 405),
        ("GET", "../Cargo.toml", 404),
        ("GET", "api", 404),
        ("OPTIONS", "api/me", 405),
    ];
    for (method, path, status) in asked {
        let answer = stage.ask(method, path, &json!({ "authorization": mia }), "").await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.header("content-security-policy"), POLICY, "{method} {path}");
        assert_eq!(
            (answer.header("x-content-type-options"), answer.header("referrer-policy")),
            ("nosniff", "no-referrer")
        );
        assert_eq!(answer.header("strict-transport-security"), "", "it came by HTTP");
        let cache = if path.starts_with("api") || status != 200 { "no-store" } else { "no-cache" };
        assert_eq!(answer.header("cache-control"), cache, "{method} {path}");
        assert!(answer.headers.get("set-cookie").is_none());
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    assert_eq!(stage.ask("PUT", "api/me", &json!({}), "").await.header("allow"), "GET, HEAD");
    let safe = stage.ask("GET", "", &json!({ "x-forwarded-proto": "https" }), "").await;
    assert!(safe.header("strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn pages_are_compressed_and_kept_until_they_change() {
    let stage = Stage::new().await;
    let plain = stage.ask("GET", "main.js", &json!({}), "").await;
    assert_eq!((plain.status, plain.header("content-type")), (200, "text/javascript; charset=utf-8"));
    let zipped = stage.ask("GET", "main.js", &json!({ "accept-encoding": "br, gzip;q=0.8" }), "").await;
    assert_eq!((zipped.header("content-encoding"), zipped.header("vary")), ("gzip", "accept-encoding"));
    let mut text = Vec::new();
    GzDecoder::new(zipped.body.as_slice()).read_to_end(&mut text).expect("gzip");
    assert_eq!(text, plain.body);
    let refused = stage.ask("GET", "main.js", &json!({ "accept-encoding": "gzip;q=0" }), "").await;
    assert_eq!((refused.header("content-encoding"), &refused.body), ("", &plain.body));
    let tag = plain.header("etag");
    for known in [tag.to_owned(), tag.trim_start_matches("W/").to_owned(), format!("\"x\", {tag}"), "*".to_owned()] {
        let same = stage.ask("GET", "main.js", &json!({ "if-none-match": known }), "").await;
        assert_eq!((same.status, same.body.len(), same.header("etag")), (304, 0, tag), "{known}");
    }
    let head = stage.ask("HEAD", "main.js", &json!({}), "").await;
    assert_eq!((head.status, head.body.len(), head.header("etag")), (200, 0, tag));
}

#[tokio::test]
async fn the_page_is_told_how_to_sign_in() {
    let stage = Stage::new().await;
    let config = stage.ask("GET", "api/config", &json!({}), "").await;
    let wanted = json!({
        "issuer": "https://issuer.example/pool", "client_id": "console-client",
        "authorization_endpoint": "https://login.example/authorize", "token_endpoint": "https://login.example/token",
        "end_session_endpoint": "https://login.example/logout", "scope": "openid profile email",
    });
    assert_eq!(config.json(), wanted);
    let document = stage.ask("GET", "api/openapi.json", &json!({}), "").await;
    assert_eq!((document.status, document.json()["openapi"].as_str()), (200, Some("3.1.0")));
}

#[tokio::test]
async fn one_person_may_ask_so_often_and_others_do_not_wait() {
    let stage = Stage::new().await;
    let mia = stage.manager("sea");
    for n in 0..60 {
        assert_eq!(stage.get("api/me", &mia).await.status, 200, "{n}");
    }
    let late = stage.get("api/me", &stage.issuer.token(&claims("mia-of-sea", "viewer", &json!(["hill"])))).await;
    assert_eq!((late.status, late.code().as_str(), late.header("retry-after")), (429, "too-many-requests", "1"));
    assert_eq!(stage.get("api/me", &stage.operator()).await.status, 200);
    advance(1);
    assert_eq!(stage.get("api/me", &mia).await.status, 200);
}

#[tokio::test]
async fn a_month_is_told_once_and_again_when_it_changes() {
    let stage = Stage::new().await;
    stage.events(&[booking("e1", "created", "B1", 1, "u1", 3..7), booking("e2", "created", "B2", 1, "u1", 5..6)]).await;
    let path = "api/tenants/sea/properties/villa/calendar?month=2026-07";
    let vera = format!("Bearer {}", stage.viewer("sea"));
    let answer = stage.ask("GET", path, &json!({ "authorization": vera }), "").await;
    let month = answer.json();
    assert_eq!(
        (&month["group"], &month["month"], &month["today"]),
        (&json!(GROUP), &json!("2026-07-01"), &json!("2026-07-01"))
    );
    assert_eq!(month["units"][0]["stays"][0]["booking"], "B1");
    assert_eq!(
        month["unplaced"][0],
        json!({
            "booking": "B2", "unit": "u1", "arrival": "2026-07-05", "departure": "2026-07-06", "taken_by": ["B1"],
        })
    );
    let tag = answer.header("etag").to_owned();
    assert!(tag.starts_with("W/\""));
    let same = stage.ask("GET", path, &json!({ "authorization": vera, "if-none-match": tag }), "").await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    stage.events(&[booking("e3", "modified", "B1", 2, "u1", 3..8)]).await;
    let changed = stage.ask("GET", path, &json!({ "authorization": vera, "if-none-match": tag }), "").await;
    assert_eq!(changed.status, 200);
    let august =
        stage.get("api/tenants/sea/properties/villa/calendar?month=2026-08", &stage.viewer("sea")).await.json();
    assert_eq!((&august["units"][0]["stays"], &august["unplaced"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn a_property_is_looked_at_from_all_sides() {
    let stage = Stage::new().await;
    stage.events(&[property("p2", 2, &[("u1", 1)])]).await;
    let (vera, base) = (stage.viewer("sea"), "api/tenants/sea/properties/villa");
    let board = stage.get(&format!("{base}/board?from=2026-07-03&days=3"), &vera).await.json();
    assert_eq!(
        (&board["from"], &board["until"], &board["today"]),
        (&json!("2026-07-03"), &json!("2026-07-06"), &json!("2026-07-01"))
    );
    assert_eq!(stage.get(&format!("{base}/board"), &vera).await.json()["until"], "2026-07-08");
    assert_eq!(stage.get(&format!("{base}/channels"), &vera).await.json(), json!({"channels": []}));
    for (path, pointer) in [
        ("calendar?month=2026-13", "/query/month"),
        ("calendar?month=-026-01", "/query/month"),
        ("calendar?month=x", "/query/month"),
        ("board?days=0", "/query/days"),
        ("board?days=32", "/query/days"),
        ("board?days=x", "/query/days"),
        ("board?from=yesterday", "/query/from"),
        ("board?from=99999-01-01", "/query/from"),
    ] {
        let answer = stage.get(&format!("{base}/{path}"), &vera).await;
        assert_eq!((answer.status, answer.json()["error"]["pointer"].as_str()), (400, Some(pointer)), "{path}");
    }
    assert_eq!(stage.get(&format!("{base}/board?from=9999-12-31&days=31"), &vera).await.status, 200, "the end of time");
    for what in ["calendar", "board", "channels", "dashboard"] {
        let answer = stage.get(&format!("api/tenants/sea/properties/none/{what}"), &vera).await;
        assert_eq!(answer.status, 404, "{what}");
    }
}

#[tokio::test]
async fn a_dashboard_has_a_version_that_lasts_a_minute() {
    for path in ["api/tenants/sea/dashboard", "api/tenants/sea/properties/villa/dashboard"] {
        let stage = Stage::new().await;
        let ask = async |known: &str| {
            let vera = format!("Bearer {}", stage.viewer("sea"));
            stage.ask("GET", path, &json!({ "authorization": vera, "if-none-match": known }), "").await
        };
        let answer = ask("").await;
        assert_eq!((answer.status, &answer.json()["review"]["open"]), (200, &json!(0)), "{path}");
        let tag = answer.header("etag").to_owned();
        assert_eq!(ask(&tag).await.status, 304, "{path}");
        stage.items(Some("sea"), 1).await;
        let waits = ask(&tag).await;
        assert_eq!(waits.json()["review"], json!({"open": 1, "critical": 1, "reasons": {"mail-refused": 1}}), "{path}");
        let tag = waits.header("etag").to_owned();
        assert_eq!(ask(&tag).await.status, 304, "{path}");
        advance(60);
        assert_eq!(ask(&tag).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn operators_see_queues() {
    let stage = Stage::new().await;
    let answer = stage.get("api/queues", &stage.operator()).await;
    let queues = answer.json()["queues"].as_array().cloned().unwrap_or_default();
    assert_eq!(queues.len(), 6);
    let wanted = json!({"name": "operational-calendar", "waiting": 3, "in_flight": 1, "delayed": 0, "dead_letters": 2});
    assert_eq!(queues[0], wanted);
    assert_eq!(stage.get("api/queues", &stage.manager("sea")).await.code(), "not-allowed");
}

#[tokio::test]
async fn operators_see_the_queues_of_a_silo_and_who_is_suspended() {
    let stage = Stage::new().await;
    let now = bellhop_kit::now();
    let mut silo = Registration::new("seaside".parse().expect("a tenant"), now);
    (silo.mode, silo.standing) = (Mode::Silo, Standing::Suspended);
    stage.world.store.commit(silo.put().expect("writes")).await.expect("a registration");
    let queues = stage.get("api/queues?tenant=seaside", &stage.operator()).await.json()["queues"].clone();
    assert_eq!(queues.as_array().map(Vec::len), Some(5), "the fallback queue is shared: {queues}");
    assert_eq!(stage.get("api/queues?tenant=sea", &stage.operator()).await.status, 404, "it has none");
    assert_eq!(stage.get("api/queues?tenant=Sea%2F", &stage.operator()).await.status, 400);
    assert_eq!(stage.get("api/queues?tenant=seaside", &stage.manager("seaside")).await.code(), "not-allowed");
    let tenants = stage.get("api/tenants?q=seas", &stage.operator()).await.json();
    let wanted = json!([{"tenant": "seaside", "open": 0, "standing": "suspended", "own_queues": true}]);
    assert_eq!(tenants["tenants"], wanted);
}

#[tokio::test]
async fn a_store_that_is_down_is_said_so() {
    let stage = Stage::new().await;
    stage.world.aws.throttle();
    for path in ["api/desks/sea/review", "api/tenants/sea/dashboard", "api/tenants/sea/properties/villa/calendar"] {
        let answer = stage.get(path, &stage.viewer("sea")).await;
        assert_eq!(
            (answer.status, answer.code().as_str(), answer.header("retry-after")),
            (503, "unavailable", "5"),
            "{path}"
        );
    }
    assert_eq!(stage.get("api/me", &stage.viewer("sea")).await.status, 200, "who asks is known without it");
}
