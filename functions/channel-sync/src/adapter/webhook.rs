//! Signed JSON, as Standard Webhooks has it: any receiver, the PMS itself among them.
//!
//! The body is a CloudEvents envelope like those that the PMS posts, sent as `application/json`. Dates are half-open as
//! everywhere here: `until` is the day after the last night. A later `data.version` (epoch milliseconds) wins, night by
//! night; nights that are not named are as they were.
//!
//! `bellhop.availability.v1`, subject `property/ID`:
//!
//! ```json
//! {"version": 1782900000000, "property": "villa",
//!  "units": [{"unit": "U1", "nights": [{"from": "2026-07-01", "until": "2026-07-04", "available": 0}]}]}
//! ```
//!
//! `bellhop.rates.v1`, subject `property/ID`; ranges as `pms.rates.updated.v1` has them: what is left out is not restricted.
//!
//! ```json
//! {"version": 1782900000000, "property": "villa",
//!  "rates": [{"rate": "R1", "unit": "U1", "ranges": [{"from": "2026-07-01", "until": "2026-07-04",
//!   "price": {"amount": 20000, "currency": "EUR"}, "min_stay": 2, "max_stay": 7, "closed": true,
//!   "closed_to_arrival": true, "closed_to_departure": true}]}]}
//! ```
//!
//! `bellhop.channel.test.v1`, subject `channel/ID`: `{"version": 1782900000000}`. A follow-up is sent as it is.

use std::time::Duration;

use bellhop_events::catalogue::{Pace, RateRange, Webhook as Config};
use bellhop_events::{Envelope, EventId, Fault, JsonContent, SpecVersion, Subject};
use bellhop_outbound::secrets::SecretRef;
use bellhop_outbound::{Answer, Limits, Method, Policy};
use serde_json::{Map, Value, json};

use super::call::{Auth, CallAnswer};
use super::verdict::settled;
use super::{Adapter, Batch, Call, Nights, Place, Priced, Stamp, Topic, Verdict, guarded, secret};

/// Receivers' frameworks take bodies of 100 KB unless told otherwise; a range of rates has up to 200 bytes.
const MOST_VALUES: usize = 400;
/// Of an answer nothing is used but its status, and the beginning of what it says.
const LIMITS: Limits = Limits { timeout: Duration::from_secs(10), body: 64 * 1024 };
const SOURCE: &str = "/bellhop/channel-sync";

pub(super) struct Webhook {
    url: String,
    keys: Vec<SecretRef>,
    hears: Vec<String>,
    availability: bool,
    rates: bool,
    pace: Option<Pace>,
    place: Place,
}

impl Webhook {
    pub fn new(config: &Config, pace: Option<Pace>, whose: &Place, policy: Policy) -> Result<Self, Fault> {
        let url = guarded(&config.url, policy, "/data/url")?;
        let key = |(index, key): (usize, &String)| secret(key, &whose.tenant, &format!("/data/keys/{index}"));
        Ok(Self {
            url: url.as_str().to_owned(),
            keys: config.keys.iter().enumerate().map(key).collect::<Result<_, _>>()?,
            hears: config.events.clone(),
            availability: config.availability,
            rates: config.rates,
            pace,
            place: whose.clone(),
        })
    }

    fn post(&self, id: &EventId, body: String) -> Call {
        // A full stop separates id and time in what is signed, so an id with one gets another: the same at each attempt.
        let plain = !id.as_str().contains('.');
        let id = if plain { id.clone() } else { EventId::hashed('w', &[id.as_str()]) };
        Call {
            method: Method::Post,
            url: self.url.clone(),
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: Some(body),
            auth: Auth::Signed { id: id.into(), keys: self.keys.clone() },
            limits: LIMITS,
        }
    }

    fn envelope(&self, stamp: &Stamp, event_type: &str, subject: Subject, part: Option<(&str, Value)>) -> String {
        let version = u64::try_from(stamp.at.as_millisecond()).unwrap_or_default();
        let mut data = Map::from_iter([("version".to_owned(), version.into())]);
        if let Some((name, part)) = part {
            data.insert("property".to_owned(), self.place.property.as_str().into());
            data.insert(name.to_owned(), part);
        }
        let envelope = Envelope {
            specversion: SpecVersion::V1,
            id: stamp.id.clone(),
            source: SOURCE.to_owned(),
            event_type: event_type.to_owned(),
            subject,
            time: stamp.at,
            datacontenttype: Some(JsonContent::Json),
            dataschema: None,
            tenant: self.place.tenant.clone(),
            property: self.place.property.clone(),
            traceparent: None,
            causationid: None,
            sequence: Some(Envelope::sequence(version)),
            data,
        };
        envelope.to_body()
    }

    fn told(&self, stamp: &Stamp, event_type: &str, name: &str, parts: Vec<Value>) -> Option<Call> {
        if parts.is_empty() {
            return None;
        }
        let subject = Subject::Property(self.place.property.clone());
        let body = self.envelope(stamp, event_type, subject, Some((name, parts.into())));
        Some(self.post(&stamp.id, body))
    }
}

impl Adapter for Webhook {
    fn most_values(&self) -> usize {
        MOST_VALUES
    }

    fn pace(&self) -> Option<Pace> {
        self.pace
    }

    fn takes(&self, topic: Topic<'_>) -> bool {
        match topic {
            Topic::Availability => self.availability,
            Topic::Rates => self.rates,
            Topic::Event(event_type) => self.hears.iter().any(|heard| heard == "*" || heard == event_type),
            Topic::Test => true,
        }
    }

    fn call(&self, batch: &Batch, stamp: &Stamp) -> Option<Call> {
        if !self.takes(batch.topic()) {
            return None;
        }
        match batch {
            Batch::Availability(ranges) => self.told(stamp, "bellhop.availability.v1", "units", units(ranges)),
            Batch::Rates(ranges) => self.told(stamp, "bellhop.rates.v1", "rates", rates(ranges)),
            Batch::Event { id, envelope } => Some(self.post(id, envelope.to_string())),
            Batch::Test => {
                let subject = Subject::Channel(self.place.channel.clone());
                Some(self.post(&stamp.id, self.envelope(stamp, "bellhop.channel.test.v1", subject, None)))
            }
        }
    }

    fn read(&self, answer: &CallAnswer) -> Verdict {
        if matches!(answer, CallAnswer::Answered(Answer::Answered { status: 410, .. })) {
            return Verdict::Gone;
        }
        settled(answer).map_or_else(|verdict| verdict, |_| Verdict::Done { warnings: Vec::new() })
    }
}

fn units(ranges: &[Nights]) -> Vec<Value> {
    let ranges = Nights::merged(ranges);
    let runs = ranges.chunk_by(|a, b| a.unit == b.unit);
    let night = |n: &Nights| json!({"from": n.from, "until": n.until, "available": n.available});
    runs.map(|run| json!({"unit": run[0].unit, "nights": run.iter().map(night).collect::<Vec<_>>()})).collect()
}

fn rates(ranges: &[Priced]) -> Vec<Value> {
    let ranges = Priced::merged(ranges);
    let runs = ranges.chunk_by(|a, b| (&a.rate, &a.unit) == (&b.rate, &b.unit));
    let range = |p: &Priced| RateRange { from: p.from, until: p.until, terms: p.terms.clone() };
    runs.map(|run| {
        let told: Vec<_> = run.iter().map(range).collect();
        json!({"rate": run[0].rate, "unit": run[0].unit, "ranges": told})
    })
    .collect()
}
