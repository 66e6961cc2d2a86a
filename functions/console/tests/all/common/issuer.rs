//! An issuer of tokens that can misbehave, and SQS for one question.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bellhop_kit::now;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

pub const ISSUER: &str = "https://issuer.example/pool";
pub const AUDIENCE: &str = "console-client";

/// How the issuer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    Down,
    /// It redirects.
    Elsewhere,
    /// Its documents never end.
    Endless,
    /// It does not answer at all.
    Silent,
}

#[derive(Debug)]
struct State {
    mood: Mood,
    discovery: Value,
    keys: Value,
    calls: Vec<String>,
}

/// The issuer.
#[derive(Clone, Debug)]
pub struct FakeIssuer {
    state: Arc<Mutex<State>>,
    ec: Arc<EcdsaKeyPair>,
    other: Arc<EcdsaKeyPair>,
    rsa: Arc<RsaKeyPair>,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ec() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("a key");
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key.as_ref(), &random).expect("a key")
}

/// Claims that are good for an hour.
pub fn claims(subject: &str, role: &str, tenants: &Value) -> Value {
    json!({
        "iss": ISSUER, "aud": AUDIENCE, "sub": subject, "exp": now().as_second() + 3600, "iat": now().as_second(),
        "bellhop_role": role, "bellhop_tenants": tenants,
    })
}

impl FakeIssuer {
    pub fn new() -> Self {
        let text: String = include_str!("rsa.txt").split_whitespace().collect();
        let rsa = RsaKeyPair::from_der(&STANDARD.decode(text).expect("base64")).expect("a key");
        let (ec, other) = (ec(), ec());
        let discovery = json!({
            "issuer": ISSUER, "authorization_endpoint": "https://login.example/authorize",
            "token_endpoint": "https://login.example/token", "end_session_endpoint": "https://login.example/logout",
            "jwks_uri": "https://issuer.example/keys",
        });
        let keys = json!({ "keys": [rsa_jwk("r1", &rsa), ec_jwk("e1", &ec)] });
        let state = State { mood: Mood::Well, discovery, keys, calls: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)), ec: Arc::new(ec), other: Arc::new(other), rsa: Arc::new(rsa) }
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no test panics while it holds this"));
    }

    pub fn mood(&self, mood: Mood) {
        self.change(|state| state.mood = mood);
    }

    pub fn discovery(&self, field: &str, value: &Value) {
        self.change(|state| state.discovery[field] = value.clone());
    }

    pub fn keys(&self, keys: &Value) {
        self.change(|state| state.keys = json!({ "keys": keys }));
    }

    /// Addresses that were called since the last time this was asked.
    pub fn calls(&self) -> Vec<String> {
        let mut calls = Vec::new();
        self.change(|state| calls = std::mem::take(&mut state.calls));
        calls
    }

    pub fn rsa_jwk(&self, id: &str) -> Value {
        rsa_jwk(id, &self.rsa)
    }

    pub fn ec_jwk(&self, id: &str) -> Value {
        ec_jwk(id, &self.ec)
    }

    /// A good token.
    pub fn token(&self, claims: &Value) -> String {
        self.rsa_signed(&json!({"alg": "RS256", "typ": "JWT", "kid": "r1"}), claims)
    }

    pub fn rsa_signed(&self, header: &Value, claims: &Value) -> String {
        self.rsa_signed_text(&header.to_string(), &claims.to_string())
    }

    pub fn rsa_signed_text(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        self.rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature).expect("signed");
        format!("{message}.{}", b64(signature))
    }

    pub fn ec_signed(&self, header: &Value, claims: &Value) -> String {
        signed_with(&self.ec, header, claims)
    }

    /// Signed with a key that nobody publishes.
    pub fn forged(&self, header: &Value, claims: &Value) -> String {
        signed_with(&self.other, header, claims)
    }

    /// Signed with the public key, as if it were a shared secret.
    pub fn confused(algorithm: &str, secret: &[u8], claims: &Value) -> String {
        let message =
            format!("{}.{}", b64(json!({"alg": algorithm, "kid": "r1"}).to_string()), b64(claims.to_string()));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret);
        format!("{message}.{}", b64(ring::hmac::sign(&key, message.as_bytes())))
    }

    pub fn rsa_modulus(&self) -> Vec<u8> {
        PublicKeyComponents::<Vec<u8>>::from(self.rsa.public()).n
    }

    pub fn connector(&self) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }

    /// Queues in which 3 messages wait and 1 is worked; each dead-letter queue has 2.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        let config = aws_sdk_sqs::Config::builder()
            .behavior_version(aws_sdk_sqs::config::BehaviorVersion::latest())
            .region(aws_sdk_sqs::config::Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .http_client(self.clone());
        aws_sdk_sqs::Client::from_conf(config.build())
    }
}

fn rsa_jwk(id: &str, key: &RsaKeyPair) -> Value {
    let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
    json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": b64(public.n), "e": b64(public.e)})
}

fn ec_jwk(id: &str, key: &EcdsaKeyPair) -> Value {
    let point = key.public_key().as_ref();
    json!({"kty": "EC", "crv": "P-256", "kid": id, "x": b64(&point[1..33]), "y": b64(&point[33..])})
}

fn signed_with(key: &EcdsaKeyPair, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).expect("signed");
    format!("{message}.{}", b64(signature))
}

impl FakeIssuer {
    async fn answer(self, url: String, target: String, body: Vec<u8>) -> Result<HttpResponse, ConnectorError> {
        if target.ends_with("GetQueueAttributes") {
            let request: Value = serde_json::from_slice(&body).expect("JSON");
            let queue = request["QueueUrl"].as_str().expect("a queue");
            assert!(queue.starts_with("https://sqs.test/1/bellhop") && queue.contains(".fifo"), "{queue}");
            let counts = if queue.ends_with("-dlq.fifo") { ["2", "0", "0"] } else { ["3", "1", "0"] };
            return Ok(response(
                200,
                &json!({"Attributes": {
                    "ApproximateNumberOfMessages": counts[0], "ApproximateNumberOfMessagesNotVisible": counts[1],
                    "ApproximateNumberOfMessagesDelayed": counts[2],
                }})
                .to_string(),
            ));
        }
        let (mut mood, mut document) = (Mood::Well, Value::Null);
        self.change(|state| {
            state.calls.push(url.clone());
            mood = state.mood;
            document = if url.ends_with("openid-configuration") { state.discovery.clone() } else { state.keys.clone() };
        });
        match mood {
            Mood::Well => Ok(response(200, &document.to_string())),
            Mood::Down => Err(ConnectorError::io("connection refused".into())),
            Mood::Elsewhere => {
                let mut answer = response(302, &document.to_string());
                answer.headers_mut().insert("location", "https://evil.example/");
                Ok(answer)
            }
            Mood::Endless => Ok(response(200, &format!("{document}{}", " ".repeat(300 * 1024)))),
            Mood::Silent => {
                tokio::time::sleep(Duration::from_hours(1)).await;
                Err(ConnectorError::io("late".into()))
            }
        }
    }
}

fn response(status: u16, body: &str) -> HttpResponse {
    HttpResponse::new(status.try_into().expect("a status"), SdkBody::from(body))
}

impl HttpConnector for FakeIssuer {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        HttpConnectorFuture::new(self.clone().answer(request.uri().to_owned(), target, body))
    }
}

impl HttpClient for FakeIssuer {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        self.connector()
    }
}
