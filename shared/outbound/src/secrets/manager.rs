//! AWS Secrets Manager, with a memory of five minutes.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use aws_sdk_secretsmanager::{Client, Config};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use tokio::time::Instant;

use super::{SecretError, SecretRef, SecretSource, SecretText};

/// How long a secret is taken to be what it was.
const KEEP: Duration = Duration::from_mins(5);
/// Secrets in memory. One environment meets far fewer tenants within [`KEEP`].
const MOST: usize = 1000;

/// A client from the environment: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` as
/// Lambda sets them, and `AWS_ENDPOINT_URL_SECRETS_MANAGER` or `AWS_ENDPOINT_URL` for the local cloud. Shares the
/// connections of `http`. The one error is [`SecretError::Environment`].
pub fn client(http: &SharedHttpClient) -> Result<Client, SecretError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (key, secret) = match (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
        (Some(key), Some(secret)) => (key, secret),
        (key, secret) => {
            let missing = [("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret)];
            let missing = missing.into_iter().filter(|(_, value)| value.is_none());
            return Err(SecretError::Environment(missing.map(|(name, _)| name.to_owned()).collect()));
        }
    };
    let region = variable("AWS_REGION").or_else(|| variable("AWS_DEFAULT_REGION"));
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(2))
        .operation_timeout(Duration::from_secs(5));
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.unwrap_or_else(|| "us-east-1".to_owned())))
        .credentials_provider(Credentials::new(key, secret, variable("AWS_SESSION_TOKEN"), None, "environment"))
        .http_client(http.clone())
        .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(50)))
        .timeout_config(timeouts.build());
    config.set_endpoint_url(variable("AWS_ENDPOINT_URL_SECRETS_MANAGER").or_else(|| variable("AWS_ENDPOINT_URL")));
    Ok(Client::from_conf(config.build()))
}

/// Secrets of AWS Secrets Manager, each kept in memory for five minutes. Needs `secretsmanager:GetSecretValue` (and
/// `kms:Decrypt` for a customer managed key) on `secret:bellhop/*`.
pub struct SecretsManager {
    client: Client,
    known: Mutex<HashMap<SecretRef, (SecretText, Instant)>>,
}

impl SecretsManager {
    /// Secrets through this client, such as [`client`] makes.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<SecretRef, (SecretText, Instant)>> {
        // Whoever panicked did so between whole operations on the map.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, at: &SecretRef, text: &SecretText) {
        let now = Instant::now();
        let mut known = self.known();
        if known.len() >= MOST {
            known.retain(|_, (_, until)| *until > now);
        }
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(at.clone(), (text.clone(), now + KEEP));
    }
}

impl SecretSource for SecretsManager {
    async fn get(&self, at: &SecretRef) -> Result<SecretText, SecretError> {
        let now = Instant::now();
        if let Some((text, _)) = self.known().get(at).filter(|(_, until)| *until > now) {
            return Ok(text.clone());
        }
        let answer = self.client.get_secret_value().secret_id(at.name()).send().await;
        let answer = answer.map_err(|error| refused(at, &error))?;
        let text = answer.secret_string.filter(|text| !text.is_empty());
        let text = SecretText::new(text.ok_or_else(|| SecretError::NotFound(at.clone()))?);
        self.remember(at, &text);
        Ok(text)
    }

    fn forget(&self, at: &SecretRef) {
        self.known().remove(at);
    }
}

impl fmt::Debug for SecretsManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretsManager").field("known", &self.known().len()).finish_non_exhaustive()
    }
}

/// "API reference, GetSecretValue, Errors" and "Common errors". `InvalidRequestException` says that the secret is scheduled
/// for deletion. Whatever is not known is taken for something that passes.
fn refused(at: &SecretRef, error: &SdkError<GetSecretValueError>) -> SecretError {
    match error.as_service_error().and_then(ProvideErrorMetadata::code) {
        Some("ResourceNotFoundException" | "InvalidRequestException") => SecretError::NotFound(at.clone()),
        Some("AccessDeniedException" | "AccessDenied" | "DecryptionFailure") => SecretError::Denied(at.clone()),
        _ => SecretError::Unavailable { at: at.clone(), cause: DisplayErrorContext(error).to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;
    use std::sync::{Arc, Mutex};

    use aws_smithy_runtime_api::client::http::{
        HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
    };
    use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
    use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
    use aws_smithy_types::body::SdkBody;

    /// Gives its answers in order, and keeps what it was asked. (The SDK's own, of its feature `test-util`, would make
    /// serde_json keep the order of keys in the whole workspace.)
    #[derive(Debug, Clone)]
    struct Replay {
        answers: Arc<Mutex<VecDeque<(u16, &'static str)>>>,
        asked: Arc<Mutex<Vec<String>>>,
    }

    impl HttpConnector for Replay {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            let body = String::from_utf8(request.body().bytes().unwrap().to_vec()).unwrap();
            self.asked.lock().unwrap().push(body);
            let (status, body) = self.answers.lock().unwrap().pop_front().unwrap();
            HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body))))
        }
    }

    impl HttpClient for Replay {
        fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
            SharedHttpConnector::new(self.clone())
        }
    }

    fn source(answers: &[(u16, &'static str)]) -> (SecretsManager, Replay) {
        let answers = Arc::new(Mutex::new(answers.iter().copied().collect()));
        let http = Replay { answers, asked: Arc::default() };
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
            .retry_config(RetryConfig::disabled())
            .http_client(http.clone());
        (SecretsManager::new(Client::from_conf(config.build())), http)
    }

    fn at() -> SecretRef {
        SecretRef::parse("secretsmanager:bellhop/a/key").unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_kept_five_minutes_or_until_it_is_forgotten() {
        let answers = [
            (200, r#"{"SecretString":"one"}"#),
            (200, r#"{"SecretString":"two"}"#),
            (200, r#"{"SecretString":"three"}"#),
        ];
        let (secrets, http) = source(&answers);
        assert_eq!(secrets.get(&at()).await.unwrap().expose(), "one");
        tokio::time::advance(Duration::from_secs(299)).await;
        assert_eq!(secrets.get(&at()).await.unwrap().expose(), "one");
        assert_eq!(http.asked.lock().unwrap().len(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(secrets.get(&at()).await.unwrap().expose(), "two");
        secrets.forget(&at());
        let text = secrets.get(&at()).await.unwrap();
        assert_eq!((text.expose(), format!("{text:?}").as_str()), ("three", "SecretText(…)"));
        assert_eq!(http.asked.lock().unwrap()[0], r#"{"SecretId":"bellhop/a/key"}"#);
    }

    #[tokio::test]
    async fn absent_denied_and_unavailable_are_told_apart_and_not_kept() {
        let not_found = SecretError::NotFound(at());
        let denied = SecretError::Denied(at());
        for (status, body, expected) in [
            (400, r#"{"__type":"ResourceNotFoundException"}"#, Some(&not_found)),
            (400, r#"{"__type":"InvalidRequestException"}"#, Some(&not_found)),
            (200, r#"{"SecretBinary":"AAAA"}"#, Some(&not_found)),
            (200, r#"{"SecretString":""}"#, Some(&not_found)),
            (400, r#"{"__type":"AccessDeniedException"}"#, Some(&denied)),
            (400, r#"{"__type":"DecryptionFailure"}"#, Some(&denied)),
            (500, r#"{"__type":"InternalServiceError"}"#, None),
            (400, r#"{"__type":"ThrottlingException"}"#, None),
            (400, r#"{"__type":"ExpiredTokenException"}"#, None),
            (503, "<html>", None),
        ] {
            let (secrets, _) = source(&[(status, body), (200, r#"{"SecretString":"now"}"#)]);
            let error = secrets.get(&at()).await.unwrap_err();
            match expected {
                Some(expected) => assert_eq!(&error, expected, "{body}"),
                None => assert!(matches!(error, SecretError::Unavailable { .. }), "{body}: {error}"),
            }
            assert_eq!(secrets.get(&at()).await.unwrap().expose(), "now");
        }
    }
}
