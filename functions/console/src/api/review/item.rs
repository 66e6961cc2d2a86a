//! An item, as lists show it.

use bellhop_store::review::{Act, ReviewItem, Road};
use schemars::JsonSchema;
use serde::Serialize;

use crate::auth::OwnDesk;

/// What waits for a decision, or did.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Item {
    /// Its id.
    pub id: String,
    /// On whose desk it lies; `~`: of what names no tenant that can be trusted.
    pub tenant: String,
    /// `open`, or what it became.
    pub state: &'static str,
    /// Stable reason code.
    pub reason: String,
    /// What to do next.
    pub remedy: String,
    /// What was expected at the pointer.
    pub expected: String,
    /// What was found there; may quote the event.
    pub found: String,
    /// JSON pointer into the body.
    pub pointer: String,
    /// The function that gave up.
    pub consumer: String,
    /// The queue that carried the message.
    pub queue: String,
    /// The message group that carried it.
    pub group: String,
    /// What it is about, if that could be read.
    pub subject: Option<String>,
    /// The event's id, if that could be read.
    pub event: Option<String>,
    /// The event's type, if that could be read.
    pub event_type: Option<String>,
    /// Whether somebody should be woken.
    pub critical: bool,
    /// Attempts that were made.
    pub attempts: u32,
    /// How often SQS had handed the message out.
    pub receives: u32,
    /// `fallback`: the function gave it up; `dead-letter`: SQS did.
    pub road: &'static str,
    /// How often it was told.
    pub told: u32,
    /// When it was told first, RFC 3339.
    pub first_seen: String,
    /// When it was told last.
    pub last_seen: String,
    /// What was decided; null: somebody must.
    pub act: Option<Decided>,
}

/// What was decided.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Decided {
    /// When, RFC 3339.
    pub at: String,
    /// By whom.
    pub by: String,
    /// `retried`, `edited` or `discarded`.
    pub kind: &'static str,
    /// Why, where somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

impl Item {
    pub(crate) fn new(desk: &OwnDesk, item: &ReviewItem) -> Self {
        let note = item.note.clone();
        Self {
            id: item.id.to_string(),
            tenant: desk.name().to_owned(),
            state: item.state(),
            reason: note.reason,
            remedy: note.remedy,
            expected: note.expected,
            found: note.found,
            pointer: note.pointer,
            consumer: note.consumer,
            queue: note.queue,
            group: note.group,
            subject: note.subject,
            event: note.event,
            event_type: item.event_type.clone(),
            critical: note.critical,
            attempts: note.attempts,
            receives: item.receives,
            road: match item.road {
                Road::Fallback => "fallback",
                Road::DeadLetter => "dead-letter",
            },
            told: item.told,
            first_seen: item.first_seen.to_string(),
            last_seen: item.last_seen.to_string(),
            act: item.act.as_ref().map(Decided::new),
        }
    }
}

impl Decided {
    fn new(act: &Act) -> Self {
        Self { at: act.at.to_string(), by: act.by.clone(), kind: act.kind.word(), because: act.because.clone() }
    }
}

/// Which items are wanted.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    /// Those with this reason code.
    pub code: Option<String>,
    /// Those that mention this.
    pub text: Option<String>,
    /// Only those for which somebody should be woken.
    pub critical: bool,
}

impl Wanted {
    pub(crate) fn new(code: Option<String>, text: Option<String>, critical: bool) -> Self {
        let text = text.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
        Self { code: code.filter(|code| !code.is_empty()), text, critical }
    }

    /// Whether it is one of them.
    pub(crate) fn has(&self, item: &ReviewItem) -> bool {
        let note = &item.note;
        let texts = [Some(&note.group), Some(&note.found), Some(&note.consumer)];
        let more = [note.subject.as_ref(), note.event.as_ref(), item.event_type.as_ref()];
        let mentions = |text: &String| {
            item.id.to_string() == *text
                || texts.iter().chain(&more).flatten().any(|field| field.to_lowercase().contains(text))
        };
        (!self.critical || note.critical)
            && self.code.as_ref().is_none_or(|code| *code == note.reason)
            && self.text.as_ref().is_none_or(mentions)
    }
}
