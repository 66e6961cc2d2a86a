//! Tasks: maintenance and the like, with the nights that they take out of sale.

use std::sync::Arc;

use bellhop_events::catalogue::{
    AUTOMATION_LOOK, Block, BlockSource, Look, Nights, Property, RULE_EMITTED, RuleEmitted, TASK_CHANGED, Task,
    TaskChanged, TaskState, UNIT_BLOCKED, UNIT_UNBLOCKED, WorkStatus,
};
use bellhop_events::{Digest, Envelope, EventId, Fault, Reason, Subject};
use bellhop_rules::{Anchors, Chain, Facts, Rulebook};
use bellhop_store::Write;
use bellhop_store::automation::{AutomationState, Blocked, Plan, Progress, TaskWork};
use bellhop_worker::{Decision, Effect, Refusal, Then};
use jiff::Timestamp;
use jiff::civil::Time;

use crate::outbox::Outbox;
use crate::plan::Sight;
use crate::{Automation, Looked, nothing, property_of};

/// A snapshot of a task.
pub fn upsert(automation: &Automation, event: &Envelope, view: &Looked<'_>) -> Result<Decision<Automation>, Refusal> {
    let task: Task = event.payload()?;
    let property = property_or_wait(event, view)?;
    if let Some(unit) = task.unit.as_ref().filter(|unit| property.unit(unit).is_none()) {
        let fault = Fault::new(Reason::UnknownUnit, "/data/unit").found(unit);
        return Err(fault.expected(format!("a unit of {}", view.scope.group())).into());
    }
    let known = work(view);
    match known.map(|known| (&known.task, known.task.version)) {
        Some((_, version)) if version > task.version => return Ok(Decision::stale()),
        Some((same, version)) if version == task.version && *same == task => return Ok(Decision::stale()),
        Some((other, version)) if version == task.version => {
            return Err(Refusal::Conflict { known: digest(other), found: digest(&task) });
        }
        _ => {}
    }
    let chain = Chain::read(&task.rules)?;
    let work = match known {
        Some(known) => TaskWork { task, ..known.clone() },
        None => TaskWork { task, blocked: None, plan: Plan::default(), progress: Progress::default() },
    };
    let mut here = Here::new(automation, event, &property, work, view)?;
    here.block();
    here.tell();
    here.run_rules(Some((event.event_type.clone(), chain)))?;
    Ok(here.done())
}

/// Something about a task is due, or a rule said something about it.
pub fn look(automation: &Automation, event: &Envelope, view: &Looked<'_>) -> Result<Decision<Automation>, Refusal> {
    let Some((known, property)) = work(view).zip(property_of(view)?) else { return Ok(nothing()) };
    let trigger = if event.event_type == RULE_EMITTED.name {
        let emitted: RuleEmitted = event.payload()?;
        Some((emitted.event_type, Chain::read(&emitted.rules)?))
    } else {
        None
    };
    let mut here = Here::new(automation, event, &property, known.clone(), view)?;
    here.run_rules(trigger)?;
    if here.work == *known && here.writes.is_empty() && here.outbox.is_empty() {
        return Ok(Decision { effect: Effect::Applied, note: Some("nothing-to-do"), ..nothing() });
    }
    Ok(here.done())
}

/// What is kept of the task.
pub fn work<'a>(view: &'a Looked<'_>) -> Option<&'a TaskWork> {
    match &view.state {
        Some(AutomationState::Task(work)) => Some(work),
        _ => None,
    }
}

/// The property; where it is not registered, the event waits for it.
pub fn property_or_wait(event: &Envelope, view: &Looked<'_>) -> Result<Property, Refusal> {
    property_of(view)?.ok_or_else(|| {
        let fault = Fault::new(Reason::UnknownProperty, "/property").found(&event.property);
        Refusal::Unregistered(fault.expected("a property registered by pms.property.upserted.v1"))
    })
}

fn digest(task: &Task) -> Digest {
    Digest::of_json(&serde_json::to_value(task).unwrap_or_default())
}

/// A task during a decision.
pub struct Here<'v, 'a> {
    event: &'v Envelope,
    property: &'v Property,
    view: &'v Looked<'a>,
    rulebook: Arc<Rulebook>,
    pub work: TaskWork,
    pub outbox: Outbox,
    pub facts: Facts,
    writes: Vec<Write>,
}

impl<'v, 'a> Here<'v, 'a> {
    pub fn new(
        automation: &Automation,
        event: &'v Envelope,
        property: &'v Property,
        work: TaskWork,
        view: &'v Looked<'a>,
    ) -> Result<Self, Refusal> {
        let (rulebook, fault) = automation.rulebooks.of(view)?;
        let mut outbox = Outbox::default();
        if let Some(fault) = fault {
            outbox.review(fault);
        }
        let mut facts = Facts::default().with_property(&event.property, property.time_zone.as_str());
        if let Subject::Task(id) = &event.subject {
            facts = facts.with_task(id, &work.task);
        }
        Ok(Self { event, property, view, rulebook, work, outbox, facts, writes: Vec::new() })
    }

    /// The nights that it takes out of sale, as they should be now.
    fn block(&mut self) {
        let task = &self.work.task;
        let nights = task.stay().ok().flatten().filter(|_| task.block && task.is_open());
        let wanted = task
            .unit
            .clone()
            .zip(nights)
            .map(|(unit, stay)| Blocked { unit, nights: Nights { from: stay.arrival(), until: stay.departure() } });
        let id = Task::block_id(&self.event.subject);
        let former = std::mem::replace(&mut self.work.blocked, wanted.clone());
        reblock(&id, former, wanted, &self.work.task.title, &mut self.work.progress, &mut self.outbox);
        if !self.work.task.is_open() {
            // Nobody reports an end of what is over.
            lift_problem(&self.event.subject, &mut self.work.progress, &mut self.outbox);
        }
    }

    /// Who listens at the property hears of the task as it is.
    pub fn tell(&mut self) {
        self.work.progress.changes += 1;
        let task = &self.work.task;
        let zone = self.property.time_zone.rules();
        let instant = |day: jiff::civil::Date| zone.to_timestamp(day.to_datetime(Time::midnight())).ok();
        let stay = task.stay().ok().flatten();
        let changed = TaskChanged {
            version: self.work.progress.changes,
            kind: task.kind.clone(),
            unit: task.unit.clone(),
            from: stay.and_then(|stay| instant(stay.arrival())),
            until: stay.and_then(|stay| instant(stay.departure())),
            urgent: false,
            assignee: task.assignee.clone(),
            status: self.status(),
        };
        self.outbox.tell(Some(self.property), TASK_CHANGED.name, &self.event.subject, &changed);
    }

    fn status(&self) -> WorkStatus {
        match self.work.task.state {
            TaskState::Requested | TaskState::Scheduled => self.work.progress.status,
            TaskState::Done => WorkStatus::Done,
            TaskState::Cancelled => WorkStatus::Gone,
        }
    }

    pub fn run_rules(&mut self, trigger: Option<(String, Chain)>) -> Result<(), Refusal> {
        let task = &self.work.task;
        if task.is_open() && self.work.progress.status != WorkStatus::Open {
            self.work.progress.status.as_str().clone_into(&mut self.facts.task.status);
        }
        let due = self.event.payload::<Look>().ok().filter(|_| self.event.event_type == AUTOMATION_LOOK.name);
        let due = due.and_then(|look| Timestamp::from_second(look.due?).ok());
        let start = task.from.map(|day| day.to_datetime(Time::midnight()));
        let sight = Sight {
            event: self.event,
            trigger,
            facts: self.facts.clone(),
            anchors: task.is_open().then(|| Anchors {
                zone: self.property.time_zone.rules(),
                arrival: None,
                departure: None,
                task: start,
            }),
            guest: None,
            unit: task.unit.clone(),
            property: Some(self.property),
            scope: self.view.scope,
            now: due.map_or(self.view.now, |due| due.max(self.view.now)),
        };
        let writes = sight.run(&self.rulebook, &mut self.work.plan, &mut self.outbox)?;
        self.writes.extend(writes);
        Ok(())
    }

    pub fn done(self) -> Decision<Automation> {
        Decision {
            effect: Effect::Applied,
            note: None,
            state: Some(AutomationState::Task(Box::new(self.work))),
            writes: self.writes,
            outbox: (!self.outbox.is_empty()).then_some(self.outbox),
            registers: false,
            then: Then::Done,
        }
    }
}

/// Tells the calendar which nights are out of sale now, in place of those that were.
pub fn reblock(
    id: &EventId,
    former: Option<Blocked>,
    wanted: Option<Blocked>,
    note: &str,
    progress: &mut Progress,
    outbox: &mut Outbox,
) {
    if former == wanted {
        return;
    }
    let moved = former.filter(|former| wanted.as_ref().is_none_or(|wanted| wanted.unit != former.unit));
    for (blocked, event_type) in [(moved, UNIT_UNBLOCKED.name), (wanted, UNIT_BLOCKED.name)] {
        let Some(Blocked { unit, nights }) = blocked else { continue };
        progress.changes += 1;
        let block = Block {
            version: progress.changes,
            block: id.clone(),
            from: nights.from,
            until: nights.until,
            source: BlockSource::Maintenance,
            note: Some(note.chars().take(200).collect()),
        };
        outbox.event(event_type, &Subject::Unit(unit), &block);
    }
}

/// The nights that a problem took out of sale are free again.
pub fn lift_problem(subject: &Subject, progress: &mut Progress, outbox: &mut Outbox) {
    let former = progress.problem.take();
    reblock(&Nights::block_id(subject), former, None, "problem", progress, outbox);
}
