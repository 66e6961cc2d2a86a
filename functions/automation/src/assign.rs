//! Who cleans: the first assignment of the rulebook that fits the unit and the weekday, and has room that day.

use std::collections::BTreeMap;

use bellhop_events::BookingId;
use bellhop_rules::Rulebook;
use bellhop_store::Write;
use bellhop_store::automation::{Cleaning, Load};
use bellhop_worker::{Needs, Refusal};
use jiff::civil::Date;

use crate::Looked;

/// Assigns a cleaning that is new or moved, and gives up the place of its former day. One whose day and unit stay keeps
/// whom it has.
pub fn assign(
    booking: &BookingId,
    old: Option<&Cleaning>,
    new: Option<&mut Cleaning>,
    rulebook: &Rulebook,
    view: &Looked<'_>,
) -> Result<Vec<Write>, Refusal> {
    let mut loads = Loads { view, by_day: BTreeMap::new(), changed: Vec::new() };
    match (old, new) {
        (Some(old), Some(new)) if (old.day, &old.unit) == (new.day, &new.unit) => {
            (new.assignee, new.counted) = (old.assignee.clone(), old.counted);
        }
        (old, new) => place(booking, old, new, rulebook, &mut loads)?,
    }
    loads.writes()
}

fn place(
    booking: &BookingId,
    old: Option<&Cleaning>,
    new: Option<&mut Cleaning>,
    rulebook: &Rulebook,
    loads: &mut Loads<'_, '_>,
) -> Result<(), Refusal> {
    if let Some((old, assignee)) = old.filter(|old| old.counted).and_then(|old| Some((old, old.assignee.as_ref()?))) {
        loads.of(old.day)?.remove(assignee, booking.as_str());
        loads.changed.push(old.day);
    }
    let Some(new) = new else { return Ok(()) };
    for assignment in rulebook.assignments(&new.unit, new.day) {
        let room = match assignment.capacity {
            Some(most) => loads.of(new.day)?.of(&assignment.to) < usize::from(most),
            None => true,
        };
        if room {
            new.assignee = Some(assignment.to.clone());
            new.counted = assignment.capacity.is_some();
            if new.counted {
                loads.of(new.day)?.add(&assignment.to, booking.as_str());
                loads.changed.push(new.day);
            }
            return Ok(());
        }
    }
    Ok(())
}

/// The days' loads, read as far as they are needed.
struct Loads<'v, 'a> {
    view: &'v Looked<'a>,
    by_day: BTreeMap<Date, Load>,
    changed: Vec<Date>,
}

impl Loads<'_, '_> {
    fn of(&mut self, day: Date) -> Result<&mut Load, Refusal> {
        let key = Load::key(self.view.scope, day);
        if !self.view.has_read(&key) {
            return Err(Refusal::Needs(Needs { keys: vec![key], ..Needs::default() }));
        }
        let stored = Load::decode(self.view.item(&key))?;
        Ok(self.by_day.entry(day).or_insert(stored))
    }

    fn writes(self) -> Result<Vec<Write>, Refusal> {
        let changed = self.by_day.iter().filter(|(day, _)| self.changed.contains(day));
        changed.map(|(day, load)| Ok(load.put(self.view.scope, *day)?)).collect()
    }
}
