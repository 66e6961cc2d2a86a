//! What the dashboard counts: by property and month, in items of counters that nobody reads before they are added to.
//!
//! What a subject adds stands in its own item, in the transaction that adds it. So it is taken back exactly when the subject
//! changes, however often and in whatever order that is told, and two subjects never wait for each other.

use std::collections::BTreeMap;

use bellhop_events::{PropertyId, TenantId};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::item::Item;
use crate::keys::{Key, TENANTS, sort};
use crate::{Expect, Scope, Write};

/// The consumer's name.
pub const CONSUMER: &str = "dashboard";
/// Counts of what happened in an hour are kept for so many days.
const KEEP_HOURS_DAYS: i64 = 3;

/// The state in the item of a subject of the dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum DashboardState {
    /// `booking/ID`: what it adds.
    #[serde(rename = "b")]
    Share(Share),
    /// `property/ID`: which numbers are shown.
    #[serde(rename = "p")]
    Property(Editions),
    /// Any other: it adds nothing, its news are counted.
    #[serde(rename = "o")]
    Other,
}

/// Which of the numbers of a property are meant: each rebuild counts a new edition from nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editions {
    /// The one that is shown.
    #[serde(rename = "s", default)]
    pub shown: u64,
    /// The newest; another than the one shown only while a rebuild is under way. Both are kept right.
    #[serde(rename = "c", default)]
    pub counted: u64,
    /// The version of the request that began the newest.
    #[serde(rename = "b", default)]
    pub begun: u64,
}

impl Editions {
    /// A new edition is counted from here on. What a rebuild that died in the middle has counted is left behind.
    #[must_use]
    pub fn begin(self, version: u64) -> Self {
        Self { counted: self.counted + 1, begun: version, ..self }
    }

    /// The newest is shown, if this request began it: of two rebuilds at once the later one counts.
    #[must_use]
    pub fn end(self, version: u64) -> Self {
        if self.begun == version { Self { shown: self.counted, ..self } } else { self }
    }

    /// Those that are kept right.
    fn kept(self) -> Vec<u64> {
        if self.shown == self.counted { vec![self.shown] } else { vec![self.shown, self.counted] }
    }
}

/// What a subject adds to the numbers of its property.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// To which editions.
    #[serde(rename = "e", default)]
    editions: Vec<u64>,
    /// What.
    #[serde(rename = "n", default)]
    numbers: Numbers,
}

impl Share {
    /// Adds other numbers from now on: the share, and the writes of the difference.
    #[must_use]
    pub fn change(former: Option<&Self>, numbers: Numbers, editions: Editions, scope: &Scope) -> (Self, Vec<Write>) {
        let (kept, mut writes) = (editions.kept(), Vec::new());
        for edition in &kept {
            let added = former.filter(|share| share.editions.contains(edition)).map(|share| &share.numbers);
            let difference = added.map_or_else(|| numbers.clone(), |added| numbers.less(added));
            writes.extend(difference.writes(scope, *edition));
        }
        (Self { editions: kept, numbers }, writes)
    }
}

/// Counters by month, `YYYY-MM`, and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Numbers(BTreeMap<String, BTreeMap<String, i64>>);

/// A counter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counter {
    /// Stays that begin on this day.
    Arrivals(Date),
    /// Stays that end on this day.
    Departures(Date),
    /// Stays that began before this month and end in it or later.
    Carried(Date),
    /// Confirmed bookings from this day on that have no night.
    Unplaced(Date),
    /// What is booked from this day on, in minor units of a currency.
    Revenue(Date, String),
    /// Cleanings of this day that are not done.
    OpenCleanings(Date),
    /// Cleanings of this day that are done.
    DoneCleanings(Date),
    /// Cleanings that are not done, and must be by then, local time.
    Due(DateTime),
    /// Mails that went out on this day.
    MailsSent(Date),
    /// Mails that did not, or perhaps did not, for a reason that somebody must see.
    MailsFailed(Date),
}

/// In front of the currency.
const REVENUE: &str = "r:";
/// In front of day and time.
const DUE: &str = "u";

impl Counter {
    fn day(&self) -> Date {
        match self {
            Self::Arrivals(day)
            | Self::Departures(day)
            | Self::Carried(day)
            | Self::Unplaced(day)
            | Self::Revenue(day, _)
            | Self::OpenCleanings(day)
            | Self::DoneCleanings(day)
            | Self::MailsSent(day)
            | Self::MailsFailed(day) => *day,
            Self::Due(time) => time.date(),
        }
    }

    /// Short, for each byte is paid for.
    fn name(&self) -> String {
        let of_day = |letter: char| format!("{letter}{:02}", self.day().day());
        match self {
            Self::Arrivals(_) => of_day('a'),
            Self::Departures(_) => of_day('d'),
            Self::Carried(_) => "c".to_owned(),
            Self::Unplaced(_) => of_day('x'),
            Self::Revenue(_, currency) => format!("{REVENUE}{currency}"),
            Self::OpenCleanings(_) => of_day('o'),
            Self::DoneCleanings(_) => of_day('k'),
            Self::Due(time) => format!("{DUE}{:02}T{:02}{:02}", time.day(), time.hour(), time.minute()),
            Self::MailsSent(_) => of_day('m'),
            Self::MailsFailed(_) => of_day('f'),
        }
    }
}

/// The name of a day's month.
fn month(day: Date) -> String {
    format!("{:04}-{:02}", day.year(), day.month())
}

impl Numbers {
    /// Adds to a counter.
    pub fn add(&mut self, counter: &Counter, by: i64) {
        let of_month = self.0.entry(month(counter.day())).or_default();
        let value = of_month.entry(counter.name()).or_default();
        *value = value.saturating_add(by);
    }

    /// What a counter says.
    #[must_use]
    pub fn get(&self, counter: &Counter) -> i64 {
        self.0
            .get(&month(counter.day()))
            .and_then(|of_month| of_month.get(&counter.name()))
            .copied()
            .unwrap_or_default()
    }

    /// What is booked in a month, by currency; nothing of currencies that come to nothing.
    #[must_use]
    pub fn revenue(&self, day: Date) -> BTreeMap<String, i64> {
        let of_month = self.0.get(&month(day)).into_iter().flatten();
        let revenue = of_month.filter_map(|(name, minor)| Some((name.strip_prefix(REVENUE)?.to_owned(), *minor)));
        revenue.filter(|(_, minor)| *minor != 0).collect()
    }

    /// Cleanings that are not done and had to be, after `since` and at `now` at the latest.
    #[must_use]
    pub fn overdue(&self, since: DateTime, now: DateTime) -> i64 {
        let due = self.0.iter().flat_map(|(month, counters)| {
            counters.iter().filter_map(move |(name, open)| Some((due_time(month, name)?, *open)))
        });
        due.filter(|(time, _)| *time > since && *time <= now).map(|(_, open)| open).sum()
    }

    /// These less those: what must be added to get from those to these.
    fn less(&self, those: &Self) -> Self {
        let mut difference = self.clone();
        for (month, counters) in &those.0 {
            let of_month = difference.0.entry(month.clone()).or_default();
            for (name, value) in counters {
                let left = of_month.entry(name.clone()).or_default();
                *left = left.saturating_sub(*value);
            }
        }
        difference.0.values_mut().for_each(|counters| counters.retain(|_, value| *value != 0));
        difference.0.retain(|_, counters| !counters.is_empty());
        difference
    }

    /// The writes that add them to an edition.
    fn writes(self, scope: &Scope, edition: u64) -> Vec<Write> {
        let write = |(month, add): (String, _)| Write::Count { key: month_key(scope, edition, &month), add, ttl: None };
        self.0.into_iter().map(write).collect()
    }

    /// Reads what is counted of a month.
    pub fn read(&mut self, day: Date, item: Option<&Item>) {
        let counters = item.into_iter().flatten().filter_map(|(name, value)| {
            // Keys are texts; all else is a counter.
            Some((name.clone(), value.as_n().ok()?.parse().ok()?))
        });
        self.0.insert(month(day), counters.filter(|(_, value)| *value != 0).collect());
    }
}

fn due_time(month: &str, name: &str) -> Option<DateTime> {
    let (day, time) = name.strip_prefix(DUE)?.split_once('T')?;
    let (hour, minute) = time.split_at_checked(2)?;
    format!("{month}-{day}T{hour}:{minute}").parse().ok()
}

/// The key of a month's counters; `day` is any of its days.
#[must_use]
pub fn numbers_key(scope: &Scope, edition: u64, day: Date) -> Key {
    month_key(scope, edition, &month(day))
}

fn month_key(scope: &Scope, edition: u64, month: &str) -> Key {
    scope.own(sort::NUMBERS, &format!("{edition}/{month}"))
}

/// Below it lie all editions of a property.
#[must_use]
pub fn all_editions(scope: &Scope) -> Key {
    scope.own(sort::NUMBERS, "")
}

/// The edition of a key below [`all_editions`].
#[must_use]
pub fn edition_of(key: &Key) -> Option<u64> {
    key.sort_key().split('/').nth(1)?.parse().ok()
}

/// The key of an hour's count of news, and the name of a minute's counter in it.
#[must_use]
pub fn minute(scope: &Scope, at: Timestamp) -> (Key, String) {
    let utc = TimeZone::UTC.to_datetime(at);
    let hour = format!("{}T{:02}", utc.date(), utc.hour());
    (scope.own(sort::HOUR, &hour), format!("t{:02}", utc.minute()))
}

/// The write that counts news of a property.
#[must_use]
pub fn count_news(scope: &Scope, at: Timestamp) -> Write {
    let (key, minute) = minute(scope, at);
    let ttl = Some(at.as_second() + KEEP_HOURS_DAYS * 86_400);
    Write::Count { key, add: BTreeMap::from([(minute, 1)]), ttl }
}

/// The writes that list a property among its tenant's, and its tenant among all.
#[must_use]
pub fn register(scope: &Scope) -> [Write; 2] {
    let group = scope.group();
    let place = |key| Write::Put { key, item: Item::new(), expect: Expect::Any };
    [place(scope.of_tenant(sort::PROPERTY, group.property.as_str())), place(tenants(group.tenant.as_str()))]
}

/// Below it lie a tenant's properties.
#[must_use]
pub fn properties(tenant: &TenantId) -> Key {
    Scope::tenant_item(CONSUMER, tenant, sort::PROPERTY, "")
}

/// The property of a key below [`properties`].
#[must_use]
pub fn property_of(key: &Key) -> Option<PropertyId> {
    key.sort_key().split_once(sort::PROPERTY)?.1.parse().ok()
}

/// Below it lie all tenants that have a property and whose ids begin so: for operators.
#[must_use]
pub fn tenants(start: &str) -> Key {
    Key { pk: TENANTS.to_owned(), sk: format!("{}{start}", sort::TENANT) }
}

/// The tenant of a key below [`tenants`].
#[must_use]
pub fn tenant_of(key: &Key) -> Option<TenantId> {
    key.sort_key().strip_prefix(sort::TENANT)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    fn counter() -> impl Strategy<Value = Counter> {
        let day = (1_i8..=12, 1_i8..=28).prop_map(|(month, day)| date(2026, month, day));
        (day, 0..24_i8, 0..10_u8).prop_map(|(day, hour, kind)| match kind {
            0 => Counter::Arrivals(day),
            1 => Counter::Departures(day),
            2 => Counter::Carried(day),
            3 => Counter::Unplaced(day),
            4 => Counter::Revenue(day, "EUR".to_owned()),
            5 => Counter::OpenCleanings(day),
            6 => Counter::DoneCleanings(day),
            7 => Counter::Due(day.at(hour, 30, 0, 0)),
            8 => Counter::MailsSent(day),
            _ => Counter::MailsFailed(day),
        })
    }

    fn numbers() -> impl Strategy<Value = Numbers> {
        proptest::collection::vec((counter(), -5_i64..50), 0..20).prop_map(|added| {
            let mut numbers = Numbers::default();
            for (counter, by) in &added {
                numbers.add(counter, *by);
            }
            numbers
        })
    }

    proptest! {
        #[test]
        fn a_difference_leads_from_one_to_the_other(from in numbers(), to in numbers()) {
            let mut moved = from.clone();
            for (month, counters) in to.less(&from).0 {
                for (name, by) in counters {
                    *moved.0.entry(month.clone()).or_default().entry(name).or_default() += by;
                }
            }
            prop_assert_eq!(moved.less(&to), Numbers::default());
            prop_assert_eq!(to.less(&to), Numbers::default());
        }
    }

    #[test]
    fn what_is_overdue_is_told_by_its_time() {
        let mut numbers = Numbers::default();
        let at = |day, hour| date(2026, 7, day).at(hour, 30, 0, 0);
        numbers.add(&Counter::Due(at(1, 15)), 2);
        numbers.add(&Counter::Due(at(2, 9)), 1);
        numbers.add(&Counter::OpenCleanings(date(2026, 7, 1)), 7);
        assert_eq!(numbers.overdue(at(1, 0), at(1, 14)), 0);
        assert_eq!(numbers.overdue(at(1, 0), at(1, 15)), 2);
        assert_eq!(numbers.overdue(at(1, 15), at(3, 0)), 1);
    }
}
