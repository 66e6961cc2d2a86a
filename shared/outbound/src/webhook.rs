//! Signatures of webhooks as Standard Webhooks has them, <https://www.standardwebhooks.com>, by the crate that its makers
//! keep. Symmetric ones (`v1`): HMAC-SHA256 of `id.timestamp.body`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP, Webhook};

/// Why there is no signature. None of them shows a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Not of the form of [`Secret::parse`].
    #[error("expected whsec_ and the Base64 of 24 to 64 bytes, found {0}")]
    Secret(&'static str),
    /// There is nothing to sign with.
    #[error("expected one secret at least, found none")]
    NoSecret,
    /// With a full stop in the id, two different messages could have one signature.
    #[error("expected an id of 1 to 255 visible ASCII characters without a full stop, found {0:?}")]
    Id(String),
    /// Seconds since 1970 are never negative.
    #[error("expected seconds since 1970, found {0}")]
    Timestamp(i64),
}

/// A shared secret. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// From `whsec_` and the Base64 (standard alphabet, padded) of 24 to 64 bytes.
    pub fn parse(text: &str) -> Result<Self, SignatureError> {
        let encoded = text.strip_prefix("whsec_").ok_or(SignatureError::Secret("another beginning"))?;
        let bytes = STANDARD.decode(encoded).map_err(|_| SignatureError::Secret("no Base64 after whsec_"))?;
        match bytes.len() {
            0..24 => Err(SignatureError::Secret("fewer bytes")),
            24..=64 => Ok(Self(bytes)),
            _ => Err(SignatureError::Secret("more bytes")),
        }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The headers `webhook-id`, `webhook-timestamp` and `webhook-signature`.
///
/// There is one signature for each secret, in their order, so that a receiver which knows any of them is content: while a
/// key is changed, give the new and the old one. `timestamp_s` is that of this attempt, in seconds since 1970; `id` stays
/// the same over all attempts and is what the receiver knows duplicates by.
pub fn headers(
    secrets: &[Secret],
    id: &str,
    timestamp_s: i64,
    body: &str,
) -> Result<Vec<(String, String)>, SignatureError> {
    if secrets.is_empty() {
        return Err(SignatureError::NoSecret);
    }
    if !(1..=255).contains(&id.len()) || !id.bytes().all(|b| b.is_ascii_graphic() && b != b'.') {
        return Err(SignatureError::Id(id.chars().take(80).collect()));
    }
    if timestamp_s < 0 {
        return Err(SignatureError::Timestamp(timestamp_s));
    }
    let sign = |secret: &Secret| Webhook::from_bytes(secret.0.clone())?.sign(id, timestamp_s, body.as_bytes());
    let signatures: Result<Vec<_>, _> = secrets.iter().map(sign).collect();
    // The crate's errors are about text that is not Base64 or not UTF-8: neither can be here.
    let signatures = signatures.map_err(|_| SignatureError::Secret("what cannot sign"))?;
    Ok(vec![
        (HEADER_WEBHOOK_ID.to_owned(), id.to_owned()),
        (HEADER_WEBHOOK_TIMESTAMP.to_owned(), timestamp_s.to_string()),
        (HEADER_WEBHOOK_SIGNATURE.to_owned(), signatures.join(" ")),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    fn signature(secrets: &[Secret]) -> String {
        let body = r#"{"email":"test@example.com","username":"test_user"}"#;
        headers(secrets, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body).unwrap().swap_remove(2).1
    }

    #[test]
    fn signs_as_the_reference_does() {
        // The vector that the makers of Standard Webhooks test their own libraries with.
        let expected = "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=";
        assert_eq!(signature(&[Secret::parse(EXAMPLE).unwrap()]), expected);
    }

    #[test]
    fn two_live_keys_give_two_signatures_and_either_receiver_is_content() {
        let new = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjU";
        let secrets = [Secret::parse(new).unwrap(), Secret::parse(EXAMPLE).unwrap()];
        let both = signature(&secrets);
        assert_eq!(both.split(' ').count(), 2);
        assert!(both.ends_with(&signature(&secrets[1..])));

        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let mut map = http::HeaderMap::new();
        for (name, value) in headers(&secrets, "msg_1", i64::try_from(now).unwrap(), "{}").unwrap() {
            map.insert(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        for known in [new, EXAMPLE] {
            Webhook::new(known).unwrap().verify(b"{}", &map).unwrap();
        }
        let stranger = format!("whsec_{}", STANDARD.encode([7; 32]));
        Webhook::new(&stranger).unwrap().verify(b"{}", &map).unwrap_err();
    }

    #[test]
    fn secrets_of_another_form_are_refused_unseen() {
        let of = |bytes: usize| format!("whsec_{}", STANDARD.encode(vec![1; bytes]));
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64", &of(23), &of(65)] {
            let error = Secret::parse(text).unwrap_err();
            assert!(text.len() < 7 || !error.to_string().contains(&text[6..]), "{error}");
        }
        for bytes in [24, 32, 64] {
            assert_eq!(format!("{:?}", Secret::parse(&of(bytes)).unwrap()), "Secret(…)");
        }
    }

    #[test]
    fn what_cannot_be_signed_is_refused() {
        let secrets = [Secret::parse(EXAMPLE).unwrap()];
        assert_eq!(headers(&[], "a", 0, ""), Err(SignatureError::NoSecret));
        assert_eq!(headers(&secrets, "a", -1, ""), Err(SignatureError::Timestamp(-1)));
        for id in ["", "a.b", "a b", "a\r\nb", "ä", &"a".repeat(256)] {
            assert!(headers(&secrets, id, 0, "").is_err(), "{id}");
        }
    }
}
