//! Where a secret lies.

use std::fmt;

const PREFIX: &str = "secretsmanager:";
/// Of a name in Secrets Manager, in bytes (API reference, CreateSecret, `Name`).
const MAX_NAME: usize = 512;

/// Text that is no reference, or none that its tenant may use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {found:?}, expected {expected}")]
pub struct InvalidRef {
    /// At most 80 characters of it.
    pub found: String,
    /// What was expected.
    pub expected: String,
}

/// Where a secret lies: `secretsmanager:NAME`, a secret of AWS Secrets Manager in the function's own account and region.
///
/// Names are narrower than AWS has them, so that nothing but a plain path gets through (no ARN of another account): one to
/// 512 of `A-Z a-z 0-9 / _ . -`, no empty part between slashes, none that is `.` or `..`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SecretRef(String);

impl SecretRef {
    /// Checks the form only. For what a tenant gave, use [`for_tenant`](Self::for_tenant).
    pub fn parse(text: &str) -> Result<Self, InvalidRef> {
        let is_part = |part: &str| {
            !matches!(part, "" | "." | "..")
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
        };
        match text.strip_prefix(PREFIX) {
            Some(name) if name.len() <= MAX_NAME && name.split('/').all(is_part) => Ok(Self(name.to_owned())),
            _ => Err(invalid(text, format!("{PREFIX}NAME, of at most {MAX_NAME} letters, digits and / _ . -"))),
        }
    }

    /// A reference that a tenant gave: it must lie under the tenant's own prefix, `secretsmanager:bellhop/TENANT/`.
    pub fn for_tenant(text: &str, tenant: &str) -> Result<Self, InvalidRef> {
        let expected = || invalid(text, format!("{PREFIX}bellhop/{tenant}/NAME"));
        let parsed = Self::parse(text)?;
        let mut parts = parsed.0.splitn(3, '/');
        let own = parts.next() == Some("bellhop") && parts.next() == Some(tenant) && parts.next().is_some();
        if own { Ok(parsed) } else { Err(expected()) }
    }

    /// The name in Secrets Manager.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }
}

fn invalid(text: &str, expected: String) -> InvalidRef {
    InvalidRef { found: text.chars().take(80).collect(), expected }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", self.0)
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretRef({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_names_its_own_secrets_only() {
        for good in ["secretsmanager:bellhop/a/key", "secretsmanager:bellhop/a/channex/key-2.b_c"] {
            assert_eq!(SecretRef::for_tenant(good, "a").unwrap().to_string(), good);
        }
        for bad in [
            "secretsmanager:bellhop/b/key",
            "secretsmanager:bellhop/a",
            "secretsmanager:bellhop/a/",
            "secretsmanager:bellhop/ab/key",
            "secretsmanager:bellhop/A/key",
            "secretsmanager:bellhop/a/../b/key",
            "secretsmanager:bellhop/a/./key",
            "secretsmanager:bellhop//key",
            "secretsmanager:/bellhop/a/key",
            "secretsmanager:other/a/key",
            "secretsmanager:a/key",
        ] {
            assert!(SecretRef::for_tenant(bad, "a").is_err(), "{bad}");
        }
        // A tenant that is no slug gets nothing.
        for tenant in ["", ".", "..", "a/b"] {
            assert!(SecretRef::for_tenant("secretsmanager:bellhop/a/b/key", tenant).is_err(), "{tenant}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        let long = |length: usize| format!("secretsmanager:{}", "a".repeat(length));
        assert!(SecretRef::parse(&long(512)).is_ok());
        for bad in [
            "",
            "bellhop/a/key",
            "ssm:/bellhop/a/key",
            "Secretsmanager:a",
            "secretsmanager:",
            "secretsmanager:a b",
            "secretsmanager:a\n",
            "secretsmanager:ä",
            "secretsmanager:a%2fb",
            "secretsmanager:a\\b",
            "secretsmanager:arn:aws:secretsmanager:eu-central-1:123456789012:secret:bellhop/a/key",
            &long(513),
        ] {
            assert!(SecretRef::parse(bad).is_err(), "{bad}");
        }
    }
}
