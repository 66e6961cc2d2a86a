//! The timer with the real SDK, store and dispatch, on the in-process DynamoDB and SQS of the kit.

#![expect(clippy::expect_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use bellhop_events::Queue;
use bellhop_kit::{Aws, Fault, advance, now};
use bellhop_store::{Due, Scope, Store};
use bellhop_timer::{Report, Timer};
use bellhop_worker::Queues;

/// SQS, refusing or not.
#[derive(Debug)]
struct Sqs(Aws, Arc<AtomicBool>);

impl HttpConnector for Sqs {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if self.1.load(Ordering::Relaxed) {
            let status = 503.try_into().expect("a status");
            return HttpConnectorFuture::ready(Ok(HttpResponse::new(status, SdkBody::from("{}"))));
        }
        self.0.call(request)
    }
}

struct World {
    aws: Aws,
    refuses: Arc<AtomicBool>,
    store: Store,
    timer: Timer,
}

impl World {
    fn new() -> Self {
        let aws = Aws::new();
        let credentials = Credentials::new("test", "test", None, None, "test");
        let retry = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
        let dynamodb = aws_sdk_dynamodb::Config::builder()
            .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
            .region(aws_sdk_dynamodb::config::Region::new("eu-west-1"))
            .credentials_provider(credentials.clone())
            .retry_config(retry.clone())
            .http_client(aws.clone());
        let refuses = Arc::new(AtomicBool::new(false));
        let connector = SharedHttpConnector::new(Sqs(aws.clone(), Arc::clone(&refuses)));
        let sqs = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("eu-west-1"))
            .credentials_provider(credentials)
            .retry_config(retry)
            .http_client(http_client_fn(move |_, _| connector.clone()));
        let store = Store::new(aws_sdk_dynamodb::Client::from_conf(dynamodb.build()), "state", "operations");
        let urls = Queue::ALL.into_iter().map(|q| (q, format!("https://sqs.test/1/{}", q.name()))).collect();
        let queues = Queues::new(aws_sdk_sqs::Client::from_conf(sqs.build()), urls);
        Self { aws, refuses, timer: Timer::new(store.clone(), queues), store }
    }

    /// Something that is due in so many seconds from now, for a channel of a property.
    async fn due(&self, property: &str, channel: &str, id: &str, seconds: i64) {
        let scope =
            Scope::for_operator("test", "sea".parse().expect("a tenant"), property.parse().expect("a property"));
        let due = Due {
            queue: Queue::Synchronization,
            group: format!("sea#{property}#{channel}"),
            subject: format!("channel/{channel}"),
            id: id.parse().expect("an id"),
            body: format!("{{\"id\":\"{id}\"}}"),
        };
        let at = now().checked_add(jiff::SignedDuration::from_secs(seconds)).expect("a time");
        self.store.commit(vec![due.put(&scope, at).expect("a write")]).await.expect("a commit");
    }

    async fn run(&self) -> Report {
        self.timer.run(now(), Duration::from_secs(30)).await
    }

    /// The ids that SQS accepted, in order.
    fn sent(&self) -> Vec<String> {
        let log = self.aws.queue(Queue::Synchronization, |queue| queue.log.clone());
        let id = |body: &str| serde_json::from_str::<serde_json::Value>(body).expect("json")["id"].clone();
        log.iter().map(|m| id(&m.body).as_str().expect("an id").to_owned()).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_due_leaves_in_order_and_is_forgotten() {
    let world = World::new();
    // More than a page of one group, written in the wrong order.
    for n in (0..60).rev() {
        world.due("villa", "c1", &format!("e{n:02}"), n - 60).await;
    }
    let report = world.run().await;
    assert_eq!(report, Report { sent: 60, refused: 0, late_ms: 60_000, left: false });
    assert_eq!(world.sent(), (0..60).map(|n| format!("e{n:02}")).collect::<Vec<_>>());
    assert!(world.aws.items().is_empty());
    assert_eq!(world.run().await, Report::default());
}

#[tokio::test(start_paused = true)]
async fn nothing_leaves_before_its_time() {
    let world = World::new();
    world.due("villa", "c1", "later", 30).await;
    world.due("house", "c1", "now", 0).await;
    assert_eq!(world.run().await.sent, 1);
    advance(29);
    assert_eq!(world.run().await.sent, 0);
    advance(1);
    assert_eq!(world.run().await.sent, 1);
    assert_eq!(world.sent(), ["now", "later"]);
}

#[tokio::test(start_paused = true)]
async fn what_sqs_refuses_is_kept_with_what_stands_behind_it() {
    let world = World::new();
    world.due("villa", "c1", "first", -2).await;
    world.due("villa", "c1", "second", -1).await;
    world.refuses.store(true, Ordering::Relaxed);
    assert_eq!(world.run().await, Report { sent: 0, refused: 2, late_ms: 2_000, left: true });
    assert_eq!(world.aws.items().len(), 2);
    world.refuses.store(false, Ordering::Relaxed);
    assert_eq!(world.run().await.sent, 2);
    assert_eq!(world.sent(), ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_anywhere_loses_nothing_and_doubles_nothing() {
    for n in 0..60 {
        for fault in [Fault::DieBefore, Fault::DieAfter, Fault::LoseAnswer, Fault::Repeat] {
            let world = World::new();
            for (id, seconds) in [("e1", -3), ("e2", -2), ("e3", -1)] {
                world.due("villa", "c1", id, seconds).await;
            }
            world.aws.fail_call(n, fault);
            tokio::select! {
                biased;
                _ = world.run() => {}
                () = world.aws.death() => {}
            }
            world.aws.heal();
            world.run().await;
            assert_eq!(world.sent(), ["e1", "e2", "e3"], "call {n}, {fault:?}");
            assert!(world.aws.items().is_empty(), "call {n}, {fault:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_runs_at_once_send_once() {
    let world = World::new();
    for n in 0..20 {
        world.due("villa", &format!("c{}", n % 3), &format!("e{n:02}"), n - 20).await;
    }
    tokio::join!(world.run(), world.run());
    let mut sent = world.sent();
    sent.sort();
    assert_eq!(sent, (0..20).map(|n| format!("e{n:02}")).collect::<Vec<_>>());
    assert!(world.aws.items().is_empty());
}

#[tokio::test(start_paused = true)]
async fn without_time_all_is_left() {
    let world = World::new();
    world.due("villa", "c1", "e1", -1).await;
    assert!(world.timer.run(now(), Duration::ZERO).await.left);
    assert_eq!(world.aws.items().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_database_that_is_down_leaves_all_to_the_next_run() {
    let world = World::new();
    world.due("villa", "c1", "e1", -1).await;
    world.aws.throttle();
    assert!(world.run().await.left);
    world.aws.heal();
    assert_eq!(world.run().await, Report { sent: 1, refused: 0, late_ms: 1_000, left: false });
}
