//! Runs a function binary as Lambda does: a process that asks for its next invocation over HTTP.
//!
//! See "Using the Lambda runtime API" in the AWS Lambda Developer Guide.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper::{Request, Response};
use serde::Deserialize;
use tokio::sync::mpsc as channel;

use crate::loopback::{self, Server};
use crate::process::{CpuTime, peak_memory};

/// How long the bench waits for anything; also the deadline that the function is told.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks whether the process still lives.
const LOOK: Duration = Duration::from_millis(100);
/// How much of a failed function's output is shown.
const LOG_TAIL_LINES: usize = 20;

/// A started function. Dropping it kills the process.
#[derive(Debug)]
pub struct Function {
    child: Child,
    log: PathBuf,
    invocations: channel::UnboundedSender<Bytes>,
    requests: mpsc::Receiver<Seen>,
    cold_start: Duration,
    _server: Server,
}

/// What the function asked of the Runtime API.
#[derive(Debug)]
enum Seen {
    Next(Instant),
    Response { latency: Duration, body: Bytes },
    Failure(String),
}

/// What the threads of the server share.
#[derive(Debug)]
struct Api {
    invocations: tokio::sync::Mutex<channel::UnboundedReceiver<Bytes>>,
    handed: Mutex<Instant>,
    seen: mpsc::Sender<Seen>,
    request_number: AtomicU64,
}

/// The part of an answer that matters: it must be empty.
#[derive(Debug, Default, Deserialize)]
struct BatchResponse {
    #[serde(rename = "batchItemFailures", default)]
    failures: Option<Vec<serde_json::Value>>,
}

impl Function {
    /// Starts a binary with this environment and nothing else, and waits until it asks for its first invocation.
    pub fn start(binary: &Path, environment: &[(String, String)]) -> Result<Self> {
        let (invocations, to_hand_out) = channel::unbounded_channel();
        let (seen, requests) = mpsc::channel();
        let api = Arc::new(Api {
            invocations: tokio::sync::Mutex::new(to_hand_out),
            handed: Mutex::new(Instant::now()),
            seen,
            request_number: AtomicU64::new(0),
        });
        let server = Server::start("runtime-api", move |request| answer(Arc::clone(&api), request))?;
        let log = log_path();
        let output = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(binary);
        command
            .env_clear()
            .envs(lambda_environment())
            .env("AWS_LAMBDA_RUNTIME_API", server.address().to_string())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stderr(output.try_clone()?)
            .stdout(output);
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {}", binary.display()))?;
        let cold_start = Duration::ZERO;
        let mut function = Self { child, log, invocations, requests, cold_start, _server: server };
        function.cold_start = function.wait_for_next()?.duration_since(began);
        Ok(function)
    }

    /// From the start of the process to its first request for an invocation.
    #[must_use]
    pub fn cold_start(&self) -> Duration {
        self.cold_start
    }

    /// Hands out one invocation and waits until the function asks for another.
    ///
    /// Returns the time from handing it out to the function's response. A reported batch item failure is an error: what
    /// did not work must not be measured.
    pub fn invoke(&mut self, event: Vec<u8>) -> Result<Duration> {
        self.invocations.send(Bytes::from(event)).context("the Runtime API has stopped")?;
        let (latency, body) = match self.wait()? {
            Seen::Response { latency, body } => (latency, body),
            other => bail!(self.with_log(&format!("expected a response, got {other:?}"))),
        };
        let failed = failed_records(&body).with_context(|| self.with_log("the response is no batch response"))?;
        ensure!(failed == 0, self.with_log(&format!("the function failed {failed} records of a batch")));
        self.wait_for_next()?;
        Ok(latency)
    }

    /// Processor time so far.
    pub fn cpu_time(&self) -> Result<CpuTime> {
        CpuTime::of(self.child.id())
    }

    /// The most memory held so far, in bytes.
    pub fn peak_memory(&self) -> Result<u64> {
        peak_memory(self.child.id())
    }

    fn wait_for_next(&mut self) -> Result<Instant> {
        match self.wait()? {
            Seen::Next(at) => Ok(at),
            other => bail!(self.with_log(&format!("expected a request for the next invocation, got {other:?}"))),
        }
    }

    fn wait(&mut self) -> Result<Seen> {
        let began = Instant::now();
        loop {
            match self.requests.recv_timeout(LOOK) {
                Ok(Seen::Failure(error)) => bail!(self.with_log(&format!("the function reported an error: {error}"))),
                Ok(seen) => return Ok(seen),
                Err(_) => {
                    if let Some(status) = self.child.try_wait()? {
                        bail!(self.with_log(&format!("the function ended with {status}")));
                    }
                    ensure!(began.elapsed() < PATIENCE, self.with_log("the function did nothing for 30 s"));
                }
            }
        }
    }

    fn with_log(&self, message: &str) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
        format!("{message}\nlast output of the function:\n{tail}")
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // Best effort: a process that is gone already is what is wanted.
        drop(self.child.kill());
        drop(self.child.wait());
        drop(std::fs::remove_file(&self.log));
    }
}

fn log_path() -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("bellhop-bench-{}-{number}.log", std::process::id()))
}

/// How many records a response reports as failed; no body, `null` and an empty list mean none, as they do for Lambda.
fn failed_records(body: &[u8]) -> serde_json::Result<usize> {
    if body.is_empty() {
        return Ok(0);
    }
    let response: Option<BatchResponse> = serde_json::from_slice(body)?;
    Ok(response.unwrap_or_default().failures.map_or(0, |failures| failures.len()))
}

/// What Lambda sets for every function, as far as it matters to one.
fn lambda_environment() -> [(&'static str, &'static str); 8] {
    [
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("TZ", ":UTC"),
    ]
}

async fn answer(api: Arc<Api>, request: Request<Bytes>) -> Response<Full<Bytes>> {
    let at = Instant::now();
    let path = request.uri().path().strip_prefix("/2018-06-01/runtime/").unwrap_or_default().to_owned();
    if path == "invocation/next" {
        // Sending fails only when the bench has dropped the function.
        drop(api.seen.send(Seen::Next(at)));
        let Some(event) = api.invocations.lock().await.recv().await else { return loopback::status(410) };
        return api.hand_out(event);
    }
    let body = request.into_body();
    let seen = if path.starts_with("invocation/") && path.ends_with("/response") {
        let handed = *api.handed.lock().unwrap_or_else(PoisonError::into_inner);
        Seen::Response { latency: at - handed, body }
    } else {
        Seen::Failure(format!("{path}: {}", String::from_utf8_lossy(&body)))
    };
    drop(api.seen.send(seen));
    loopback::json(202, r#"{"status":"OK"}"#.to_owned())
}

impl Api {
    fn hand_out(&self, event: Bytes) -> Response<Full<Bytes>> {
        let number = self.request_number.fetch_add(1, Ordering::Relaxed);
        let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + PATIENCE;
        let mut response = Response::new(Full::new(event));
        let headers = [
            ("lambda-runtime-aws-request-id", format!("00000000-0000-4000-9000-{number:012x}")),
            ("lambda-runtime-deadline-ms", deadline.as_millis().to_string()),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench".to_owned()),
            ("lambda-runtime-trace-id", format!("Root=1-5bef4de7-{number:024x};Parent=0000000000000001;Sampled=0")),
            ("content-type", "application/json".to_owned()),
        ];
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        *self.handed.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_read_as_lambda_reads_it() {
        for (body, failed) in [
            ("", Some(0)),
            ("null", Some(0)),
            ("{}", Some(0)),
            (r#"{"batchItemFailures":null}"#, Some(0)),
            (r#"{"batchItemFailures":[]}"#, Some(0)),
            (r#"{"batchItemFailures":[{"itemIdentifier":"1"}]}"#, Some(1)),
            ("no JSON", None),
            ("[1]", None),
        ] {
            assert_eq!(failed_records(body.as_bytes()).ok(), failed, "{body}");
        }
    }

    #[test]
    fn a_process_that_ends_is_an_error_and_not_a_wait() {
        // A shell without input ends at once.
        let error = Function::start(Path::new("/bin/sh"), &[]).err().map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains("ended with exit status: 0")), "{error:?}");
    }
}
