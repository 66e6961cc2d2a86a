//! The JSON of a rulebook, as people write it. Shapes alone: what they mean is checked where it is understood.

use std::fmt;
use std::marker::PhantomData;

use bellhop_events::LocalTime;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::{Anchor, Assignment, RuleId};

// No doc comment: it would stand in the schema.
// A JSON object and nothing else: what serde derives would take an array of the fields as well.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline)]
pub(crate) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields))
            }
        }

        deserializer.deserialize_map(Visitor(PhantomData)).map(Self)
    }
}

/// A tenant's rulebook: what is done by itself when something happens or is due, and who cleans what.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Rulebook")]
pub(crate) struct Book {
    /// Each is judged by itself, in order.
    #[serde(default)]
    #[schemars(length(max = 50))]
    pub rules: Vec<Object<Rule>>,
    /// The first one that fits and has room gets the cleaning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50))]
    pub assign: Vec<Object<Assignment>>,
}

/// A rule: either `on` an event or `at` a moment.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("oneOf" = [{ "required": ["on"] }, { "required": ["at"], "properties": { "after": false } }]))]
pub(crate) struct Rule {
    /// Its name, unique in the rulebook.
    pub id: RuleId,
    /// The event that it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("pattern" = event_pattern()))]
    pub on: Option<String>,
    /// So long after the event, ISO 8601 hours and minutes, at most 90 days; `PT2H`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("pattern" = "^PT([0-9]{1,6}H)?([0-9]{1,6}M)?$"))]
    pub after: Option<String>,
    /// The moment when it is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Moment")]
    pub at: Option<Object<Moment>>,
    /// A CEL expression that must be true, at most 1,000 bytes; left out: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(max = 1000))]
    pub when: Option<String>,
    /// What is done.
    pub then: Object<Action>,
}

/// The schema's pattern of what a rule may wait for.
fn event_pattern() -> String {
    let names: Vec<_> = crate::EVENTS.iter().map(|name| name.replace('.', "\\.")).collect();
    format!("^({}|rule\\.[a-z0-9][a-z0-9-]{{0,39}})$", names.join("|"))
}

/// A moment: either `days` with `time`, or `offset`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("oneOf" = [{ "required": ["days", "time"] }, { "required": ["offset"] }]))]
pub(crate) struct Moment {
    /// Relative to what.
    pub anchor: Anchor,
    /// Days after the anchor's date; negative: before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i16", range(min = -365, max = 365))]
    pub days: Option<i16>,
    /// Time of day, local to the property, `HH:MM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "LocalTime")]
    pub time: Option<LocalTime>,
    /// Hours and minutes after the anchor, ISO 8601, at most 90 days; negative: before; `-PT2H`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("pattern" = crate::duration::PATTERN))]
    pub offset: Option<String>,
}

/// What is done: one of these.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline, extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct Action {
    /// The kind of message that the guest of the booking gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", extend("pattern" = "^[a-z][a-z0-9-]{0,39}$"))]
    pub message: Option<String>,
    /// A task that is requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Task")]
    pub task: Option<Object<Task>>,
    /// An event for other rules and for subscribers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Event")]
    pub event: Option<Object<Event>>,
}

/// A task that a rule requests.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct Task {
    /// What kind of work; at most 40 characters.
    #[schemars(length(min = 1, max = 40))]
    pub kind: String,
    /// For people, plain text; at most 200 characters.
    #[schemars(length(min = 1, max = 200))]
    pub title: String,
    /// So many days after the day on which the rule acts, 0 to 365; left out: the task has no day yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u16", range(max = 365))]
    pub days: Option<u16>,
    /// Who does it; at most 64 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = 64))]
    pub assignee: Option<String>,
}

/// An event that a rule emits.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(inline)]
pub(crate) struct Event {
    /// `rule.NAME`.
    #[serde(rename = "type")]
    #[schemars(extend("pattern" = "^rule\\.[a-z0-9][a-z0-9-]{0,39}$"))]
    pub event_type: String,
    /// What it says: at most 4 KiB and 8 levels.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub data: Map<String, Value>,
}
