//! What a token claims, once its signature is known to be right: pure.

use std::collections::BTreeSet;

use bellhop_events::TenantId;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Role, Who};

/// Clocks of two machines differ by no more, in seconds.
const LEEWAY: i64 = 60;
/// No name or subject is longer.
const MOST_NAME: usize = 200;
/// Nobody manages more.
const MOST_TENANTS: usize = 1000;

/// What tokens must say to be good for this console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rules {
    pub issuer: String,
    pub audience: String,
    pub role_claim: String,
    pub tenants_claim: String,
}

/// Why a token is not taken: a word for the log, which the bearer is not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denied(pub &'static str);

impl Rules {
    /// Who it is, by claims whose signature was verified.
    pub(crate) fn read(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<Who, Denied> {
        if claims.get("iss").and_then(Value::as_str) != Some(self.issuer.as_str()) {
            return Err(Denied("issuer"));
        }
        self.audience(claims)?;
        let expires = time(claims, "exp")?.ok_or(Denied("no-expiry"))?;
        if now.as_second() >= expires.saturating_add(LEEWAY) {
            return Err(Denied("expired"));
        }
        if time(claims, "nbf")?.is_some_and(|from| from > now.as_second().saturating_add(LEEWAY)) {
            return Err(Denied("not-yet"));
        }
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default();
        if subject.chars().count() > MOST_NAME || subject.trim().is_empty() || subject.chars().any(char::is_control) {
            return Err(Denied("subject"));
        }
        let role = match claims.get(&self.role_claim).and_then(Value::as_str) {
            Some("operator") => Role::Operator,
            Some("manager") => Role::Manager,
            Some("viewer") => Role::Viewer,
            _ => return Err(Denied("role")),
        };
        let tenants = match (role, claims.get(&self.tenants_claim)) {
            (Role::Operator, _) => None,
            (Role::Manager | Role::Viewer, claim) => Some(tenants(claim)?),
        };
        Ok(Who {
            subject: subject.to_owned(),
            name: name(claims).unwrap_or_else(|| subject.to_owned()),
            role,
            tenants,
            expires: Timestamp::from_second(expires).map_err(|_| Denied("expiry"))?,
        })
    }

    /// Whether the token is meant for us. Cognito's access tokens have no audience: they name the client.
    fn audience(&self, claims: &Map<String, Value>) -> Result<(), Denied> {
        let is_us = |value: &Value| value.as_str() == Some(self.audience.as_str());
        let is_meant = match claims.get("aud") {
            Some(Value::Array(all)) => all.iter().all(Value::is_string) && all.iter().any(is_us),
            Some(one) => is_us(one),
            None => {
                claims.get("token_use").and_then(Value::as_str) == Some("access")
                    && claims.get("client_id").is_some_and(is_us)
            }
        };
        // Who is named here asked for it: another client's token is not ours to take (OpenID Connect Core 1.0, 3.1.3.7).
        if is_meant && claims.get("azp").is_none_or(is_us) { Ok(()) } else { Err(Denied("audience")) }
    }
}

/// A time in seconds; what is no time at all is none that could be in the future.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, Denied> {
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| (0.0..1e11).contains(number))?;
        #[expect(clippy::cast_possible_truncation, reason = "it is in range")]
        let whole = number as i64;
        Some(whole)
    });
    whole.filter(|time| (0..100_000_000_000).contains(time)).map(Some).ok_or(Denied("time"))
}

/// An array of ids, or one text with spaces or commas between them, for some issuers have claims of text alone.
fn tenants(claim: Option<&Value>) -> Result<BTreeSet<TenantId>, Denied> {
    const UNREADABLE: Denied = Denied("tenants");
    let ids: Vec<&str> = match claim {
        Some(Value::Array(ids)) => ids.iter().map(Value::as_str).collect::<Option<_>>().ok_or(UNREADABLE)?,
        Some(Value::String(ids)) => ids.split([' ', ',']).filter(|id| !id.is_empty()).collect(),
        _ => return Err(UNREADABLE),
    };
    if ids.len() > MOST_TENANTS {
        return Err(UNREADABLE);
    }
    ids.into_iter().map(|id| id.parse().map_err(|_| UNREADABLE)).collect()
}

/// What people call them.
fn name(claims: &Map<String, Value>) -> Option<String> {
    let text = |name: &str| {
        let text = claims.get(name)?.as_str()?;
        let text: String = text.chars().filter(|c| !c.is_control()).take(MOST_NAME).collect();
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    text("name").or_else(|| text("email"))
}
