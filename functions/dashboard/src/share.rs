//! What a booking adds to the numbers of its property: pure.

use bellhop_events::catalogue::{Property, WorkStatus};
use bellhop_store::automation::BookingWork;
use bellhop_store::calendar::BookingState;
use bellhop_store::dashboard::{Counter, Numbers};
use bellhop_store::mails::{MailOutcome, MailState};
use jiff::civil::Date;
use jiff::{Span, Timestamp};

/// What the others keep of a booking.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    /// The calendar.
    pub booking: BookingState,
    /// Automation.
    pub work: Option<BookingWork>,
    /// Notifications.
    pub mails: MailState,
}

/// What it adds.
#[must_use]
pub fn share(known: &Known, property: &Property) -> Numbers {
    let mut numbers = Numbers::default();
    stay(&known.booking, &mut numbers);
    if let Some(work) = &known.work {
        cleaning(work, property, &mut numbers);
    }
    mails(&known.mails, property, &mut numbers);
    numbers
}

fn stay(state: &BookingState, numbers: &mut Numbers) {
    let booking = &state.booking;
    if state.cancelled {
        return;
    }
    if let Some(total) = &booking.total {
        numbers.add(&Counter::Revenue(booking.arrival, total.currency.clone().into()), total.amount);
    }
    if state.placed.is_none() {
        return numbers.add(&Counter::Unplaced(booking.arrival), 1);
    }
    numbers.add(&Counter::Arrivals(booking.arrival), 1);
    numbers.add(&Counter::Departures(booking.departure), 1);
    let later_months = std::iter::successors(next_month(booking.arrival), |first| next_month(*first));
    for first in later_months.take_while(|first| *first <= booking.departure) {
        numbers.add(&Counter::Carried(first), 1);
    }
}

/// The first day of the next month, while there is one.
fn next_month(day: Date) -> Option<Date> {
    day.first_of_month().checked_add(Span::new().months(1)).ok()
}

fn cleaning(work: &BookingWork, property: &Property, numbers: &mut Numbers) {
    let Some(cleaning) = &work.cleaning else { return };
    match work.progress.status {
        WorkStatus::Gone => {}
        WorkStatus::Done => numbers.add(&Counter::DoneCleanings(cleaning.day), 1),
        WorkStatus::Open | WorkStatus::Started | WorkStatus::Problem => {
            numbers.add(&Counter::OpenCleanings(cleaning.day), 1);
            if let Some(until) = cleaning.window(property).and_then(|window| window.until) {
                numbers.add(&Counter::Due(property.time_zone.rules().to_datetime(until)), 1);
            }
        }
    }
}

fn mails(state: &MailState, property: &Property, numbers: &mut Numbers) {
    for mail in state.mails.values() {
        let Ok(at) = Timestamp::from_second(mail.at) else { continue };
        let day = property.time_zone.rules().to_datetime(at).date();
        match &mail.outcome {
            MailOutcome::Sent(_) => numbers.add(&Counter::MailsSent(day), 1),
            MailOutcome::Refused { .. } | MailOutcome::Unknown => numbers.add(&Counter::MailsFailed(day), 1),
            // Being sent, meant to wait, or meant not to go.
            MailOutcome::Sending { .. } | MailOutcome::Dropped(_) | MailOutcome::Quiet(_) => {}
        }
    }
}
