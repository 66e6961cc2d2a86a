//! What a channel has not been told: the same judgement as the function's, from what is stored.

use std::collections::BTreeMap;

use bellhop_events::catalogue::{Channel, Connection};
use bellhop_events::{RateId, UnitId};
use bellhop_store::channel::{News, Progress, Stamps};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Serialize;

/// What changed at a property, whoever is told of it.
#[derive(Debug)]
pub struct Changes {
    /// Today at the property: what is over is no news.
    pub today: Date,
    /// The units that the calendar knows.
    pub known_units: Vec<UnitId>,
    /// When their nights changed.
    pub units: BTreeMap<UnitId, Stamps>,
    /// When nights of rate plans changed.
    pub rates: BTreeMap<RateId, BTreeMap<UnitId, Stamps>>,
}

/// What it has not been told.
#[derive(Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Outstanding {
    /// Units with nights that are news to it.
    pub units: Vec<UnitId>,
    /// `RATE/UNIT` with nights that are news to it.
    pub rates: Vec<String>,
}

impl Outstanding {
    /// How many units and rates of units.
    #[must_use]
    pub fn count(&self) -> usize {
        self.units.len() + self.rates.len()
    }

    /// Of a channel.
    #[must_use]
    pub fn of(channel: &Channel, progress: &Progress, changes: &Changes) -> Self {
        // What was told for an older registration counts for nothing: the new one hears everything.
        let current = progress.config == channel.version;
        let units: Vec<&UnitId> = match &channel.connection {
            Connection::Ari(ari) => ari.units.iter().map(|mapped| &mapped.unit).collect(),
            Connection::Webhook(webhook) if webhook.availability => changes.known_units.iter().collect(),
            Connection::Webhook(_) | Connection::Calendar(_) => Vec::new(),
        };
        let rates: Vec<(&RateId, &UnitId)> = match &channel.connection {
            Connection::Ari(ari) => ari.rates.iter().map(|mapped| (&mapped.rate, &mapped.unit)).collect(),
            Connection::Webhook(webhook) if webhook.rates => {
                changes.rates.iter().flat_map(|(rate, units)| units.keys().map(move |unit| (rate, unit))).collect()
            }
            Connection::Webhook(_) | Connection::Calendar(_) => Vec::new(),
        };
        // The nights after these come into view as time goes by.
        let window = (changes.today, progress.through.filter(|_| current).unwrap_or(Date::MAX));
        let never = Stamps::default();
        let unit_is_news = |unit: &UnitId| {
            let stamps = changes.units.get(unit).unwrap_or(&never);
            is_news(stamps, progress.units.get(unit).copied().filter(|_| current), window)
        };
        let rate_is_news = |rate: &RateId, unit: &UnitId| {
            // Of a rate that the PMS never sent there is nothing to tell.
            let Some(stamps) = changes.rates.get(rate).and_then(|units| units.get(unit)) else { return false };
            let seen = progress.rates.get(&Progress::rate_key(rate, unit));
            is_news(stamps, seen.copied().filter(|_| current), window)
        };
        Self {
            units: units.into_iter().filter(|unit| unit_is_news(unit)).cloned().collect(),
            rates: rates
                .into_iter()
                .filter(|(rate, unit)| rate_is_news(rate, unit))
                .map(|(rate, unit)| Progress::rate_key(rate, unit))
                .collect(),
        }
    }
}

fn is_news(stamps: &Stamps, seen: Option<u64>, (today, end): (Date, Date)) -> bool {
    match stamps.since(seen) {
        News::All => true,
        News::Nights(nights) => nights.iter().any(|(from, until)| *from < end && today < *until),
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::Row;
    use super::*;
    use crate::samples::{ari, changes, channel, now};
    use bellhop_store::channel::Circuit;
    use jiff::civil::date;

    fn unit(id: &str) -> UnitId {
        id.parse().expect("an id")
    }

    #[test]
    fn outstanding_is_what_is_news_to_the_channel() {
        let at = |config, units: &[(&str, u64)], rates: &[(&str, u64)]| {
            let units = units.iter().map(|(id, seen)| (unit(id), *seen)).collect();
            let rates = rates.iter().map(|(id, seen)| ((*id).to_owned(), *seen)).collect();
            let progress = Progress { config, units, rates, ..Progress::default() };
            let found = ari(&progress, &Circuit::default()).outstanding;
            let units = found.units.iter().map(ToString::to_string);
            units.chain(found.rates).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(at(0, &[], &[]), "suite loft attic bar/suite", "never told");
        let all: [(&str, u64); 3] = [("suite", 2), ("loft", 1), ("attic", 0)];
        assert_eq!(at(3, &all, &[("bar/suite", 1)]), "");
        assert_eq!(at(3, &[("suite", 1), ("loft", 1), ("attic", 0)], &[("bar/suite", 0)]), "suite bar/suite");
        assert_eq!(at(2, &all, &[("bar/suite", 1)]), "suite loft attic bar/suite", "registered anew");
    }

    #[test]
    fn a_webhook_hears_of_the_property_s_own_units() {
        let webhook =
            r#"{"version":1,"kind":"webhook","url":"https://pms.example/T0KEN","keys":["x"],"availability":true}"#;
        let id = "pms".parse().expect("an id");
        let row =
            |json: &str| Row::new(&id, &channel(json), &Progress::default(), &Circuit::default(), &changes(), now());
        assert_eq!(row(webhook).outstanding.units.len(), 3);
        assert_eq!(row(&webhook.replace("\"availability\"", "\"rates\"")).outstanding.rates, ["bar/suite"]);
        assert_eq!(row(&webhook.replace("true", "false")).outstanding, Outstanding::default());
    }

    #[test]
    fn what_is_over_or_not_in_view_yet_is_no_news() {
        let mut stamps = Stamps::default();
        stamps.stamp(date(2026, 7, 3), date(2026, 7, 5), date(2026, 7, 1));
        let told = |today, end| is_news(&stamps, Some(0), (today, end));
        assert!(told(date(2026, 7, 4), Date::MAX));
        assert!(!told(date(2026, 7, 5), Date::MAX));
        assert!(!told(date(2026, 7, 1), date(2026, 7, 3)));
        assert!(is_news(&stamps, None, (date(2026, 7, 5), Date::MAX)), "never told: the whole window");
    }
}
