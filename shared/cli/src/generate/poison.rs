//! What a PMS should never send: to be posted unchecked, so that one sees what the workers do with it.

use bellhop_events::Subject;
use bellhop_events::catalogue::BOOKING_CREATED;
use jiff::civil::Date;
use serde_json::json;

use super::Stream;
use super::maker::{Maker, booking, id};
use super::season::start;
use crate::error::CliError;

/// Some events that cannot be done, and one that must wait behind such a one.
pub fn events(run: &str, month: Date, stream: &mut Stream) -> Result<(), CliError> {
    let mut maker = Maker::new("seaside", "grand-hotel", &format!("{run}-x"), start(month))?;
    // The tag above keeps ids apart from the season's; the tenant is the season's.
    let tenant = format!("seaside-{run}");
    let mut event = |number: &str, version, nights| -> Result<serde_json::Value, CliError> {
        let subject = Subject::Booking(id(number)?);
        let made = maker.event(&BOOKING_CREATED, subject, &booking(version, &id("double")?, month, nights))?;
        let mut value = json!(made);
        value["tenant"] = json!(tenant);
        Ok(value)
    };
    stream.push("departure before arrival", event("X1", 1, -3)?.to_string());
    stream.push("good, but behind the one before", event("X1", 2, 3)?.to_string());
    let mut unknown = event("X2", 1, 2)?;
    unknown["type"] = json!("pms.booking.teleported.v1");
    stream.push("of an unknown type", unknown.to_string());
    let mut shouting = event("X3", 1, 2)?;
    shouting["tenant"] = json!(tenant.to_uppercase());
    stream.push("with the tenant in upper case", shouting.to_string());
    let mut whole = event("X4", 1, 2)?.to_string();
    whole.truncate(whole.len() / 2);
    stream.push("cut off in the middle", whole);
    Ok(())
}
