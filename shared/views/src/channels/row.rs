//! How a channel fares, from what is stored: pure, and without secrets.

use bellhop_events::ChannelId;
use bellhop_events::catalogue::{Channel, Connection};
use bellhop_store::channel::{Circuit, Passage, Progress};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::kind;
use super::outstanding::{Changes, Outstanding};

/// How a channel fares.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Channel")]
pub struct Row {
    /// Which.
    pub channel: ChannelId,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `ari`, `webhook` or `calendar`.
    pub kind: &'static str,
    /// As the PMS registered it.
    pub enabled: bool,
    /// Of its registration.
    pub version: u64,
    /// Who is called. Only the host: paths and queries carry secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Follow-ups that it hears.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// What it was told.
    pub told: Told,
    /// What it was not.
    pub outstanding: Outstanding,
    /// Follow-ups that wait until it answers.
    pub waiting: u64,
    /// Why it is told nothing, if so.
    pub disabled: Option<Disabled>,
    /// Whether it answers.
    pub circuit: CircuitState,
    /// Calls that failed since the last that did not.
    pub failures: u32,
    /// No call before, if that is to come.
    #[schemars(with = "Option<String>")]
    pub not_before: Option<Timestamp>,
    /// What came of the last test.
    pub tested: Option<Tested>,
    /// Outside feeds, of a channel of the kind `calendar`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<Feed>,
}

/// What it was told so far.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Told {
    /// When; none: never, or not known.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// Calls, all told.
    pub calls: u64,
    /// Values in them.
    pub values: u64,
    /// Calls that failed.
    pub failed: u64,
    /// Calls that were refused for their number.
    pub throttled: u64,
}

/// Why it is told nothing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Disabled {
    /// Stable reason code.
    pub reason: String,
    /// When; none: never, or not known.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
}

/// The tenant's circuit of the channel.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CircuitState {
    /// `closed`, `half-open` or `open`.
    pub state: &'static str,
    /// No call before; none: closed.
    #[schemars(with = "Option<String>")]
    pub until: Option<Timestamp>,
    /// Failures in a row.
    pub failures: u32,
}

/// What came of the last test.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Tested {
    /// When; none: never, or not known.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// Whether it went well.
    pub ok: bool,
    /// What it answered.
    pub found: String,
}

/// An outside feed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Feed {
    /// Whose nights it blocks.
    pub unit: String,
    /// Where it lies, if the unit has but one. The address itself is a secret.
    pub host: Option<String>,
    /// When it was read last.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// The blocks of it that stand.
    pub blocks: usize,
    /// Why it could not be read since.
    pub fault: Option<String>,
}

impl Row {
    /// From what is stored.
    #[must_use]
    pub fn new(
        id: &ChannelId,
        channel: &Channel,
        progress: &Progress,
        circuit: &Circuit,
        changes: &Changes,
        now: Timestamp,
    ) -> Self {
        let (url, events) = match &channel.connection {
            Connection::Ari(ari) => (Some(&ari.url), Vec::new()),
            Connection::Webhook(webhook) => (Some(&webhook.url), webhook.events.clone()),
            Connection::Calendar(_) => (None, Vec::new()),
        };
        let told = &progress.told;
        let now = now.as_millisecond();
        Self {
            channel: id.clone(),
            name: channel.name.clone(),
            kind: kind(channel),
            enabled: channel.enabled,
            version: channel.version,
            host: url.map(|url| host(url)),
            events,
            told: Told {
                at: time(told.at),
                calls: told.calls,
                values: told.values,
                failed: told.failed,
                throttled: told.throttled,
            },
            outstanding: Outstanding::of(channel, progress, changes),
            waiting: 0,
            disabled: progress.disabled.as_ref().map(|d| Disabled { reason: d.reason.clone(), at: time(d.at) }),
            circuit: CircuitState::new(circuit, now),
            failures: progress.failures,
            not_before: time(progress.not_before).filter(|_| progress.not_before > now),
            tested: progress.tested.as_ref().map(|t| Tested { at: time(t.at), ok: t.ok, found: t.found.clone() }),
            feeds: feeds(channel, progress),
        }
    }

    /// Whether it is told what happens, in a word.
    #[must_use]
    pub fn state(&self) -> String {
        match &self.disabled {
            _ if !self.enabled => "switched off".to_owned(),
            Some(disabled) if disabled.reason == "disabled" => "disabled".to_owned(),
            Some(disabled) => format!("disabled: {}", disabled.reason),
            None => "on".to_owned(),
        }
    }

    /// Whether it is told what happens.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.enabled && self.disabled.is_none()
    }
}

impl CircuitState {
    fn new(circuit: &Circuit, now: i64) -> Self {
        let (state, until) = match circuit.passage(now) {
            Passage::Free => ("closed", None),
            Passage::Probe => ("half-open", None),
            Passage::Shut(until) => ("open", time(until)),
        };
        Self { state, until, failures: circuit.failures }
    }
}

fn feeds(channel: &Channel, progress: &Progress) -> Vec<Feed> {
    let Connection::Calendar(calendar) = &channel.connection else { return Vec::new() };
    let mut read: Vec<(&str, _)> =
        progress.feeds.iter().map(|(key, state)| (key.split('/').next().unwrap_or_default(), state)).collect();
    let mut found = Vec::new();
    for import in &calendar.imports {
        let unit = import.unit.as_str();
        // What was read is kept under a hash of the address: of several feeds of a unit, which is which is not shown.
        let only = calendar.imports.iter().filter(|other| other.unit == import.unit).count() == 1;
        let state = read.iter().position(|(of, _)| *of == unit).map(|at| read.remove(at).1);
        found.push(Feed {
            unit: unit.to_owned(),
            host: only.then(|| host(&import.url)),
            at: state.and_then(|state| time(state.at)),
            blocks: state.map_or(0, |state| state.known.len()),
            fault: state.and_then(|state| state.fault.clone()),
        });
    }
    found
}

/// The host of an address, which is all of it that is no secret.
fn host(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    parsed.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "(no host)".to_owned())
}

fn time(ms: i64) -> Option<Timestamp> {
    (ms > 0).then(|| Timestamp::from_millisecond(ms).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{ari, changes, channel, disabled, now};
    use bellhop_store::channel::{FeedState, Tested};

    #[test]
    fn a_row_shows_no_secret() {
        let progress = Progress {
            config: 3,
            failures: 2,
            not_before: now().as_millisecond() + 60_000,
            disabled: Some(disabled("disabled")),
            tested: Some(Tested { at: now().as_millisecond(), ok: false, found: "401 unauthorized".into() }),
            ..Progress::default()
        };
        let circuit = Circuit { failures: 5, open_until: now().as_millisecond() + 30_000, ..Circuit::default() };
        let row = ari(&progress, &circuit);
        let text = serde_json::to_string(&row).expect("json");
        for secret in ["s3cret", "pw", "secretsmanager", "/v1"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        insta::assert_json_snapshot!(row, @r#"
        {
          "channel": "booking-com",
          "name": "Booking.com",
          "kind": "ari",
          "enabled": true,
          "version": 3,
          "host": "api.example",
          "told": {
            "at": null,
            "calls": 0,
            "values": 0,
            "failed": 0,
            "throttled": 0
          },
          "outstanding": {
            "units": [
              "suite",
              "loft",
              "attic"
            ],
            "rates": [
              "bar/suite"
            ]
          },
          "waiting": 0,
          "disabled": {
            "reason": "disabled",
            "at": "2026-07-01T10:00:00Z"
          },
          "circuit": {
            "state": "open",
            "until": "2026-07-01T10:00:30Z",
            "failures": 5
          },
          "failures": 2,
          "not_before": "2026-07-01T10:01:00Z",
          "tested": {
            "at": "2026-07-01T10:00:00Z",
            "ok": false,
            "found": "401 unauthorized"
          }
        }
        "#);
    }

    #[test]
    fn a_feed_shows_its_host_if_it_is_the_only_one_of_its_unit() {
        let calendar = r#"{"version":1,"kind":"calendar","imports":[{"unit":"suite","url":"https://feeds.example/ical/S3.ics"},
            {"unit":"loft","url":"https://a.example/1"},{"unit":"loft","url":"https://b.example/2"},{"unit":"attic","url":"::"}]}"#;
        let state =
            FeedState { at: now().as_millisecond(), fault: Some("feed-truncated".into()), ..FeedState::default() };
        let feeds = [("suite/h1".to_owned(), state.clone()), ("loft/h2".to_owned(), state)].into();
        let progress = Progress { feeds, ..Progress::default() };
        let channel = channel(calendar);
        let row =
            Row::new(&"vrbo".parse().expect("an id"), &channel, &progress, &Circuit::default(), &changes(), now());
        let shown = |feed: &Feed| format!("{} {:?} {:?} {}", feed.unit, feed.host, feed.fault, feed.at.is_some());
        insta::assert_debug_snapshot!(row.feeds.iter().map(shown).collect::<Vec<_>>(), @r#"
        [
            "suite Some(\"feeds.example\") Some(\"feed-truncated\") true",
            "loft None Some(\"feed-truncated\") true",
            "loft None None false",
            "attic Some(\"(no host)\") None false",
        ]
        "#);
    }
}
