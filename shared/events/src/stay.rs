//! A stay: the nights `[arrival, departure)`.

use jiff::civil::Date;

use crate::{Fault, Reason};

/// The longest stay in nights that is taken for real: two years.
pub const MAX_NIGHTS: i32 = 730;

/// Half-open: the departure day is free for the next arrival. `arrival == departure` is day use and takes no night.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    arrival: Date,
    departure: Date,
}

impl Stay {
    /// A stay, if departure is not before arrival and at most [`MAX_NIGHTS`] later.
    pub fn new(arrival: Date, departure: Date) -> Result<Self, Fault> {
        let stay = Self { arrival, departure };
        match stay.nights() {
            nights if nights < 0 => Err(Fault::new(Reason::StayDepartureBeforeArrival, "/data/departure")
                .found(departure)
                .expected(format!("a departure on or after the arrival {arrival}"))),
            nights if nights > MAX_NIGHTS => Err(Fault::new(Reason::StayTooLong, "/data/departure")
                .found(format!("{nights} nights"))
                .expected(format!("at most {MAX_NIGHTS} nights"))),
            _ => Ok(stay),
        }
    }

    /// The first day.
    #[must_use]
    pub fn arrival(&self) -> Date {
        self.arrival
    }

    /// The day of leaving; its night is not taken.
    #[must_use]
    pub fn departure(&self) -> Date {
        self.departure
    }

    /// How many nights are taken.
    #[must_use]
    pub fn nights(&self) -> i32 {
        // Days between two dates of a civil calendar always fit: years are bounded to four digits.
        self.arrival.until(self.departure).map_or(i32::MAX, |span| span.get_days())
    }

    /// The nights by month: `(first day of the month, first night, last night)`, days of the month from 1.
    pub fn months(&self) -> impl Iterator<Item = (Date, i8, i8)> + use<> {
        let Self { arrival, departure } = *self;
        let mut from = arrival;
        std::iter::from_fn(move || {
            if from >= departure {
                return None;
            }
            let last_of_month = from.last_of_month();
            let last = last_of_month.min(departure.yesterday().ok()?);
            let part = (from.first_of_month(), from.day(), last.day());
            from = last.tomorrow().ok()?;
            Some(part)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    #[test]
    fn day_use_takes_no_night() {
        let day = date(2026, 7, 1);
        let stay = Stay::new(day, day).expect("day use is a stay");
        assert_eq!((stay.nights(), stay.months().count()), (0, 0));
    }

    #[test]
    fn two_years_are_the_limit() {
        let arrival = date(2026, 1, 1);
        let long = arrival.checked_add(jiff::Span::new().days(730)).expect("a date");
        assert!(Stay::new(arrival, long).is_ok());
        let longer = long.tomorrow().expect("a date");
        assert_eq!(Stay::new(arrival, longer).map_err(|f| f.reason), Err(Reason::StayTooLong));
    }

    proptest! {
        #[test]
        fn months_cover_each_night_once(start in 0..20_000i32, nights in -3..=731i32) {
            let arrival = date(2000, 1, 1).checked_add(jiff::Span::new().days(start)).expect("a date");
            let departure = arrival.checked_add(jiff::Span::new().days(nights)).expect("a date");
            match Stay::new(arrival, departure) {
                Ok(stay) => {
                    let covered: i32 = stay.months().map(|(_, first, last)| i32::from(last - first) + 1).sum();
                    prop_assert_eq!(covered, nights);
                    prop_assert_eq!(stay.nights(), nights);
                }
                Err(_) => prop_assert!(!(0..=MAX_NIGHTS).contains(&nights)),
            }
        }
    }
}
