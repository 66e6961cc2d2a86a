//! Judging events before they are sent, by the same catalogue as the workers.

use std::str::FromStr as _;

use bellhop_events::{Envelope, Fault, MAX_BODY_BYTES, MessageGroup, Queue, Reason, TenantId, catalogue};
use serde::Serialize;
use serde_json::Value;

use crate::input::Piece;

/// An event on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where it stood in the input.
    pub line: usize,
    /// Where it goes.
    pub queue: Queue,
    /// Whose silo that queue is in; none: it is shared.
    pub silo: Option<TenantId>,
    /// `MessageGroupId`
    pub group: String,
    /// The message body.
    pub body: String,
}

impl Outgoing {
    /// Its queue, and whose silo that is in.
    pub fn place(&self) -> (Queue, Option<TenantId>) {
        (self.queue, self.silo.clone())
    }

    /// Whose event it is, by its message group.
    pub fn tenant(&self) -> Option<TenantId> {
        self.group.split('#').next()?.parse().ok()
    }
}

/// An event that is not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Where it stood in the input.
    pub line: usize,
    /// Stable reason code.
    pub reason: Reason,
    /// JSON pointer of the fault.
    pub pointer: String,
    /// What was expected there.
    pub expected: String,
    /// What was found.
    pub found: String,
    /// What to do.
    pub remedy: &'static str,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { line, reason, pointer, expected, found, remedy } = self;
        let at = if pointer.is_empty() { "the body" } else { pointer };
        write!(f, "line {line}: {reason} at {at}: expected {expected}, found {found}\n  {remedy}")
    }
}

/// An event that a PMS may post, or why not.
pub fn check(piece: Piece) -> Result<Outgoing, Refusal> {
    let line = piece.line;
    public_event(&piece.body)
        .map(|(queue, group)| Outgoing { line, queue, silo: None, group: group.to_string(), body: piece.body })
        .map_err(|fault| Refusal {
            line,
            reason: fault.reason,
            remedy: fault.reason.remedy(),
            pointer: fault.pointer,
            expected: fault.expected,
            found: fault.found,
        })
}

/// Checks all; refusals come in order of lines.
pub fn check_all(pieces: Vec<Piece>) -> (Vec<Outgoing>, Vec<Refusal>) {
    let mut refused = Vec::new();
    let good = pieces.into_iter().filter_map(|piece| check(piece).map_err(|r| refused.push(r)).ok()).collect();
    (good, refused)
}

fn public_event(body: &str) -> Result<(Queue, MessageGroup), Fault> {
    let envelope = Envelope::decode(body)?;
    let entry = catalogue::find(&envelope.event_type)?;
    let Some(queue) = entry.queue.filter(|_| entry.public) else {
        return Err(Fault::new(Reason::UnknownType, "/type")
            .found(format!("{}, which only Bellhop itself posts", entry.name))
            .expected("a type that a PMS may post"));
    };
    catalogue::route(&envelope, queue)?;
    (entry.check)(&envelope)?;
    Ok((queue, envelope.group()))
}

/// Anything at all, for tests of what the workers do with it: to its own queue and group if it names them, else to
/// those given.
pub fn raw(piece: Piece, queue: Queue, group: &str) -> Outgoing {
    let value: Value = serde_json::from_str(&piece.body).unwrap_or_default();
    let field = |name: &str| value.get(name).and_then(Value::as_str);
    let own_group = field("tenant").zip(field("property")).map(|(tenant, property)| format!("{tenant}#{property}"));
    let own_queue = field("type").and_then(|name| catalogue::find(name).ok()).and_then(|entry| entry.queue);
    Outgoing {
        line: piece.line,
        queue: own_queue.unwrap_or(queue),
        silo: None,
        group: own_group.filter(|group| is_sendable(group)).unwrap_or_else(|| group.to_owned()),
        body: piece.body,
    }
}

/// What SQS takes as a message group: 1 to 128 alphanumeric and punctuation characters.
fn is_sendable(group: &str) -> bool {
    (1..=128).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether SQS would take the body at all.
pub fn fits(body: &str) -> bool {
    (1..=MAX_BODY_BYTES).contains(&body.len())
}

/// A queue by its name in the design.
pub fn queue(name: &str) -> Result<Queue, String> {
    let names = Queue::ALL.map(Queue::name).join(", ");
    Queue::named(name).ok_or_else(|| format!("expected one of {names}"))
}

/// A message group as an operator types it.
pub fn group(text: &str) -> Result<String, String> {
    MessageGroup::from_str(text).map(|group| group.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"specversion":"1.0","id":"e1","source":"/pms","type":"pms.booking.created.v1","subject":"booking/b1",
        "time":"2026-07-01T10:00:00Z","tenant":"sea","property":"villa",
        "data":{"version":1,"unit":"suite","arrival":"2026-07-01","departure":"2026-07-03"}}"#;

    fn piece(body: &str) -> Piece {
        Piece { line: 3, body: body.to_owned() }
    }

    #[test]
    fn a_good_event_is_routed_by_its_type() {
        let out = check(piece(GOOD)).expect("good");
        assert_eq!((out.queue, out.group.as_str()), (Queue::OperationalCalendar, "sea#villa"));
    }

    #[test]
    fn what_is_for_channels_goes_to_their_queue_in_the_group_of_the_property() {
        let of = |kind: &str, subject: &str, data: &str| {
            let good = GOOD.replace("pms.booking.created.v1", kind).replace("booking/b1", subject);
            let head = good.split("\"data\"").next().unwrap_or_default().to_owned();
            check(piece(&format!("{head}\"data\":{data}}}"))).map(|out| (out.queue, out.group))
        };
        let right = Ok((Queue::Synchronization, "sea#villa".to_owned()));
        let channel = r#"{"version":1,"kind":"calendar","imports":[]}"#;
        assert_eq!(of("pms.channel.upserted.v1", "channel/vrbo", channel), right);
        let rates =
            r#"{"version":1,"unit":"suite","ranges":[{"from":"2026-07-01","until":"2026-07-03","closed":true}]}"#;
        assert_eq!(of("pms.rates.updated.v1", "rate/bar", rates), right);
        let own = of("bellhop.channel.sync.requested.v1", "channel/vrbo", r#"{"version":1}"#);
        assert_eq!(own.map_err(|refusal| refusal.reason.code()), Err("unknown-type"));
    }

    #[test]
    fn refusals_name_line_reason_and_pointer() {
        let table = [
            ("nonsense".to_owned(), "not-json", ""),
            (GOOD.replace("2026-07-03", "2026-06-03"), "stay-departure-before-arrival", "/data/departure"),
            (GOOD.replace("booking/b1", "unit/b1"), "subject-mismatch", "/subject"),
            (GOOD.replace("pms.booking.created.v1", "pms.unknown.v1"), "unknown-type", "/type"),
            (GOOD.replace("pms.booking.created.v1", "bellhop.booking.replaced.v1"), "unknown-type", "/type"),
            (GOOD.replace("\"version\":1,", ""), "invalid-data", "/data/version"),
        ];
        for (body, reason, pointer) in table {
            let refusal = check(piece(&body)).expect_err("refused");
            assert_eq!((refusal.line, refusal.reason.code(), refusal.pointer.as_str()), (3, reason, pointer));
        }
    }

    #[test]
    fn raw_takes_the_group_from_the_body_where_it_can() {
        assert_eq!(raw(piece(GOOD), Queue::Fallback, "x#y").group, "sea#villa");
        let out = raw(piece("nonsense"), Queue::Automation, "x#y");
        assert_eq!((out.queue, out.group.as_str()), (Queue::Automation, "x#y"));
    }
}
