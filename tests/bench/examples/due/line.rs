//! A run's way to a cloud: each call takes its time and is counted, and one may be the run's last.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bellhop_events::Queue;
use bellhop_kit::Aws;
use bellhop_store::Store;
use bellhop_worker::Queues;
use serde_json::Value;
use tokio::sync::Notify;

use crate::null::Null;

/// What a call takes, on the virtual clock.
pub const ANSWER: Duration = Duration::from_millis(5);

#[derive(Clone)]
pub enum Cloud {
    /// The kit's: the engine of the local DynamoDB, and a model of SQS.
    Kit(Aws),
    /// Answers at once.
    Null(Arc<Mutex<Null>>),
}

/// What a run asked for.
#[derive(Clone, Default)]
pub struct Counts {
    pub calls: BTreeMap<String, usize>,
    /// By the published rule: entries are smaller than 1 KiB.
    pub write_units: usize,
    /// Entries that were read and are not deleted yet, now and at most.
    held: usize,
    pub most_held: usize,
}

#[derive(Clone)]
pub struct Line {
    cloud: Cloud,
    counts: Arc<Mutex<Counts>>,
    /// The process dies at this call.
    dies: Option<usize>,
    pub died: Arc<Notify>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    pub fn new(cloud: &Cloud, dies: Option<usize>) -> Self {
        Self { cloud: cloud.clone(), counts: Arc::default(), dies, died: Arc::default() }
    }

    pub fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("nobody panics while holding it")
    }

    async fn answer(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        tokio::time::sleep(ANSWER).await;
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let asked: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).expect("JSON");
        let number = {
            let mut counts = self.counts();
            *counts.calls.entry(operation.clone()).or_default() += 1;
            counts.calls.values().sum::<usize>()
        };
        let answer = match &self.cloud {
            Cloud::Kit(aws) => aws.call(request).await?,
            Cloud::Null(null) => {
                let answer = null.lock().expect("nobody panics while holding it").answer(&operation, &asked);
                let mut response =
                    HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(answer.to_string()));
                response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
                response
            }
        };
        if self.dies == Some(number) {
            self.died.notify_one();
            return std::future::pending().await;
        }
        self.count(&operation, &asked, &answer);
        Ok(answer)
    }

    fn count(&self, operation: &str, asked: &Value, answer: &HttpResponse) {
        let mut counts = self.counts();
        match operation {
            "Query" => {
                let answer: Value = serde_json::from_slice(answer.body().bytes().unwrap_or_default()).expect("JSON");
                counts.held += answer["Items"].as_array().map_or(0, Vec::len);
                counts.most_held = counts.most_held.max(counts.held);
            }
            "DeleteItem" | "BatchWriteItem" => {
                let deleted = asked["RequestItems"]["state"].as_array().map_or(1, Vec::len);
                counts.held = counts.held.saturating_sub(deleted);
                counts.write_units += deleted;
            }
            _ => {}
        }
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}

/// The two clients of the SDK on a line.
pub fn clients(line: &Line) -> (aws_sdk_dynamodb::Client, aws_sdk_sqs::Client) {
    let credentials = Credentials::new("test", "test", None, None, "test");
    let connector = SharedHttpConnector::new(line.clone());
    let http = http_client_fn(move |_, _| connector.clone());
    let dynamodb = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(aws_sdk_dynamodb::config::Region::new("eu-west-1"))
        .credentials_provider(credentials.clone())
        .http_client(http.clone());
    let sqs = aws_sdk_sqs::Config::builder()
        .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
        .region(aws_sdk_sqs::config::Region::new("eu-west-1"))
        .credentials_provider(credentials)
        .http_client(http);
    (aws_sdk_dynamodb::Client::from_conf(dynamodb.build()), aws_sdk_sqs::Client::from_conf(sqs.build()))
}

/// What the timer takes.
pub fn parts(line: &Line) -> (Store, Queues) {
    let (dynamodb, sqs) = clients(line);
    let urls = Queue::ALL.into_iter().map(|queue| (queue, url(queue))).collect();
    let store = Store::new(dynamodb, "state", "operations");
    (store.clone(), Queues::new(sqs, urls, store))
}

pub fn url(queue: Queue) -> String {
    format!("https://sqs.test/1/bench-{}.fifo", queue.name())
}
