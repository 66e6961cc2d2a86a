//! The issuer of tokens: what it publishes is kept for a while, and stays where it is down.

use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpConnector;
use bellhop_worker::ConfigError;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;
use url::Url;

use super::claims::{Denied, Rules};
use super::keys::{self, Key, Unverified};
use super::{Who, fetch};

/// What it publishes is asked for again after so many seconds.
const FRESH: i64 = 600;
/// It is never asked twice within so many seconds, whatever tokens say.
const PAUSE: i64 = 10;

/// How people sign in, from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    rules: Rules,
    discovery: Url,
}

impl SignIn {
    /// Reads `OIDC_ISSUER`, `OIDC_AUDIENCE`, `OIDC_ROLE_CLAIM` and `OIDC_TENANTS_CLAIM`.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let given = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let missing: Vec<_> =
            ["OIDC_ISSUER", "OIDC_AUDIENCE"].into_iter().filter(|name| given(name).is_none()).collect();
        if !missing.is_empty() {
            return Err(ConfigError::Missing(missing.into_iter().map(str::to_owned).collect()));
        }
        let issuer = given("OIDC_ISSUER").unwrap_or_default();
        let discovery = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let usable = fetch::safe(&issuer).filter(|url| url.query().is_none()).and_then(|_| fetch::safe(&discovery));
        let discovery = usable.ok_or_else(|| ConfigError::Invalid {
            name: "OIDC_ISSUER",
            found: issuer.clone(),
            expected: "the https URL of an OpenID Connect issuer",
        })?;
        let claim = |name: &str, usual: &str| given(name).unwrap_or_else(|| usual.to_owned());
        let rules = Rules {
            issuer,
            audience: given("OIDC_AUDIENCE").unwrap_or_default(),
            role_claim: claim("OIDC_ROLE_CLAIM", "bellhop_role"),
            tenants_claim: claim("OIDC_TENANTS_CLAIM", "bellhop_tenants"),
        };
        Ok(Self { rules, discovery })
    }
}

/// What a page must know to sign somebody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Discovered {
    pub authorization: Url,
    pub token: Url,
    pub end_session: Option<Url>,
    keys: Url,
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    end_session_endpoint: Option<String>,
    jwks_uri: String,
}

/// Why somebody is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoEntry {
    /// By the token's own fault.
    Denied(Denied),
    /// The issuer has not told its keys, so nobody knows.
    Unavailable,
}

impl From<Denied> for NoEntry {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

/// The issuer.
pub struct Issuer {
    settings: SignIn,
    http: SharedHttpConnector,
    known: Mutex<Known>,
}

/// What it said last; times are epoch seconds.
#[derive(Default)]
struct Known {
    discovered: Option<Arc<Discovered>>,
    keys: Vec<Key>,
    read: Option<i64>,
    asked: Option<i64>,
}

impl Known {
    /// Whether to ask now: nothing is known, what is known is old, or `wants` more than is known; and not just asked.
    fn must_ask(&self, now: i64, wants: bool) -> bool {
        let is_old = self.read.is_none_or(|read| now >= read + FRESH);
        (is_old || wants) && self.asked.is_none_or(|asked| now >= asked + PAUSE)
    }
}

impl Issuer {
    /// An issuer of which nothing is known yet.
    #[must_use]
    pub fn new(settings: SignIn, http: SharedHttpConnector) -> Self {
        Self { settings, http, known: Mutex::default() }
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.settings.rules
    }

    /// Where it says that people sign in; none: it did not say.
    pub(crate) async fn discovered(&self, now: Timestamp) -> Option<Arc<Discovered>> {
        let mut known = self.known.lock().await;
        if known.must_ask(now.as_second(), false) {
            self.ask(&mut known, now.as_second()).await;
        }
        known.discovered.clone()
    }

    /// Who bears this token.
    pub(crate) async fn who(&self, token: &str, now: Timestamp) -> Result<Who, NoEntry> {
        let token = Unverified::read(token)?;
        let mut known = self.known.lock().await;
        if known.must_ask(now.as_second(), !token.is_known(&known.keys)) {
            self.ask(&mut known, now.as_second()).await;
        }
        if known.read.is_none() {
            return Err(NoEntry::Unavailable);
        }
        let claims = token.verify(&known.keys)?;
        Ok(self.settings.rules.read(&claims, now)?)
    }

    /// Asks; what is known stays where there is no answer.
    async fn ask(&self, known: &mut Known, now: i64) {
        known.asked = Some(now);
        match self.read().await {
            Ok((discovered, keys)) => {
                (known.discovered, known.keys, known.read) = (Some(Arc::new(discovered)), keys, Some(now));
            }
            Err(why) => tracing::warn!(why, "issuer-silent: sign-in goes on with the keys that are known"),
        }
    }

    async fn read(&self) -> Result<(Discovered, Vec<Key>), String> {
        let document = fetch::get(&self.http, &self.settings.discovery).await?;
        let document: Document = serde_json::from_slice(&document).map_err(|error| format!("discovery: {error}"))?;
        if document.issuer != self.settings.rules.issuer {
            return Err("discovery: it is the document of another issuer".to_owned());
        }
        let safe =
            |name: &str, text: &str| fetch::safe(text).ok_or_else(|| format!("discovery: {name} is no https URL"));
        let discovered = Discovered {
            authorization: safe("authorization_endpoint", &document.authorization_endpoint)?,
            token: safe("token_endpoint", &document.token_endpoint)?,
            end_session: document.end_session_endpoint.as_deref().and_then(fetch::safe),
            keys: safe("jwks_uri", &document.jwks_uri)?,
        };
        let set = fetch::get(&self.http, &discovered.keys).await?;
        let keys = keys::read(&set).ok_or("keys: no JSON Web Key Set")?;
        Ok((discovered, keys))
    }
}
