//! Whose review items, and their ids.

use std::fmt;
use std::str::FromStr;

use bellhop_events::{Digest, TenantId};
use serde::{Deserialize, Serialize};

use super::CONSUMER;
use crate::item::Item;
use crate::keys::{DESKS, Key, sort as sorts};
use crate::{Expect, Write};

/// Whose desk it is, where no tenant can be trusted; no [`TenantId`] is spelt like this.
const NOBODY: &str = "?";

/// Whose items: those of a tenant, or, for operators only, those that name none that can be trusted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Desk(Option<TenantId>);

impl Desk {
    /// A tenant's.
    #[must_use]
    pub fn of(tenant: TenantId) -> Self {
        Self(Some(tenant))
    }

    /// That of what names no tenant which can be trusted.
    #[must_use]
    pub fn of_nobody() -> Self {
        Self(None)
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> Option<&TenantId> {
        self.0.as_ref()
    }

    fn name(&self) -> &str {
        self.0.as_ref().map_or(NOBODY, TenantId::as_str)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        if name == NOBODY { Some(Self::of_nobody()) } else { name.parse().ok().map(Self::of) }
    }

    pub(super) fn key(&self, prefix: &str, id: &ReviewId) -> Key {
        self.own(prefix, id.as_str())
    }

    /// An entry of the desk, below one of the prefixes of [`sorts`].
    pub(crate) fn own(&self, prefix: &str, rest: &str) -> Key {
        Key { pk: self.name().to_owned(), sk: format!("{CONSUMER}#{prefix}{rest}") }
    }

    /// The write that lists it among the desks.
    pub(super) fn list(&self) -> Write {
        let key = Key { pk: DESKS.to_owned(), sk: format!("{}{}", sorts::DESK, self.name()) };
        Write::Put { key, item: Item::new(), expect: Expect::Any }
    }
}

impl fmt::Display for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The id of an item: `r` and 25 characters of the hash of what failed, so that the same failure is the same item by
/// whichever road it comes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReviewId(String);

const ID_CHARACTERS: usize = 26;

impl ReviewId {
    /// The id of a failure: `failure` is the deduplication id of its fallback message, `CONSUMER:EVENT:NUMBER`.
    #[must_use]
    pub fn of(group: &str, failure: &str) -> Self {
        let hash = Digest::of_bytes(format!("{group}\n{failure}").as_bytes()).to_string();
        Self(format!("r{}", &hash[..ID_CHARACTERS - 1]))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ReviewId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_hex = |text: &str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match text.strip_prefix('r') {
            Some(rest) if text.len() == ID_CHARACTERS && is_hex(rest) => Ok(Self(text.to_owned())),
            _ => Err("expected the id of a review item, r and 25 hexadecimal digits".to_owned()),
        }
    }
}

impl TryFrom<String> for ReviewId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<ReviewId> for String {
    fn from(id: ReviewId) -> Self {
        id.0
    }
}

impl fmt::Display for ReviewId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
