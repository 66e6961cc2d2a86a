//! Plays Lambda: receives batches, runs the worker, deletes what succeeded.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_types::retry::RetryConfig;
use bellhop_events::{Queue, TenantId};
use bellhop_store::Store;
use bellhop_worker::{Handler, Message, Policy, Queues, Worker, run_batch_until};

use crate::aws::{Aws, Fault};
use crate::fifo::Queued;
use crate::{advance, now};

/// The visibility time-out of the queue, in seconds.
const VISIBILITY: i64 = 180;

/// How a delivery went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// There was nothing to deliver.
    Idle,
    /// A batch was answered.
    Answered,
    /// The process died.
    Died,
}

/// The store and the queues as a function has them, on an HTTP client of the test's.
pub fn clients(http: &(impl HttpClient + Clone + 'static)) -> (Store, Queues) {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let retry = RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new("eu-west-1"))
        .credentials_provider(credentials.clone())
        .retry_config(retry.clone())
        .http_client(http.clone());
    let sqs = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
        .region(aws_sdk_sqs::config::Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .retry_config(retry)
        .http_client(http.clone());
    let store = Store::new(aws_sdk_dynamodb::Client::from_conf(dynamodb.build()), "state", "operations");
    let urls = Queue::ALL.into_iter().map(|q| (q, format!("https://sqs.test/1/bellhop-{}.fifo", q.name()))).collect();
    let queues = Queues::new(aws_sdk_sqs::Client::from_conf(sqs.build()), urls, store.clone());
    (store, queues)
}

/// A function with the cloud around it.
pub struct World<H> {
    /// The cloud.
    pub aws: Aws,
    /// The store, for looking and for verdicts.
    pub store: Store,
    /// The real worker.
    pub worker: Worker<H>,
    /// Whose queues it is fed from; none: from those that tenants share.
    pub silo: Option<TenantId>,
}

impl<H: Handler> World<H> {
    /// A fresh world.
    #[must_use]
    pub fn new(handler: H, policy: Policy) -> Self {
        Self::on(Aws::new(), handler, policy)
    }

    /// Fed from a tenant's own queues.
    #[must_use]
    pub fn in_silo(self, tenant: &TenantId) -> Self {
        Self { silo: Some(tenant.clone()), ..self }
    }

    /// Another function in the same cloud.
    #[must_use]
    pub fn beside<G: Handler>(&self, handler: G, policy: Policy) -> World<G> {
        World::on(self.aws.clone(), handler, policy)
    }

    fn on(aws: Aws, handler: H, policy: Policy) -> Self {
        let (store, queues) = clients(&aws);
        let worker = Worker::new(handler, store.clone(), queues, policy, now);
        Self { aws, store, worker, silo: None }
    }

    /// Posts a body as a producer does: no deduplication id of its own.
    pub fn post(&self, group: &str, body: &str) {
        let content = bellhop_events::Digest::of_bytes(body.as_bytes()).to_string();
        self.aws.queue_of(self.silo.as_ref(), H::QUEUE, |queue| queue.send(group, &content, body, None));
    }

    /// Receives a batch and works it.
    pub async fn deliver(&self) -> Delivery {
        let batch = self.aws.queue_of(self.silo.as_ref(), H::QUEUE, |queue| queue.receive(VISIBILITY));
        self.work(batch).await
    }

    /// Works a batch that was received.
    pub async fn work(&self, batch: Vec<Queued>) -> Delivery {
        if batch.is_empty() {
            return Delivery::Idle;
        }
        let messages = batch.iter().map(|queued| message(queued, self.silo.as_ref())).collect();
        let response = tokio::select! {
            biased;
            response = run_batch_until(&self.worker, messages, Duration::from_secs(30)) => response,
            () = self.aws.death() => return Delivery::Died,
        };
        let failed: Vec<_> = response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect();
        self.aws.queue_of(self.silo.as_ref(), H::QUEUE, |queue| {
            for message in &batch {
                if !failed.contains(&message.id) {
                    queue.delete_received(message);
                }
            }
        });
        Delivery::Answered
    }

    /// A batch that hangs at its n-th call; meanwhile its messages show again and are worked by another process; then the
    /// first goes on.
    pub async fn deliver_twice(&self, n: usize) {
        let batch = self.aws.queue_of(self.silo.as_ref(), H::QUEUE, |queue| queue.receive(VISIBILITY));
        self.aws.fail_call(n, Fault::Stall);
        let first = self.work(batch);
        tokio::pin!(first);
        tokio::select! {
            biased;
            _ = &mut first => {
                self.aws.heal();
                return;
            }
            () = self.aws.stall() => {}
        }
        advance(VISIBILITY + 1);
        self.deliver().await;
        self.aws.go_on();
        first.await;
        self.aws.heal();
    }

    /// Delivers until the queue is empty, turning the clock where all wait. Panics if it does not end.
    pub async fn drain(&self) {
        for _ in 0..400 {
            if self.deliver().await == Delivery::Idle {
                let (empty, wait) =
                    self.aws.queue_of(self.silo.as_ref(), H::QUEUE, |queue| (queue.is_empty(), queue.next_visible()));
                if empty {
                    return;
                }
                advance(wait.max(1));
            }
        }
        panic!("the queue does not drain: a group is blocked");
    }
}

fn message(queued: &Queued, silo: Option<&TenantId>) -> Message {
    Message {
        silo: silo.cloned(),
        id: queued.id.clone(),
        receipt: queued.id.clone(),
        body: queued.body.clone(),
        group: queued.group.clone(),
        receive_count: queued.receive_count,
        sent_ms: queued.sent * 1000,
    }
}
