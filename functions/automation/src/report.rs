//! What people report: begun, completed, a problem.

use bellhop_events::catalogue::{Nights, Property, ReportStatus, TaskReport, WorkStatus};
use bellhop_events::{BookingId, Digest, Envelope, Fault, Reason, UnitId};
use bellhop_rules::Chain;
use bellhop_store::automation::{Blocked, Progress};
use bellhop_worker::{Decision, Refusal};

use crate::outbox::Outbox;
use crate::plan::Trigger;
use crate::task::{lift_problem, property_or_wait, reblock};
use crate::{Automation, Looked, booking, task};

/// A report on the cleaning behind a booking.
pub fn on_booking(
    automation: &Automation,
    event: &Envelope,
    id: &BookingId,
    view: &Looked<'_>,
) -> Result<Decision<Automation>, Refusal> {
    let report: TaskReport = event.payload()?;
    let Some((known, property)) = booking::known(event, view)? else {
        // Posted together, a report may overtake its booking: they go by different queues.
        return Err(Refusal::NotYet(unknown(event, "a booking that the calendar knows")));
    };
    let mut here = booking::Here::new(automation, event, id, &known, &property, view)?;
    // The cleaning may have been asked for a moment ago, by an event that is still on its way.
    here.clean()?;
    let unit = known.booking.unit.clone();
    if !take(event, &report, Some(&unit), &property, &mut here.work.progress, &mut here.draft.outbox)? {
        return Ok(Decision::stale());
    }
    here.tell(None);
    here.draft.facts = here.draft.facts.with_report(&report);
    here.run_rules(Some(Trigger { on: event.event_type.clone(), chain: Chain::default() }))?;
    Ok(here.decide())
}

/// A report on a task.
pub fn on_task(automation: &Automation, event: &Envelope, view: &Looked<'_>) -> Result<Decision<Automation>, Refusal> {
    let report: TaskReport = event.payload()?;
    let property = property_or_wait(event, view)?;
    let Some(work) = task::work(view).cloned() else {
        return Err(unknown(event, "a task posted by pms.task.upserted.v1").into());
    };
    let mut here = task::Here::new(automation, event, &property, work, view)?;
    let unit = here.work.task.unit.clone();
    if !take(event, &report, unit.as_ref(), &property, &mut here.work.progress, &mut here.draft.outbox)? {
        return Ok(Decision::stale());
    }
    here.tell();
    here.draft.facts = here.draft.facts.with_report(&report);
    here.run_rules(Some(Trigger { on: event.event_type.clone(), chain: Chain::default() }))?;
    Ok(here.decide())
}

/// Takes a report that is newer than those before; false: it is not.
fn take(
    event: &Envelope,
    report: &TaskReport,
    unit: Option<&UnitId>,
    property: &Property,
    progress: &mut Progress,
    outbox: &mut Outbox,
) -> Result<bool, Refusal> {
    let found = Digest::of_json(&serde_json::to_value(report).unwrap_or_default());
    if report.version < progress.report || (report.version == progress.report && progress.digest == found.to_string()) {
        return Ok(false);
    }
    if report.version == progress.report && !progress.digest.is_empty() {
        let known = progress.digest.parse().unwrap_or(found);
        return Err(Refusal::Conflict { known, found });
    }
    progress.report = report.version;
    progress.digest = found.to_string();
    progress.by.clone_from(&report.by);
    progress.status = match report.status {
        ReportStatus::Started => WorkStatus::Started,
        ReportStatus::Completed => WorkStatus::Done,
        ReportStatus::Problem => WorkStatus::Problem,
    };
    match (report.status, report.block) {
        (ReportStatus::Completed, _) => lift_problem(&event.subject, progress, outbox),
        (ReportStatus::Problem, Some(nights)) => {
            let Some(unit) = unit.filter(|unit| property.unit(unit).is_some()) else {
                let fault = Fault::new(Reason::InvalidData, "/data/block").found(&event.subject);
                return Err(fault.expected("a task at a unit of the property").into());
            };
            let wanted = Some(Blocked { unit: unit.clone(), nights });
            let former = std::mem::replace(&mut progress.problem, wanted.clone());
            reblock(&Nights::block_id(&event.subject), former, wanted, "problem", progress, outbox);
        }
        (ReportStatus::Started | ReportStatus::Problem, _) => {}
    }
    Ok(true)
}

fn unknown(event: &Envelope, expected: &str) -> Fault {
    Fault::new(Reason::UnknownTask, "/subject").found(&event.subject).expected(expected)
}
