//! Tasks: maintenance and the like, with the nights that they take out of sale.

use bellhop_events::catalogue::{
    Block, BlockSource, Nights, Property, TASK_CHANGED, Task, TaskChanged, TaskState, UNIT_BLOCKED, UNIT_UNBLOCKED,
    WorkStatus,
};
use bellhop_events::{Digest, Envelope, EventId, Fault, Reason, Subject};
use bellhop_rules::{Anchors, Chain, Facts};
use bellhop_store::automation::{AutomationState, Blocked, Plan, Progress, TaskWork};
use bellhop_worker::{Decision, Refusal};
use jiff::civil::Time;

use crate::draft::Draft;
use crate::outbox::Outbox;
use crate::plan::{About, Trigger};
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
    here.run_rules(Some(Trigger { on: event.event_type.clone(), chain }))?;
    Ok(here.decide())
}

/// Something about a task is due, or a rule said something about it.
pub fn look(automation: &Automation, event: &Envelope, view: &Looked<'_>) -> Result<Decision<Automation>, Refusal> {
    let Some((known, property)) = work(view).zip(property_of(view)?) else { return Ok(nothing()) };
    let mut here = Here::new(automation, event, &property, known.clone(), view)?;
    let trigger = here.draft.emitted()?;
    here.run_rules(trigger)?;
    let same = here.work == *known;
    Ok(here.draft.settle(same, AutomationState::Task(Box::new(here.work)), None))
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
    pub work: TaskWork,
    pub draft: Draft<'v, 'a>,
}

impl<'v, 'a> Here<'v, 'a> {
    pub fn new(
        automation: &Automation,
        event: &'v Envelope,
        property: &'v Property,
        work: TaskWork,
        view: &'v Looked<'a>,
    ) -> Result<Self, Refusal> {
        let facts = match &event.subject {
            Subject::Task(id) => Facts::default().with_task(id, &work.task),
            _ => Facts::default(),
        };
        Ok(Self { work, draft: Draft::new(automation, event, property, facts, view)? })
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
        let Draft { event, outbox, .. } = &mut self.draft;
        let former = std::mem::replace(&mut self.work.blocked, wanted.clone());
        let id = Task::block_id(&event.subject);
        reblock(&id, former, wanted, &self.work.task.title, &mut self.work.progress, outbox);
        if !self.work.task.is_open() {
            // Nobody reports an end of what is over.
            lift_problem(&event.subject, &mut self.work.progress, outbox);
        }
    }

    /// Who listens at the property hears of the task as it is.
    pub fn tell(&mut self) {
        self.work.progress.changes += 1;
        let task = &self.work.task;
        let zone = self.draft.property.time_zone.rules();
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
        let Draft { event, property, outbox, .. } = &mut self.draft;
        outbox.tell(property, TASK_CHANGED.name, &event.subject, &changed);
    }

    fn status(&self) -> WorkStatus {
        match self.work.task.state {
            TaskState::Requested | TaskState::Scheduled => self.work.progress.status,
            TaskState::Done => WorkStatus::Done,
            TaskState::Cancelled => WorkStatus::Gone,
        }
    }

    pub fn run_rules(&mut self, trigger: Option<Trigger>) -> Result<(), Refusal> {
        let task = &self.work.task;
        if task.is_open() && self.work.progress.status != WorkStatus::Open {
            self.work.progress.status.as_str().clone_into(&mut self.draft.facts.task.status);
        }
        let about = About {
            anchors: task.is_open().then(|| Anchors {
                zone: self.draft.property.time_zone.rules(),
                arrival: None,
                departure: None,
                task: task.from.map(|day| day.to_datetime(Time::midnight())),
            }),
            called_off: task.state == TaskState::Cancelled,
            guest: None,
            unit: task.unit.clone(),
        };
        Ok(self.draft.run_rules(&mut self.work.plan, about, trigger)?)
    }

    pub fn decide(self) -> Decision<Automation> {
        self.draft.decide(AutomationState::Task(Box::new(self.work)), None)
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
