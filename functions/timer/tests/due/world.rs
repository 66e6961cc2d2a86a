//! Runs of the timer, each on a line of its own to one cloud: a line takes its time, refuses, and dies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bellhop_events::Queue;
use bellhop_kit::{Aws, now};
use bellhop_store::{Due, Scope, Store, Write};
use bellhop_timer::{Report, Timer};
use bellhop_worker::Queues;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::Notify;

#[derive(Debug)]
struct State {
    random: fastrand::Rng,
    calls: usize,
    /// The process dies at this call; true: after it had its effect.
    dies: Option<(usize, bool)>,
    /// SQS does not answer.
    down: bool,
    /// So often is a message refused, by its deduplication id.
    refusals: HashMap<String, usize>,
    /// So many `BatchWriteItem` leave half of their items.
    unprocessed: usize,
}

/// The way of one run to the cloud.
#[derive(Debug, Clone)]
pub struct Line {
    aws: Aws,
    state: Arc<Mutex<State>>,
    died: Arc<Notify>,
}

impl Line {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    /// The process dies at the n-th call from the beginning; `after`: the call had its effect.
    pub fn dies_at(&self, call: usize, after: bool) {
        self.state().dies = Some((call, after));
    }

    pub fn down(&self, down: bool) {
        self.state().down = down;
    }

    /// SQS refuses a message so often.
    pub fn refuses(&self, id: &str, times: usize) {
        self.state().refusals.insert(id.to_owned(), times);
    }

    /// So many `BatchWriteItem` leave half of their items.
    pub fn leaves_half(&self, times: usize) {
        self.state().unprocessed = times;
    }

    async fn answer(self, mut request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let (latency, dies) = {
            let mut state = self.state();
            state.calls += 1;
            let dies = state.dies.filter(|(call, _)| *call == state.calls - 1).map(|(_, after)| after);
            (state.random.u64(1..=9), dies)
        };
        // A virtual clock: what is under way at once overtakes one another.
        tokio::time::sleep(Duration::from_millis(latency)).await;
        if dies == Some(false) {
            return self.die().await;
        }
        let body: Value = serde_json::from_slice(request.body().bytes().unwrap_or_default()).expect("JSON");
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let added = match target.rsplit('.').next() {
            Some("SendMessageBatch") if self.state().down => {
                return Ok(HttpResponse::new(503.try_into().expect("a status"), SdkBody::from("{}")));
            }
            Some("SendMessageBatch") => Some(self.send(&mut request, body)),
            Some("BatchWriteItem") => self.write(&mut request, body),
            _ => None,
        };
        let answer = self.aws.call(request).await?;
        let answer = added.into_iter().fold(answer, |answer, (name, value)| with(&answer, name, value));
        if dies == Some(true) { self.die().await } else { Ok(answer) }
    }

    /// Takes out what SQS refuses.
    fn send(&self, request: &mut HttpRequest, mut body: Value) -> (&'static str, Value) {
        let mut state = self.state();
        let entries = body["Entries"].as_array().cloned().expect("entries");
        let (refused, sent): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| {
            let id = entry["MessageDeduplicationId"].as_str().expect("an id");
            state.refusals.get_mut(id).filter(|times| **times > 0).is_some_and(|times| {
                *times -= 1;
                true
            })
        });
        body["Entries"] = sent.into();
        *request.body_mut() = SdkBody::from(body.to_string());
        let failed = |entry: &Value| json!({"Id": entry["Id"], "SenderFault": false, "Code": "InternalFailure"});
        ("Failed", refused.iter().map(failed).collect())
    }

    /// Takes out what DynamoDB does not come to.
    fn write(&self, request: &mut HttpRequest, mut body: Value) -> Option<(&'static str, Value)> {
        let mut state = self.state();
        let items = body["RequestItems"]["state"].as_array().cloned().expect("items");
        if state.unprocessed == 0 {
            return None;
        }
        state.unprocessed -= 1;
        let (done, rest) = items.split_at(items.len() / 2);
        // DynamoDB takes no empty batch: this one is asked for nothing that it could do.
        let nothing = json!([{"DeleteRequest": {"Key": {"pk": {"S": "-"}, "sk": {"S": "-"}}}}]);
        body["RequestItems"]["state"] = if done.is_empty() { nothing } else { done.into() };
        *request.body_mut() = SdkBody::from(body.to_string());
        Some(("UnprocessedItems", json!({"state": rest})))
    }

    async fn die(&self) -> Result<HttpResponse, ConnectorError> {
        self.died.notify_one();
        std::future::pending().await
    }
}

fn with(response: &HttpResponse, name: &str, value: Value) -> HttpResponse {
    let mut body: Value = serde_json::from_slice(response.body().bytes().unwrap_or_default()).expect("JSON");
    body[name] = value;
    let mut changed = HttpResponse::new(response.status(), SdkBody::from(body.to_string()));
    changed.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    changed
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().answer(request))
    }
}

/// The cloud and what is due in it.
pub struct World {
    pub aws: Aws,
    /// The line of [`World::run`].
    pub line: Line,
}

impl World {
    pub fn new() -> Self {
        let aws = Aws::new();
        Self { line: line(&aws, 0), aws }
    }

    /// One more line.
    pub fn line(&self, seed: u64) -> Line {
        line(&self.aws, seed)
    }

    /// One run on a line; nothing if it died.
    pub async fn run_on(&self, line: &Line) -> Option<Report> {
        let (store, queues) = clients(line);
        let timer = Timer::new(store, queues);
        tokio::select! {
            biased;
            report = timer.run(now(), Duration::from_secs(30)) => Some(report),
            () = line.died.notified() => None,
        }
    }

    /// One run.
    pub async fn run(&self) -> Report {
        self.run_on(&self.line).await.expect("it lives")
    }

    /// Without more time than this.
    pub async fn run_within(&self, left: Duration) -> Report {
        let (store, queues) = clients(&self.line);
        Timer::new(store, queues).run(now(), left).await
    }

    /// Writes in transactions.
    pub async fn write(&self, writes: Vec<Write>) {
        let (store, _) = clients(&self.line);
        for writes in writes.chunks(100) {
            store.commit(writes.to_vec()).await.expect("a commit");
        }
    }

    /// Something that is due in so many seconds from now, for a channel of a property.
    pub async fn due(&self, property: &str, channel: &str, id: &str, seconds: i64) {
        self.write(vec![put(property, channel, id, seconds)]).await;
    }

    /// Group and id of what SQS accepted, in order.
    pub fn sent(&self) -> Vec<(String, String)> {
        let log = self.aws.queue(Queue::Synchronization, |queue| queue.log.clone());
        let id = |body: &str| serde_json::from_str::<Value>(body).expect("json")["id"].clone();
        log.into_iter().map(|m| (m.group, id(&m.body).as_str().expect("an id").to_owned())).collect()
    }

    /// The ids alone.
    pub fn ids(&self) -> Vec<String> {
        self.sent().into_iter().map(|(_, id)| id).collect()
    }
}

fn line(aws: &Aws, seed: u64) -> Line {
    let random = fastrand::Rng::with_seed(seed);
    let state = State { random, calls: 0, dies: None, down: false, refusals: HashMap::new(), unprocessed: 0 };
    Line { aws: aws.clone(), state: Arc::new(Mutex::new(state)), died: Arc::default() }
}

fn clients(line: &Line) -> (Store, Queues) {
    let connector = SharedHttpConnector::new(line.clone());
    bellhop_kit::clients(&http_client_fn(move |_, _| connector.clone()))
}

pub fn scope(property: &str) -> Scope {
    Scope::for_operator("test", "sea".parse().expect("a tenant"), property.parse().expect("a property"))
}

pub fn seconds_from_now(seconds: i64) -> Timestamp {
    now().checked_add(SignedDuration::from_secs(seconds)).expect("a time")
}

/// The write of something that is due in so many seconds from now, for a channel of a property.
pub fn put(property: &str, channel: &str, id: &str, seconds: i64) -> Write {
    let due = Due {
        queue: Queue::Synchronization,
        group: format!("sea#{property}#{channel}"),
        subject: format!("channel/{channel}"),
        id: id.parse().expect("an id"),
        body: format!("{{\"id\":\"{id}\"}}"),
    };
    due.put(&scope(property), seconds_from_now(seconds)).expect("a write")
}
