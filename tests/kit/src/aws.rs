//! AWS below the SDK: answers its HTTP requests in process, and fails on order.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bellhop_events::{Queue, QueueName, TenantId};
use dynoxide::Database;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::fifo::Fifo;

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused, without effect, as often as the SDK tries.
    Refuse,
    /// It is done, its answer is lost, and the SDK's further tries time out.
    LoseAnswer,
    /// It is done, its answer is lost, and the SDK tries again.
    Repeat,
    /// The process dies before the call has an effect.
    DieBefore,
    /// The process dies after it.
    DieAfter,
    /// It hangs before it has an effect, until [`Aws::go_on`].
    Stall,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `PutItem`, `SendMessageBatch` and so on.
    pub operation: String,
    /// Write units, as the engine counts them.
    pub write_units: u64,
    /// Read units of a query, as the engine counts them, in halves: an eventually consistent read of 4 KB is one.
    pub read_halves: u64,
}

#[derive(Default)]
struct State {
    queues: BTreeMap<(Queue, Option<TenantId>), Fifo>,
    /// The fault of the n-th call from now on (0: the next).
    fault: Option<(usize, Fault)>,
    /// While a call is being refused or timed out, the SDK's repetitions of it are, too.
    refusing: Option<(String, usize)>,
    calls: Vec<Call>,
    outage: bool,
    deadly: Option<String>,
}

/// The in-process cloud.
#[derive(Clone)]
pub struct Aws {
    db: Database,
    state: Arc<Mutex<State>>,
    died: Arc<Notify>,
    stalled: Arc<Notify>,
    resumed: Arc<Notify>,
}

impl std::fmt::Debug for Aws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Aws")
    }
}

impl Default for Aws {
    fn default() -> Self {
        Self::new()
    }
}

/// Attempts that the SDK makes of one call; see `shared/worker/src/clients.rs`.
const ATTEMPTS: usize = 3;

impl Aws {
    /// An empty cloud with the two tables.
    #[must_use]
    pub fn new() -> Self {
        let db = Database::memory().expect("an in-memory database");
        for (table, index) in [("state", true), ("operations", false)] {
            let mut request = json!({
                "TableName": table,
                "BillingMode": "PAY_PER_REQUEST",
                "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            });
            if index {
                for name in ["open_pk", "open_sk"] {
                    request["AttributeDefinitions"]
                        .as_array_mut()
                        .expect("an array")
                        .push(json!({"AttributeName": name, "AttributeType": "S"}));
                }
                request["GlobalSecondaryIndexes"] = json!([{
                    "IndexName": "open",
                    "KeySchema": [{"AttributeName": "open_pk", "KeyType": "HASH"}, {"AttributeName": "open_sk", "KeyType": "RANGE"}],
                    "Projection": {"ProjectionType": "ALL"},
                }]);
            }
            db.create_table(serde_json::from_value(request).expect("a request")).expect("a table");
        }
        Self { db, state: Arc::default(), died: Arc::default(), stalled: Arc::default(), resumed: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds this")
    }

    /// Works on a queue that tenants share.
    pub fn queue<T>(&self, queue: Queue, work: impl FnOnce(&mut Fifo) -> T) -> T {
        self.queue_of(None, queue, work)
    }

    /// Works on a queue of a tenant's silo; of none: on one that is shared.
    pub fn queue_of<T>(&self, silo: Option<&TenantId>, queue: Queue, work: impl FnOnce(&mut Fifo) -> T) -> T {
        work(self.state().queues.entry((queue, silo.cloned())).or_default())
    }

    /// The fault of the n-th call from now on.
    pub fn fail_call(&self, n: usize, fault: Fault) {
        self.state().fault = Some((n, fault));
    }

    /// No more faults.
    pub fn heal(&self) {
        let mut state = self.state();
        state.fault = None;
        state.refusing = None;
        state.outage = false;
        state.deadly = None;
    }

    /// Every call to DynamoDB is throttled until [`Aws::heal`].
    pub fn throttle(&self) {
        self.state().outage = true;
    }

    /// The process dies whenever it reads or writes something that mentions `text`.
    pub fn die_on(&self, text: &str) {
        self.state().deadly = Some(text.to_owned());
    }

    /// The calls since the last time this was asked.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state().calls)
    }

    /// Waits for the death of the process.
    pub async fn death(&self) {
        self.died.notified().await;
    }

    /// Waits for a call that stalls.
    pub async fn stall(&self) {
        self.stalled.notified().await;
    }

    /// Lets the stalled call go on.
    pub fn go_on(&self) {
        self.resumed.notify_one();
    }

    /// All items of `state`.
    #[must_use]
    pub fn items(&self) -> Vec<Value> {
        let request = serde_json::from_value(json!({"TableName": "state"})).expect("a request");
        let answer = self.db.scan(request).expect("a scan");
        serde_json::to_value(answer).expect("json")["Items"].as_array().cloned().unwrap_or_default()
    }

    /// Replaces an item of `state`, as somebody would who has no business there.
    pub fn put_item(&self, item: &Value) {
        let request = serde_json::from_value(json!({"TableName": "state", "Item": item})).expect("a request");
        self.db.put_item(request).expect("a put");
    }

    async fn answer(self, target: String, body: Vec<u8>) -> Result<HttpResponse, ConnectorError> {
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let deadly = self.state().deadly.clone().is_some_and(|text| String::from_utf8_lossy(&body).contains(&text));
        if deadly && target.starts_with("DynamoDB") {
            return self.die().await;
        }
        let fault = self.next_fault(&operation, &target);
        match fault {
            Some(Fault::Refuse) => return Ok(response(500, &json!({"__type": "InternalServerError"}))),
            Some(Fault::DieBefore) => return self.die().await,
            Some(Fault::Stall) => {
                self.stalled.notify_one();
                self.resumed.notified().await;
            }
            _ => {}
        }
        let request: Value = serde_json::from_slice(&body).expect("the SDK sends JSON");
        let answer = if target.starts_with("DynamoDB") {
            self.dynamodb(&operation, request)
        } else {
            self.sqs(&operation, &request)
        };
        match fault {
            Some(Fault::LoseAnswer | Fault::Repeat) => Err(ConnectorError::timeout("the answer was lost".into())),
            Some(Fault::DieAfter) => self.die().await,
            _ => Ok(answer),
        }
    }

    fn next_fault(&self, operation: &str, target: &str) -> Option<Fault> {
        let mut state = self.state();
        if state.outage && target.starts_with("DynamoDB") {
            return Some(Fault::Refuse);
        }
        if let Some((same, left)) = state.refusing.take()
            && same == operation
        {
            if left > 1 {
                state.refusing = Some((same, left - 1));
            }
            return Some(Fault::Refuse);
        }
        match state.fault {
            Some((0, fault)) => {
                state.fault = None;
                if matches!(fault, Fault::Refuse | Fault::LoseAnswer) {
                    state.refusing = Some((operation.to_owned(), ATTEMPTS - 1));
                }
                Some(fault)
            }
            Some((n, fault)) => {
                state.fault = Some((n - 1, fault));
                None
            }
            None => None,
        }
    }

    async fn die(&self) -> Result<HttpResponse, ConnectorError> {
        self.died.notify_one();
        std::future::pending().await
    }

    fn dynamodb(&self, operation: &str, mut request: Value) -> HttpResponse {
        request["ReturnConsumedCapacity"] = json!("TOTAL");
        let db = &self.db;
        macro_rules! run {
            ($call:ident) => {
                serde_json::from_value(request)
                    .map_err(|e| panic!("{operation}: {e}"))
                    .and_then(|request| db.$call(request))
                    .map(|answer| serde_json::to_value(answer).expect("json"))
            };
        }
        let answer = match operation {
            "PutItem" => run!(put_item),
            "GetItem" => run!(get_item),
            "DeleteItem" => run!(delete_item),
            "UpdateItem" => run!(update_item),
            "Query" => run!(query),
            "Scan" => run!(scan),
            "BatchGetItem" => run!(batch_get_item),
            "BatchWriteItem" => run!(batch_write_item),
            "TransactWriteItems" => run!(transact_write_items),
            other => panic!("the worker called {other}"),
        };
        let answer =
            answer.map_err(|error| (error.status_code(), serde_json::from_str(&error.to_json()).expect("json")));
        let write_units = answer.as_ref().map(|answer| write_units(operation, answer)).unwrap_or_default();
        let read_halves = answer.as_ref().map(|answer| read_halves(operation, answer)).unwrap_or_default();
        self.state().calls.push(Call { operation: operation.to_owned(), write_units, read_halves });
        match answer {
            Ok(answer) => response(200, &answer),
            Err((status, error)) => response(status, &error),
        }
    }

    fn sqs(&self, operation: &str, request: &Value) -> HttpResponse {
        let url = request["QueueUrl"].as_str().expect("a queue");
        let name = QueueName::of_address(url).expect("a known queue");
        let mut state = self.state();
        state.calls.push(Call { operation: operation.to_owned(), write_units: 0, read_halves: 0 });
        let fifo = state.queues.entry((name.queue, name.silo)).or_default();
        let mut done = Vec::new();
        for entry in request["Entries"].as_array().expect("entries") {
            let text = |name: &str| entry[name].as_str().unwrap_or_default();
            match operation {
                "SendMessageBatch" => {
                    let note = entry["MessageAttributes"]["bellhop"]["StringValue"].as_str().map(str::to_owned);
                    fifo.send(text("MessageGroupId"), text("MessageDeduplicationId"), text("MessageBody"), note);
                }
                "ChangeMessageVisibilityBatch" => {
                    fifo.change_visibility(
                        text("ReceiptHandle"),
                        entry["VisibilityTimeout"].as_i64().unwrap_or_default(),
                    );
                }
                other => panic!("the worker called {other}"),
            }
            done.push(json!({"Id": text("Id"), "MessageId": "x", "MD5OfMessageBody": ""}));
        }
        response(200, &json!({"Successful": done, "Failed": []}))
    }
}

fn write_units(operation: &str, answer: &Value) -> u64 {
    let capacity = &answer["ConsumedCapacity"];
    let parts: Vec<&Value> = capacity.as_array().map_or_else(|| vec![capacity], |parts| parts.iter().collect());
    let units: f64 = match operation {
        "PutItem" | "UpdateItem" | "DeleteItem" | "BatchWriteItem" => {
            parts.iter().filter_map(|part| part["CapacityUnits"].as_f64()).sum()
        }
        "TransactWriteItems" => parts
            .iter()
            .filter_map(|part| part["WriteCapacityUnits"].as_f64().or_else(|| part["CapacityUnits"].as_f64()))
            .sum(),
        _ => 0.0,
    };
    // Units are whole and small.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, small, positive")]
    let units = units as u64;
    units
}

fn read_halves(operation: &str, answer: &Value) -> u64 {
    let units = if operation == "Query" { answer["ConsumedCapacity"]["CapacityUnits"].as_f64() } else { None };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "halves are whole, small, positive")]
    let halves = (units.unwrap_or_default() * 2.0) as u64;
    halves
}

fn response(status: u16, body: &Value) -> HttpResponse {
    let status = status.try_into().expect("a status");
    let mut response = HttpResponse::new(status, SdkBody::from(body.to_string()));
    response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
    response
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let headers: HashMap<_, _> = request.headers().iter().collect();
        let target = headers.get("x-amz-target").copied().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        HttpConnectorFuture::new(self.clone().answer(target, body))
    }
}

impl HttpClient for Aws {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}
