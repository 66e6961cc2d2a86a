//! Rules in words.

use bellhop_rules::{Action, Anchor, Assignment, How, Moment, Trigger};
use jiff::SignedDuration;

/// When a rule is looked at.
pub fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::On { event, after: None } => event.clone(),
        Trigger::On { event, after: Some(delay) } => format!("{} after {event}", span(*delay)),
        Trigger::At(moment) => self::moment(moment),
    }
}

fn moment(moment: &Moment) -> String {
    let anchor = match moment.anchor {
        Anchor::Arrival => "arrival",
        Anchor::Departure => "departure",
        Anchor::Task => "the task",
    };
    match moment.how {
        How::Days { days, time } => {
            let time = String::from(time);
            match days {
                0 => format!("{time} on the day of {anchor}"),
                1 => format!("{time} on the day after {anchor}"),
                -1 => format!("{time} on the day before {anchor}"),
                2.. => format!("{time}, {days} days after {anchor}"),
                _ => format!("{time}, {} days before {anchor}", days.unsigned_abs()),
            }
        }
        How::Offset(offset) if offset.is_negative() => format!("{} before {anchor}", span(offset.abs())),
        How::Offset(offset) => format!("{} after {anchor}", span(offset)),
    }
}

fn span(duration: SignedDuration) -> String {
    match (duration.as_hours(), duration.as_mins() % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// What a rule does.
pub fn action(action: &Action) -> String {
    match action {
        Action::Message(kind) => format!("message {kind} to the guest"),
        Action::Task { kind, title, days, assignee } => {
            let day = match days {
                None => "without a day".to_owned(),
                Some(0) => "for that day".to_owned(),
                Some(1) => "for the day after".to_owned(),
                Some(days) => format!("{days} days later"),
            };
            let who = assignee.as_ref().map(|who| format!(", for {who}")).unwrap_or_default();
            format!("{kind} task {title:?} {day}{who}")
        }
        Action::Event { event_type, .. } => format!("event {event_type}"),
    }
}

/// Who cleans what.
pub fn assignment(assignment: &Assignment) -> [String; 4] {
    let any = |texts: Vec<String>| if texts.is_empty() { "any".to_owned() } else { texts.join(", ") };
    let units = any(assignment.units.iter().map(ToString::to_string).collect());
    let days = any(assignment.weekdays.iter().map(|day| day.as_str().to_owned()).collect());
    let most = assignment.capacity.map_or_else(|| "any number".to_owned(), |most| most.to_string());
    [assignment.to.clone(), units, days, most]
}
