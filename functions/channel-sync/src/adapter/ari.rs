//! Availability, rates and inventory in the shape that Channex documents (docs.channex.io: ari, rate-limits).

use std::collections::BTreeMap;
use std::time::Duration;

use bellhop_events::catalogue::{Ari as Config, Pace};
use bellhop_events::{Fault, RateId, Reason, UnitId};
use bellhop_outbound::secrets::SecretRef;
use bellhop_outbound::{GuardedUrl, Limits, Method, Policy};
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use super::call::{Auth, CallAnswer};
use super::quote::quoted;
use super::verdict::{failed, settled};
use super::{Adapter, Batch, Call, Nights, Place, Priced, Stamp, Topic, Verdict, guarded, secret, unsafe_url};

/// A value has some 500 bytes at most; Channex takes 10 MB, others that speak like it perhaps less.
const MOST_VALUES: usize = 1000;
/// "10 availability requests and 10 restriction and price requests a minute and property".
const PACE: Pace = Pace { calls: 10, seconds: 60 };
/// The answer repeats every value that it refuses: room for all of them.
const LIMITS: Limits = Limits { timeout: Duration::from_secs(10), body: 2 * 1024 * 1024 };
const MOST_WARNINGS: usize = 20;
/// A night of which nobody has been told: reading it moves next to nothing.
const NO_NIGHT: &str = "2000-01-01";

pub(super) struct Ari {
    availability: String,
    restrictions: String,
    test: String,
    key: SecretRef,
    property: String,
    room_types: BTreeMap<UnitId, String>,
    rate_plans: BTreeMap<(RateId, UnitId), String>,
    pace: Pace,
}

impl Ari {
    pub fn new(config: &Config, pace: Option<Pace>, whose: &Place, policy: Policy) -> Result<Self, Fault> {
        let at = "/data/url";
        let base = guarded(&config.url, policy, at)?;
        if base.as_str().contains('?') {
            let fault = Fault::new(Reason::InvalidData, at).found("a query");
            return Err(fault.expected("the API's base, such as https://staging.channex.io/api/v1"));
        }
        let join = |path: &str| base.join(path).map_err(|fault| unsafe_url(&fault, at));
        let availability = join("availability")?;
        let test = GuardedUrl::parse(&test_of(&availability, &config.property), &policy);
        Ok(Self {
            restrictions: join("restrictions")?.as_str().to_owned(),
            test: test.map_err(|fault| unsafe_url(&fault, at))?.as_str().to_owned(),
            availability: availability.as_str().to_owned(),
            key: secret(&config.key, &whose.tenant, "/data/key")?,
            property: config.property.clone(),
            room_types: config.units.iter().map(|m| (m.unit.clone(), m.room_type.clone())).collect(),
            rate_plans: config.rates.iter().map(|m| ((m.rate.clone(), m.unit.clone()), m.rate_plan.clone())).collect(),
            pace: pace.unwrap_or(PACE),
        })
    }

    fn request(&self, method: Method, url: &str, body: Option<String>) -> Call {
        let json = || "application/json".to_owned();
        let mut headers = vec![("accept".to_owned(), json())];
        if body.is_some() {
            headers.push(("content-type".to_owned(), json()));
        }
        let auth = Auth::ApiKey { header: "user-api-key", key: self.key.clone() };
        Call { method, url: url.to_owned(), headers, body, auth, limits: LIMITS }
    }

    fn post(&self, url: &str, values: &[Value]) -> Option<Call> {
        let body = || json!({ "values": values }).to_string();
        (!values.is_empty()).then(|| self.request(Method::Post, url, Some(body())))
    }

    fn nights(&self, range: &Nights) -> Option<Value> {
        Some(json!({
            "property_id": self.property,
            "room_type_id": self.room_types.get(&range.unit)?,
            "date_from": range.from,
            "date_to": last(range.until)?,
            "availability": range.available,
        }))
    }

    /// Every restriction is named: what is missing would stay as it was over there. A price alone may be missing, for it
    /// can be changed but not taken back.
    fn priced(&self, range: &Priced) -> Option<Value> {
        let terms = &range.terms;
        let mut value = json!({
            "property_id": self.property,
            "rate_plan_id": self.rate_plans.get(&(range.rate.clone(), range.unit.clone()))?,
            "date_from": range.from,
            "date_to": last(range.until)?,
            "min_stay_arrival": terms.min_stay.unwrap_or(1),
            "max_stay": terms.max_stay.unwrap_or(0),
            "closed_to_arrival": terms.closed_to_arrival,
            "closed_to_departure": terms.closed_to_departure,
            "stop_sell": terms.closed,
        });
        if let Some(price) = &terms.price {
            // An integer is in minor units by definition, as ours are. A decimal string would need a table of how many
            // digits each currency has, and be wrong by a factor of ten or more where the two sides' tables differ.
            value["rate"] = price.amount.into();
        }
        Some(value)
    }

    /// The part of a warning that names a thing, in our words where we have them.
    fn thing(&self, value: &Map<String, Value>) -> String {
        let text = |field: &str| value.get(field).and_then(Value::as_str);
        if let Some(theirs) = text("room_type_id") {
            let ours = self.room_types.iter().find(|(_, room_type)| *room_type == theirs);
            return ours.map_or_else(|| format!("room type {theirs}"), |(unit, _)| format!("unit {unit} ({theirs})"));
        }
        let theirs = text("rate_plan_id").unwrap_or("?");
        let ours = self.rate_plans.iter().find(|(_, rate_plan)| *rate_plan == theirs);
        let named = |(rate, unit): &(RateId, UnitId)| format!("rate {rate} of unit {unit} ({theirs})");
        ours.map_or_else(|| format!("rate plan {theirs}"), |(ours, _)| named(ours))
    }

    fn warning(&self, warning: &Value) -> String {
        let Some((value, why)) = warning.as_object().and_then(|value| Some((value, value.get("warning")?))) else {
            return quoted(&warning.to_string());
        };
        let text = |field: &str| value.get(field).and_then(Value::as_str);
        let nights = match (text("date"), text("date_from"), text("date_to")) {
            (Some(night), _, _) => format!(", {night}"),
            (None, Some(from), Some(to)) => format!(", nights {from} to {to}"),
            _ => String::new(),
        };
        quoted(&format!("{}{nights}: {why}", self.thing(value)))
    }

    fn warnings(&self, found: &Value) -> Vec<String> {
        let all = match found {
            Value::Null => &[],
            Value::Array(all) => all.as_slice(),
            other => std::slice::from_ref(other),
        };
        let mut warnings: Vec<_> = all.iter().take(MOST_WARNINGS).map(|warning| self.warning(warning)).collect();
        if all.len() > MOST_WARNINGS {
            warnings.push(format!("and {} more", all.len() - MOST_WARNINGS));
        }
        warnings
    }
}

impl Adapter for Ari {
    fn most_values(&self) -> usize {
        MOST_VALUES
    }

    fn pace(&self) -> Option<Pace> {
        Some(self.pace)
    }

    fn takes(&self, topic: Topic<'_>) -> bool {
        match topic {
            Topic::Availability => !self.room_types.is_empty(),
            Topic::Rates => !self.rate_plans.is_empty(),
            Topic::Event(_) => false,
            Topic::Test => true,
        }
    }

    fn call(&self, batch: &Batch, _: &Stamp) -> Option<Call> {
        match batch {
            Batch::Availability(ranges) => {
                let values: Vec<_> = Nights::merged(ranges).iter().filter_map(|range| self.nights(range)).collect();
                self.post(&self.availability, &values)
            }
            Batch::Rates(ranges) => {
                let values: Vec<_> = Priced::merged(ranges).iter().filter_map(|range| self.priced(range)).collect();
                self.post(&self.restrictions, &values)
            }
            Batch::Event { .. } => None,
            Batch::Test => Some(self.request(Method::Get, &self.test, None)),
        }
    }

    fn read(&self, answer: &CallAnswer) -> Verdict {
        let body = match settled(answer) {
            Ok(body) => body,
            Err(verdict) => return verdict,
        };
        // A login page or a proxy's greeting is a 200, too: it counts only if it is of the documented form. What was told
        // is answered by `data` as a list, with `meta`; what was asked, by `data` as an object.
        let strange = || failed(format!("not an answer of this API: {}", quoted(body)), None);
        match serde_json::from_str::<Value>(body) {
            Ok(answer) if answer["data"].is_array() && answer["meta"].is_object() => {
                Verdict::Done { warnings: self.warnings(&answer["meta"]["warnings"]) }
            }
            Ok(answer) if answer["data"].is_object() => Verdict::Done { warnings: Vec::new() },
            _ => strange(),
        }
    }
}

/// The night before, for whom `date_to` is the last night.
fn last(until: Date) -> Option<Date> {
    until.yesterday().ok()
}

fn test_of(availability: &GuardedUrl, property: &str) -> String {
    let mut query = Serializer::new(String::new());
    query.append_pair("filter[property_id]", property).append_pair("filter[date]", NO_NIGHT);
    format!("{}?{}", availability.as_str(), query.finish())
}
