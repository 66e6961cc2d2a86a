//! Makes events of one property, from the same types that the workers read.

use bellhop_events::catalogue::{Booking, Entry, Payload};
use bellhop_events::{Envelope, EventId, PropertyId, SpecVersion, Subject, TenantId, UnitId};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::error::CliError;

/// A property that events are made for.
#[derive(Debug, Clone)]
pub struct Maker {
    tenant: TenantId,
    property: PropertyId,
    run: String,
    made: u32,
    clock: Timestamp,
}

impl Maker {
    /// Its first event happens at `clock`.
    pub fn new(tenant: &str, property: &str, run: &str, clock: Timestamp) -> Result<Self, CliError> {
        let tenant = format!("{tenant}-{run}");
        Ok(Self::of(id(&tenant)?, id(property)?, run, clock))
    }

    /// The same, of a tenant whose id is whole.
    pub fn of(tenant: TenantId, property: PropertyId, run: &str, clock: Timestamp) -> Self {
        Self { tenant, property, run: run.to_owned(), made: 0, clock }
    }

    /// The tenant's id.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The property's id.
    pub fn property(&self) -> &PropertyId {
        &self.property
    }

    /// Sets the time of the next events.
    pub fn at(&mut self, clock: Timestamp) {
        self.clock = clock;
    }

    /// An event with a new id, some time after the one before.
    pub fn event<T: Payload>(&mut self, entry: &Entry, subject: Subject, payload: &T) -> Result<Envelope, CliError> {
        self.made += 1;
        self.clock = self.clock.saturating_add(SignedDuration::from_secs(37)).unwrap_or(self.clock);
        Ok(Envelope {
            specversion: SpecVersion::V1,
            id: id::<EventId>(&format!("{}-{}-{:05}", self.property, self.run, self.made))?,
            source: format!("/pms/{}", self.tenant),
            event_type: entry.name.to_owned(),
            subject,
            time: self.clock,
            datacontenttype: None,
            dataschema: None,
            tenant: self.tenant.clone(),
            property: self.property.clone(),
            traceparent: None,
            causationid: None,
            sequence: Some(Envelope::sequence(payload.version())),
            data: Envelope::data_of(payload),
        })
    }
}

/// The same event, posted an hour later.
pub fn resent(event: &Envelope) -> Envelope {
    let time = event.time.saturating_add(SignedDuration::from_hours(1)).unwrap_or(event.time);
    Envelope { time, ..event.clone() }
}

/// A booking of so many nights with nothing but dates.
pub fn booking(version: u64, unit: &UnitId, arrival: Date, nights: i32) -> Booking {
    Booking {
        version,
        unit: unit.clone(),
        arrival,
        departure: days_after(arrival, nights),
        channel: None,
        reference: None,
        party: None,
        total: None,
        guest: None,
    }
}

/// So many days later.
pub fn days_after(day: Date, days: i32) -> Date {
    day.saturating_add(jiff::Span::new().days(days))
}

/// Parses an id that this program made up.
pub fn id<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, CliError> {
    text.parse()
        .map_err(|error| CliError::refused("bad-id", format_args!("{text}: {error}"), "Choose a shorter --run tag."))
}
