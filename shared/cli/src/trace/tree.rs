//! Log lines as a tree of causes. No I/O.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A log line of an event. Other lines lack one of these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was written: the end of the work.
    #[serde(rename(deserialize = "timestamp"))]
    pub at: Timestamp,
    /// Which function.
    #[serde(rename(deserialize = "consumer", serialize = "function"))]
    pub function: String,
    /// Whose event.
    #[serde(skip_serializing)]
    pub tenant: String,
    /// Of which property.
    #[serde(skip_serializing)]
    pub property: String,
    /// What it is about.
    #[serde(skip_serializing)]
    pub subject: String,
    /// Its id.
    #[serde(skip_serializing)]
    pub event: String,
    /// The trace that it belongs to.
    #[serde(skip_serializing)]
    pub trace: String,
    /// The event that caused it.
    #[serde(default, skip_serializing)]
    pub causationid: Option<String>,
    /// Its type.
    #[serde(skip_serializing)]
    pub kind: String,
    /// What became of it.
    pub outcome: String,
    /// Beside what was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The code of why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it waits for or behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Seconds until it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<u64>,
    /// Which attempt.
    #[serde(default)]
    pub attempt: u32,
    /// How often SQS has delivered the message.
    #[serde(default)]
    pub receive_count: u32,
    /// From SQS's acceptance to this line; none: it came out of a line of waiting events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lag_ms: Option<i64>,
}

impl Line {
    /// Reads a line; none: it is of something else.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text.trim_end()).ok()
    }

    /// Whether a field has this value.
    pub fn has(&self, field: &str, value: &str) -> bool {
        match field {
            "event" => self.event == value,
            "trace" => self.trace == value,
            _ => false,
        }
    }
}

/// An event, and what it caused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its id.
    pub event: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about.
    pub subject: String,
    /// What became of it, in the order of time; at least one, and a duplicate only where there is nothing else.
    pub steps: Vec<Line>,
    /// How often it came again without effect.
    pub duplicates: usize,
    /// What it caused, in the order of time.
    pub caused: Vec<Self>,
}

/// What an event caused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    /// The trace, 32 hex digits.
    pub trace: String,
    /// `tenant#property`
    pub group: String,
    /// The event that caused the root, if one did.
    pub cause: Option<String>,
    /// The event that was asked for.
    pub root: Node,
    /// Events of the trace whose cause has no line.
    pub loose: Vec<Node>,
}

type Events = BTreeMap<String, Vec<Line>>;

impl Tree {
    /// The tree below an event; none: it has no line.
    pub fn grow(trace: &str, root: &str, mut lines: Vec<Line>) -> Option<Self> {
        // By function within one moment, so that the order is the same each time.
        lines.sort_by(|a, b| (a.at, &a.function).cmp(&(b.at, &b.function)));
        let group =
            lines.iter().find(|line| line.event == root).map(|line| format!("{}#{}", line.tenant, line.property))?;
        let mut events = Events::new();
        for line in lines {
            if format!("{}#{}", line.tenant, line.property) == group {
                events.entry(line.event.clone()).or_default().push(line);
            }
        }
        let cause = cause(&events, root).map(str::to_owned);
        let loose: Vec<_> = loose(&events, root).into_iter().map(str::to_owned).collect();
        let mut seen = BTreeSet::new();
        let root = node(&events, root, &mut seen)?;
        let mut loose: Vec<_> = loose.iter().filter_map(|event| node(&events, event, &mut seen)).collect();
        loose.sort_by_key(Node::at);
        Some(Self { trace: trace.to_owned(), group, cause, root, loose })
    }
}

fn cause<'a>(events: &'a Events, event: &str) -> Option<&'a str> {
    events.get(event)?.iter().find_map(|line| line.causationid.as_deref())
}

/// The last event that is found on the way from an event to its cause, and to that one's cause, and so on.
fn origin<'a>(events: &'a Events, event: &'a str) -> &'a str {
    let (mut at, mut seen) = (event, BTreeSet::from([event]));
    while let Some(next) = cause(events, at).filter(|next| events.contains_key(*next)) {
        if !seen.insert(next) {
            break;
        }
        at = next;
    }
    at
}

/// Events of which something caused them that has no line: they may belong below the root or not.
fn loose<'a>(events: &'a Events, root: &'a str) -> BTreeSet<&'a str> {
    let own = origin(events, root);
    let origins: BTreeSet<_> = events.keys().map(|event| origin(events, event)).collect();
    origins.into_iter().filter(|event| *event != own && cause(events, event).is_some()).collect()
}

fn node(events: &Events, event: &str, seen: &mut BTreeSet<String>) -> Option<Node> {
    let lines = events.get(event).filter(|_| seen.insert(event.to_owned()))?;
    let first = lines.first()?;
    let (duplicates, steps): (Vec<_>, Vec<_>) = lines.iter().cloned().partition(|line| line.outcome == "duplicate");
    let steps = if steps.is_empty() { duplicates.iter().take(1).cloned().collect() } else { steps };
    let below = events.keys().filter(|other| cause(events, other) == Some(event));
    let below: Vec<_> = below.cloned().collect();
    let mut caused: Vec<_> = below.iter().filter_map(|other| node(events, other, seen)).collect();
    caused.sort_by_key(Node::at);
    Some(Node {
        event: event.to_owned(),
        kind: first.kind.clone(),
        subject: first.subject.clone(),
        duplicates: duplicates.len(),
        steps,
        caused,
    })
}

impl Node {
    /// When its first line was written, and its id where that is the same.
    fn at(&self) -> (Option<Timestamp>, String) {
        (self.steps.first().map(|step| step.at), self.event.clone())
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use serde_json::json;

    /// A line as the worker writes it.
    pub fn line(event: &str, cause: Option<&str>, function: &str, kind: &str, outcome: &str, second: f64) -> Line {
        let at = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs_f64(1_782_900_000.0 + second);
        let text = json!({
            "timestamp": at, "level": "INFO", "message": "message", "outcome": outcome, "consumer": function, "tenant": "sea",
            "property": "villa", "subject": "booking/1", "event": event, "trace": "0af7651916cd43dd8448eb211c80319c",
            "causationid": cause, "kind": kind, "attempt": 1, "receive_count": 1, "lag_ms": 120, "message_id": "m",
        });
        Line::parse(&format!("{text}\n")).expect("a line")
    }

    /// A booking that was made, with retries, duplicates and an event whose cause has no line.
    pub fn season() -> Vec<Line> {
        let applied = |event, cause, function, kind, second| line(event, cause, function, kind, "applied", second);
        let retry = Line {
            reason: Some("mail-unavailable".into()),
            delay: Some(20),
            lag_ms: Some(900),
            ..line("g1", Some("e1"), "notifications", "bellhop.guest.message.requested.v1", "retry", 2.0)
        };
        let sent = Line {
            note: Some("sent".into()),
            attempt: 2,
            lag_ms: Some(20_950),
            ..applied("g1", Some("e1"), "notifications", "bellhop.guest.message.requested.v1", 22.25)
        };
        vec![
            sent,
            retry,
            line("e1", None, "calendar", "pms.booking.created.v1", "duplicate", 5.0),
            line("e1", None, "calendar", "pms.booking.created.v1", "duplicate", 6.0),
            applied("e1", None, "calendar", "pms.booking.created.v1", 0.125),
            applied("c1", Some("e1"), "automation", "bellhop.booking.changed.v1", 1.0),
            applied("w1", Some("c1"), "channel-sync", "bellhop.webhook.requested.v1", 7.0),
            applied("x1", Some("lost"), "automation", "bellhop.automation.look.v1", 90_000.0),
        ]
    }

    fn shape(node: &Node) -> String {
        let below: Vec<_> = node.caused.iter().map(shape).collect();
        format!("{}*{}+{}({})", node.event, node.steps.len(), node.duplicates, below.join(" "))
    }

    #[test]
    fn a_line_of_something_else_is_passed_over() {
        let metrics =
            json!({"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}, "processed": 1, "Function": "calendar"});
        for other in [metrics.to_string().as_str(), "REPORT RequestId: 1"] {
            assert!(Line::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn causes_make_a_tree_whatever_the_order_of_lines() {
        let mut lines = season();
        for _ in 0..lines.len() {
            lines.rotate_left(1);
            let tree = Tree::grow("t", "e1", lines.clone()).expect("a tree");
            assert_eq!(shape(&tree.root), "e1*1+2(c1*1+0(w1*1+0()) g1*2+0())");
            assert_eq!(tree.loose.iter().map(shape).collect::<Vec<_>>(), ["x1*1+0()"]);
            assert_eq!(tree.cause, None);
        }
    }

    #[test]
    fn a_tree_begins_where_it_is_asked_for() {
        let tree = Tree::grow("t", "c1", season()).expect("a tree");
        assert_eq!((shape(&tree.root).as_str(), tree.cause.as_deref()), ("c1*1+0(w1*1+0())", Some("e1")));
        assert!(Tree::grow("t", "nobody", season()).is_none());
    }

    #[test]
    fn events_that_cause_each_other_and_those_of_others_do_no_harm() {
        let ring = |event, cause| line(event, Some(cause), "automation", "k", "applied", 1.0);
        let other = Line { tenant: "hill".into(), ..ring("d", "a") };
        let tree = Tree::grow("t", "a", vec![ring("a", "c"), ring("b", "a"), ring("c", "b"), other]).expect("a tree");
        assert_eq!(shape(&tree.root), "a*1+0(b*1+0(c*1+0()))");
        let tree = Tree::grow("t", "a", vec![ring("a", "a")]).expect("a tree");
        assert_eq!(shape(&tree.root), "a*1+0()");
    }

    #[test]
    fn what_is_no_line_of_an_event_is_left_out() {
        for text in ["", "START RequestId: x", "{}", r#"{"outcome":"review","group":"sea#villa"}"#] {
            assert_eq!(Line::parse(text), None, "{text}");
        }
    }
}
