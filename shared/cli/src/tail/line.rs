//! A function's line of an event, and whether it is wanted. No I/O.

use anstyle::Style;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::output::{fit, styled};
use crate::trace::{lag, style_of};
use crate::when;

/// What a function says of an event. Lines without an outcome are of something else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// When it was written: the end of the work.
    #[serde(rename(deserialize = "timestamp"))]
    pub at: Timestamp,
    /// Which function.
    #[serde(default)]
    pub function: String,
    /// What became of it.
    pub outcome: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// Seconds until it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    property: Option<String>,
    /// The message group, where the body could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// The review item, in lines of the review function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<String>,
    #[serde(rename(deserialize = "kind", serialize = "type"), default, skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// From SQS's acceptance to this line; none: it came out of a line of waiting events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lag_ms: Option<i64>,
}

impl Line {
    /// Reads a line of a function; none: it is of something else.
    pub fn parse(function: &str, text: &str) -> Option<Self> {
        let line: Self = serde_json::from_str(text.trim_end()).ok()?;
        Some(Self { function: function.to_owned(), ..line })
    }

    /// As JSON, on one line.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As text: what has a width comes first.
    pub fn text(&self) -> String {
        let why: Vec<_> = [&self.note, &self.reason, &self.cause].into_iter().flatten().map(String::as_str).collect();
        let delay = self.delay.map(|seconds| format!(", again in {seconds} s")).unwrap_or_default();
        let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
        let outcome = format!("{}{why}{delay}", self.outcome);
        let attempt = self.attempt.map_or_else(|| "-".to_owned(), |attempt| attempt.to_string());
        let lag = lag(self.lag_ms);
        let place = match (&self.tenant, &self.property, &self.group) {
            (Some(tenant), Some(property), _) => format!("{tenant}#{property}"),
            (Some(tenant), None, _) => tenant.clone(),
            (None, _, group) => group.clone().unwrap_or_else(|| "-".to_owned()),
        };
        let about = [&self.subject, &self.kind, &self.event, &self.item].into_iter().flatten();
        let about = about.map(String::as_str).collect::<Vec<_>>().join("  ");
        let at = styled(Style::new().dimmed(), when::millisecond(self.at));
        let outcome = styled(style_of(&self.outcome), fit(&outcome, 32));
        // Ids are what a sender chose: nothing of it may move the cursor.
        let rest: String = format!("{place}  {about}").chars().filter(|character| !character.is_control()).collect();
        format!("{at}  {}  {outcome} {attempt:>3} {lag:>8}  {}", fit(&self.function, 13), rest.trim_end())
    }
}

/// Which lines are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Of this tenant.
    pub tenant: Option<&'a str>,
    /// Of this property.
    pub property: Option<&'a str>,
    /// With this outcome.
    pub outcome: Option<&'a str>,
    /// About this subject.
    pub subject: Option<&'a str>,
}

impl Wanted<'_> {
    /// What CloudWatch Logs is asked for: the narrowest that a pattern of one condition can say. What it says too much is left
    /// out here.
    pub fn pattern(&self) -> String {
        // Neither an outcome nor an id of ours holds a quotation mark (Amazon CloudWatch Logs User Guide, "Filter pattern syntax").
        match (self.outcome, self.tenant) {
            (Some(outcome), _) => format!("{{ $.outcome = \"{outcome}\" }}"),
            (None, Some(tenant)) => format!("{{ $.tenant = \"{tenant}\" }}"),
            (None, None) => "outcome".to_owned(),
        }
    }

    /// Whether a line is wanted. A line without tenant is its message group's.
    pub fn fits(&self, line: &Line) -> bool {
        let fits = |wanted: Option<&str>, found: Option<&str>| wanted.is_none_or(|wanted| found == Some(wanted));
        let group = |part| line.group.as_deref().and_then(|group| group.split('#').nth(part));
        fits(self.tenant, line.tenant.as_deref().or_else(|| group(0)))
            && fits(self.property, line.property.as_deref().or_else(|| group(1)))
            && fits(self.outcome, Some(&line.outcome))
            && fits(self.subject, line.subject.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APPLIED: &str = r#"{"timestamp":"2026-07-01T10:00:00.5Z","level":"INFO","outcome":"applied","consumer":"calendar","tenant":"sea","property":"villa","subject":"booking/b1","event":"e1","trace":"t","kind":"pms.booking.created.v1","attempt":1,"receive_count":1,"lag_ms":212,"message_id":"m","message":"message"}"#;
    const UNREAD: &str = r#"{"timestamp":"2026-07-01T10:00:01Z","outcome":"review","reason":"not-json","consumer":"calendar","group":"sea#villa","attempt":1,"lag_ms":12000}"#;
    const ITEM: &str = r#"{"timestamp":"2026-07-01T10:00:02Z","outcome":"item","tenant":"sea","reason":"not-json","item":"r0","message_id":"m"}"#;

    /// The numbers of a batch: nothing of a message.
    const METRICS: &str = r#"{"_aws":{"CloudWatchMetrics":[{"Namespace":"Bellhop","Dimensions":[["Prefix","Function"]],"Metrics":[{"Name":"processed","Unit":"Count"},{"Name":"lag","Unit":"Milliseconds"}]}],"Timestamp":1782900000500},"processed":1,"lag":212,"Prefix":"bellhop","Function":"calendar"}"#;

    fn line(text: &str) -> Line {
        Line::parse("calendar", text).expect("a line")
    }

    #[test]
    fn a_line_says_who_did_what_about_what() {
        let mut retried = line(APPLIED);
        (retried.outcome, retried.reason, retried.delay) = ("retry".into(), Some("store-error".into()), Some(4));
        retried.event = Some("e\u{1b}[2J1".into());
        let lines = [line(APPLIED), line(UNREAD), Line::parse("review", ITEM).expect("a line"), retried];
        let text = lines.map(|line| anstream::adapter::strip_str(&line.text()).to_string()).join("\n");
        insta::assert_snapshot!(text);
        assert!(Line::parse("calendar", r#"{"timestamp":"2026-07-01T10:00:00Z","message":"started"}"#).is_none());
        assert!(Line::parse("calendar", "REPORT RequestId: 1").is_none());
        assert!(Line::parse("calendar", METRICS).is_none());
    }

    #[test]
    fn json_keeps_what_the_line_says_and_names_the_function() {
        let value: serde_json::Value = serde_json::from_str(&line(APPLIED).json()).expect("json");
        assert_eq!((value["function"].as_str(), value["lag_ms"].as_i64()), (Some("calendar"), Some(212)));
        assert_eq!(value["type"], "pms.booking.created.v1");
        assert!(value.get("reason").is_none());
    }

    #[test]
    fn filters_hold_together_and_a_pattern_is_the_narrowest() {
        let (applied, unread, item) = (line(APPLIED), line(UNREAD), line(ITEM));
        let fits = |wanted: Wanted<'_>| [&applied, &unread, &item].map(|line| wanted.fits(line));
        let none = Wanted::default();
        assert_eq!(fits(none), [true, true, true]);
        assert_eq!(fits(Wanted { tenant: Some("sea"), ..none }), [true, true, true]);
        assert_eq!(fits(Wanted { tenant: Some("lake"), ..none }), [false, false, false]);
        assert_eq!(fits(Wanted { property: Some("villa"), ..none }), [true, true, false]);
        assert_eq!(fits(Wanted { outcome: Some("review"), tenant: Some("sea"), ..none }), [false, true, false]);
        assert_eq!(fits(Wanted { subject: Some("booking/b1"), ..none }), [true, false, false]);
        assert_eq!(none.pattern(), "outcome");
        // A message that nobody could read has no field of its tenant: its group is looked at here.
        assert_eq!(
            Wanted { outcome: Some("review"), tenant: Some("sea"), ..none }.pattern(),
            "{ $.outcome = \"review\" }"
        );
        assert_eq!(Wanted { tenant: Some("sea"), ..none }.pattern(), "{ $.tenant = \"sea\" }");
    }
}
