//! The feed as a platform meets it: a function URL's event in, status, headers and body out. The calendar is the real one,
//! the database the engine of the local cloud.

#![expect(clippy::expect_used, reason = "a test")]

use bellhop_calendar::Calendar;
use bellhop_events::UnitId;
use bellhop_feeds::Feeds;
use bellhop_kit::given::{self, GROUP, booking, property};
use bellhop_kit::{World, advance, now};
use bellhop_store::channel::{FeedState, KnownBlock, Progress, SyncState};
use bellhop_store::{FeedToken, Scope, Store};
use bellhop_worker::Policy;
use lambda_http::http::HeaderMap;
use lambda_http::{Body, Request, Response};
use serde_json::{Value, json};

struct Platform {
    world: World<Calendar>,
    feeds: Feeds,
}

fn scope(channel: &str) -> Scope {
    let property = Scope::for_operator("channel-sync", "sea".parse().expect("an id"), "villa".parse().expect("an id"));
    property.of_channel(&channel.parse().expect("an id"))
}

fn unit(id: &str) -> UnitId {
    id.parse().expect("an id")
}

/// A request as a function URL sends it.
fn request(method: &str, path: &str, headers: &Value) -> Request {
    let event = bellhop_kit::given::function_url_event(method, path, headers, "");
    lambda_http::request::from_str(&event.to_string()).expect("an event")
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map(|value| value.to_str().expect("text")).unwrap_or_default()
}

fn body(response: &Response<Body>) -> &str {
    match response.body() {
        Body::Text(text) => text,
        _ => "",
    }
}

impl Platform {
    async fn new() -> Self {
        let world = World::new(Calendar, Policy::default());
        let feeds = Feeds::new(world.store.clone(), "feeds.bellhop.example".to_owned(), now);
        let platform = Self { world, feeds };
        platform.post(&property("p1", 1, &[("u1", 1), ("double", 2)])).await;
        platform
    }

    async fn post(&self, event: &Value) {
        self.world.post(GROUP, &event.to_string());
        self.world.drain().await;
    }

    fn store(&self) -> &Store {
        &self.world.store
    }

    async fn address(&self, channel: &str, of: &str) -> FeedToken {
        self.store().create_feed_address(&scope(channel), &unit(of), now()).await.expect("an address")
    }

    async fn ask(&self, method: &str, path: &str, headers: &Value) -> Response<Body> {
        self.feeds.answer(&request(method, path, headers)).await
    }

    async fn get(&self, token: &FeedToken) -> Response<Body> {
        self.ask("GET", &format!("/feeds/{}.ics", token.as_str()), &json!({})).await
    }
}

fn block(id: &str, name: &str, from: &str, until: &str) -> Value {
    let data = json!({"version": 1, "block": name, "from": from, "until": until});
    given::event(id, "pms.unit.blocked.v1", "unit/u1", &data)
}

#[tokio::test]
async fn a_feed_tells_the_busy_nights_of_one_unit_and_nothing_else() {
    let platform = Platform::new().await;
    platform.post(&booking("e1", "created", "B7731", 1, "u1", 3..7)).await;
    platform.post(&booking("e2", "created", "B7732", 1, "double", 10..12)).await;
    platform.post(&block("e3", "paint", "2026-07-20", "2026-08-02")).await;
    let response = platform.get(&platform.address("airbnb", "u1").await).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(response.headers(), "content-type"), "text/calendar; charset=utf-8");
    assert_eq!(header(response.headers(), "cache-control"), "private, max-age=300");
    assert!(header(response.headers(), "etag").starts_with("\"e"));
    assert!(!body(&response).contains("B7731"));
    insta::assert_snapshot!(body(&response).replace("\r\n", "\n"));
}

#[tokio::test]
async fn the_tag_stands_still_until_a_night_changes() {
    let platform = Platform::new().await;
    platform.post(&booking("e1", "created", "B1", 1, "u1", 3..7)).await;
    let token = platform.address("airbnb", "u1").await;
    let path = format!("/feeds/{}.ics", token.as_str());
    let tag = header(platform.get(&token).await.headers(), "etag").to_owned();
    advance(3600);
    for condition in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
        let response = platform.ask("GET", &path, &json!({"if-none-match": condition})).await;
        assert_eq!((response.status().as_u16(), body(&response)), (304, ""), "{condition}");
        assert_eq!(header(response.headers(), "etag"), tag);
    }
    let sequence = |response: &Response<Body>| -> u64 {
        let line = body(response).lines().find_map(|line| line.strip_prefix("SEQUENCE:").map(str::to_owned));
        line.expect("a sequence").parse().expect("a number")
    };
    let before = sequence(&platform.get(&token).await);
    platform.post(&booking("e2", "modified", "B1", 2, "u1", 3..8)).await;
    let response = platform.ask("GET", &path, &json!({"if-none-match": tag})).await;
    assert_eq!(response.status(), 200);
    assert!(sequence(&response) > before);
    assert_ne!(header(response.headers(), "etag"), tag);
}

#[tokio::test]
async fn the_sequence_does_not_fall_as_months_pass_and_stays_move() {
    let platform = Platform::new().await;
    for version in 1..=6_u8 {
        let id = format!("e{version}");
        platform.post(&booking(&id, "modified", "B1", version.into(), "u1", 3..(4 + version))).await;
    }
    let token = platform.address("airbnb", "u1").await;
    let uid_and_sequence = |response: &Response<Body>| {
        let text = body(response).to_owned();
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
        (line("UID:").expect("a uid"), line("SEQUENCE:").expect("a sequence").parse::<u64>().expect("a number"))
    };
    let (uid, before) = uid_and_sequence(&platform.get(&token).await);
    let data = json!({"version": 9, "unit": "u1", "arrival": "2026-10-02", "departure": "2026-10-05"});
    platform.post(&given::event("e9", "pms.booking.modified.v1", "booking/B1", &data)).await;
    advance(60 * 86_400);
    let (same, after) = uid_and_sequence(&platform.get(&token).await);
    advance(-60 * 86_400);
    assert_eq!(uid, same);
    assert!(after > before, "{after} {before}");
}

#[tokio::test]
async fn head_is_get_without_the_body() {
    let platform = Platform::new().await;
    let token = platform.address("airbnb", "u1").await;
    let (get, path) = (platform.get(&token).await, format!("/feeds/{}.ics", token.as_str()));
    let head = platform.ask("HEAD", &path, &json!({})).await;
    assert_eq!((get.status(), get.headers()), (head.status(), head.headers()));
    assert_eq!(body(&head), "");
}

#[tokio::test]
async fn whatever_is_no_live_address_gets_the_same_answer() {
    let platform = Platform::new().await;
    let live = platform.address("airbnb", "u1").await;
    let revoked = platform.address("vrbo", "u1").await;
    assert!(platform.store().revoke_feed_address(&scope("vrbo"), &unit("u1")).await.expect("revoked"));
    let live = live.as_str();
    let unknown = "a".repeat(52);
    let paths = [
        format!("/feeds/{}.ics", revoked.as_str()),
        format!("/feeds/{unknown}.ics"),
        format!("/feeds/{}.ics", live.to_uppercase()),
        format!("/feeds/{live}"),
        format!("/feeds/{live}.ICS"),
        format!("/feeds/{live}.ics/"),
        format!("/feeds//{live}.ics"),
        format!("/feeds/%2e%2e/{live}.ics"),
        format!("/feeds/{}.ics", &live[..51]),
        "/feeds/.ics".to_owned(),
        "/feeds/ä|^`{}.ics".to_owned(),
        "/".to_owned(),
        String::new(),
    ];
    let mut answers = Vec::new();
    for path in &paths {
        let response = platform.ask("GET", path, &json!({})).await;
        assert_eq!(response.status(), 404, "{path}");
        answers.push((response.headers().clone(), body(&response).to_owned()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    insta::assert_debug_snapshot!(answers[0]);
}

#[tokio::test]
async fn other_methods_are_refused_whatever_the_address() {
    let platform = Platform::new().await;
    let path = format!("/feeds/{}.ics", platform.address("airbnb", "u1").await.as_str());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        for path in [path.as_str(), "/"] {
            let response = platform.ask(method, path, &json!({})).await;
            assert_eq!(response.status(), 405, "{method}");
            assert_eq!(header(response.headers(), "allow"), "GET, HEAD");
        }
    }
}

#[tokio::test]
async fn a_new_address_ends_the_old_one_and_each_channel_has_its_own() {
    let platform = Platform::new().await;
    let old = platform.address("airbnb", "u1").await;
    let other = platform.address("vrbo", "u1").await;
    let new = platform.address("airbnb", "u1").await;
    assert_ne!(old, new);
    for (token, status) in [(&old, 404), (&new, 200), (&other, 200)] {
        assert_eq!(platform.get(token).await.status(), status);
    }
    platform.address("airbnb", "double").await;
    let listed = platform.store().list_feed_addresses(&scope("airbnb")).await.expect("a list");
    assert_eq!(listed.iter().map(|one| one.unit.as_str()).collect::<Vec<_>>(), ["double", "u1"]);
    let revoke = || async { platform.store().revoke_feed_address(&scope("airbnb"), &unit("u1")).await };
    assert_eq!((revoke().await, revoke().await), (Ok(true), Ok(false)));
    assert_eq!(platform.get(&new).await.status(), 404);
    assert_eq!(platform.get(&other).await.status(), 200);
    // Nothing that was stored is an address.
    let stored = serde_json::to_string(&platform.world.aws.items()).expect("json");
    assert!(!stored.contains(other.as_str()));
}

#[tokio::test]
async fn the_same_unit_of_another_tenant_is_another_feed() {
    let platform = Platform::new().await;
    let mut theirs = property("p1", 1, &[("u1", 1)]);
    theirs["tenant"] = "hills".into();
    platform.world.post("hills#villa", &theirs.to_string());
    platform.world.drain().await;
    platform.post(&booking("e1", "created", "B1", 1, "u1", 3..7)).await;
    let hills = Scope::for_operator("channel-sync", "hills".parse().expect("an id"), "villa".parse().expect("an id"));
    let hills = hills.of_channel(&"airbnb".parse().expect("an id"));
    let theirs = platform.store().create_feed_address(&hills, &unit("u1"), now()).await.expect("an address");
    let ours = platform.address("airbnb", "u1").await;
    assert_eq!(body(&platform.get(&theirs).await).matches("BEGIN:VEVENT").count(), 0);
    assert_eq!(body(&platform.get(&ours).await).matches("BEGIN:VEVENT").count(), 1);
}

#[tokio::test]
async fn a_platform_is_not_told_the_nights_that_it_told_us() {
    let platform = Platform::new().await;
    platform.post(&block("e1", "from-airbnb", "2026-07-20", "2026-07-22")).await;
    let date = |day| jiff::civil::date(2026, 7, day);
    let known = vec![KnownBlock { block: "from-airbnb".parse().expect("an id"), from: date(20), until: date(22) }];
    let feeds = [("u1/abc".to_owned(), FeedState { known, ..FeedState::default() })].into();
    let state = SyncState::Sync(Box::new(Progress { feeds, ..Progress::default() }));
    let mut item = scope("airbnb").new_subject(&"channel/airbnb".parse().expect("a subject"));
    item.state = Some(serde_dynamo::to_attribute_value(state).expect("a state"));
    platform.store().commit(vec![item.put().expect("a write")]).await.expect("written");
    let events = |response: Response<Body>| body(&response).matches("BEGIN:VEVENT").count();
    assert_eq!(events(platform.get(&platform.address("airbnb", "u1").await).await), 0);
    assert_eq!(events(platform.get(&platform.address("vrbo", "u1").await).await), 1);
}

#[tokio::test]
async fn without_database_or_unit_a_platform_is_asked_to_come_back() {
    let platform = Platform::new().await;
    let token = platform.address("airbnb", "u1").await;
    let unknown = platform.address("airbnb", "u9").await;
    let response = platform.get(&unknown).await;
    assert_eq!(response.status(), 503);
    platform.world.aws.throttle();
    let down = platform.get(&token).await;
    assert_eq!((down.status().as_u16(), header(down.headers(), "retry-after")), (503, "120"));
    assert_eq!(header(down.headers(), "cache-control"), "no-store");
    assert_eq!((down.headers(), body(&down)), (response.headers(), body(&response)));
    platform.world.aws.heal();
    assert_eq!(platform.get(&token).await.status(), 200);
}

#[tokio::test]
async fn an_address_that_was_made_while_all_failed_is_there_or_not_and_never_hidden() {
    use bellhop_kit::Fault;
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Repeat] {
        for call in 0..2 {
            let platform = Platform::new().await;
            let old = platform.address("airbnb", "u1").await;
            platform.world.aws.fail_call(call, fault);
            let made = platform.store().create_feed_address(&scope("airbnb"), &unit("u1"), now()).await;
            platform.world.aws.heal();
            let old_works = platform.get(&old).await.status() == 200;
            if let Ok(new) = &made {
                assert_eq!(platform.get(new).await.status(), 200);
                assert!(!old_works);
            }
            assert_eq!(platform.store().list_feed_addresses(&scope("airbnb")).await.map(|list| list.len()), Ok(1));
            assert_eq!(platform.store().revoke_feed_address(&scope("airbnb"), &unit("u1")).await, Ok(true));
            assert_eq!(platform.get(&old).await.status(), 404);
        }
    }
}
