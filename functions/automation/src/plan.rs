//! What rules make of a booking or task: what runs now, and when to look again.
//!
//! A moment of a stay or task is judged once, when it has come: planned moments in one entry of the due index, the next of
//! all rules. Late, after an outage, it is judged all the same. A moment that was past already when the booking came is
//! judged at once if what it leads up to lies ahead (a reminder of an arrival), and left out if not (thanks for a stay of last
//! year).

use bellhop_events::catalogue::{
    AUTOMATION_LOOK, BOOKING_CANCELLED, GUEST_MESSAGE_REQUESTED, GuestMessageRequested, Look, MessageKind, Property,
    RULE_EMITTED, RuleEmitted, TASK_UPSERTED, Task, TaskState,
};
use bellhop_events::{Envelope, EventId, Fault, Queue, Subject, UnitId};
use bellhop_rules::{Action, Anchors, Chain, Facts, How, Moment, Rule, Rulebook, Trigger as When};
use bellhop_store::automation::{CONSUMER, Pending, Plan};
use bellhop_store::{Due, Scope, StoreError, Write};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::outbox::Outbox;

/// What rules know an event by, and the rules that led to it.
pub struct Trigger {
    /// Its type, as `on` of a rule names it.
    pub on: String,
    /// Those rules: none of them runs on it.
    pub chain: Chain,
}

/// The booking or task, as rules see it beside its facts.
pub struct About {
    /// Moments of the stay or task; none while it is not to take place.
    pub anchors: Option<Anchors>,
    /// It was to take place, and is called off.
    pub called_off: bool,
    /// What guest messages are about; none: there is nobody to write to.
    pub guest: Option<Guest>,
    /// Where.
    pub unit: Option<UnitId>,
}

/// The stay that guest messages are about.
pub struct Guest {
    /// The booking's version.
    pub version: u64,
    /// Its unit.
    pub unit: UnitId,
    /// First day.
    pub arrival: Date,
    /// Day of leaving.
    pub departure: Date,
}

/// What rules are judged on.
pub struct Sight<'d> {
    /// The event that led here.
    pub event: &'d Envelope,
    /// What rules know it by.
    pub trigger: Option<Trigger>,
    /// What conditions see.
    pub facts: &'d Facts,
    /// The booking or task.
    pub about: About,
    /// The property.
    pub property: &'d Property,
    /// For keys.
    pub scope: &'d Scope,
    /// The second of the entry in the due index that has just come.
    pub come: Option<i64>,
    /// Now; not before that second.
    pub now: Timestamp,
}

/// A rule that runs.
struct Run<'r> {
    rule: &'r Rule,
    on: String,
    chain: Chain,
    /// Tells one run of the rule from another.
    moment: i64,
}

impl Sight<'_> {
    /// Runs what is due, and plans what comes.
    pub fn run(&self, rulebook: &Rulebook, plan: &mut Plan, outbox: &mut Outbox) -> Result<Vec<Write>, StoreError> {
        let planned = plan.due;
        if planned.is_some() && self.come == planned {
            // Its entry has come: there is none any more.
            plan.due = None;
        }
        let mut runs = self.triggered(rulebook, plan);
        runs.extend(self.delayed(rulebook, plan));
        runs.extend(self.moments(rulebook, plan, planned));
        for run in runs {
            match self.holds(&run) {
                Ok(true) => self.act(&run, outbox),
                Ok(false) => {}
                Err(fault) => outbox.review(fault),
            }
        }
        self.replan(rulebook, plan)
    }

    /// Rules on this event: they run, or begin to wait.
    fn triggered<'r>(&self, rulebook: &'r Rulebook, plan: &mut Plan) -> Vec<Run<'r>> {
        let Some(Trigger { on, chain }) = &self.trigger else { return Vec::new() };
        let mut runs = Vec::new();
        for rule in &rulebook.rules {
            let When::On { event, after } = &rule.trigger else { continue };
            if event != on || !chain.may_run(&rule.id) {
                continue;
            }
            match after {
                None => {
                    runs.push(Run { rule, on: on.clone(), chain: chain.clone(), moment: self.now.as_millisecond() });
                }
                Some(delay) => {
                    let at = self.now.as_millisecond().saturating_add(i64::try_from(delay.as_millis()).unwrap_or(0));
                    let called_off = self.about.called_off;
                    let pending = Pending { at, on: on.clone(), rules: chain.to_ids(), called_off };
                    plan.pending.insert(rule.id.to_string(), pending);
                }
            }
        }
        runs
    }

    /// Rules whose delay is over. Those of rules that are gone are forgotten; and a stay or task that is called off takes
    /// along what was planned for it before, but for what its end asked for.
    fn delayed<'r>(&self, rulebook: &'r Rulebook, plan: &mut Plan) -> Vec<Run<'r>> {
        let now = self.now.as_millisecond();
        let mut runs = Vec::new();
        plan.pending.retain(|id, pending| {
            let rule = rulebook.rules.iter().find(|rule| rule.id.as_str() == id);
            let Some(rule) = rule.filter(|_| pending.called_off || !self.about.called_off) else { return false };
            if pending.at > now {
                return true;
            }
            let Ok(chain) = Chain::read(&pending.rules) else { return false };
            runs.push(Run { rule, on: pending.on.clone(), chain, moment: pending.at });
            false
        });
        runs
    }

    /// Rules at moments of the stay or task that have come.
    fn moments<'r>(&self, rulebook: &'r Rulebook, plan: &mut Plan, planned: Option<i64>) -> Vec<Run<'r>> {
        plan.fired.retain(|id, _| rulebook.rules.iter().any(|rule| rule.id.as_str() == id));
        let Some(anchors) = &self.about.anchors else { return Vec::new() };
        let mut runs = Vec::new();
        for (rule, at, anchor) in moments_of(rulebook, anchors) {
            let fired = plan.fired.get(rule.id.as_str()).copied();
            if at > self.now || fired == Some(at.as_second()) {
                continue;
            }
            let was_planned = planned.is_some_and(|planned| planned <= ceiling(at.as_millisecond()));
            let leads_up = fired.is_none() && anchor.is_some_and(|anchor| self.now < anchor);
            if was_planned || leads_up {
                runs.push(Run { rule, on: String::new(), chain: Chain::default(), moment: at.as_second() });
            }
            plan.fired.insert(rule.id.to_string(), at.as_second());
        }
        runs
    }

    fn holds(&self, run: &Run<'_>) -> Result<bool, Fault> {
        let mut facts = self.facts.clone();
        facts.event.event_type.clone_from(&run.on);
        run.rule.holds(&facts)
    }

    fn act(&self, run: &Run<'_>, outbox: &mut Outbox) {
        let now = u64::try_from(self.now.as_millisecond()).unwrap_or_default();
        let rules = || run.chain.then(&run.rule.id).to_ids();
        let subject = &self.event.subject;
        match &run.rule.then {
            Action::Message(kind) => {
                // Of a stay that is called off, only what its cancellation asks for is sent.
                let heard = !self.about.called_off || run.on == BOOKING_CANCELLED.name;
                let guest = self.about.guest.as_ref().filter(|_| heard);
                let Some((guest, message)) = guest.zip(MessageKind::try_from(kind.clone()).ok()) else { return };
                let requested = GuestMessageRequested {
                    version: guest.version,
                    message,
                    unit: guest.unit.clone(),
                    arrival: guest.arrival,
                    departure: guest.departure,
                };
                outbox.event(GUEST_MESSAGE_REQUESTED.name, subject, &requested);
            }
            Action::Task { kind, title, days, assignee } => {
                let day = |days: u16| self.today().checked_add(jiff::Span::new().days(i64::from(days))).ok();
                let from = days.and_then(day);
                let text = [self.scope.group().to_string(), subject.to_string(), run.moment.to_string()];
                let id = EventId::hashed('r', &[&text[0], &text[1], run.rule.id.as_str(), &text[2]]);
                let Ok(id) = id.as_str().parse() else { return };
                let task = Task {
                    version: now,
                    kind: kind.clone(),
                    title: title.clone(),
                    state: if from.is_some() { TaskState::Scheduled } else { TaskState::Requested },
                    unit: self.about.unit.clone(),
                    from,
                    until: None,
                    block: false,
                    assignee: assignee.clone(),
                    note: Some(format!("by rule {} for {subject}", run.rule.id)),
                    rules: rules(),
                };
                outbox.event(TASK_UPSERTED.name, &Subject::Task(id), &task);
            }
            Action::Event { event_type, data } => {
                let emitted =
                    RuleEmitted { version: now, event_type: event_type.clone(), data: data.clone(), rules: rules() };
                outbox.event(RULE_EMITTED.name, subject, &emitted);
                outbox.tell(self.property, event_type, subject, &emitted);
            }
        }
    }

    fn today(&self) -> Date {
        self.property.time_zone.rules().to_datetime(self.now).date()
    }

    /// Puts the next moment into the due index, in place of the one that stood there.
    fn replan(&self, rulebook: &Rulebook, plan: &mut Plan) -> Result<Vec<Write>, StoreError> {
        let moments = self.about.anchors.iter().flat_map(|anchors| moments_of(rulebook, anchors));
        // What was judged is over, also for a clock that is behind the one that judged it.
        let open = moments.filter(|(rule, at, _)| plan.fired.get(rule.id.as_str()) != Some(&at.as_second()));
        let moments = open.map(|(_, at, _)| at).filter(|at| *at > self.now).map(Timestamp::as_millisecond);
        let next = moments.chain(plan.pending.values().map(|pending| pending.at)).min().map(ceiling);
        if plan.due == next {
            return Ok(Vec::new());
        }
        let mut writes = Vec::new();
        if let Some(former) = plan.due.and_then(|second| Timestamp::from_second(second).ok()) {
            writes.push(Due::delete(self.scope, former, &self.entry_id(plan)));
        }
        plan.due = next.filter(|second| Timestamp::from_second(*second).is_ok());
        if let Some(at) = plan.due.and_then(|second| Timestamp::from_second(second).ok()) {
            plan.entries += 1;
            writes.push(self.entry(plan, at).put(self.scope, at)?);
        }
        Ok(writes)
    }

    /// The id of the entry that was planned last, so that it can be found to be removed.
    fn entry_id(&self, plan: &Plan) -> EventId {
        let text = [self.scope.group().to_string(), self.event.subject.to_string(), plan.entries.to_string()];
        EventId::hashed('d', &[CONSUMER, &text[0], &text[1], &text[2]])
    }

    fn entry(&self, plan: &Plan, at: Timestamp) -> Due {
        let (second, group, subject) = (at.as_second(), self.scope.group(), &self.event.subject);
        let version = u64::try_from(second).unwrap_or_default();
        let id = self.entry_id(plan);
        let (source, data) = (format!("/bellhop/{CONSUMER}"), Envelope::data_of(&Look { version, due: Some(second) }));
        let look = Envelope::own(source, group, id, AUTOMATION_LOOK.name, subject.clone(), at, data);
        Due::event(Queue::Automation, self.scope, &look.caused_by(self.event))
    }
}

/// The moments that rules name: each with what it leads up to.
fn moments_of<'r>(
    rulebook: &'r Rulebook,
    anchors: &Anchors,
) -> impl Iterator<Item = (&'r Rule, Timestamp, Option<Timestamp>)> {
    rulebook.rules.iter().filter_map(move |rule| match &rule.trigger {
        When::At(moment) => Some((
            rule,
            moment.instant(anchors)?,
            Moment { how: How::Offset(SignedDuration::ZERO), ..*moment }.instant(anchors),
        )),
        When::On { .. } => None,
    })
}

/// Whole seconds, never too early.
fn ceiling(millisecond: i64) -> i64 {
    millisecond.div_euclid(1000) + i64::from(millisecond.rem_euclid(1000) > 0)
}
