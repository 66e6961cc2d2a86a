//! The null backend as the AWS SDK sees it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, Put, TransactWriteItem};
use aws_sdk_sqs::types::{SendMessageBatchRequestEntry, SendMessageBatchResultEntry};
use bellhop_bench::backend::Backend;
use bellhop_bench::calls::{Call, by_operation, greatest_concurrency, round_trip_depth};
use bellhop_bench::items::Items;
use serde_json::json;

fn credentials() -> Credentials {
    Credentials::from_keys("bench", "bench", None)
}

fn dynamodb(backend: &Backend) -> aws_sdk_dynamodb::Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .endpoint_url(backend.endpoint())
        .region(aws_sdk_dynamodb::config::Region::new("us-east-1"))
        .credentials_provider(credentials())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_dynamodb::Client::from_conf(config)
}

fn sqs(backend: &Backend) -> aws_sdk_sqs::Client {
    let config = aws_sdk_sqs::Config::builder()
        .endpoint_url(backend.endpoint())
        .region(aws_sdk_sqs::config::Region::new("us-east-1"))
        .credentials_provider(credentials())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    aws_sdk_sqs::Client::from_conf(config)
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn keys(sort: &[&str]) -> KeysAndAttributes {
    let key = |sk: &&str| [("pk".to_owned(), text("a#b")), ("sk".to_owned(), text(sk))].into();
    KeysAndAttributes::builder().set_keys(Some(sort.iter().map(key).collect())).build().unwrap()
}

fn operations(calls: &[Call]) -> Vec<(String, u64)> {
    by_operation(calls).into_iter().collect()
}

#[tokio::test]
async fn reads_find_what_was_preloaded_and_nothing_else() {
    let backend = Backend::start().unwrap();
    let mut items = Items::default();
    items.put("state", json!({"pk": {"S": "a#b"}, "sk": {"S": "known"}, "n": {"N": "7"}}));
    backend.set_items(items);
    let client = dynamodb(&backend);

    let found = client.batch_get_item().request_items("state", keys(&["known", "unknown"])).send().await.unwrap();
    assert_eq!(found.responses().unwrap()["state"].len(), 1);
    assert!(found.unprocessed_keys().is_none_or(std::collections::HashMap::is_empty));

    let get = |sort| client.get_item().table_name("state").key("pk", text("a#b")).key("sk", text(sort)).send();
    assert_eq!(get("known").await.unwrap().item().unwrap()["n"], AttributeValue::N("7".to_owned()));
    assert!(get("unknown").await.unwrap().item().is_none());

    let query = client.query().table_name("state").key_condition_expression("pk = :p").send().await.unwrap();
    assert_eq!(query.count(), 0);
    let expected = [("BatchGetItem", 1), ("GetItem", 2), ("Query", 1)].map(|(name, count)| (name.to_owned(), count));
    assert_eq!(operations(&backend.take_calls()), expected);
    assert_eq!(backend.take_calls().len(), 0);
}

#[tokio::test]
async fn writes_succeed_and_are_weighed_but_kept_only_when_told() {
    let backend = Backend::start().unwrap();
    let client = dynamodb(&backend);
    let write = |sort: &str| {
        let put = Put::builder().table_name("state").item("pk", text("a#b")).item("sk", text(sort));
        let put = put.item("body", text(&"x".repeat(1000))).build().unwrap();
        client.transact_write_items().transact_items(TransactWriteItem::builder().put(put).build())
    };
    let read = || client.batch_get_item().request_items("state", keys(&["first", "second"])).send();

    write("first").send().await.unwrap();
    assert_eq!(read().await.unwrap().responses().unwrap()["state"].len(), 0);
    backend.set_store(true);
    write("second").send().await.unwrap();
    assert_eq!(read().await.unwrap().responses().unwrap()["state"].len(), 1);

    // 3 + 2, 2 + 5 or 6, 4 + 1000 bytes: one unit, doubled by the transaction.
    let calls = backend.take_calls();
    assert_eq!(calls.iter().map(|call| call.write_units).collect::<Vec<_>>(), [2, 0, 2, 0]);

    let update = client.update_item().table_name("state").key("pk", text("a#b")).key("sk", text("third"));
    update.update_expression("SET n = :n").expression_attribute_values(":n", text("7")).send().await.unwrap();
    let delete = client.delete_item().table_name("state").key("pk", text("a#b")).key("sk", text("third"));
    delete.send().await.unwrap();
    assert_eq!(backend.take_calls().iter().map(|call| call.write_units).collect::<Vec<_>>(), [1, 1]);
}

#[tokio::test]
async fn sends_are_acknowledged_one_by_one() {
    let backend = Backend::start().unwrap();
    let client = sqs(&backend);
    let queue = format!("{}/000000000000/q.fifo", backend.endpoint());

    let sent =
        client.send_message().queue_url(&queue).message_group_id("g").message_body("hello").send().await.unwrap();
    assert_eq!(sent.md5_of_message_body(), Some("5d41402abc4b2a76b9719d911017c592"));

    let entry = |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body("hello").build().unwrap();
    let batch = client.send_message_batch().queue_url(&queue).entries(entry("one")).entries(entry("two"));
    let batch = batch.send().await.unwrap();
    assert_eq!(batch.successful().iter().map(SendMessageBatchResultEntry::id).collect::<Vec<_>>(), ["one", "two"]);
    assert!(batch.failed().is_empty());

    let visible = client.change_message_visibility().queue_url(&queue).receipt_handle("r").visibility_timeout(3);
    visible.send().await.unwrap();
    let expected = ["ChangeMessageVisibility", "SendMessage", "SendMessageBatch"].map(|name| (name.to_owned(), 1));
    assert_eq!(operations(&backend.take_calls()), expected);
}

#[tokio::test]
async fn what_the_backend_cannot_answer_fails() {
    let backend = Backend::start().unwrap();
    assert!(dynamodb(&backend).scan().table_name("state").send().await.is_err());
}

#[tokio::test]
async fn a_delayed_backend_shows_which_calls_wait_for_one_another() {
    let backend = Backend::start().unwrap();
    backend.set_delay(Duration::from_millis(100));
    let client = dynamodb(&backend);
    let read = || client.batch_get_item().request_items("state", keys(&["any"])).send();

    // Connections first, so that only the calls themselves are looked at.
    let (first, second, third) = tokio::join!(read(), read(), read());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    drop(backend.take_calls());

    let (first, second, third) = tokio::join!(read(), read(), read());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    read().await.unwrap();
    let calls = backend.take_calls();
    assert_eq!(round_trip_depth(&calls), 2);
    assert_eq!(greatest_concurrency(&calls), 3);
    assert!(calls.iter().all(|call| call.end - call.start >= Duration::from_millis(100)));
}
