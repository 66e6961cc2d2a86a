//! A channel manager for each property of a season, and what its nights cost. The season itself stays the same.

use bellhop_events::catalogue::{
    Ari, CHANNEL_UPSERTED, Channel, Connection, Pace, RATES_UPDATED, RatePlan, RateRange, Rates, RoomType, Terms,
};
use bellhop_events::{Envelope, Money, Subject, UnitId};
use fastrand::Rng;
use jiff::civil::Date;

use super::maker::{Maker, days_after, id};
use crate::error::CliError;

/// What events are made of: texts for people, and the event.
type Made = Vec<(&'static str, Envelope)>;

/// The property's channel, and the secret of the tenant that holds the key: `bellhop/TENANT/channel`.
const NAME: &str = "manager";
const SECRET: &str = "channel";
const RATE: &str = "standard";
/// Faster than any real one, so that a demo is short: the fake is given the same window.
const PACE: Pace = Pace { calls: 10, seconds: 5 };
const WEEKS: i32 = 9;

/// A property that has a channel manager.
pub struct House<'a> {
    pub maker: &'a mut Maker,
    pub units: &'a [UnitId],
    pub month: Date,
    pub currency: &'static str,
}

impl House<'_> {
    /// Puts the channel before what is made already, and rates here and there.
    pub fn add(&mut self, url: &str, rng: &mut Rng, made: Made) -> Result<Made, CliError> {
        let mut version = 0;
        let mut all = vec![("channels registered", self.registration(url)?)];
        for unit in self.units {
            all.push(("rates of a unit's season", self.season(rng, &mut version, unit)?));
        }
        let changes = self.units.len() * 2;
        let every = made.len() / (changes + 1) + 1;
        for (n, event) in made.into_iter().enumerate() {
            all.push(event);
            if n % every == every - 1
                && let Some(unit) = rng.choice(self.units)
            {
                all.push(("rates changed", self.change(rng, &mut version, unit)?));
            }
        }
        Ok(all)
    }

    fn registration(&mut self, url: &str) -> Result<Envelope, CliError> {
        let room = |unit: &UnitId| RoomType { unit: unit.clone(), room_type: format!("room-{unit}") };
        let plan = |unit: &UnitId| -> Result<RatePlan, CliError> {
            Ok(RatePlan { rate: id(RATE)?, unit: unit.clone(), rate_plan: format!("{RATE}-{unit}") })
        };
        let tenant = self.maker.tenant();
        let channel = Channel {
            version: 1,
            name: Some("Channel manager".to_owned()),
            enabled: true,
            pace: Some(PACE),
            connection: Connection::Ari(Ari {
                url: url.to_owned(),
                key: format!("secretsmanager:bellhop/{tenant}/{SECRET}"),
                property: format!("{tenant}-{}", self.maker.property()),
                units: self.units.iter().map(room).collect(),
                rates: self.units.iter().map(plan).collect::<Result<_, _>>()?,
            }),
        };
        self.maker.event(&CHANNEL_UPSERTED, Subject::Channel(id(NAME)?), &channel)
    }

    fn season(&mut self, rng: &mut Rng, version: &mut u64, unit: &UnitId) -> Result<Envelope, CliError> {
        let base = rng.i64(70..160) * 100;
        let mut ranges = Vec::new();
        for week in 0..WEEKS {
            let from = days_after(self.month, 7 * week);
            ranges.push(self.range(from, days_after(from, 5), base, None)?);
            ranges.push(self.range(days_after(from, 5), days_after(from, 7), base * 13 / 10, Some(2))?);
        }
        self.rates(version, unit, ranges)
    }

    fn change(&mut self, rng: &mut Rng, version: &mut u64, unit: &UnitId) -> Result<Envelope, CliError> {
        let from = days_after(self.month, rng.i32(0..7 * WEEKS - 10));
        let range = self.range(from, days_after(from, rng.i32(1..10)), rng.i64(60..220) * 100, None)?;
        self.rates(version, unit, vec![range])
    }

    fn range(&self, from: Date, until: Date, amount: i64, min_stay: Option<u16>) -> Result<RateRange, CliError> {
        let wrong = |why: String| CliError::refused("bad-plan", why, "Report it: the generator is wrong.");
        let price = Money { amount, currency: self.currency.to_owned().try_into().map_err(wrong)? };
        Ok(RateRange { from, until, terms: Terms { price: Some(price), min_stay, ..Terms::default() } })
    }

    fn rates(&mut self, version: &mut u64, unit: &UnitId, ranges: Vec<RateRange>) -> Result<Envelope, CliError> {
        *version += 1;
        let rates = Rates { version: *version, unit: unit.clone(), ranges };
        self.maker.event(&RATES_UPDATED, Subject::Rate(id(RATE)?), &rates)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bellhop_events::catalogue;
    use jiff::civil::date;

    use super::super::{Generate, Stream, season};
    use super::*;

    fn generated(channel: Option<&str>) -> Vec<Envelope> {
        let args = Generate {
            seed: 1,
            run: "t".to_owned(),
            bookings: 100,
            month: date(2026, 7, 1),
            out: String::new(),
            poison: None,
            channel: channel.map(str::to_owned),
            from_csv: None,
        };
        let mut stream = Stream::default();
        season::events(&args, &mut stream).unwrap();
        stream.events.iter().map(|event| Envelope::decode(event).unwrap()).collect()
    }

    #[test]
    fn each_property_has_a_channel_and_the_season_stays_the_same() {
        let season = |events: Vec<Envelope>| {
            let mut by_property = BTreeMap::<_, Vec<_>>::new();
            for event in events
                .into_iter()
                .filter(|e| !["pms.channel.", "pms.rates."].iter().any(|k| e.event_type.starts_with(k)))
            {
                by_property.entry(event.group().to_string()).or_default().push(event.to_body());
            }
            by_property
        };
        let events = generated(Some("http://127.0.0.1:1/api/v1"));
        for event in &events {
            (catalogue::find(&event.event_type).unwrap().check)(event).unwrap();
        }
        assert_eq!(events.iter().filter(|event| event.event_type == CHANNEL_UPSERTED.name).count(), 6);
        assert_eq!(season(events), season(generated(None)));
    }
}
