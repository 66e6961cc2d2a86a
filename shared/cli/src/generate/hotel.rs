//! Events from the hotel booking demand data set (Antonio, Almeida, Nunes: Data in Brief 22, 2019; CC BY 4.0).
//!
//! A hotel sells room types: each becomes a unit with the capacity that its busiest night needs at any time of the
//! replay. Cancelled bookings and no-shows give their nights back; zero nights are day use.

use std::collections::{BTreeMap, HashMap};

use bellhop_events::catalogue::{
    BOOKING_CANCELLED, BOOKING_CREATED, BOOKING_MODIFIED, Booking, Entry, PROPERTY_UPSERTED, Party, Property, Unit,
};
use bellhop_events::{Money, Subject, UnitId};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::Stream;
use super::maker::{Maker, booking, days_after, id};
use crate::error::CliError;

/// The columns that matter here.
#[derive(Debug, Deserialize)]
struct Row {
    is_canceled: u8,
    lead_time: i32,
    arrival_date_year: i16,
    arrival_date_month: String,
    arrival_date_day_of_month: i8,
    stays_in_weekend_nights: i32,
    stays_in_week_nights: i32,
    adults: u8,
    /// `NA` occurs, and `2.0`.
    children: String,
    babies: u8,
    distribution_channel: String,
    reserved_room_type: String,
    assigned_room_type: String,
    booking_changes: i32,
    adr: f64,
    reservation_status_date: String,
}

/// One thing that happened to a booking.
struct Happening {
    day: Date,
    row: usize,
    version: u64,
    what: &'static Entry,
    unit: String,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Writes the events of a file.
pub fn events(file: &str, run: &str, stream: &mut Stream) -> Result<(), CliError> {
    let wrong = |line: usize, why: &dyn std::fmt::Display| {
        CliError::refused(
            "csv-invalid",
            format_args!("{file}, line {line}: {why}"),
            "Give the hotel booking demand data set with its own column names.",
        )
    };
    let mut reader = csv::Reader::from_path(file).map_err(|error| wrong(1, &error))?;
    let mut rows = Vec::new();
    for (index, row) in reader.deserialize::<Row>().enumerate() {
        let row = row.map_err(|error| wrong(index + 2, &error))?;
        let arrival = arrival(&row).ok_or_else(|| wrong(index + 2, &"no such arrival date"))?;
        rows.push((row, arrival));
    }
    let mut happenings: Vec<Happening> =
        rows.iter().enumerate().flat_map(|(index, (row, arrival))| life(index, row, *arrival)).collect();
    happenings.sort_by_key(|h| (h.day, h.row, h.version));
    write(run, &rows, &happenings, stream)
}

fn arrival(row: &Row) -> Option<Date> {
    let month = MONTHS.iter().position(|name| *name == row.arrival_date_month)? + 1;
    Date::new(row.arrival_date_year, i8::try_from(month).ok()?, row.arrival_date_day_of_month).ok()
}

/// `m/d/yyyy`
fn status_date(text: &str) -> Option<Date> {
    let mut parts = text.split('/');
    let mut number = || parts.next()?.parse::<i16>().ok();
    let (month, day, year) = (number()?, number()?, number()?);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn nights(row: &Row) -> i32 {
    row.stays_in_weekend_nights + row.stays_in_week_nights
}

/// Creation, changes spread until arrival or cancellation, the last of them to the assigned room, and a cancellation.
fn life(index: usize, row: &Row, arrival: Date) -> Vec<Happening> {
    let created = days_after(arrival, -row.lead_time);
    let cancelled =
        (row.is_canceled == 1).then(|| status_date(&row.reservation_status_date).unwrap_or(arrival).max(created));
    let until = cancelled.map_or(arrival, |day| day.min(arrival)).max(created);
    let moved = row.assigned_room_type != row.reserved_room_type;
    let changes = row.booking_changes.max(i32::from(moved));
    let span = created.until(until).map_or(0, |span| span.get_days());
    let happening =
        |day, version, what, unit: &String| Happening { day, row: index, version, what, unit: unit.clone() };
    let mut life = vec![happening(created, 1, &BOOKING_CREATED, &row.reserved_room_type)];
    for change in 1..=changes {
        let unit = if change == changes { &row.assigned_room_type } else { &row.reserved_room_type };
        let day = days_after(created, span * change / changes);
        life.push(happening(day, life.len() as u64 + 1, &BOOKING_MODIFIED, unit));
    }
    if let Some(day) = cancelled {
        let unit = life.last().map_or_else(|| row.reserved_room_type.clone(), |last| last.unit.clone());
        life.push(happening(day.max(until), life.len() as u64 + 1, &BOOKING_CANCELLED, &unit));
    }
    life
}

/// For each room type, the most rooms that any night needs at any time of the replay.
fn capacities(rows: &[(Row, Date)], happenings: &[Happening]) -> BTreeMap<String, u16> {
    let (mut most, mut taken) = (BTreeMap::new(), HashMap::<(&str, Date), u16>::new());
    let mut held: HashMap<usize, &str> = HashMap::new();
    for happening in happenings {
        let (row, arrival) = &rows[happening.row];
        let stay = || (0..nights(row)).map(|night| days_after(*arrival, night));
        if let Some(unit) = held.remove(&happening.row) {
            stay().for_each(|night| *taken.entry((unit, night)).or_insert(1) -= 1);
        }
        let peak = most.entry(happening.unit.clone()).or_insert(1_u16);
        if happening.what.name == BOOKING_CANCELLED.name {
            continue;
        }
        held.insert(happening.row, &happening.unit);
        for night in stay() {
            let count = taken.entry((&happening.unit, night)).or_default();
            *count += 1;
            *peak = (*peak).max(*count);
        }
    }
    most
}

fn noon(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(12, 0, 0, 0)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn write(run: &str, rows: &[(Row, Date)], happenings: &[Happening], stream: &mut Stream) -> Result<(), CliError> {
    let first = happenings.first().map_or(date(2015, 1, 1), |happening| happening.day);
    let mut maker = Maker::new("resort", "hotel", run, noon(first))?;
    let wrong = |why: String| CliError::refused("bad-plan", why, "Report it: the generator is wrong.");
    let units = capacities(rows, happenings).into_iter().map(|(unit, capacity)| {
        Ok(Unit { id: id::<UnitId>(&unit)?, capacity, name: Some(format!("Room type {unit}")) })
    });
    let property = Property {
        version: 1,
        name: Some("Resort hotel H1".to_owned()),
        time_zone: "Europe/Lisbon".to_owned().try_into().map_err(wrong)?,
        check_in: "15:00".to_owned().try_into().map_err(wrong)?,
        check_out: "12:00".to_owned().try_into().map_err(wrong)?,
        units: units.collect::<Result<_, CliError>>()?,
        channels: Vec::new(),
        notify: Vec::new(),
        quiet_hours: None,
        languages: Vec::new(),
    };
    let subject = Subject::Property(maker.property().clone());
    stream.push("properties registered", maker.event(&PROPERTY_UPSERTED, subject, &property)?.to_body());
    for happening in happenings {
        let (row, arrival) = &rows[happening.row];
        let payload = payload(happening, row, *arrival)?;
        maker.at(noon(happening.day));
        let event =
            maker.event(happening.what, Subject::Booking(id(&format!("H{:05}", happening.row + 1))?), &payload)?;
        stream.push(happening.what.name, event.to_body());
    }
    Ok(())
}

fn payload(happening: &Happening, row: &Row, arrival: Date) -> Result<Booking, CliError> {
    let channel = row.distribution_channel.to_lowercase().replace('/', "-");
    #[expect(clippy::cast_possible_truncation, reason = "prices of the set are small")]
    let cents = (row.adr * 100.0).round() as i64;
    let children = row.children.split('.').next().and_then(|n| n.parse().ok()).unwrap_or(0);
    let total = Money {
        amount: cents * i64::from(nights(row).max(1)),
        currency: "EUR"
            .to_owned()
            .try_into()
            .map_err(|why: String| CliError::refused("bad-plan", why, "Report it."))?,
    };
    let party = Party { adults: row.adults, children, infants: row.babies };
    Ok(Booking {
        channel: id(&channel).ok(),
        party: Some(party),
        total: Some(total),
        ..booking(happening.version, &id(&happening.unit)?, arrival, nights(row))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(extra: &str) -> Row {
        let head = "is_canceled,lead_time,arrival_date_year,arrival_date_month,arrival_date_day_of_month,stays_in_weekend_nights,stays_in_week_nights,adults,children,babies,distribution_channel,reserved_room_type,assigned_room_type,booking_changes,adr,reservation_status_date";
        let text = format!("{head}\n{extra}\n");
        csv::Reader::from_reader(text.as_bytes()).deserialize().next().expect("a row").expect("valid")
    }

    #[test]
    fn a_life_is_created_changed_and_cancelled_in_order() {
        let row = row("1,10,2015,July,20,1,2,2,0,0,TA/TO,A,C,2,75.5,7/15/2015");
        let arrival = arrival(&row).expect("a date");
        let life: Vec<_> = life(0, &row, arrival)
            .iter()
            .map(|h| format!("{} {} {} {}", h.day, h.version, h.what.name, h.unit))
            .collect();
        assert_eq!(
            life,
            [
                "2015-07-10 1 pms.booking.created.v1 A",
                "2015-07-12 2 pms.booking.modified.v1 A",
                "2015-07-15 3 pms.booking.modified.v1 C",
                "2015-07-15 4 pms.booking.cancelled.v1 C",
            ]
        );
    }

    #[test]
    fn capacity_is_what_the_busiest_night_needs() {
        let rows: Vec<_> = [
            "0,3,2015,July,20,0,2,2,0,0,Direct,A,A,0,75,7/22/2015",
            "0,2,2015,July,21,0,2,2,0,0,Direct,A,A,0,75,7/23/2015",
            "0,2,2015,July,23,0,1,2,0,0,Direct,A,A,0,75,7/24/2015",
        ]
        .map(row)
        .into_iter()
        .map(|row| {
            let day = arrival(&row).expect("a date");
            (row, day)
        })
        .collect();
        let mut happenings: Vec<_> = rows.iter().enumerate().flat_map(|(i, (row, day))| life(i, row, *day)).collect();
        happenings.sort_by_key(|h| (h.day, h.row, h.version));
        assert_eq!(capacities(&rows, &happenings), BTreeMap::from([("A".to_owned(), 2)]));
    }
}
