//! One rule: when it is looked at, whether it holds, what it does.

use std::fmt;
use std::str::FromStr;

use bellhop_events::Fault;
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::text::{Quoted, at, invalid, printable, slug, word};
use crate::{Anchor, Condition, Facts, How, Moment, duration, raw};

/// The events that a rule may wait for, beside those that other rules emit (`rule.NAME`).
pub const EVENTS: &[&str] = &[
    "pms.booking.created.v1",
    "pms.booking.modified.v1",
    "pms.booking.cancelled.v1",
    "bellhop.booking.replaced.v1",
    "pms.task.upserted.v1",
    "pms.task.reported.v1",
];

/// The longest data of an event, as compact JSON.
const MAX_DATA_BYTES: usize = 4096;

/// The deepest data of an event: the object itself is the first level.
const MAX_DATA_DEPTH: usize = 8;

/// The name of a rule, unique in its rulebook. Form: `^[a-z0-9][a-z0-9-]{0,39}$`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(inline, extend("pattern" = "^[a-z0-9][a-z0-9-]{0,39}$"))]
pub struct RuleId(String);

impl RuleId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RuleId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if slug(&text) {
            return Ok(Self(text));
        }
        Err(format!("expected an id of the form ^[a-z0-9][a-z0-9-]{{0,39}}$, found {}", Quoted(&text)))
    }
}

impl FromStr for RuleId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.to_owned().try_into()
    }
}

impl From<RuleId> for String {
    fn from(id: RuleId) -> String {
        id.0
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its name.
    pub id: RuleId,
    /// When it is looked at.
    pub trigger: Trigger,
    /// What must be true then.
    pub when: Option<Condition>,
    /// What is done.
    pub then: Action,
}

/// When a rule is looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// When something happened.
    On {
        /// One of [`EVENTS`], or `rule.NAME`.
        event: String,
        /// So long after it, 0 to 90 days.
        after: Option<SignedDuration>,
    },
    /// At a moment of a stay or a task.
    At(Moment),
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Sends the guest of the booking a message of this kind (`^[a-z][a-z0-9-]{0,39}$`).
    Message(String),
    /// Requests a task.
    Task {
        /// What kind of work; 1 to 40 characters.
        kind: String,
        /// For people, plain text; 1 to 200 characters.
        title: String,
        /// So many days after the day on which the rule acts, 0 to 365; `None`: no day yet.
        days: Option<u16>,
        /// Who does it; 1 to 64 characters.
        assignee: Option<String>,
    },
    /// Says something to other rules and to subscribers.
    Event {
        /// `rule.NAME`
        event_type: String,
        /// At most 4 KiB and 8 levels.
        data: Map<String, Value>,
    },
}

impl Rule {
    /// Whether the rule holds: its condition is true, or it has none. A fault names the rule.
    pub fn holds(&self, facts: &Facts) -> Result<bool, Fault> {
        let Some(condition) = &self.when else { return Ok(true) };
        condition.holds(facts).map_err(|fault| {
            let expected = format!("{} from the rule {}", fault.expected, self.id);
            fault.expected(expected)
        })
    }

    /// What other rules can hear of it, `rule.NAME`.
    pub(crate) fn emits(&self) -> Option<&str> {
        match &self.then {
            Action::Event { event_type, .. } => Some(event_type),
            _ => None,
        }
    }

    /// Whether it waits for an event.
    pub(crate) fn waits_for(&self, name: &str) -> bool {
        matches!(&self.trigger, Trigger::On { event, .. } if event == name)
    }
}

impl TryFrom<raw::Rule> for Rule {
    type Error = Fault;

    fn try_from(rule: raw::Rule) -> Result<Self, Fault> {
        let trigger = match (rule.on, rule.at) {
            (Some(event), None) => on(event, rule.after.as_deref())?,
            (None, Some(_)) if rule.after.is_some() => {
                return Err(invalid("/after", "\"after\" with \"on\" alone", "\"after\" with \"at\""));
            }
            (None, Some(raw::Object(moment))) => Trigger::At(moment.try_into().map_err(at("/at"))?),
            (Some(_), Some(_)) => return Err(invalid("", "either \"on\" or \"at\"", "both")),
            (None, None) => return Err(invalid("", "either \"on\" or \"at\"", "neither")),
        };
        let when = rule.when.as_deref().map(Condition::parse).transpose().map_err(at("/when"))?;
        let then = Action::try_from(rule.then.0).map_err(at("/then"))?;
        let of_task = match &trigger {
            Trigger::On { event, .. } => event.starts_with("pms.task."),
            Trigger::At(moment) => moment.anchor == Anchor::Task,
        };
        if of_task && matches!(then, Action::Message(_)) {
            return Err(invalid(
                "/then/message",
                "a message with bookings alone",
                "a rule of tasks: they have no guest",
            ));
        }
        Ok(Self { id: rule.id, trigger, when, then })
    }
}

fn on(event: String, after: Option<&str>) -> Result<Trigger, Fault> {
    if !EVENTS.contains(&event.as_str()) && !emitted(&event) {
        return Err(invalid("/on", format!("{} or rule.NAME", EVENTS.join(", ")), Quoted(&event)));
    }
    let read = |text: &str| {
        let length = duration::read(text).filter(|length| !length.is_negative());
        length.ok_or_else(|| invalid("/after", "hours and minutes such as PT2H, 0 to 90 days", Quoted(text)))
    };
    Ok(Trigger::On { event, after: after.map(read).transpose()? })
}

/// Whether this names what a rule emits: `rule.NAME`, where NAME has the form of a rule's id.
fn emitted(name: &str) -> bool {
    name.strip_prefix("rule.").is_some_and(slug)
}

impl TryFrom<raw::Moment> for Moment {
    type Error = Fault;

    fn try_from(moment: raw::Moment) -> Result<Self, Fault> {
        let how = match (moment.days, moment.time, moment.offset) {
            (Some(days), Some(time), None) if (-365..=365).contains(&days) => How::Days { days, time },
            (Some(days), Some(_), None) => return Err(invalid("/days", "-365 to 365", days)),
            (None, None, Some(text)) => How::Offset(duration::read(&text).ok_or_else(|| {
                invalid("/offset", "hours and minutes such as -PT2H, at most 90 days", Quoted(&text))
            })?),
            _ => return Err(invalid("", "either \"days\" with \"time\", or \"offset\"", "something else")),
        };
        Ok(Self { anchor: moment.anchor, how })
    }
}

impl TryFrom<raw::Action> for Action {
    type Error = Fault;

    fn try_from(action: raw::Action) -> Result<Self, Fault> {
        match (action.message, action.task, action.event) {
            (Some(kind), None, None) => {
                word(&kind, "/message")?;
                Ok(Self::Message(kind))
            }
            (None, Some(raw::Object(raw::Task { kind, title, days, assignee })), None) => {
                printable(&kind, 40, "/task/kind")?;
                printable(&title, 200, "/task/title")?;
                assignee.as_deref().map_or(Ok(()), |name| printable(name, 64, "/task/assignee"))?;
                if let Some(days) = days.filter(|days| *days > 365) {
                    return Err(invalid("/task/days", "0 to 365", days));
                }
                Ok(Self::Task { kind, title, days, assignee })
            }
            (None, None, Some(raw::Object(raw::Event { event_type, data }))) => {
                if !emitted(&event_type) {
                    return Err(invalid("/event/type", "rule.NAME, NAME as a rule's id", Quoted(&event_type)));
                }
                let data = bounded(data).map_err(at("/event/data"))?;
                Ok(Self::Event { event_type, data })
            }
            _ => Err(invalid("", "one of \"message\", \"task\" and \"event\"", "none or several")),
        }
    }
}

fn bounded(data: Map<String, Value>) -> Result<Map<String, Value>, Fault> {
    let data = Value::Object(data);
    let (bytes, depth) = (data.to_string().len(), depth(&data));
    match data {
        _ if bytes > MAX_DATA_BYTES => {
            Err(invalid("", format!("at most {MAX_DATA_BYTES} bytes"), format!("{bytes} bytes")))
        }
        _ if depth > MAX_DATA_DEPTH => {
            Err(invalid("", format!("at most {MAX_DATA_DEPTH} levels"), format!("{depth} levels")))
        }
        Value::Object(data) => Ok(data),
        _ => Ok(Map::new()),
    }
}

/// Levels of objects and arrays; the reader of JSON stops at 128.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

impl From<&Rule> for raw::Rule {
    fn from(rule: &Rule) -> Self {
        let (on, after, at) = match &rule.trigger {
            Trigger::On { event, after } => (Some(event.clone()), after.map(duration::write), None),
            Trigger::At(moment) => (None, None, Some(raw::Object(moment.into()))),
        };
        let when = rule.when.as_ref().map(|condition| condition.source().to_owned());
        Self { id: rule.id.clone(), on, after, at, when, then: raw::Object((&rule.then).into()) }
    }
}

impl From<&Moment> for raw::Moment {
    fn from(moment: &Moment) -> Self {
        let anchor = moment.anchor;
        match moment.how {
            How::Days { days, time } => Self { anchor, days: Some(days), time: Some(time), offset: None },
            How::Offset(offset) => Self { anchor, days: None, time: None, offset: Some(duration::write(offset)) },
        }
    }
}

impl From<&Action> for raw::Action {
    fn from(action: &Action) -> Self {
        match action.clone() {
            Action::Message(kind) => Self { message: Some(kind), ..Self::default() },
            Action::Task { kind, title, days, assignee } => {
                Self { task: Some(raw::Object(raw::Task { kind, title, days, assignee })), ..Self::default() }
            }
            Action::Event { event_type, data } => {
                Self { event: Some(raw::Object(raw::Event { event_type, data })), ..Self::default() }
            }
        }
    }
}
