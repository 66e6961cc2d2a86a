//! A review desk as a person meets it in the console.

use bellhop_events::Queue;
use bellhop_kit::given::{GROUP, booking, poison};
use serde_json::{Value, json};

use crate::common::{Answered, Stage, desk};

const DESK: &str = "api/desks/sea/review";

async fn first(stage: &Stage) -> String {
    stage.open(&desk("sea")).await.remove(0).id.to_string()
}

/// A failed booking with `behind` more events of its subject behind it.
async fn held(behind: u8) -> (Stage, String) {
    let stage = Stage::new().await;
    let mut events = vec![poison("bad", "B1", 2)];
    events.extend((0..behind).map(|n| booking(&format!("e{n}"), "modified", "B1", 3 + u64::from(n), "u1", 3..7)));
    stage.events(&events).await;
    let id = first(&stage).await;
    (stage, id)
}

#[tokio::test]
async fn an_item_shows_all_that_is_needed_to_decide() {
    let (stage, id) = held(60).await;
    let answer = stage.get(&format!("{DESK}/{id}"), &stage.manager("sea")).await;
    assert_eq!(answer.status, 200);
    let item = answer.json();
    assert_eq!(
        (&item["item"]["reason"], &item["item"]["subject"]),
        (&json!("stay-departure-before-arrival"), &json!("booking/B1"))
    );
    assert_eq!(item["event"]["id"], "bad");
    assert_eq!(item["faults"][0]["code"], "stay-departure-before-arrival");
    assert_eq!(item["faults"][0]["pointer"], "/data/departure");
    assert!(item["faults"][0]["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()));
    assert_eq!((item["waiting"].as_array().map(Vec::len), &item["waiting_more"]), (Some(50), &json!(10)));
    assert_eq!(
        (&item["waiting"][0]["event"], &item["waiting"][0]["type"]),
        (&json!("e0"), &json!("pms.booking.modified.v1"))
    );
    assert_eq!(item["waiting"][0]["subject"], "booking/B1");
    assert_eq!(item["may"], json!(["retry", "edit", "discard"]));
    assert!(item["help"].as_str().is_some_and(|help| help.starts_with("# `stay-departure-before-arrival`")));
    assert_eq!(item["timeline"][0]["what"], "failed");
    assert_eq!(item.get("edited"), None);
    let viewer = stage.get(&format!("{DESK}/{id}"), &stage.viewer("sea")).await.json();
    assert_eq!(viewer["may"], json!([]));
    let holds = stage.get("api/tenants/sea/holds", &stage.viewer("sea")).await.json();
    let hold = &holds["holds"][0];
    assert_eq!((&hold["item"], &hold["events"], &hold["released"]), (&json!(id), &json!(61), &json!(false)));
    assert_eq!((&hold["consumer"], &hold["line"]), (&json!("calendar"), &json!("hold")));
    assert_eq!(stage.get("api/tenants/hill/holds", &stage.viewer("hill")).await.json(), json!({"holds": []}));
}

#[tokio::test]
async fn an_edit_works_the_line_and_is_kept_with_who_did_it() {
    let (stage, id) = held(2).await;
    let body = booking("bad", "modified", "B1", 2, "u1", 2..9).to_string();
    let done = stage.post(&format!("{DESK}/{id}/edit"), &stage.manager("sea"), &json!({ "body": body })).await;
    assert_eq!((done.status, &done.json()["line"], &done.json()["item"]["state"]), (200, &json!(3), &json!("edited")));
    assert_eq!(done.json()["item"]["act"]["by"], "mia-of-sea");
    let shown = stage.get(&format!("{DESK}/{id}"), &stage.manager("sea")).await.json();
    assert_eq!((shown["edited"].as_str(), &shown["may"]), (Some(body.as_str()), &json!([])));
    assert_eq!(shown["timeline"][1]["by"], "mia-of-sea");
    stage.work().await;
    assert!(stage.open(&desk("sea")).await.is_empty());
    let again = stage.post(&format!("{DESK}/{id}/retry"), &stage.operator(), &json!({})).await;
    let error = &again.json()["error"];
    assert_eq!((again.status, &error["code"]), (409, &json!("already-decided")));
    assert_eq!((&error["by"], &error["kind"]), (&json!("mia-of-sea"), &json!("edited")));
    assert!(error["at"].is_string());
}

#[tokio::test]
async fn of_two_people_at_once_one_is_told_who_was_first() {
    for acts in [["retry", "retry"], ["retry", "discard"], ["discard", "discard"]] {
        let (stage, id) = held(1).await;
        let (mia, olga) = (stage.manager("sea"), stage.operator());
        let body = |act: &str| if act == "discard" { json!({"reason": "test"}) } else { json!({}) };
        let paths = acts.map(|act| format!("{DESK}/{id}/{act}"));
        let bodies = acts.map(body);
        let (a, b) = tokio::join!(stage.post(&paths[0], &mia, &bodies[0]), stage.post(&paths[1], &olga, &bodies[1]));
        let mut answers = [a, b];
        answers.sort_by_key(|answer| answer.status);
        assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 409], "{acts:?}");
        assert_eq!(answers[1].code(), "already-decided");
        let winner = answers[0].json()["item"]["act"]["by"].clone();
        assert_eq!(answers[1].json()["error"]["by"], winner);
    }
}

#[tokio::test]
async fn viewers_look_and_do_not_decide() {
    let (stage, id) = held(0).await;
    let viewer = stage.viewer("sea");
    for (act, body) in [("retry", json!({})), ("edit", json!({"body": "{}"})), ("discard", json!({"reason": "x"}))] {
        let answer = stage.post(&format!("{DESK}/{id}/{act}"), &viewer, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "not-allowed"), "{act}");
    }
    let bulk = json!({"act": "retry", "code": "x", "dry_run": true});
    assert_eq!(stage.post(&format!("{DESK}/bulk"), &viewer, &bulk).await.status, 403);
    let check = json!({"queue": "operational-calendar", "body": "{"});
    assert_eq!(stage.post(&format!("{DESK}/check"), &viewer, &check).await.json()["faults"][0]["code"], "not-json");
    assert_eq!(stage.open(&desk("sea")).await.len(), 1);
}

#[tokio::test]
async fn bodies_that_cannot_be_taken_change_nothing() {
    let (stage, id) = held(0).await;
    let mia = stage.manager("sea");
    let send = async |act: &str, body: String| {
        let headers = json!({ "authorization": format!("Bearer {mia}") });
        stage.ask("POST", &format!("{DESK}/{id}/{act}"), &headers, &body).await
    };
    let told = |answer: &Answered| {
        let error = answer.json()["error"].clone();
        format!(
            "{} {} {}",
            answer.status,
            error["code"].as_str().unwrap_or_default(),
            error["pointer"].as_str().unwrap_or("-")
        )
    };
    let edit = |body: &str| json!({ "body": body }).to_string();
    let of_hill = booking("bad", "modified", "B1", 2, "u1", 2..9).to_string().replace("\"sea\"", "\"hill\"");
    let table = [
        ("edit", "nonsense".to_owned(), "400 invalid-request "),
        ("edit", "[]".to_owned(), "400 invalid-request "),
        ("edit", "{}".to_owned(), "400 invalid-request "),
        ("edit", json!({"body": 7}).to_string(), "400 invalid-request /body"),
        ("edit", json!({"body": "{}", "more": 1}).to_string(), "400 invalid-request /more"),
        ("edit", edit("{"), "422 not-json "),
        ("edit", edit("{}"), "422 invalid-envelope /specversion"),
        ("edit", edit(&poison("bad", "B1", 2).to_string()), "422 stay-departure-before-arrival /data/departure"),
        ("edit", edit(&booking("other", "modified", "B1", 2, "u1", 2..9).to_string()), "409 edit-changes-identity -"),
        ("edit", edit(&of_hill), "409 edit-changes-identity -"),
        ("edit", edit(&"x".repeat((1 << 20) + 1)), "413 too-large -"),
        ("edit", "x".repeat(1_258_292), "413 too-large -"),
        ("discard", "{}".to_owned(), "400 invalid-request "),
        ("discard", json!({"reason": " "}).to_string(), "400 invalid-request /reason"),
        ("discard", json!({"reason": "x".repeat(501)}).to_string(), "400 invalid-request /reason"),
        ("retry", json!({"force": true}).to_string(), "400 invalid-request /force"),
    ];
    for (act, body, wanted) in table {
        assert_eq!(told(&send(act, body.clone()).await), wanted, "{act} {}", body.chars().take(80).collect::<String>());
    }
    assert_eq!(first(&stage).await, id);
    assert!(stage.world.aws.queue(Queue::OperationalCalendar, |queue| queue.is_empty()));
}

#[tokio::test]
async fn many_are_decided_on_in_steps_and_each_once() {
    let stage = Stage::new().await;
    stage.items(Some("sea"), 120).await;
    let mia = stage.manager("sea");
    let run = async |mut bulk: Value| {
        let (mut steps, mut matched, mut done, mut refused) = (0, 0, 0, 0);
        loop {
            let answer = stage.post(&format!("{DESK}/bulk"), &mia, &bulk).await;
            assert_eq!(answer.status, 200, "{}", answer.json());
            let step = answer.json();
            let count = |name: &str| step[name].as_array().map_or(0, Vec::len);
            assert!(count("done") + count("refused") <= 25);
            steps += 1;
            matched += step["matched"].as_u64().unwrap_or_default();
            done += count("done");
            refused += count("refused");
            if step["next"].is_null() {
                return (steps, matched, done, refused);
            }
            bulk["cursor"] = step["next"].clone();
        }
    };
    let discard = |dry_run| json!({"act": "discard", "reason": "tests", "code": "invalid-data", "dry_run": dry_run});
    assert_eq!(run(discard(true)).await, (5, 60, 0, 0));
    assert_eq!(stage.open(&desk("sea")).await.len(), 120, "only looked");
    assert_eq!(run(discard(false)).await, (5, 60, 60, 0));
    assert!(stage.open(&desk("sea")).await.iter().all(|item| item.note.reason == "mail-refused"));
    let ids: Vec<_> = stage.open(&desk("sea")).await.iter().take(30).map(|item| item.id.to_string()).collect();
    let retry = json!({"act": "retry", "ids": ids, "dry_run": false});
    assert_eq!(run(retry.clone()).await, (2, 30, 30, 0));
    assert_eq!(
        stage.world.aws.queue(Queue::OperationalCalendar, |queue| queue.log.len()) - 1,
        30,
        "beside the property"
    );
    assert_eq!(run(retry.clone()).await, (2, 30, 30, 0), "the very same again, as a browser may send it");
    bellhop_kit::advance(1);
    assert_eq!(run(retry).await, (2, 30, 0, 30), "each once");
    assert_eq!(run(json!({"act": "retry", "q": "BOOKING/B118", "dry_run": false})).await.2, 1);
}

#[tokio::test]
async fn a_bulk_act_says_what_it_is_about() {
    let stage = Stage::new().await;
    stage.items(Some("sea"), 2).await;
    let id = first(&stage).await;
    let table = [
        (json!({"act": "retry"}), "/code"),
        (json!({"act": "retry", "code": "", "q": " "}), "/code"),
        (json!({"act": "retry", "ids": []}), "/ids"),
        (json!({"act": "retry", "ids": vec![id.clone(); 101]}), "/ids"),
        (json!({"act": "retry", "ids": [id], "code": "x"}), "/ids"),
        (json!({"act": "discard", "code": "x"}), "/reason"),
        (json!({"act": "edit", "code": "x"}), "/act"),
        (json!({"act": "retry", "kode": "x"}), "/kode"),
        (json!({"act": "retry", "q": "x".repeat(201)}), "/q"),
    ];
    for (bulk, pointer) in table {
        let answer = stage.post(&format!("{DESK}/bulk"), &stage.manager("sea"), &bulk).await;
        assert_eq!((answer.status, answer.json()["error"]["pointer"].as_str()), (400, Some(pointer)), "{bulk}");
    }
    let unknown = json!({"act": "retry", "ids": ["r0000000000000000000000000"]});
    assert_eq!(stage.post(&format!("{DESK}/bulk"), &stage.manager("sea"), &unknown).await.status, 404);
    assert_eq!(stage.open(&desk("sea")).await.len(), 2);
}

#[tokio::test]
async fn lists_are_filtered_and_sorted_a_page_at_a_time() {
    let stage = Stage::new().await;
    stage.items(Some("sea"), 120).await;
    let mia = stage.manager("sea");
    let all = async |query: &str| {
        let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        loop {
            let page = stage.get(&format!("{DESK}?{query}&cursor={cursor}"), &mia).await.json();
            let items = page["items"].as_array().expect("items").clone();
            assert!(items.len() <= 50);
            found.extend(items.iter().map(|item| item["event"].as_str().unwrap_or_default().to_owned()));
            pages += 1;
            let Some(next) = page["next"].as_str() else { return (pages, found) };
            cursor = next.to_owned();
        }
    };
    let (pages, oldest) = all("").await;
    assert_eq!((pages, oldest.len(), oldest[0].as_str()), (3, 120, "e0"));
    let mut newest = all("order=newest").await.1;
    assert_eq!(newest[0], "e119");
    newest.reverse();
    assert_eq!(newest, oldest);
    assert_eq!(all("code=invalid-data").await.1.len(), 60);
    assert_eq!(all("critical=true").await.1, ["e0"]);
    assert_eq!(all("q=FOUND%2011").await.1.len(), 11, "11 and 110 to 119");
    assert_eq!(all("q=nothing-says-this").await, (3, Vec::new()));
    for bad in ["order=up", "critical=7", "page=2", &format!("q={}", "x".repeat(201))] {
        assert_eq!(stage.get(&format!("{DESK}?{bad}"), &mia).await.code(), "invalid-request", "{bad}");
    }
    let stats = stage.get(&format!("{DESK}/stats"), &mia).await.json();
    let reasons = json!([{"code": "invalid-data", "open": 60}, {"code": "mail-refused", "open": 60}]);
    assert_eq!(stats, json!({"open": 120, "critical": 1, "reasons": reasons}));
}

#[tokio::test]
async fn a_draft_is_checked_and_nothing_is_done() {
    let stage = Stage::new().await;
    let faults = async |queue: &str, body: String| {
        let draft = json!({ "queue": queue, "body": body });
        let answer = stage.post(&format!("{DESK}/check"), &stage.viewer("sea"), &draft).await;
        let faults = answer.json()["faults"].as_array().cloned().unwrap_or_default();
        faults.iter().map(|fault| fault["code"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let good = booking("e", "created", "B1", 1, "u1", 3..7).to_string();
    assert_eq!(faults("operational-calendar", good.clone()).await, Vec::<String>::new());
    assert_eq!(faults("automation", good.clone()).await, ["wrong-queue"]);
    assert_eq!(faults("operational-calendar", good.replace("\"sea\"", "\"hill\"")).await, ["group-mismatch"]);
    assert_eq!(
        faults("operational-calendar", poison("e", "B1", 1).to_string()).await,
        ["stay-departure-before-arrival"]
    );
    assert_eq!(faults("operational-calendar", "x".repeat(400_000)).await, ["invalid-envelope"]);
    let unknown = json!({ "queue": "nowhere", "body": good });
    let answer = stage.post(&format!("{DESK}/check"), &stage.viewer("sea"), &unknown).await;
    assert_eq!((answer.status, answer.json()["error"]["pointer"].as_str()), (400, Some("/queue")));
}

#[tokio::test]
async fn what_names_no_tenant_is_decided_on_by_operators() {
    let stage = Stage::new().await;
    stage.items(None, 1).await;
    let olga = stage.operator();
    let item = stage.get("api/desks/~/review", &olga).await.json()["items"][0].clone();
    let path = format!("api/desks/~/review/{}", item["id"].as_str().expect("an id"));
    let shown = stage.get(&path, &olga).await.json();
    assert_eq!(
        (&shown["event"], &shown["waiting"], &shown["faults"][0]["code"]),
        (&json!(null), &json!([]), &json!("invalid-envelope"))
    );
    let body = booking("fresh", "created", "B9", 1, "u1", 3..7).to_string();
    let done = stage.post(&format!("{path}/edit"), &olga, &json!({ "body": body })).await;
    assert_eq!((done.status, &done.json()["item"]["state"]), (200, &json!("edited")));
    let sent = stage.world.aws.queue(Queue::OperationalCalendar, |queue| queue.log.last().cloned()).expect("a message");
    assert_eq!((sent.group.as_str(), sent.body), (GROUP, body));
}
