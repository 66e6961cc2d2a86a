//! Identifiers that cannot be built wrong, so that no separator can be smuggled into a key.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An id that does not have the form its type asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct InvalidId {
    found: String,
    expected: &'static str,
}

fn slug(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 40
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

fn token(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 64
        && bytes.next().is_some_and(|b| b.is_ascii_alphanumeric())
        && bytes.all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $test:ident, $pattern:literal) => {
        $(#[$doc])*
        #[doc = concat!("Form: `", $pattern, "`.")]
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(inline, extend("pattern" = $pattern))]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                if $test(&text) {
                    Ok(Self(text))
                } else {
                    let found = text.chars().take(80).collect();
                    Err(InvalidId { found, expected: concat!("an id of the form ", $pattern) })
                }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One manager or property group, whose data never meets another's.
    TenantId, slug, "^[a-z0-9][a-z0-9_-]{0,39}$"
);
id!(
    /// One house or hotel of a tenant.
    PropertyId, slug, "^[a-z0-9][a-z0-9_-]{0,39}$"
);
id!(
    /// A sales channel, such as `booking-com`, or `direct`.
    ChannelId, slug, "^[a-z0-9][a-z0-9_-]{0,39}$"
);
id!(
    /// The idempotency key of an event, chosen by its producer. Case is kept.
    EventId, token, "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
);
id!(
    /// A booking (reservation) as the PMS names it. Case is kept.
    BookingId, token, "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
);
id!(
    /// A rental unit, or a room type with a capacity. Case is kept.
    UnitId, token, "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
);
id!(
    /// A rate plan of a property, as the PMS names it. Case is kept.
    RateId, token, "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
);
id!(
    /// A cleaning or maintenance task. Case is kept.
    TaskId, token, "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$"
);

impl EventId {
    /// An id made by hashing: `kind` and 26 characters of base32.
    #[must_use]
    pub fn hashed(kind: char, parts: &[&str]) -> Self {
        Self(format!("{kind}{}", crate::digest::short_hash(parts)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tenant_refuses_separators_upper_case_and_length() {
        for bad in ["", "A", "a#b", "a/b", "-a", "a b", "ä", &"a".repeat(41), "a\n"] {
            assert!(bad.parse::<TenantId>().is_err(), "{bad:?}");
        }
        for good in ["a", "7", "sea-side_2", &"a".repeat(40)] {
            assert!(good.parse::<TenantId>().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn event_id_keeps_case_and_refuses_separators() {
        assert_eq!("Ab:1.2-3_4".parse::<EventId>().map(String::from), Ok("Ab:1.2-3_4".to_owned()));
        for bad in ["", "a#b", "a/b", ":a", &"a".repeat(65), "a b"] {
            assert!(bad.parse::<EventId>().is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_accepted_id_holds_a_separator(text in "\\PC{0,70}") {
            if let Ok(id) = text.parse::<BookingId>() {
                prop_assert!(!id.as_str().contains(['#', '/', '\n', ' ']));
                prop_assert_eq!(id.as_str(), text);
            }
        }
    }
}
