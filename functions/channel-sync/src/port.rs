//! Makes the calls that adapters ask for: the one place where an address is called and a secret is seen.

use std::fmt;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bellhop_outbound::secrets::{SecretError, SecretRef, SecretSource, SecretText};
use bellhop_outbound::webhook::{self, SignatureError};
use bellhop_outbound::{Answer, Client, GuardedUrl, Limits, Policy, Request};

use crate::adapter::{Auth, Call, CallAnswer};

/// Makes calls.
pub struct Port<S> {
    client: Client,
    policy: Policy,
    secrets: S,
}

impl<S: SecretSource> Port<S> {
    /// Calls what the policy admits, with secrets from there.
    #[must_use]
    pub fn new(policy: Policy, secrets: S) -> Self {
        Self { client: Client::new(policy), policy, secrets }
    }

    /// One call, `now_s` seconds after 1970. What it answers holds none of the secrets that were used for it, even if the
    /// other side repeats them.
    ///
    /// Secrets are remembered for a while: one that is not accepted is asked for anew, and if it has been changed meanwhile,
    /// the call is made once more, within the same time.
    pub async fn perform(&self, call: &Call, now_s: i64) -> CallAnswer {
        // Before the secret is asked for: an address that may not be called is no reason to touch it.
        let url = match GuardedUrl::parse(&call.url, &self.policy) {
            Ok(url) => url,
            Err(fault) => return CallAnswer::Answered(Answer::Refused(fault)),
        };
        let began = Instant::now();
        let used = match self.secrets_of(call).await {
            Ok(used) => used,
            Err(error) => return CallAnswer::NoSecret(error),
        };
        let answer = self.attempt(call, &url, &used, now_s, call.limits).await;
        if !is_unaccepted(&answer) {
            return answer;
        }
        self.forget_those_of(call);
        let timeout = call.limits.timeout.saturating_sub(began.elapsed());
        let changed = self.secrets_of(call).await.ok().filter(|changed| *changed != used && !timeout.is_zero());
        let Some(changed) = changed else { return answer };
        let answer = self.attempt(call, &url, &changed, now_s, Limits { timeout, ..call.limits }).await;
        if is_unaccepted(&answer) {
            self.forget_those_of(call);
        }
        answer
    }

    async fn attempt(
        &self,
        call: &Call,
        url: &GuardedUrl,
        used: &[SecretText],
        now_s: i64,
        limits: Limits,
    ) -> CallAnswer {
        match headers_of(call, used, now_s) {
            Ok(headers) => {
                let request = Request { method: call.method, url: url.clone(), headers, body: call.body.clone() };
                CallAnswer::Answered(cut(self.client.send(request, limits).await, used))
            }
            Err(error) => CallAnswer::NotSigned(error),
        }
    }

    async fn secrets_of(&self, call: &Call) -> Result<Vec<SecretText>, SecretError> {
        let mut found = Vec::new();
        for at in refs(&call.auth) {
            found.push(self.secrets.get(at).await?);
        }
        Ok(found)
    }

    fn forget_those_of(&self, call: &Call) {
        for at in refs(&call.auth) {
            self.secrets.forget(at);
        }
    }
}

impl<S> fmt::Debug for Port<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("client", &self.client).finish_non_exhaustive()
    }
}

fn refs(auth: &Auth) -> &[SecretRef] {
    match auth {
        Auth::None => &[],
        Auth::ApiKey { key, .. } => std::slice::from_ref(key),
        Auth::Signed { keys, .. } => keys,
    }
}

fn headers_of(call: &Call, used: &[SecretText], now_s: i64) -> Result<Vec<(String, String)>, SignatureError> {
    // Whoever saved a secret from a file has saved a line feed with it.
    let texts = used.iter().map(|text| text.expose().trim());
    let mut headers = call.headers.clone();
    match &call.auth {
        Auth::None => {}
        Auth::ApiKey { header, .. } => headers.extend(texts.map(|key| ((*header).to_owned(), key.to_owned()))),
        Auth::Signed { id, .. } => {
            let keys: Vec<_> = texts.map(webhook::Secret::parse).collect::<Result<_, _>>()?;
            headers.extend(webhook::headers(&keys, id, now_s, call.body.as_deref().unwrap_or_default())?);
        }
    }
    Ok(headers)
}

fn is_unaccepted(answer: &CallAnswer) -> bool {
    match answer {
        CallAnswer::Answered(Answer::Answered { status, .. }) => matches!(status, 401 | 403),
        // Of a call's headers, the secret alone can be of a form that cannot be sent.
        CallAnswer::Answered(Answer::Refused(fault)) => fault.code == "request-header",
        CallAnswer::NotSigned(_) => true,
        CallAnswer::Answered(Answer::Failed { .. }) | CallAnswer::NoSecret(_) => false,
    }
}

fn cut(answer: Answer, used: &[SecretText]) -> Answer {
    let mut forms: Vec<_> = used.iter().flat_map(|text| forms(text.expose())).collect();
    // The longest first: a part that goes before the whole would leave the rest.
    forms.sort_unstable_by_key(|form| (std::cmp::Reverse(form.len()), form.clone()));
    forms.dedup();
    let without = |text: String| {
        let hit = |text: String, form: &String| if text.contains(form) { text.replace(form, "[secret]") } else { text };
        forms.iter().fold(text, hit)
    };
    match answer {
        Answer::Answered { status, retry_after, headers, body } => Answer::Answered {
            status,
            retry_after,
            headers: headers.into_iter().map(|(name, value)| (name, without(value))).collect(),
            body: without(body),
        },
        Answer::Failed { kind, found } => Answer::Failed { kind, found: without(found) },
        Answer::Refused(fault) => Answer::Refused(fault),
    }
}

/// How a secret can look in what is repeated: as it is, without its prefix, in Base64, in JSON, in a URL.
fn forms(secret: &str) -> Vec<String> {
    let secret = secret.trim();
    let bare = secret.strip_prefix("whsec_").unwrap_or(secret);
    let encoded = STANDARD.encode(secret);
    let quoted = serde_json::Value::from(secret).to_string();
    let forms = [
        secret.to_owned(),
        bare.to_owned(),
        bare.trim_end_matches('=').to_owned(),
        encoded.trim_end_matches('=').to_owned(),
        encoded,
        quoted.trim_matches('"').to_owned(),
        quoted.trim_matches('"').replace('/', "\\/"),
        url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        url::form_urlencoded::byte_serialize(bare.as_bytes()).collect(),
    ];
    // Shorter ones hide nothing and would cut everything to pieces.
    forms.into_iter().filter(|form| form.len() >= 4).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_from(body: &str, secret: &str) -> String {
        let headers = vec![("x-echo".to_owned(), body.to_owned())];
        let answer = Answer::Answered { status: 200, retry_after: None, headers, body: body.to_owned() };
        let Answer::Answered { headers, body, .. } = cut(answer, &[SecretText::new(secret)]) else { panic!() };
        assert_eq!(headers[0].1, body);
        body
    }

    #[test]
    fn a_secret_is_cut_out_in_all_its_forms() {
        let secret = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD/8==";
        for form in forms(secret) {
            assert_eq!(cut_from(&format!("a {form} b {form}"), secret), "a [secret] b [secret]", "{form}");
        }
        assert_eq!(cut_from(r#"{"key":"k-1\"2"}"#, "k-1\"2\n"), r#"{"key":"[secret]"}"#);
        assert_eq!(cut_from("nothing of ours", secret), "nothing of ours");
        assert_eq!(cut_from("abc", "b"), "abc");
    }

    #[test]
    fn it_is_cut_out_of_what_went_wrong() {
        let answer = Answer::Failed { kind: "reset", found: "at k-123".to_owned() };
        let expected = Answer::Failed { kind: "reset", found: "at [secret]".to_owned() };
        assert_eq!(cut(answer, &[SecretText::new("k-123")]), expected);
    }
}
