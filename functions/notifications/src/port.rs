//! The mail service, SES: one call for one mail, never repeated, and what its answer means.
//!
//! Amazon SES API Reference (2010-12-01), `SendEmail`. The first API: local clouds know it as well.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use aws_sdk_ses::Client;
use aws_sdk_ses::config::{BehaviorVersion, Config, Region};
use aws_sdk_ses::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ses::operation::send_email::SendEmailError;
use aws_sdk_ses::types::{Body, Content, Destination, Message, MessageTag};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::operation::BuildError;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use bellhop_worker::{AwsEnvironment, ConfigError};

use crate::{Letter, Mailer, Settings};

/// What the mail service said. Texts hold no address but the sender's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// It has taken the mail, under this id.
    Sent(String),
    /// It has refused the mail as it is: not sent.
    Refused(String),
    /// It takes none now, or was not reached: not sent.
    NotSent {
        /// What happened.
        why: String,
        /// When to try again.
        pause: Duration,
    },
    /// No answer, or none that says whether: perhaps sent.
    Unknown(String),
}

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Until the service is asked again, where it was not reached or takes fewer a second.
const SHORT: Duration = Duration::from_secs(10);
/// The same where the day's quota is spent, or sending is paused.
const LONG: Duration = Duration::from_mins(15);
/// What is kept of an answer.
const MOST_TEXT: usize = 300;

/// Refusals that end by themselves (Amazon SES Developer Guide, "Errors related to the sending quotas for your Amazon SES
/// account"; Amazon SES API Reference, "Common Errors").
const BUSY: [&str; 6] = [
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "LimitExceededException",
    "LimitExceeded",
    "RequestLimitExceeded",
];
/// Refusals that end when a person, or SES, resumes sending.
const PAUSED: [&str; 4] = [
    "AccountSendingPausedException",
    "AccountSendingPaused",
    "ConfigurationSetSendingPausedException",
    "ConfigurationSetSendingPaused",
];

/// SES.
pub struct Ses {
    client: Client,
    from: String,
    configuration_set: Option<String>,
}

/// A client from the environment, as Lambda gives it; `AWS_ENDPOINT_URL_SES` or `AWS_ENDPOINT_URL` for the local cloud. One
/// attempt: a repetition could be a second mail.
pub fn client(http: &SharedHttpClient, call_timeout: Duration) -> Result<Client, ConfigError> {
    let environment = AwsEnvironment::read()?;
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT.min(call_timeout)).operation_timeout(call_timeout);
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(environment.region))
        .credentials_provider(environment.credentials)
        .http_client(http.clone())
        .retry_config(RetryConfig::disabled())
        .timeout_config(timeouts.build());
    config.set_endpoint_url(AwsEnvironment::endpoint("SES"));
    Ok(Client::from_conf(config.build()))
}

impl Ses {
    /// Sends through this client, such as [`client`] makes.
    #[must_use]
    pub fn new(client: Client, settings: &Settings) -> Self {
        let configuration_set = Some(settings.configuration_set.clone()).filter(|name| !name.is_empty());
        Self { client, from: settings.from.clone(), configuration_set }
    }

    fn message(letter: &Letter) -> Result<Message, BuildError> {
        let content = |text: &str| Content::builder().charset("UTF-8").data(text).build();
        let body = Body::builder().html(content(&letter.rendered.html)?).text(content(&letter.rendered.text)?).build();
        Ok(Message::builder().subject(content(&letter.rendered.subject)?).body(body).build())
    }

    fn tags(letter: &Letter) -> Result<Vec<MessageTag>, BuildError> {
        letter.tags.iter().map(|(name, value)| MessageTag::builder().name(*name).value(value).build()).collect()
    }
}

impl Mailer for Ses {
    async fn send(&self, letter: &Letter) -> Answered {
        let (Ok(message), Ok(tags)) = (Self::message(letter), Self::tags(letter)) else {
            return Answered::Refused("a mail that cannot be written".to_owned());
        };
        let request = self
            .client
            .send_email()
            .source(&self.from)
            .destination(Destination::builder().to_addresses(letter.to.expose()).build())
            .message(message)
            .set_configuration_set_name(self.configuration_set.clone())
            .set_tags(Some(tags));
        match Box::pin(request.send()).await {
            Ok(sent) => Answered::Sent(sent.message_id().to_owned()),
            Err(error) => self.read(&error),
        }
    }
}

impl Ses {
    fn read(&self, error: &SdkError<SendEmailError, HttpResponse>) -> Answered {
        match error {
            SdkError::ConstructionFailure(_) => Answered::Refused("a request that cannot be made".to_owned()),
            SdkError::TimeoutError(_) => Answered::Unknown("no answer in time".to_owned()),
            SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
                Some(error) if never_connected(error) => {
                    Answered::NotSent { why: "no connection".to_owned(), pause: SHORT }
                }
                _ => Answered::Unknown("a connection that broke".to_owned()),
            },
            SdkError::ServiceError(answer) => {
                let (code, text) =
                    (answer.err().code().unwrap_or_default(), answer.err().message().unwrap_or_default());
                self.answered(answer.raw().status().as_u16(), code, text)
            }
            SdkError::ResponseError(_) => Answered::Unknown("an answer that cannot be read".to_owned()),
            _ => Answered::Unknown("no answer".to_owned()),
        }
    }

    /// An answer with an error. That of a request which was refused (4xx) is certain; that of a service which failed is not.
    fn answered(&self, status: u16, code: &str, text: &str) -> Answered {
        let what = bounded(&format!("{code} ({status}) {}", self.without_addresses(text)));
        if BUSY.contains(&code) || status == 429 {
            // "Daily message quota exceeded", where a second's is "Maximum sending rate exceeded".
            let pause = if text.contains("aily") { LONG } else { SHORT };
            return Answered::NotSent { why: what, pause };
        }
        if PAUSED.contains(&code) {
            return Answered::NotSent { why: what, pause: LONG };
        }
        match status {
            // 408: it did not get the whole request, or so it thinks.
            400..=407 | 409..=499 => Answered::Refused(what),
            _ => Answered::Unknown(what),
        }
    }

    /// The service names identities that it does not know: of these, the sender's may be shown.
    fn without_addresses(&self, text: &str) -> String {
        let show = |word: &str| {
            let is_hidden = word.contains('@') && word.trim_matches(|c: char| !c.is_ascii_alphanumeric()) != self.from;
            if is_hidden { "…".to_owned() } else { word.to_owned() }
        };
        text.split_whitespace().map(show).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Debug for Ses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ses").field("from", &self.from).finish_non_exhaustive()
    }
}

/// The connection was never made, so nothing was written to it.
fn never_connected(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let made: Option<&hyper_util::client::legacy::Error> = error.downcast_ref();
        if made.is_some_and(hyper_util::client::legacy::Error::is_connect) {
            return true;
        }
        next = error.source();
    }
    false
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MOST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ses() -> Ses {
        let config = Config::builder().behavior_version(BehaviorVersion::latest()).build();
        let settings = Settings { from: "hotel@example.com".to_owned(), ..Settings::default() };
        Ses::new(Client::from_conf(config), &settings)
    }

    #[test]
    fn answers_mean_what_they_say() {
        let read = |status, code: &str, text: &str| ses().answered(status, code, text);
        let pause = |answered| match answered {
            Answered::NotSent { pause, .. } => pause,
            other => panic!("{other:?}"),
        };
        assert_eq!(pause(read(400, "Throttling", "Maximum sending rate exceeded.")), SHORT);
        assert_eq!(pause(read(400, "Throttling", "Daily message quota exceeded.")), LONG);
        assert_eq!(pause(read(429, "", "")), SHORT);
        assert_eq!(pause(read(400, "AccountSendingPausedException", "")), LONG);
        for refused in [
            (400, "MessageRejected"),
            (400, "MailFromDomainNotVerifiedException"),
            (400, "ConfigurationSetDoesNotExistException"),
            (403, "AccessDenied"),
            (400, "ValidationError"),
            (400, "InvalidParameterValue"),
        ] {
            assert!(matches!(read(refused.0, refused.1, "x"), Answered::Refused(_)), "{refused:?}");
        }
        for unknown in [(500, "InternalFailure"), (503, "ServiceUnavailable"), (408, "RequestTimeout"), (302, "")] {
            assert!(matches!(read(unknown.0, unknown.1, "x"), Answered::Unknown(_)), "{unknown:?}");
        }
    }

    #[test]
    fn no_answer_shows_whom_the_mail_was_for() {
        let text = "Email address is not verified. The following identities failed the check in region EU-WEST-1: \
            guest@example.org, Ana <ana@example.org>, hotel@example.com";
        let Answered::Refused(found) = ses().answered(400, "MessageRejected", text) else { panic!("refused") };
        assert!(!found.contains("example.org") && found.contains("hotel@example.com"), "{found}");
        assert!(found.starts_with("MessageRejected (400) Email address"), "{found}");
    }
}
