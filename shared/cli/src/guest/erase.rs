//! `bellhop guest erase`: finds one guest's personal data in all that a tenant stores, shows where, and erases it.

use std::collections::BTreeMap;

use bellhop_erasure::{Asked, Asker, BookingRef, Erased, Eraser, ErasureError, Guest, Plan};
use bellhop_events::{BookingId, PropertyId, TenantId};
use bellhop_mail::Address;
use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;

/// Bookings that are named in a line.
const NAMED: usize = 5;

/// Whom to erase.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub struct Erase {
    /// Whose guest
    #[arg(long)]
    tenant: TenantId,
    /// The guest's address: all bookings that hold it
    #[arg(long, value_name = "ADDRESS", value_parser = address, required_unless_present = "booking", conflicts_with = "booking")]
    mail: Option<Address>,
    /// One booking
    #[arg(long, value_name = "ID", requires = "property")]
    booking: Option<BookingId>,
    /// The property of the booking
    #[arg(long, requires = "booking")]
    property: Option<PropertyId>,
    /// Keep the entry that an address of theirs gets no mail: it is kept by its hash
    #[arg(long)]
    keep_suppression: bool,
    /// Say what would be erased, erase nothing
    #[arg(long)]
    dry_run: bool,
    /// Why: kept with who and when
    #[arg(long, value_name = "TEXT")]
    because: Option<String>,
    /// Who you are: kept with the rest
    #[arg(long = "as", value_name = "NAME", env = "USER", default_value = "operator")]
    by: String,
    /// Erase without asking; else the tenant's id must be typed
    #[arg(long)]
    yes: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// An address on the command line, which no error shows again.
fn address(text: &str) -> Result<Address, String> {
    Address::parse(text).map_err(|fault| format!("expected {}", fault.expected))
}

/// Finds, shows, and erases.
pub async fn erase(cloud: &Cloud, args: &Erase) -> Result<Exit, CliError> {
    let who = match (&args.mail, &args.booking, &args.property) {
        (Some(address), _, _) => Asked::Mail(address.clone()),
        (None, Some(booking), Some(property)) => {
            Asked::Booking(BookingRef { property: property.to_string(), id: booking.to_string() })
        }
        _ => return Err(CliError::usage("expected --mail ADDRESS, or --booking ID with --property PROPERTY")),
    };
    let eraser = Eraser { store: &cloud.store, tenant: &args.tenant, now: Timestamp::now() };
    let mut guest = eraser.find(&who).await?;
    guest.keep_suppression = args.keep_suppression;
    let plan = eraser.plan(&guest).await?;
    let found: BTreeMap<_, _> = plan.counts.iter().map(|(kind, count)| (kind.word(), *count)).collect();
    if !args.json {
        show(&guest, &found);
    }
    let done = if args.dry_run || plan.is_empty() {
        let Plan { left, hints, scanned, .. } = plan;
        Erased { left, hints, proven_over: scanned, ..Erased::default() }
    } else {
        if !args.yes && !is_typed(args) {
            return Err(CliError::refused(
                "not-confirmed",
                "nothing was erased",
                "Type the tenant's id, or say --yes.",
            ));
        }
        let asker = Asker { by: name(&args.by), because: args.because.clone() };
        eraser.erase(&guest, plan, &asker).await.map_err(refusal)?
    };
    tell(args, &guest, &found, &done);
    // What stays needs a person.
    Ok(if done.left.is_empty() || args.dry_run { Exit::Ok } else { Exit::Refused })
}

fn show(guest: &Guest, found: &BTreeMap<&str, u64>) {
    let bookings: Vec<_> = guest.bookings.iter().map(ToString::to_string).collect();
    let count = u64::try_from(bookings.len()).unwrap_or(u64::MAX);
    output::line(format_args!("the guest of {}", some(&bookings, count)));
    if found.is_empty() {
        return;
    }
    let mut table = output::table(&["where", "items"]);
    output::numbers(&mut table, 1..2);
    for (place, items) in found {
        table.add_row([(*place).to_owned(), items.to_string()]);
    }
    output::line(table);
}

/// The first few bookings, and how many more.
pub fn some(bookings: &[String], count: u64) -> String {
    let named = bookings.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    match count.saturating_sub(u64::try_from(NAMED).unwrap_or_default()) {
        _ if bookings.is_empty() => "no booking that is known".to_owned(),
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

fn tell(args: &Erase, guest: &Guest, found: &BTreeMap<&str, u64>, erased: &Erased) {
    let Erased { changed, left, hints, proven_over } = erased;
    if args.json {
        let bookings: Vec<_> = guest.bookings.iter().map(ToString::to_string).collect();
        output::json(&json!({
            "bookings": bookings, "found": found, "erased": changed, "left": left, "hints": hints,
            "unsearched": guest.unsearched, "scanned": proven_over, "dry_run": args.dry_run,
        }));
        return;
    }
    let items: u64 = changed.values().sum();
    if found.is_empty() {
        output::line(format_args!("nothing of this guest is stored: a scan of {proven_over} items found none"));
    } else if args.dry_run {
        output::line("dry run: nothing was erased");
    } else {
        output::line(format_args!("{items} items were changed; a scan of {proven_over} items found nothing more"));
    }
    let list = |what: &str, places: &[String]| {
        if !places.is_empty() {
            output::note(what);
            for place in places {
                output::note(format_args!("  {place}"));
            }
        }
    };
    list("A string of the guest stands here, where Bellhop changes nothing; see to it by hand:", left);
    list("A part of the guest's name stands here, perhaps by chance; look at it:", hints);
    let unsearched = guest.unsearched;
    if unsearched.shared > 0 {
        output::note(format_args!(
            "{} of the guest's strings stand in other bookings too, so they were erased in this guest's fields and not searched in texts. Are those bookings the same guest's? --mail erases them all.",
            unsearched.shared
        ));
    }
    if unsearched.short > 0 {
        output::note(format_args!(
            "{} of the guest's strings are too short to be searched in texts: they were erased in the fields that hold them.",
            unsearched.short
        ));
    }
    output::note(
        "Erase the guest in the PMS too: an event that comes later brings the data back. What waits in SQS now (14 days at most, and \
         as long in a dead-letter queue) is not seen: when it is worked, erase each booking again, with --booking, for the address is \
         stored no more; what tasks and notes say of the guest by then is not found. Nor is what came in no message group of this tenant \
         searched, which lies on the operators' desk. Backups keep the data until they expire.",
    );
}

fn name(by: &str) -> String {
    if by.trim().is_empty() { "operator".to_owned() } else { by.trim().to_owned() }
}

fn is_typed(args: &Erase) -> bool {
    output::note(format_args!("This cannot be undone. To erase it, type {}:", args.tenant));
    let mut typed = String::new();
    std::io::stdin().read_line(&mut typed).is_ok() && typed.trim() == args.tenant.as_str()
}

fn refusal(error: ErasureError) -> CliError {
    match error {
        ErasureError::Store(error) => error.into(),
        ErasureError::StillWritten => {
            CliError::refused("still-written", error, "Erase the guest in the PMS, then run the same again.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_bookings_are_named_in_one_line() {
        let names: Vec<_> = (1..=7).map(|n| format!("villa/{n}")).collect();
        assert_eq!(some(&names, 7), "villa/1, villa/2, villa/3, villa/4, villa/5 and 2 more");
        assert_eq!(some(&names[..1], 1), "villa/1");
        assert_eq!(some(&[], 0), "no booking that is known");
    }
}
