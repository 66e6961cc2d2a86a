//! The queues, by their role. The template names them `${Prefix}-<name>.fifo`.

use serde::{Deserialize, Serialize};

/// A queue of Bellhop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Queue {
    /// Properties, bookings and blocks.
    OperationalCalendar,
    /// Messages to guests.
    OperationalGuests,
    /// What happened, for read models.
    OperationalDashboard,
    /// Cleaning, maintenance, reminders, workflow rules.
    Automation,
    /// Availability and rates towards channels.
    Synchronization,
    /// What waits for a person.
    Fallback,
}

impl Queue {
    /// All queues.
    pub const ALL: [Self; 6] = [
        Self::OperationalCalendar,
        Self::OperationalGuests,
        Self::OperationalDashboard,
        Self::Automation,
        Self::Synchronization,
        Self::Fallback,
    ];

    /// Those with a function that works their events, and behind which lines can form: all but the fallback queue.
    pub const WORKED: &[Self] = match Self::EACH.split_last() {
        Some((_, worked)) => worked,
        None => &[],
    };

    const EACH: &[Self] = &Self::ALL;

    /// The name between prefix and `.fifo`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OperationalCalendar => "operational-calendar",
            Self::OperationalGuests => "operational-guests",
            Self::OperationalDashboard => "operational-dashboard",
            Self::Automation => "automation",
            Self::Synchronization => "synchronization",
            Self::Fallback => "fallback",
        }
    }

    /// The queue of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.name() == name)
    }

    /// The name of the function that consumes it: part of keys, never changed.
    #[must_use]
    pub fn consumer(self) -> &'static str {
        match self {
            Self::OperationalCalendar => "calendar",
            Self::OperationalGuests => "notifications",
            Self::OperationalDashboard => "dashboard",
            Self::Automation => "automation",
            Self::Synchronization => "channel-sync",
            Self::Fallback => "review",
        }
    }

    /// The queue that a function consumes.
    #[must_use]
    pub fn of_consumer(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|queue| queue.consumer() == name)
    }

    /// Whether a tenant with a silo has one of its own. What is given up goes where all of it goes: to people.
    #[must_use]
    pub fn is_in_silos(self) -> bool {
        Self::WORKED.contains(&self)
    }

    /// Whether its message groups may name a channel: `tenant#property#channel`.
    #[must_use]
    pub fn takes_channels(self) -> bool {
        self == Self::Synchronization
    }

    /// The environment variable that carries the queue's URL to a function.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::OperationalCalendar => "QUEUE_OPERATIONAL_CALENDAR",
            Self::OperationalGuests => "QUEUE_OPERATIONAL_GUESTS",
            Self::OperationalDashboard => "QUEUE_OPERATIONAL_DASHBOARD",
            Self::Automation => "QUEUE_AUTOMATION",
            Self::Synchronization => "QUEUE_SYNCHRONIZATION",
            Self::Fallback => "QUEUE_FALLBACK",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fallback_queue_alone_is_not_worked() {
        assert_eq!(Queue::WORKED.len() + 1, Queue::ALL.len());
        assert!(!Queue::WORKED.contains(&Queue::Fallback));
    }
}
