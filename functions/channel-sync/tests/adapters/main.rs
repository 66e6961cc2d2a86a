//! What each adapter sends, byte for byte, and how it reads what comes back.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod requests;
mod verdicts;

use bellhop_channel_sync::adapter::{Adapter, Batch, Nights, Place, Priced, Stamp, adapter_of};
use bellhop_events::catalogue::{Channel, Terms};
use bellhop_outbound::Policy;
use serde_json::{Value, json};

const HTTPS: Policy = Policy { local: false };

fn channel(data: Value) -> Channel {
    serde_json::from_value(data).unwrap()
}

fn ari_channel() -> Channel {
    channel(json!({
        "version": 1, "kind": "ari", "url": "https://staging.channex.io/api/v1", "property": "p&1=ü",
        "key": "secretsmanager:bellhop/sea/channex",
        "units": [{"unit": "U1", "room_type": "rt-1"}, {"unit": "U2", "room_type": "rt-2"}],
        "rates": [{"rate": "R1", "unit": "U1", "rate_plan": "rp-1"}],
    }))
}

fn webhook_channel() -> Channel {
    channel(json!({
        "version": 1, "kind": "webhook", "url": "https://pms.example.com/hook?t=1", "availability": true, "rates": true,
        "keys": ["secretsmanager:bellhop/sea/new", "secretsmanager:bellhop/sea/old"],
        "events": ["bellhop.booking.unplaced.v1"],
    }))
}

fn calendar_channel() -> Channel {
    let imports = json!([{"unit": "U1", "url": "https://example.com/feed.ics"}]);
    channel(json!({"version": 1, "kind": "calendar", "imports": imports}))
}

fn place() -> Place {
    let (tenant, property) = ("sea".parse().unwrap(), "villa".parse().unwrap());
    Place { tenant, property, channel: "channex".parse().unwrap() }
}

fn adapter(channel: &Channel) -> Box<dyn Adapter> {
    adapter_of(channel, &place(), HTTPS).unwrap()
}

fn stamp() -> Stamp {
    Stamp { id: "s1".parse().unwrap(), at: "2026-07-01T10:00:00Z".parse().unwrap() }
}

fn nights(unit: &str, from: &str, until: &str, available: u16) -> Nights {
    Nights { unit: unit.parse().unwrap(), from: from.parse().unwrap(), until: until.parse().unwrap(), available }
}

fn priced(unit: &str, from: &str, until: &str, terms: Value) -> Priced {
    Priced {
        rate: "R1".parse().unwrap(),
        unit: unit.parse().unwrap(),
        from: from.parse().unwrap(),
        until: until.parse().unwrap(),
        terms: serde_json::from_value::<Terms>(terms).unwrap(),
    }
}

fn availability() -> Batch {
    Batch::Availability(vec![
        nights("U1", "2026-07-01", "2026-07-03", 0),
        nights("U1", "2026-07-03", "2026-07-04", 0),
        nights("U1", "2026-07-04", "2026-07-05", 1),
        nights("U1", "2026-07-05", "2026-07-05", 7),
        nights("U2", "2026-12-31", "2027-01-01", 12),
        nights("U3", "2026-07-01", "2026-07-02", 1),
    ])
}

fn rates() -> Batch {
    let price = json!({"price": {"amount": 20000, "currency": "EUR"}, "min_stay": 2, "closed": true});
    let all = json!({"max_stay": 7, "closed_to_arrival": true, "closed_to_departure": true});
    Batch::Rates(vec![
        priced("U1", "2026-02-28", "2026-03-01", price.clone()),
        priced("U1", "2026-03-01", "2026-03-02", price.clone()),
        priced("U1", "2026-03-02", "2026-03-04", all),
        priced("U1", "2026-03-04", "2026-03-05", json!({})),
        priced("U9", "2026-03-01", "2026-03-02", price),
    ])
}

fn event(id: &str, event_type: &str) -> Batch {
    Batch::Event { id: id.parse().unwrap(), envelope: json!({"id": id, "type": event_type, "data": {"version": 3}}) }
}
