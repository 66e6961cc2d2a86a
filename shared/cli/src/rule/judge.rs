//! What rules would make of a case: as the function `automation` does it, but all at once and without a write.

use std::collections::BTreeSet;

use bellhop_events::UnitId;
use bellhop_rules::{Action, Anchors, Chain, Facts, How, Moment, Rule, Rulebook, Trigger};
use jiff::civil::Date;
use jiff::{SignedDuration, Span, Timestamp};
use serde::Serialize;

use super::words;

/// No more are shown: rules that set off rules that set off rules.
const MOST_ROWS: usize = 500;

/// A booking or task, and what happened to it.
#[derive(Debug)]
pub struct Case {
    /// The type of the event, as rules know it.
    pub event: String,
    /// The rules that led to it.
    pub chain: Chain,
    /// When it happened.
    pub at: Timestamp,
    /// What conditions see, but the event.
    pub facts: Facts,
    /// Moments that rules are due by; their time zone is the property's.
    pub anchors: Anchors,
    /// The stay or task is to take place.
    pub takes_place: bool,
    /// Why the guest would get no message.
    pub no_message: Option<&'static str>,
    /// Where and when somebody cleans behind the stay.
    pub cleaning: Option<(UnitId, Date)>,
}

/// What one rule would make of the case.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Which rule.
    pub rule: String,
    /// What it waits for.
    pub waits_for: String,
    /// What sets it off here; none: nothing does.
    pub set_off_by: Option<String>,
    /// Whether its condition is true; none: it is not asked, or cannot be judged.
    pub holds: Option<bool>,
    /// Why the condition cannot be judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// When it would run; none: it would not.
    pub at: Option<Timestamp>,
    /// The same at the property.
    pub local: Option<String>,
    /// What it would do, or why nothing.
    pub does: String,
}

/// Something that sets rules off.
struct Cause {
    event: String,
    chain: Chain,
    at: Timestamp,
    by: String,
}

impl Case {
    /// A row for each rule, and one more for each further way in which it is set off.
    pub fn judge(&self, book: &Rulebook) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut causes = vec![Cause {
            event: self.event.clone(),
            chain: self.chain.clone(),
            at: self.at,
            by: "the event".to_owned(),
        }];
        for rule in &book.rules {
            if let Trigger::At(moment) = &rule.trigger {
                let (row, next) = self.moment(rule, moment);
                rows.push((rule.id.clone(), row));
                causes.extend(next);
            }
        }
        let mut seen = BTreeSet::new();
        while let Some(cause) = causes.pop().filter(|_| rows.len() < MOST_ROWS) {
            if !seen.insert((cause.event.clone(), cause.chain.to_ids())) {
                continue;
            }
            for rule in &book.rules {
                let Trigger::On { event, after } = &rule.trigger else { continue };
                if *event == cause.event && cause.chain.may_run(&rule.id) {
                    let at = cause.at.checked_add(after.unwrap_or_default()).unwrap_or(cause.at);
                    let (row, next) = self.run(rule, &cause.event, &cause.chain, at, cause.by.clone());
                    rows.push((rule.id.clone(), row));
                    causes.extend(next);
                }
            }
        }
        let order = |id: &bellhop_rules::RuleId| book.rules.iter().position(|rule| rule.id == *id);
        let idle = book.rules.iter().filter(|rule| !rows.iter().any(|(id, _)| *id == rule.id));
        let idle: Vec<_> =
            idle.map(|rule| (rule.id.clone(), nothing(rule, "nothing: it waits for something else"))).collect();
        rows.extend(idle);
        rows.sort_by_key(|(id, row)| (order(id), row.at));
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// A rule at a moment of the stay or task. What was past already when the event came is judged at once if what it leads
    /// up to lies ahead, and left out if not.
    fn moment(&self, rule: &Rule, moment: &Moment) -> (Row, Option<Cause>) {
        if !self.takes_place {
            return (nothing(rule, "nothing: it is not to take place"), None);
        }
        let Some(at) = moment.instant(&self.anchors) else {
            return (nothing(rule, "nothing: of what it counts from no time is known"), None);
        };
        let anchor = Moment { how: How::Offset(SignedDuration::ZERO), ..*moment }.instant(&self.anchors);
        if at > self.at {
            return self.run(rule, "", &Chain::default(), at, "its moment".to_owned());
        }
        if anchor.is_some_and(|anchor| self.at < anchor) {
            let by = format!("its moment, past since {}", self.local(at));
            return self.run(rule, "", &Chain::default(), self.at, by);
        }
        (nothing(rule, &format!("nothing: its moment, {}, was past before the event", self.local(at))), None)
    }

    fn run(&self, rule: &Rule, event: &str, chain: &Chain, at: Timestamp, by: String) -> (Row, Option<Cause>) {
        let facts = self.facts.clone().with_event(event, self.date(at));
        let (holds, fault) = match rule.holds(&facts) {
            Ok(holds) => (Some(holds), None),
            Err(fault) => (None, Some(format!("{}: {}", fault.reason, fault.found))),
        };
        let does = match (holds, &fault) {
            (Some(true), _) => self.does(&rule.then, at),
            (Some(false), _) => "nothing: its condition is false".to_owned(),
            (None, fault) => format!("a question to a person: {}", fault.clone().unwrap_or_default()),
        };
        let next = match &rule.then {
            Action::Event { event_type, .. } if holds == Some(true) => Some(Cause {
                event: event_type.clone(),
                chain: chain.then(&rule.id),
                at,
                by: format!("{event_type} of {}", rule.id),
            }),
            _ => None,
        };
        let runs = holds == Some(true);
        let row = Row {
            set_off_by: Some(by),
            holds,
            fault,
            at: runs.then_some(at),
            local: runs.then(|| self.local(at)),
            ..nothing(rule, &does)
        };
        (row, next)
    }

    fn does(&self, action: &Action, at: Timestamp) -> String {
        match action {
            Action::Message(kind) => match self.no_message {
                Some(why) => format!("no message {kind}: {why}"),
                None => words::action(action),
            },
            Action::Task { kind, title, days: Some(days), assignee } => {
                let day = self.date(at).saturating_add(Span::new().days(i64::from(*days)));
                let who = assignee.as_ref().map(|who| format!(", for {who}")).unwrap_or_default();
                format!("{kind} task {title:?} on {day}{who}")
            }
            Action::Task { days: None, .. } => words::action(action),
            Action::Event { event_type, data } if data.is_empty() => format!("event {event_type}"),
            Action::Event { event_type, data } => {
                format!("event {event_type} {}", serde_json::Value::Object(data.clone()))
            }
        }
    }

    fn date(&self, at: Timestamp) -> Date {
        self.anchors.zone.to_datetime(at).date()
    }

    fn local(&self, at: Timestamp) -> String {
        self.anchors.zone.to_datetime(at).strftime("%a %-d %b %Y %H:%M").to_string()
    }
}

fn nothing(rule: &Rule, why: &str) -> Row {
    Row {
        rule: rule.id.to_string(),
        waits_for: words::trigger(&rule.trigger),
        set_off_by: None,
        holds: None,
        fault: None,
        at: None,
        local: None,
        does: why.to_owned(),
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use jiff::civil::date;
    use jiff::tz::TimeZone;
    use serde_json::json;

    /// A booking of three nights in July, made at this time.
    pub fn case(at: &str) -> Case {
        let booking = json!({"version": 1, "unit": "suite", "arrival": "2026-07-03", "departure": "2026-07-06"});
        let booking = serde_json::from_value(booking).expect("a booking");
        let (arrival, departure) = (date(2026, 7, 3).at(15, 0, 0, 0), date(2026, 7, 6).at(11, 0, 0, 0));
        Case {
            event: "pms.booking.created.v1".to_owned(),
            chain: Chain::default(),
            at: at.parse().expect("a time"),
            facts: Facts::of_booking(&"1".parse().expect("an id"), &booking, true, false),
            anchors: Anchors {
                zone: TimeZone::get("Europe/Lisbon").expect("a zone"),
                arrival: Some(arrival),
                departure: Some(departure),
                task: Some(departure),
            },
            takes_place: true,
            no_message: None,
            cleaning: Some(("suite".parse().expect("an id"), date(2026, 7, 6))),
        }
    }

    /// Rules of every kind.
    pub fn book() -> Rulebook {
        let rules = json!({
            "rules": [
                {"id": "before", "at": {"anchor": "arrival", "days": -3, "time": "10:00"}, "when": "booking.nights >= 2", "then": {"message": "pre-arrival"}},
                {"id": "thanks", "at": {"anchor": "departure", "offset": "PT26H"}, "then": {"message": "review-request"}},
                {"id": "soon", "on": "pms.booking.created.v1", "when": "booking.lead_days < 3", "then": {"event": {"type": "rule.soon", "data": {"why": "near"}}}},
                {"id": "check", "on": "rule.soon", "after": "PT45M", "then": {"task": {"kind": "inspection", "title": "Look", "days": 1}}},
                {"id": "cancelled", "on": "pms.booking.cancelled.v1", "then": {"message": "sorry"}},
                {"id": "odd", "on": "pms.booking.created.v1", "when": "10 / booking.adults > 1", "then": {"message": "odd"}},
            ],
            "assign": [{"to": "team-a", "units": ["suite"]}, {"to": "team-b"}, {"to": "team-c", "units": ["loft"]}],
        });
        Rulebook::parse(&rules.to_string()).expect("a rulebook")
    }

    fn lines(rows: &[Row]) -> Vec<String> {
        let line = |row: &Row| {
            let by = row.set_off_by.as_deref().unwrap_or("-");
            let local = row.local.as_deref().unwrap_or("-");
            format!("{} | {by} | {:?} | {local} | {}", row.rule, row.holds, row.does)
        };
        rows.iter().map(line).collect()
    }

    #[test]
    fn an_early_booking_is_reminded_and_a_late_one_at_once() {
        let made = ["2026-06-01T09:00:00Z", "2026-07-01T09:00:00Z", "2026-08-01T09:00:00Z"];
        let judged = made.map(|at| format!("{at}\n{}", lines(&case(at).judge(&book())).join("\n")));
        insta::assert_snapshot!(judged.join("\n\n"));
    }

    #[test]
    fn of_a_stay_that_is_cancelled_nothing_is_due() {
        let cancelled = Case {
            event: "pms.booking.cancelled.v1".to_owned(),
            takes_place: false,
            no_message: Some("the guest has no address"),
            ..case("2026-06-01T09:00:00Z")
        };
        insta::assert_snapshot!(lines(&cancelled.judge(&book())).join("\n"));
    }
}
