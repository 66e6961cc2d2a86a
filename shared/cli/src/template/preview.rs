//! `bellhop template preview`

use bellhop_events::catalogue::{MessageKind, Property};
use bellhop_events::{BookingId, PropertyId, TenantId};
use bellhop_mail::{Facts, Template, builtin, locales, render};
use bellhop_store::calendar::{BookingState, CalendarState};
use bellhop_store::mails::SavedTemplate;
use bellhop_worker::state_in;
use clap::Args;
use serde_json::json;

use super::{Locale, parts};
use crate::cloud::Cloud;
use crate::error::{CliError, Exit};
use crate::output;
use crate::place::{self, Place};

/// What to show.
#[derive(Debug, Args)]
pub struct Preview {
    /// Which kind of message
    #[arg(long)]
    kind: MessageKind,
    /// The guest's language; without it, that of the booking, else English
    #[arg(long)]
    locale: Option<Locale>,
    /// Whose templates; without it, those that are built in
    #[arg(long)]
    tenant: Option<TenantId>,
    /// With --booking: of which property
    #[arg(long, requires_all = ["tenant", "booking"])]
    property: Option<PropertyId>,
    /// The booking that it is about, with a name made up; without it, all is made up
    #[arg(long, value_name = "ID", requires_all = ["tenant", "property"])]
    booking: Option<BookingId>,
    /// Where to write the HTML part; without it, KIND.LOCALE.html
    #[arg(long, value_name = "FILE")]
    out: Option<String>,
    /// Print as JSON, the HTML too; no file but the one that --out names is written
    #[arg(long)]
    json: bool,
}

/// A template that was chosen.
struct Chosen {
    template: Template,
    locale: String,
    built_in: bool,
}

/// Shows what a guest would get.
pub async fn preview(args: &Preview, prefix: &str) -> Result<Exit, CliError> {
    let cloud = Cloud::connect(prefix).await;
    let (facts, language, languages) = match (&args.tenant, &args.property, &args.booking) {
        (Some(tenant), Some(property), Some(id)) => {
            let place = Place { tenant: tenant.clone(), property: property.clone() };
            let (property, state) = known(&cloud, &place, id).await?;
            let language = state.booking.guest.as_ref().and_then(|guest| guest.language.clone());
            (facts(id, &state, &place, &property), language, property.languages)
        }
        _ => (Facts::sample(), None, Vec::new()),
    };
    let language = args.locale.as_ref().map(ToString::to_string).or(language);
    let chosen = choose(&cloud, args, &locales(language.as_deref(), &languages)).await?;
    let what = format!("{} {}", args.kind, chosen.locale);
    let rendered = render(&chosen.template, &facts).map_err(|fault| CliError::fault(&what, &fault))?;
    let file = args.out.clone().unwrap_or_else(|| format!("{}.{}.html", args.kind, chosen.locale));
    let source = if chosen.built_in { "built in" } else { "the tenant's own" };
    if args.out.is_some() || !args.json {
        std::fs::write(&file, &rendered.html).map_err(|error| CliError::file(&file, &error))?;
    }
    if args.json {
        output::json(&json!({
            "kind": args.kind, "locale": chosen.locale, "built_in": chosen.built_in, "subject": rendered.subject,
            "html": rendered.html, "text": rendered.text,
        }));
    } else {
        output::line(format_args!("{}\n\n{}", rendered.subject, rendered.text.trim_end()));
        output::note(format_args!("({what}, {source}; the HTML part is in {file})"));
    }
    Ok(Exit::Ok)
}

async fn known(cloud: &Cloud, place: &Place, id: &BookingId) -> Result<(Property, BookingState), CliError> {
    let scope = place.calendar();
    let property = place::property(&cloud.store, &scope).await?;
    let key = scope.own("booking/", id.as_str());
    let items = cloud.store.get(std::slice::from_ref(&key)).await?;
    match items.get(&key).map(|item| state_in(&key, item)).transpose()?.flatten() {
        Some(CalendarState::Booking(state)) => Ok((property, state)),
        _ => Err(CliError::refused(
            "booking-unknown",
            format_args!("{} has no booking {id}", scope.group()),
            "Check its id, tenant and property.",
        )),
    }
}

/// All that a template may say of a booking, but the guest's name, which is made up.
fn facts(id: &BookingId, state: &BookingState, place: &Place, property: &Property) -> Facts {
    let mut facts = Facts::of(id, &state.booking, &place.property, Some(property), None);
    facts.guest.name = Facts::sample().guest.name;
    facts.message = Facts::sample().message;
    facts
}

/// The first language in which the tenant has a template, else in which one is built in.
async fn choose(cloud: &Cloud, args: &Preview, candidates: &[String]) -> Result<Chosen, CliError> {
    let mut own = std::collections::HashMap::new();
    let key = |tenant: &TenantId, locale: &String| super::key(tenant, &args.kind, locale);
    if let Some(tenant) = &args.tenant {
        let keys: Vec<_> = candidates.iter().map(|locale| key(tenant, locale)).collect();
        own = cloud.store.get(&keys).await?;
    }
    // As the function does: what the tenant wrote in any of these languages comes before what is built in.
    for locale in candidates {
        let item = args.tenant.as_ref().and_then(|tenant| own.get(&key(tenant, locale)));
        if let Some(saved) = SavedTemplate::decode(item)? {
            return Ok(Chosen { template: parts(saved), locale: locale.clone(), built_in: false });
        }
    }
    for locale in candidates {
        if let Some(template) = builtin(args.kind.as_str(), locale) {
            return Ok(Chosen { template, locale: locale.clone(), built_in: true });
        }
    }
    Err(CliError::refused(
        "template-unknown",
        format_args!("there is no template of kind {} in {}", args.kind, candidates.join(", ")),
        "See which there are with bellhop template list, or save one with bellhop template save.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_knows_the_booking_and_not_the_guest() {
        let booking = json!({
            "version": 1, "unit": "suite", "arrival": "2026-07-03", "departure": "2026-07-06", "placed": "s",
            "guest": {"name": "Ada Lovelace", "email": "ada@example.com", "language": "de"},
        });
        let property = json!({
            "version": 1, "time_zone": "UTC", "check_in": "15:00", "check_out": "11:00", "units": [{"id": "suite"}],
        });
        let property = serde_json::from_value(property).expect("a property");
        let place = Place { tenant: "sea".parse().expect("an id"), property: "villa".parse().expect("an id") };
        let state = serde_json::from_value(booking).expect("a booking");
        let facts = facts(&"1".parse().expect("an id"), &state, &place, &property);
        let template = builtin("confirmation", "en").expect("a template");
        let rendered = render(&template, &facts).expect("renders");
        let all = format!("{rendered:?}");
        assert!(all.contains("Ana Sample") && !all.contains("Lovelace") && !all.contains("ada@"), "{all}");
    }
}
