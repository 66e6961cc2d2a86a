//! A season: two tenants, six properties in two time zones, single units and room types, and all that happens to
//! bookings, good and bad. The generator keeps a calendar of its own, so that conflicts are there on purpose.

pub mod endless;
mod plans;

use std::collections::HashMap;

use bellhop_events::catalogue::{
    BOOKING_CANCELLED, BOOKING_CREATED, BOOKING_MODIFIED, Block, BlockSource, Booking, Entry, Guest, PROPERTY_UPSERTED,
    Party, Property, UNIT_BLOCKED, UNIT_UNBLOCKED, Unit,
};
use bellhop_events::{Envelope, Money, Subject, UnitId};
use fastrand::Rng;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use plans::{CHANNELS, GUESTS, LATE, PLANS, Plan, SEASON_DAYS, capacity};

use super::channel::House;
use super::maker::{Maker, booking, days_after, id, resent};
use super::{Generate, Stream};
use crate::error::CliError;

/// Writes a season of about so many bookings.
pub fn events(args: &Generate, stream: &mut Stream) -> Result<(), CliError> {
    let (mut rng, mut prices) = (Rng::with_seed(args.seed), Rng::with_seed(!args.seed));
    let all: usize = PLANS.iter().map(capacity).sum();
    let mut parts = Vec::new();
    for plan in &PLANS {
        let maker = Maker::new(plan.0, plan.1, &args.run, start(args.month))?;
        let mut site = Site::new(plan, maker, args.month)?;
        site.season(&mut rng, (args.bookings * capacity(plan)).div_ceil(all))?;
        if let Some(url) = &args.channel {
            let made = std::mem::take(&mut site.made);
            site.made = site.house().add(url, &mut prices, made)?;
        }
        parts.push(site.made.into_iter());
    }
    // Interleaved as several properties' traffic is; each one's own order stays.
    while !parts.is_empty() {
        let index = rng.usize(..parts.len());
        match parts[index].next() {
            Some((what, event)) => stream.push(what, event.to_body()),
            None => drop(parts.swap_remove(index)),
        }
    }
    Ok(())
}

/// When the first event of a season happens.
pub fn start(month: Date) -> Timestamp {
    let day = days_after(month, -60).at(8, 0, 0, 0);
    TimeZone::UTC.to_timestamp(day).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A booking as its PMS knows it.
struct Known {
    subject: Subject,
    last: Envelope,
    data: Booking,
    unit: usize,
    nights: i32,
    live: bool,
    placed: bool,
}

/// A property, its calendar and the events made so far.
struct Site {
    plan: &'static Plan,
    maker: Maker,
    month: Date,
    units: Vec<UnitId>,
    taken: HashMap<(usize, Date), u16>,
    bookings: Vec<Known>,
    booked: usize,
    blocks: Vec<(usize, Block)>,
    blocked: usize,
    /// Whether bookings name who comes: they are written to.
    with_guests: bool,
    made: Vec<(&'static str, Envelope)>,
}

impl Site {
    fn new(plan: &'static Plan, maker: Maker, month: Date) -> Result<Self, CliError> {
        let units = plan.5.iter().map(|(unit, _)| id(unit)).collect::<Result<_, _>>()?;
        let (taken, bookings, blocks, made) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        let (booked, blocked, with_guests) = (0, 0, true);
        Ok(Self { plan, maker, month, units, taken, bookings, booked, blocks, blocked, with_guests, made })
    }

    fn house(&mut self) -> House<'_> {
        House { maker: &mut self.maker, units: &self.units, month: self.month, currency: self.plan.4 }
    }

    fn season(&mut self, rng: &mut Rng, bookings: usize) -> Result<(), CliError> {
        let registration = self.registration()?;
        let late = self.plan.1 == LATE;
        if !late {
            self.made.push(("properties registered", registration.clone()));
        }
        let mut created = 0;
        for step in 0..bookings * 20 {
            if created >= bookings {
                break;
            }
            if late && created == 4 && self.bookings.len() == created && self.made.len() < 20 && !self.registered() {
                self.made.push(("properties registered after their first events", registration.clone()));
            }
            created += match rng.u32(0..100) {
                0..=49 => usize::from(self.book(rng)?),
                50..=54 => usize::from(self.overbook(rng)?),
                55..=57 => usize::from(self.day_use(rng)?),
                _ if late && !self.registered() => 0,
                58..=75 => self.change(rng)?,
                76..=84 => self.cancel(rng)?,
                85..=88 => self.again(rng),
                89..=92 => self.outdated(rng)?,
                93..=97 => self.block(rng)?,
                98 => self.unblock(rng)?,
                _ => self.unknown_unit(step)?,
            };
        }
        Ok(())
    }

    fn registered(&self) -> bool {
        self.made.iter().any(|(_, event)| event.event_type == PROPERTY_UPSERTED.name)
    }

    fn registration(&mut self) -> Result<Envelope, CliError> {
        let (_, _, name, zone, _, units) = *self.plan;
        let wrong = |why: String| CliError::refused("bad-plan", why, "Report it: the generator is wrong.");
        let units = units.iter().zip(&self.units).map(|((_, capacity), unit)| Unit {
            id: unit.clone(),
            capacity: *capacity,
            name: None,
        });
        let payload = Property {
            version: 1,
            name: Some(name.to_owned()),
            time_zone: zone.to_owned().try_into().map_err(wrong)?,
            check_in: "15:00".to_owned().try_into().map_err(wrong)?,
            check_out: "11:00".to_owned().try_into().map_err(wrong)?,
            units: units.collect(),
            channels: CHANNELS.iter().map(|channel| id(channel)).collect::<Result<_, _>>()?,
            notify: Vec::new(),
            quiet_hours: None,
            languages: vec!["en".to_owned()],
        };
        let subject = Subject::Property(self.maker.property().clone());
        self.maker.event(&PROPERTY_UPSERTED, subject, &payload)
    }

    fn nights(arrival: Date, nights: i32) -> impl Iterator<Item = Date> {
        (0..nights).map(move |night| days_after(arrival, night))
    }

    fn fits(&self, unit: usize, arrival: Date, nights: i32) -> bool {
        let capacity = self.plan.5[unit].1;
        Self::nights(arrival, nights).all(|night| self.taken.get(&(unit, night)).is_none_or(|taken| *taken < capacity))
    }

    fn take(&mut self, unit: usize, arrival: Date, nights: i32) {
        for night in Self::nights(arrival, nights) {
            *self.taken.entry((unit, night)).or_default() += 1;
        }
    }

    fn free(&mut self, index: usize) {
        let Known { unit, nights, placed, ref data, .. } = self.bookings[index];
        if placed {
            for night in Self::nights(data.arrival, nights) {
                self.taken.entry((unit, night)).and_modify(|taken| *taken -= 1);
            }
        }
        self.bookings[index].placed = false;
    }

    /// A place that is free, if some tries find one.
    fn place(&self, rng: &mut Rng) -> Option<(usize, Date, i32)> {
        (0..40).find_map(|_| {
            let unit = rng.usize(..self.units.len());
            let arrival = days_after(self.month, rng.i32(-4..SEASON_DAYS - 4));
            let nights = *rng.choice(&[1, 2, 2, 3, 3, 4, 5, 7, 7, 10])?;
            self.fits(unit, arrival, nights).then_some((unit, arrival, nights))
        })
    }

    fn add(
        &mut self,
        rng: &mut Rng,
        what: &'static str,
        unit: usize,
        arrival: Date,
        nights: i32,
    ) -> Result<(), CliError> {
        self.booked += 1;
        let number = self.booked;
        let subject = Subject::Booking(id(&format!("B{number:03}"))?);
        let currency = self.plan.4.to_owned().try_into();
        let price = i64::from(nights.max(1)) * rng.i64(70..260) * 100;
        let guest = rng.choice(&GUESTS).map(|name| Guest {
            name: Some((*name).to_owned()),
            email: Some(format!("guest{number}@example.com")),
            phone: None,
            language: None,
        });
        let data = Booking {
            channel: rng.choice(&CHANNELS).map(|channel| id(channel)).transpose()?,
            reference: Some(format!("R{:08}", rng.u32(..100_000_000))),
            party: Some(Party { adults: rng.u8(1..=3), children: rng.u8(0..=2), infants: 0 }),
            total: currency.ok().map(|currency| Money { amount: price, currency }),
            guest: guest.filter(|_| self.with_guests),
            ..booking(1, &self.units[unit], arrival, nights)
        };
        let placed = self.fits(unit, arrival, nights);
        if placed {
            self.take(unit, arrival, nights);
        }
        let last = self.maker.event(&BOOKING_CREATED, subject.clone(), &data)?;
        self.made.push((what, last.clone()));
        self.bookings.push(Known { subject, last, data, unit, nights, live: true, placed });
        Ok(())
    }

    fn book(&mut self, rng: &mut Rng) -> Result<bool, CliError> {
        let Some((unit, arrival, nights)) = self.place(rng) else { return Ok(false) };
        self.add(rng, "bookings created", unit, arrival, nights).map(|()| true)
    }

    /// Books nights that are full.
    fn overbook(&mut self, rng: &mut Rng) -> Result<bool, CliError> {
        let full: Vec<_> = self.taken.iter().filter(|((unit, _), taken)| **taken >= self.plan.5[*unit].1).collect();
        let mut nights: Vec<_> = full.into_iter().map(|(key, _)| *key).collect();
        nights.sort_unstable();
        let Some((unit, night)) = rng.choice(nights) else { return Ok(false) };
        let nights = rng.i32(1..4);
        self.add(rng, "bookings of nights that are taken", unit, night, nights).map(|()| true)
    }

    fn day_use(&mut self, rng: &mut Rng) -> Result<bool, CliError> {
        let unit = rng.usize(..self.units.len());
        let day = days_after(self.month, rng.i32(0..SEASON_DAYS));
        self.add(rng, "day use", unit, day, 0).map(|()| true)
    }

    fn pick(&self, rng: &mut Rng, live: bool) -> Option<usize> {
        let fitting = (0..self.bookings.len()).filter(|index| !live || self.bookings[*index].live);
        rng.choice(fitting.collect::<Vec<_>>())
    }

    fn next_version(&mut self, index: usize, what: &'static str, entry: &Entry) -> Result<usize, CliError> {
        self.bookings[index].data.version += 1;
        let Known { subject, data, .. } = &self.bookings[index];
        let event = self.maker.event(entry, subject.clone(), data)?;
        self.bookings[index].last = event.clone();
        self.made.push((what, event));
        Ok(0)
    }

    /// Moves a booking to where it fits, or changes only who comes.
    fn change(&mut self, rng: &mut Rng) -> Result<usize, CliError> {
        let Some(index) = self.pick(rng, true) else { return Ok(0) };
        if rng.bool() {
            let Some((unit, arrival, nights)) = self.place(rng) else { return Ok(0) };
            self.free(index);
            self.take(unit, arrival, nights);
            let unit_id = self.units[unit].clone();
            let known = &mut self.bookings[index];
            (known.unit, known.nights, known.placed, known.data.unit) = (unit, nights, true, unit_id);
            (known.data.arrival, known.data.departure) = (arrival, days_after(arrival, nights));
            return self.next_version(index, "bookings moved", &BOOKING_MODIFIED);
        }
        let Known { unit, nights, placed, .. } = self.bookings[index];
        let arrival = self.bookings[index].data.arrival;
        if !placed && self.fits(unit, arrival, nights) {
            self.take(unit, arrival, nights);
            self.bookings[index].placed = true;
        }
        self.bookings[index].data.party = Some(Party { adults: rng.u8(1..=4), children: 0, infants: 0 });
        self.next_version(index, "bookings changed without moving", &BOOKING_MODIFIED)
    }

    fn cancel(&mut self, rng: &mut Rng) -> Result<usize, CliError> {
        let Some(index) = self.pick(rng, true) else { return Ok(0) };
        self.free(index);
        self.bookings[index].live = false;
        self.next_version(index, "bookings cancelled", &BOOKING_CANCELLED)
    }

    /// The newest event of a booking once more: as it was, or with another `time`.
    fn again(&mut self, rng: &mut Rng) -> usize {
        let Some(index) = self.pick(rng, false) else { return 0 };
        let last = self.bookings[index].last.clone();
        self.made.push(if rng.u32(0..3) == 0 {
            ("resent as they were (SQS drops them)", last)
        } else {
            ("resent with another time (duplicates)", resent(&last))
        });
        0
    }

    /// An event that left the PMS before the newest one but comes after it.
    fn outdated(&mut self, rng: &mut Rng) -> Result<usize, CliError> {
        let Some(index) = self.pick(rng, false).filter(|index| self.bookings[*index].data.version > 1) else {
            return Ok(0);
        };
        let Known { subject, data, .. } = &self.bookings[index];
        let old = Booking { version: data.version - 1, reference: Some("late".to_owned()), ..data.clone() };
        let event = self.maker.event(&BOOKING_MODIFIED, subject.clone(), &old)?;
        self.made.push(("with a lower version (stale)", event));
        Ok(0)
    }

    fn block(&mut self, rng: &mut Rng) -> Result<usize, CliError> {
        let unit = rng.usize(..self.units.len());
        let from = days_after(self.month, rng.i32(0..SEASON_DAYS));
        self.blocked += 1;
        let block = Block {
            version: 1,
            block: id(&format!("block-{}", self.blocked))?,
            from,
            until: days_after(from, rng.i32(1..5)),
            source: *rng.choice(&[BlockSource::Maintenance, BlockSource::Owner]).unwrap_or(&BlockSource::Pms),
            note: None,
        };
        let event = self.maker.event(&UNIT_BLOCKED, Subject::Unit(self.units[unit].clone()), &block)?;
        self.blocks.push((unit, block));
        self.made.push(("units blocked", event));
        Ok(0)
    }

    fn unblock(&mut self, rng: &mut Rng) -> Result<usize, CliError> {
        if self.blocks.is_empty() {
            return Ok(0);
        }
        let (unit, block) = self.blocks.swap_remove(rng.usize(..self.blocks.len()));
        let lifted = Block { version: block.version + 1, ..block };
        let event = self.maker.event(&UNIT_UNBLOCKED, Subject::Unit(self.units[unit].clone()), &lifted)?;
        self.made.push(("units unblocked", event));
        Ok(0)
    }

    /// A booking of a unit that nobody registered, and its correction, which must wait behind it.
    fn unknown_unit(&mut self, step: usize) -> Result<usize, CliError> {
        let subject = Subject::Booking(id(&format!("U{step:03}"))?);
        let wrong = booking(1, &id("no-such-unit")?, self.month, 2);
        let event = self.maker.event(&BOOKING_CREATED, subject.clone(), &wrong)?;
        self.made.push(("bookings of an unknown unit (review)", event));
        let event = self.maker.event(
            &BOOKING_MODIFIED,
            subject,
            &booking(2, &self.units[0], days_after(self.month, SEASON_DAYS + 30), 1),
        )?;
        self.made.push(("parked behind those", event));
        Ok(0)
    }
}
