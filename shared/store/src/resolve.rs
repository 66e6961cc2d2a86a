//! A person's verdict on what waits at the head of a hold.

use bellhop_events::{Digest, Envelope, EventId, Fault, Subject};
use jiff::Timestamp;

use crate::error::StoreError;
use crate::hold::{Hold, Line, Parked, Verdict};
use crate::item::{SubjectItem, decode_item, encode_item};
use crate::record::{Record, RecordState};
use crate::{Expect, Scope, Store, Write};

/// What a person decided.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// Work it again.
    Retry,
    /// Work this body instead.
    Edit(String),
    /// Leave it out, because.
    Discard(String),
}

/// Why a verdict was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Nothing waits for a person here.
    #[error("no-open-hold: nothing of {0} waits for a verdict; list what does with `bellhop hold list`")]
    NoHold(String),
    /// Somebody was first.
    #[error("already-resolved: the hold on {0} has a verdict and is being worked")]
    AlreadyResolved(String),
    /// The edited body is not a valid event.
    #[error("the edited body: {0}")]
    Invalid(#[from] Fault),
    /// An edit may change data only.
    #[error("edit-changes-identity: an edit may not change id, type, tenant, property or subject; {0} differs")]
    ChangesIdentity(&'static str),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// The hold of a subject, and the events in its line.
    pub async fn hold(
        &self,
        scope: &Scope,
        line: Line,
        subject: &Subject,
    ) -> Result<Option<(Hold, Vec<Parked>)>, StoreError> {
        let Some(item) = self.subject(scope, subject).await? else { return Ok(None) };
        let Some(hold) = item.line(line).cloned() else { return Ok(None) };
        let keys: Vec<_> = (hold.head..hold.next).map(|index| scope.parked(line, subject, index)).collect();
        let mut items = self.get(&keys).await?;
        let parked: Result<Vec<_>, _> = keys.iter().filter_map(|key| items.remove(key)).map(decode_item).collect();
        Ok(Some((hold, parked?)))
    }

    /// The item of a subject.
    pub async fn subject(&self, scope: &Scope, subject: &Subject) -> Result<Option<SubjectItem>, StoreError> {
        let key = scope.subject(subject);
        let item = self.get(std::slice::from_ref(&key)).await?.remove(&key);
        item.map(|item| SubjectItem::decode(key, item)).transpose()
    }

    /// The sad-path record of an event.
    pub async fn record(&self, scope: &Scope, event: &EventId) -> Result<Option<Record>, StoreError> {
        let key = scope.record(event);
        self.get(std::slice::from_ref(&key)).await?.remove(&key).map(Record::decode).transpose()
    }

    /// Writes the verdict on the head. Returns the hold with its new generation: send a wake-up that names it.
    /// Of two people at once, one is told [`ResolveError::AlreadyResolved`].
    pub async fn resolve(
        &self,
        scope: &Scope,
        line: Line,
        subject: &Subject,
        resolution: &Resolution,
        now: Timestamp,
    ) -> Result<Hold, ResolveError> {
        let (mut written, mut aim) = (None, None);
        for _ in 0..12 {
            match self.try_resolve(scope, line, subject, resolution, now, (&mut written, &mut aim), Vec::new()).await {
                Err(ResolveError::Store(StoreError::Lost)) => {}
                other => return other,
            }
        }
        Err(StoreError::Unavailable("lost too many races for one item".to_owned()).into())
    }

    /// The same, once, for this event alone, with other writes in the same transaction. After [`StoreError::Lost`] read all of
    /// it again.
    pub async fn resolve_once(
        &self,
        (scope, event): (&Scope, &EventId),
        line: Line,
        subject: &Subject,
        resolution: &Resolution,
        now: Timestamp,
        also: Vec<Write>,
    ) -> Result<Hold, ResolveError> {
        self.try_resolve(scope, line, subject, resolution, now, (&mut None, &mut Some(event.clone())), also).await
    }

    #[allow(clippy::too_many_arguments, reason = "a verdict has so many parts, and two callers")]
    async fn try_resolve(
        &self,
        scope: &Scope,
        line: Line,
        subject: &Subject,
        resolution: &Resolution,
        now: Timestamp,
        (written, aim): (&mut Option<Hold>, &mut Option<EventId>),
        also: Vec<Write>,
    ) -> Result<Hold, ResolveError> {
        let nothing = || ResolveError::NoHold(subject.to_string());
        let mut item = self.subject(scope, subject).await?.ok_or_else(nothing)?;
        let hold = item.line_mut(line).as_mut().ok_or_else(nothing)?;
        if written.as_ref() == Some(hold) {
            // Our own write, repeated by the SDK.
            return Ok(hold.clone());
        }
        if hold.verdict.is_some() {
            return Err(ResolveError::AlreadyResolved(subject.to_string()));
        }
        let place = scope.parked(line, subject, hold.head);
        let stored = self.get(std::slice::from_ref(&place)).await?.remove(&place).ok_or_else(nothing)?;
        let mut parked: Parked = decode_item(stored)?;
        // A verdict is on the event that was seen at the head; a lost race may have brought up the next.
        if aim.get_or_insert_with(|| parked.id.clone()) != &parked.id {
            return Err(ResolveError::AlreadyResolved(subject.to_string()));
        }
        let mut record = self.record(scope, &parked.id).await?.ok_or_else(nothing)?;
        let mut writes = also;
        hold.generation += 1;
        hold.verdict = Some(Verdict::Retry);
        hold.nonce = Some(fastrand::u64(..));
        record.attempts = 0;
        match resolution {
            Resolution::Retry => {}
            Resolution::Edit(body) => {
                let digest = edited(&parked.body, body)?;
                if !record.accepts(&digest) {
                    record.digests.push(digest.to_string());
                }
                parked.body.clone_from(body);
                writes.push(Write::Put { key: place, item: encode_item(&parked)?, expect: Expect::Any });
            }
            Resolution::Discard(reason) => {
                hold.verdict = Some(Verdict::Discard);
                record.discarded_because = Some(reason.clone());
            }
        }
        record.state = RecordState::Retrying;
        record.forget_after(now.as_second());
        record.ttl = None;
        let hold = hold.clone();
        *written = Some(hold.clone());
        writes.push(item.put()?);
        writes.push(record.put(scope.record(&parked.id))?);
        self.commit(writes).await?;
        Ok(hold)
    }
}

/// The digest of an edited body, if it is still the same event.
fn edited(original: &str, body: &str) -> Result<Digest, ResolveError> {
    let new = Envelope::decode(body)?;
    // What could not be read may become anything; the worker checks it against its group again.
    if let Ok(old) = Envelope::decode(original) {
        let checks = [
            ("id", old.id == new.id),
            ("type", old.event_type == new.event_type),
            ("tenant", old.tenant == new.tenant),
            ("property", old.property == new.property),
            ("subject", old.subject == new.subject),
        ];
        if let Some((what, _)) = checks.iter().find(|(_, same)| !same) {
            return Err(ResolveError::ChangesIdentity(what));
        }
    }
    bellhop_events::catalogue::find(&new.event_type).and_then(|entry| (entry.check)(&new))?;
    Ok(new.digest())
}
