//! The null AWS backend: `DynamoDB` and SQS as far as a function can tell, with nothing behind them.
//!
//! Reads find what was preloaded, writes and sends succeed, each after the same delay. What it cannot answer it
//! refuses with a client error, so that a function that needs more fails loudly instead of looking fast.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Request, Response};
use serde_json::{Value, json};

use crate::calls::Call;
use crate::items::Items;
use crate::loopback::{self, Server};
use crate::write_units::request_units;

/// A running backend.
#[derive(Debug)]
pub struct Backend {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    delay: Duration,
    store: bool,
    items: Items,
    seen: Vec<Seen>,
    sent: u64,
}

/// A call whose request has not been weighed yet: that is done when nobody waits.
#[derive(Debug)]
struct Seen {
    operation: String,
    start: Instant,
    end: Instant,
    body: Bytes,
}

impl Backend {
    /// Starts a backend that answers at once and holds no item.
    pub fn start() -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::start("backend", move |request| answer(Arc::clone(&shared), request))?;
        Ok(Self { server, state })
    }

    /// The value for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Waits this long before each answer from now on.
    pub fn set_delay(&self, delay: Duration) {
        lock(&self.state).delay = delay;
    }

    /// Replaces what reads find.
    pub fn set_items(&self, items: Items) {
        lock(&self.state).items = items;
    }

    /// What reads find.
    #[must_use]
    pub fn items(&self) -> Items {
        lock(&self.state).items.clone()
    }

    /// Whether writes change what reads find, from now on. Conditions always hold, and updates change nothing.
    pub fn set_store(&self, store: bool) {
        lock(&self.state).store = store;
    }

    /// The calls since this was asked last.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        let mut state = lock(&self.state);
        let seen = std::mem::take(&mut state.seen);
        seen.into_iter().map(|call| weigh(call, &state.items)).collect()
    }
}

fn weigh(call: Seen, items: &Items) -> Call {
    let request = serde_json::from_slice(&call.body).unwrap_or_default();
    let write_units = request_units(&call.operation, &request, |table, key| items.size(table, key));
    Call { operation: call.operation, start: call.start, end: call.end, write_units }
}

async fn answer(state: Arc<Mutex<State>>, request: Request<Bytes>) -> Response<Full<Bytes>> {
    let start = Instant::now();
    let operation = operation(&request);
    let (head, body) = request.into_parts();
    drop(head);
    let (delay, response) = {
        let mut state = lock(&state);
        (state.delay, state.respond(&operation, &body))
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    lock(&state).seen.push(Seen { operation, start, end: Instant::now(), body });
    response
}

/// `PutItem` for the header `DynamoDB_20120810.PutItem`, `SendMessage` for `AmazonSQS.SendMessage`.
fn operation(request: &Request<Bytes>) -> String {
    let target = request.headers().get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match target.split_once('.') {
        Some(("DynamoDB_20120810" | "AmazonSQS", operation)) => operation.to_owned(),
        _ => format!("unknown target {target:?}"),
    }
}

impl State {
    fn respond(&mut self, operation: &str, body: &Bytes) -> Response<Full<Bytes>> {
        let parsed = || serde_json::from_slice::<Value>(body).unwrap_or_default();
        let answer = match operation {
            "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" => {
                if self.store {
                    self.items.apply(operation, &parsed());
                }
                json!({})
            }
            "GetItem" => self.items.answer_get(&parsed()),
            "BatchGetItem" => self.items.answer_batch_get(&parsed()),
            "Query" => json!({"Items": [], "Count": 0, "ScannedCount": 0}),
            "SendMessage" => self.answer_send(&parsed()),
            "SendMessageBatch" => {
                let request = parsed();
                let entries = request["Entries"].as_array().into_iter().flatten();
                let sent: Vec<Value> = entries.map(|entry| self.answer_send(entry)).collect();
                json!({"Successful": sent, "Failed": []})
            }
            "ChangeMessageVisibility" => json!({}),
            "ChangeMessageVisibilityBatch" => {
                let request = parsed();
                let entries = request["Entries"].as_array().into_iter().flatten();
                let changed: Vec<Value> = entries.map(|entry| json!({"Id": entry["Id"]})).collect();
                json!({"Successful": changed, "Failed": []})
            }
            other => {
                let message = format!("the null backend does not answer {other}");
                return loopback::json(
                    400,
                    json!({"__type": "UnknownOperationException", "message": message}).to_string(),
                );
            }
        };
        loopback::json(200, answer.to_string())
    }

    /// One sent message; `Id` only where the entry of a batch has one.
    fn answer_send(&mut self, entry: &Value) -> Value {
        self.sent += 1;
        let body = entry["MessageBody"].as_str().unwrap_or_default();
        let mut answer = json!({
            "MessageId": format!("00000000-0000-4000-8000-{:012x}", self.sent),
            "MD5OfMessageBody": format!("{:x}", md5::compute(body)),
            "SequenceNumber": format!("{:020}", self.sent),
        });
        if entry["Id"].is_string() {
            answer["Id"] = entry["Id"].clone();
        }
        answer
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // Nothing panics while it holds the lock, and counts stay true even then.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
