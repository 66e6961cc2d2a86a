//! The issuer's keys, and how a token is checked against them: pure.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Validation, decode, decode_header};
use serde_json::{Map, Value};

use super::claims::Denied;

/// No token is longer: it is sent with every request.
const MOST_TOKEN: usize = 8192;
/// No issuer has more keys at a time.
const MOST_KEYS: usize = 100;
/// Shorter moduli can be factored, sooner or later; in bytes.
const LEAST_MODULUS: usize = 256;

/// A key by which the issuer signs. Which algorithm it is for is said by the key, never by a token.
pub(crate) struct Key {
    id: String,
    algorithm: Algorithm,
    public: DecodingKey,
}

/// The keys of a JSON Web Key Set that this console can use; all others are passed over.
pub(crate) fn read(set: &[u8]) -> Option<Vec<Key>> {
    let set: Value = serde_json::from_slice(set).ok()?;
    let keys = set.get("keys")?.as_array()?;
    Some(keys.iter().take(MOST_KEYS).filter_map(key).collect())
}

fn key(value: &Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    let common = &jwk.common;
    let signs = common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
    let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    if !signs || !verifies {
        return None;
    }
    let is_for = |own: KeyAlgorithm| common.key_algorithm.is_none_or(|algorithm| algorithm == own);
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) if is_for(KeyAlgorithm::RS256) => Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve)
            if curve.curve == EllipticCurve::P256 && is_for(KeyAlgorithm::ES256) =>
        {
            Algorithm::ES256
        }
        _ => return None,
    };
    let public = DecodingKey::from_jwk(&jwk).ok()?;
    let is_long = match public.kind() {
        DecodingKeyKind::RsaModulusExponent { n, .. } => n.len() >= LEAST_MODULUS && n.first() != Some(&0),
        // 0x04, x and y.
        DecodingKeyKind::SecretOrDer(point) => point.len() == 65,
    };
    Some(Key { id: common.key_id.clone()?, algorithm, public }).filter(|_| is_long)
}

/// A token whose form is right; nothing of it is believed yet.
pub(crate) struct Unverified<'a> {
    text: &'a str,
    /// The key that it says it is signed with.
    signed_with: String,
}

impl<'a> Unverified<'a> {
    /// Reads the header. Addresses of keys and keys in it are not looked at: the issuer's own list is asked, and no other.
    pub(crate) fn read(token: &'a str) -> Result<Self, Denied> {
        if token.len() > MOST_TOKEN || token.split('.').count() != 3 {
            return Err(Denied("form"));
        }
        let header = decode_header(token).map_err(|_| Denied("header"))?;
        if header.crit.is_some() || header.enc.is_some() || header.zip.is_some() {
            return Err(Denied("header"));
        }
        // Other tokens of the same issuer, such as those that end a session, are for other ends.
        let is_ours = |kind: &String| ["jwt", "at+jwt", "application/at+jwt"].contains(&&*kind.to_ascii_lowercase());
        if !header.typ.as_ref().is_none_or(is_ours) {
            return Err(Denied("type"));
        }
        // Every issuer that has several keys names them, and each has several while it changes them.
        let signed_with = header.kid.filter(|id| id.len() <= 200).ok_or(Denied("key"))?;
        Ok(Self { text: token, signed_with })
    }

    /// Whether this is one of the keys.
    pub(crate) fn is_known(&self, keys: &[Key]) -> bool {
        keys.iter().any(|key| key.id == self.signed_with)
    }

    /// The claims, if one of the keys has signed them.
    pub(crate) fn verify(&self, keys: &[Key]) -> Result<Map<String, Value>, Denied> {
        super::ring::install();
        for key in keys.iter().filter(|key| key.id == self.signed_with) {
            // Signature and algorithm here; what is claimed is judged in one place, by our own clock.
            let mut validation = Validation::new(key.algorithm);
            validation.required_spec_claims.clear();
            (validation.validate_exp, validation.validate_nbf, validation.validate_aud) = (false, false, false);
            if let Ok(token) = decode::<Map<String, Value>>(self.text, &key.public, &validation) {
                return Ok(token.claims);
            }
        }
        Err(Denied(if self.is_known(keys) { "signature" } else { "unknown-key" }))
    }
}
