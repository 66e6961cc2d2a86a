//! Signing in, and who that is.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::auth::Role;
use crate::call::{Answer, Call};
use crate::input::Nothing;
use crate::openapi::document;
use crate::refusal::Refusal;

/// What a page must know to sign somebody in: authorization code with PKCE, by a public client.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct SignInConfig {
    /// Who issues tokens.
    pub issuer: String,
    /// Ours.
    pub client_id: String,
    /// Where people sign in.
    pub authorization_endpoint: String,
    /// Where a code becomes a token.
    pub token_endpoint: String,
    /// Where people sign out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_session_endpoint: Option<String>,
    /// What to ask for.
    pub scope: &'static str,
}

/// Who asks.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Me {
    /// For people.
    pub name: String,
    /// What may be done.
    pub role: Role,
    /// Tenants that may be seen; null: all.
    pub tenants: Option<Vec<String>>,
    /// When the token ends, RFC 3339.
    pub expires: String,
}

pub(crate) async fn config(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Answer<SignInConfig>, Refusal> {
    let issuer = &call.parts.issuer;
    let discovered = issuer.discovered(call.now).await;
    let discovered = discovered.ok_or_else(|| Refusal::unavailable("The issuer of tokens does not answer."))?;
    Ok(Answer::Now(SignInConfig {
        issuer: issuer.rules().issuer.clone(),
        client_id: issuer.rules().audience.clone(),
        authorization_endpoint: discovered.authorization.to_string(),
        token_endpoint: discovered.token.to_string(),
        end_session_endpoint: discovered.end_session.as_ref().map(ToString::to_string),
        scope: "openid profile email",
    }))
}

pub(crate) async fn openapi(_: &Call<'_>, _: Nothing, _: Nothing) -> Result<Answer<Value>, Refusal> {
    Ok(Answer::Version(document()))
}

pub(crate) async fn me(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Answer<Me>, Refusal> {
    let who = call.who()?;
    let tenants = who.tenants().map(|own| own.iter().map(|tenant| tenant.id().to_string()).collect());
    Ok(Answer::Now(Me { name: who.name().to_owned(), role: who.role(), tenants, expires: who.expires().to_string() }))
}
