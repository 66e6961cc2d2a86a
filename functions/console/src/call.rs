//! A request that may be answered: who asks, and what of the address is theirs.

use bellhop_events::PropertyId;
use bellhop_store::Scope;
use bellhop_store::review::ReviewId;
use jiff::Timestamp;
use serde::Serialize;

use crate::auth::{OwnDesk, OwnTenant, Who};
use crate::console::Parts;
use crate::http::has;
use crate::refusal::Refusal;

/// A request, after its token and its address were looked at.
pub(crate) struct Call<'a> {
    pub parts: &'a Parts,
    pub now: Timestamp,
    /// Which versions of the answer are known to whoever asks.
    pub known: Vec<&'a str>,
    who: Option<&'a Who>,
    tenant: Option<OwnTenant>,
    property: Option<PropertyId>,
    desk: Option<OwnDesk>,
    item: Option<ReviewId>,
}

impl<'a> Call<'a> {
    /// A request by nobody in particular, or by `who`.
    pub(crate) fn new(parts: &'a Parts, now: Timestamp, known: Vec<&'a str>, who: Option<&'a Who>) -> Self {
        Self { parts, now, known, who, tenant: None, property: None, desk: None, item: None }
    }

    /// Takes a part of the address, if it is theirs.
    pub(crate) fn take(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        match name {
            "tenant" => self.tenant = Some(self.who()?.tenant(value).ok_or_else(Refusal::out_of_scope)?),
            "desk" => self.desk = Some(self.who()?.desk(value).ok_or_else(Refusal::out_of_scope)?),
            "property" => self.property = Some(value.parse().map_err(|_| Refusal::not_found())?),
            "item" => self.item = Some(value.parse().map_err(|_| Refusal::not_found())?),
            _ => return Err(Refusal::not_found()),
        }
        Ok(())
    }

    pub(crate) fn who(&self) -> Result<&'a Who, Refusal> {
        self.who.ok_or_else(|| Refusal::unauthorized(None))
    }

    pub(crate) fn tenant(&self) -> Result<&OwnTenant, Refusal> {
        self.tenant.as_ref().ok_or_else(Refusal::not_found)
    }

    pub(crate) fn property(&self) -> Result<&PropertyId, Refusal> {
        self.property.as_ref().ok_or_else(Refusal::not_found)
    }

    /// What a consumer keeps of the property.
    pub(crate) fn scope(&self, consumer: &'static str) -> Result<Scope, Refusal> {
        Ok(self.tenant()?.scope(consumer, self.property()?))
    }

    pub(crate) fn desk(&self) -> Result<&OwnDesk, Refusal> {
        self.desk.as_ref().ok_or_else(Refusal::not_found)
    }

    pub(crate) fn item(&self) -> Result<&ReviewId, Refusal> {
        self.item.as_ref().ok_or_else(Refusal::not_found)
    }

    /// Whose items, for the log.
    pub(crate) fn tenant_name(&self) -> Option<&str> {
        let tenant = self.tenant.as_ref().map(|tenant| tenant.id().as_str());
        tenant.or_else(|| self.desk.as_ref().map(OwnDesk::name))
    }

    /// Whether whoever asks has the version with this tag.
    pub(crate) fn has(&self, tag: &str) -> bool {
        has(self.known.iter().copied(), tag)
    }
}

/// What is answered.
#[derive(Debug)]
pub(crate) enum Answer<A> {
    /// This, and nothing is said of versions.
    Now(A),
    /// This, whose version is told by its content.
    Version(A),
    /// This, of the version with this tag.
    Tagged(A, String),
    /// The version that is known already.
    Same(String),
}

/// An answer as text.
#[derive(Debug)]
pub(crate) struct Reply {
    /// None: the version that is known already.
    pub body: Option<String>,
    pub tag: Option<String>,
}

impl<A: Serialize> Answer<A> {
    pub(crate) fn into_reply(self) -> Result<Reply, Refusal> {
        let (value, tag) = match self {
            Self::Now(value) => (value, None),
            Self::Version(value) => (value, Some(None)),
            Self::Tagged(value, tag) => (value, Some(Some(tag))),
            Self::Same(tag) => return Ok(Reply { body: None, tag: Some(tag) }),
        };
        let body = serde_json::to_string(&value).map_err(|_| Refusal::unavailable("The answer cannot be written."))?;
        let of_content = || {
            let hash = bellhop_events::Digest::of_bytes(body.as_bytes()).to_string();
            format!("W/\"{}\"", &hash[..24])
        };
        let tag = tag.map(|tag| tag.unwrap_or_else(of_content));
        Ok(Reply { body: Some(body), tag })
    }
}
