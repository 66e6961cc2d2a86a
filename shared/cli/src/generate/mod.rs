//! `bellhop generate`: a season to try Bellhop with, and real bookings as events.

mod channel;
mod hotel;
mod maker;
mod poison;
mod season;

pub use maker::id;
pub use season::endless::Endless;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use clap::Args;
use jiff::civil::Date;

use crate::error::{CliError, Exit};
use crate::output;

/// What `bellhop generate` is told.
#[derive(Debug, Args)]
pub struct Generate {
    /// The same seed gives the same season
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Tag put behind tenants and event ids, so that two runs never meet
    #[arg(long, value_name = "TAG", default_value = "demo", value_parser = tag)]
    run: String,
    /// How many bookings, over all properties
    #[arg(long, default_value_t = 500)]
    bookings: usize,
    /// First month of the season; it lasts two
    #[arg(long, value_name = "YYYY-MM", default_value = "2026-07", value_parser = crate::calendar::month)]
    month: Date,
    /// Where to write the events
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: String,
    /// Also write some events that are wrong, for `bellhop post --raw`
    #[arg(long, value_name = "FILE", conflicts_with = "from_csv")]
    poison: Option<String>,
    /// Also give each property a channel manager at this address, and rates; its key is the secret `bellhop/TENANT/channel`
    #[arg(long, value_name = "URL", conflicts_with = "from_csv")]
    channel: Option<String>,
    /// Make events of the hotel booking demand data set instead (CSV), as property `hotel` of tenant `resort-TAG`
    #[arg(long, value_name = "FILE")]
    from_csv: Option<String>,
}

/// Events, one JSON text each, and what they are meant to show.
#[derive(Debug, Default)]
struct Stream {
    events: Vec<String>,
    made: BTreeMap<&'static str, usize>,
}

impl Stream {
    fn push(&mut self, what: &'static str, event: String) {
        *self.made.entry(what).or_default() += 1;
        self.events.push(event);
    }
}

/// A tag that fits every id.
fn tag(text: &str) -> Result<String, String> {
    let fine = (1..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if fine { Ok(text.to_owned()) } else { Err("expected 1 to 16 lower-case letters and digits".to_owned()) }
}

/// Writes the events.
pub fn generate(args: &Generate) -> Result<Exit, CliError> {
    let mut stream = Stream::default();
    if let Some(file) = &args.from_csv {
        hotel::events(file, &args.run, &mut stream)?;
    } else {
        season::events(args, &mut stream)?;
    }
    write(&args.out, &stream)?;
    if let Some(file) = &args.poison {
        let mut wrong = Stream::default();
        poison::events(&args.run, args.month, &mut wrong)?;
        write(file, &wrong)?;
    }
    Ok(Exit::Ok)
}

fn write(file: &str, stream: &Stream) -> Result<(), CliError> {
    let mut text = stream.events.join("\n");
    text.push('\n');
    if file == "-" {
        output::line(text.trim_end());
    } else {
        std::fs::write(file, text).map_err(|error| CliError::file(file, &error))?;
    }
    let mut made = String::new();
    for (what, number) in &stream.made {
        let _ = write!(made, "\n  {number:5} {what}");
    }
    output::note(format_args!(
        "{} events{}{made}",
        stream.events.len(),
        if file == "-" { String::new() } else { format!(" in {file}") }
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use bellhop_events::catalogue::{find, personal::without_guest};
    use bellhop_events::{Envelope, Fault};
    use serde_json::Value;

    use super::*;

    fn check(body: &str) -> Result<Envelope, Fault> {
        let event = Envelope::decode(body)?;
        (find(&event.event_type)?.check)(&event)?;
        Ok(event)
    }

    /// What waits somewhere can still be worked when its guest was erased.
    #[test]
    fn every_event_of_a_season_is_as_valid_without_its_guest() {
        for seed in 1..=3 {
            let args = Generate {
                seed,
                run: "test".to_owned(),
                bookings: 200,
                month: jiff::civil::date(2026, 7, 1),
                out: "-".to_owned(),
                poison: None,
                channel: Some("https://channel.example".to_owned()),
                from_csv: None,
            };
            let mut stream = Stream::default();
            season::events(&args, &mut stream).expect("a season");
            poison::events(&args.run, args.month, &mut stream).expect("wrong ones");
            let mut guests = 0;
            for body in &stream.events {
                let Ok(Value::Object(event)) = serde_json::from_str(body) else { continue };
                let bare = Value::from(without_guest(&event)).to_string();
                assert!(!bare.contains("@example.com"), "{bare}");
                guests += usize::from(body.contains("@example.com"));
                if let Ok(known) = check(body) {
                    let event = check(&bare).unwrap_or_else(|fault| panic!("{fault}: {bare}"));
                    assert_eq!((&event.id, &event.subject, event.group()), (&known.id, &known.subject, known.group()));
                    assert_eq!(event.data.get("version"), known.data.get("version"));
                }
            }
            assert!(guests > 100, "{guests}");
        }
    }
}
