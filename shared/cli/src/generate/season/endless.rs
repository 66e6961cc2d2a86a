//! Seasons of one property without end, to load a stack with: all that happens to bookings, but nothing that asks a person, for
//! real people would be called, and nobody who would be written to.

use bellhop_events::{Envelope, PropertyId, TenantId};
use fastrand::Rng;
use jiff::Timestamp;
use jiff::civil::Date;

use super::{PLANS, SEASON_DAYS, Site, capacity};
use crate::error::CliError;
use crate::generate::maker::{Maker, days_after};

/// So many bookings for each thing that can be sold, then the next season begins.
const BOOKINGS_A_SEASON: usize = 12;

/// A property that always has something to tell.
pub struct Endless {
    site: Site,
    is_registered: bool,
}

impl Endless {
    /// The property of this number among those that are loaded: there are six kinds.
    pub fn new(
        number: usize,
        tenant: TenantId,
        property: PropertyId,
        run: &str,
        month: Date,
    ) -> Result<Self, CliError> {
        let maker = Maker::of(tenant, property, run, Timestamp::now());
        let mut site = Site::new(&PLANS[number % PLANS.len()], maker, month)?;
        site.with_guests = false;
        Ok(Self { site, is_registered: false })
    }

    /// Its next event; the first is its registration.
    pub fn next(&mut self, rng: &mut Rng) -> Result<Envelope, CliError> {
        self.site.maker.at(Timestamp::now());
        if !self.is_registered {
            self.is_registered = true;
            return self.site.registration();
        }
        loop {
            self.step(rng)?;
            if let Some((_, event)) = self.site.made.pop() {
                return Ok(event);
            }
        }
    }

    /// One thing that happens, or nothing: there may be no room, or nothing to change.
    fn step(&mut self, rng: &mut Rng) -> Result<(), CliError> {
        let site = &mut self.site;
        if site.bookings.len() >= BOOKINGS_A_SEASON * capacity(site.plan) {
            site.month = days_after(site.month, SEASON_DAYS);
            site.bookings.clear();
            site.blocks.clear();
        }
        match rng.u32(0..100) {
            0..=54 => drop(site.book(rng)?),
            55..=57 => drop(site.day_use(rng)?),
            58..=75 => drop(site.change(rng)?),
            76..=84 => drop(site.cancel(rng)?),
            85..=88 => drop(site.again(rng)),
            89..=92 => drop(site.outdated(rng)?),
            93..=98 => drop(site.block(rng)?),
            _ => drop(site.unblock(rng)?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::catalogue::Booking;
    use jiff::civil::date;
    use std::collections::HashMap;

    #[test]
    fn a_season_without_end_is_valid_asks_nobody_and_overbooks_nothing() {
        for (number, plan) in PLANS.iter().enumerate() {
            let (tenant, property) = ("load-x-01".parse().expect("an id"), "villa".parse().expect("an id"));
            let mut endless = Endless::new(number, tenant, property, "x", date(2031, 5, 1)).expect("a property");
            let mut rng = Rng::with_seed(7);
            let mut stays: HashMap<String, Booking> = HashMap::new();
            let mut versions: HashMap<String, u64> = HashMap::new();
            let mut kinds = HashMap::<String, usize>::new();
            for n in 0..1_500 {
                let event = endless.next(&mut rng).expect("an event");
                let piece = crate::input::Piece { line: n, body: event.to_body() };
                let out = crate::check::check(piece).expect("a valid event");
                assert_eq!((out.group.as_str(), event.event_type.contains("property")), ("load-x-01#villa", n == 0));
                *kinds.entry(event.event_type.clone()).or_default() += 1;
                if !event.event_type.contains("booking") {
                    continue;
                }
                let booking: Booking = serde_json::from_value(serde_json::json!(event.data)).expect("a booking");
                assert!(booking.guest.is_none());
                let subject = event.subject.to_string();
                let newest = versions.entry(subject.clone()).or_default();
                if *newest > booking.version {
                    continue;
                }
                *newest = booking.version;
                if event.event_type.contains("cancelled") {
                    stays.remove(&subject);
                } else {
                    let unit = plan.5.iter().find(|(unit, _)| *unit == booking.unit.as_str()).expect("a known unit");
                    stays.insert(subject, booking.clone());
                    let mut night = booking.arrival;
                    while night < booking.departure {
                        let there = stays.values().filter(|other| other.unit == booking.unit);
                        let there = there.filter(|other| (other.arrival..other.departure).contains(&night)).count();
                        assert!(there <= usize::from(unit.1), "{plan:?}: {night}");
                        night = days_after(night, 1);
                    }
                }
            }
            assert!(kinds.len() >= 5, "{kinds:?}");
        }
    }
}
