//! Blocks of a unit. They overlay bookings: only booking against booking conflicts.

use bellhop_events::catalogue::{Block, Payload, UNIT_UNBLOCKED};
use bellhop_events::{Envelope, Fault, Reason, UnitId};
use bellhop_store::KEEP_DAYS;
use bellhop_store::calendar::{BlockState, CalendarState, UnitState};
use bellhop_worker::{Decision, Effect, Refusal, Then, View};

use crate::follow_up::{Freed, Outbox};
use crate::{Calendar, Versioned, compare, property_of};

/// The item of a unit holds all its blocks: so many stay well below DynamoDB's 400 KB.
const MOST_BLOCKS: usize = 500;

pub fn decide(event: &Envelope, unit: &UnitId, view: &View<'_, CalendarState>) -> Result<Decision<Calendar>, Refusal> {
    let block: Block = event.payload()?;
    let property = property_of(event, view)?;
    if property.unit(unit).is_none() {
        let fault = Fault::new(Reason::UnknownUnit, "/subject").found(&event.subject);
        return Err(Refusal::Permanent(fault.expected(format!("a unit of {}", view.scope.group()))));
    }
    let mut state = match &view.state {
        Some(CalendarState::Unit(state)) => state.clone(),
        _ => UnitState::default(),
    };
    let new = BlockState { lifted: event.event_type == UNIT_UNBLOCKED.name, block };
    let old = state.blocks.get(&new.block.block);
    if let Versioned::Known = compare(old.map(|old| (old.block.version, old)), new.block.version(), &new)? {
        return Ok(Decision::stale());
    }
    let nights = |state: &BlockState| {
        let Block { from, until, .. } = state.block;
        (!state.lifted).then(|| Freed { unit: unit.clone(), from, until })
    };
    let outbox = Outbox { freed: old.and_then(nights), block: nights(&new), ..Outbox::default() };
    let today = jiff::tz::Offset::UTC.to_datetime(view.now).date();
    let forgotten = today.saturating_sub(jiff::Span::new().days(KEEP_DAYS));
    state.blocks.retain(|_, block| block.block.until >= forgotten);
    state.blocks.insert(new.block.block.clone(), new);
    if state.blocks.len() > MOST_BLOCKS {
        let fault = Fault::new(Reason::TooManyBlocks, "/data/block").found(format!("{} blocks", state.blocks.len()));
        return Err(Refusal::Permanent(fault.expected(format!("at most {MOST_BLOCKS}"))));
    }
    Ok(Decision {
        effect: Effect::Applied,
        note: None,
        state: Some(CalendarState::Unit(state)),
        writes: Vec::new(),
        outbox: Some(outbox),
        registers: false,
        then: Then::Done,
    })
}
