//! Events for tests, as a PMS would post them.

use serde_json::{Value, json};

/// An event of tenant `sea`, property `villa`.
#[must_use]
pub fn event(id: &str, kind: &str, subject: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": id, "source": "/pms/test", "type": kind, "subject": subject,
        "time": "2026-07-01T10:00:00Z", "tenant": "sea", "property": "villa", "data": data,
    })
}

/// The message group of [`event`].
pub const GROUP: &str = "sea#villa";

/// Registers the property with units `(id, capacity)`.
#[must_use]
pub fn property(id: &str, version: u64, units: &[(&str, u16)]) -> Value {
    let units: Vec<_> = units.iter().map(|(id, capacity)| json!({"id": id, "capacity": capacity})).collect();
    let data = json!({
        "version": version, "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00", "units": units,
    });
    event(id, "pms.property.upserted.v1", "property/villa", &data)
}

/// A booking event: `kind` is created, modified or cancelled; nights are days of July 2026.
#[must_use]
pub fn booking(id: &str, kind: &str, booking: &str, version: u64, unit: &str, nights: std::ops::Range<u8>) -> Value {
    let data = json!({
        "version": version, "unit": unit,
        "arrival": format!("2026-07-{:02}", nights.start), "departure": format!("2026-07-{:02}", nights.end),
    });
    event(id, &format!("pms.booking.{kind}.v1"), &format!("booking/{booking}"), &data)
}

/// A request as a function's own URL sends it (AWS Lambda Developer Guide, "Invoking Lambda function URLs", payload 2.0);
/// the path begins with a slash.
#[must_use]
pub fn function_url_event(method: &str, path: &str, headers: &Value, body: &str) -> Value {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": headers, "isBase64Encoded": false, "body": body,
        "requestContext": {
            "accountId": "anonymous", "apiId": "x", "domainName": "x.lambda-url.eu-west-1.on.aws", "domainPrefix": "x",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "x"},
            "requestId": "r", "routeKey": "$default", "stage": "$default",
            "time": "01/Jul/2026:10:00:00 +0000", "timeEpoch": 1_782_900_000_000_i64,
        },
    })
}

/// A booking that leaves before it arrives: a permanent failure.
#[must_use]
pub fn poison(id: &str, name: &str, version: u64) -> Value {
    let data = json!({"version": version, "unit": "u1", "arrival": "2026-07-09", "departure": "2026-07-02"});
    event(id, "pms.booking.modified.v1", &format!("booking/{name}"), &data)
}
