//! What a template may say: each fact always there, empty or 0 where it is not known.

use bellhop_events::catalogue::{Booking, FreeMessage, Party, Property};
use bellhop_events::{BookingId, Money, PropertyId};
use serde::Serialize;

/// The facts of one message, in the names that templates use: `guest.name`, `booking.arrival` and so on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Who is written to.
    pub guest: GuestFacts,
    /// The property.
    pub property: PlaceFacts,
    /// The unit or room type.
    pub unit: PlaceFacts,
    /// The booking.
    pub booking: BookingFacts,
    /// A message of the PMS's own words.
    pub message: MessageFacts,
}

/// A guest.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct GuestFacts {
    /// As the PMS has it, on one line.
    pub name: String,
    /// BCP 47.
    pub language: String,
}

/// A property or unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct PlaceFacts {
    /// As the PMS names it.
    pub id: String,
    /// For people.
    pub name: String,
}

/// A booking.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct BookingFacts {
    /// As the PMS names it.
    pub id: String,
    /// The channel's own number of the booking.
    pub reference: String,
    /// `YYYY-MM-DD`; see the filter `date`.
    pub arrival: String,
    /// `YYYY-MM-DD`.
    pub departure: String,
    /// How many nights.
    pub nights: i32,
    /// Local time from which guests may arrive, `HH:MM`.
    pub check_in: String,
    /// Local time until which guests leave, `HH:MM`.
    pub check_out: String,
    /// Adults.
    pub adults: u8,
    /// Children.
    pub children: u8,
    /// Infants.
    pub infants: u8,
    /// In the currency's unit, with its decimals: `120.50`.
    pub total: String,
    /// ISO 4217.
    pub currency: String,
}

/// A message in the PMS's own words.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MessageFacts {
    /// One line.
    pub subject: String,
    /// Plain text of some lines.
    pub text: String,
}

impl Facts {
    /// The facts of a booking.
    #[must_use]
    pub fn of(
        id: &BookingId,
        booking: &Booking,
        property_id: &PropertyId,
        property: Option<&Property>,
        message: Option<&FreeMessage>,
    ) -> Self {
        let line = |text: Option<&String>| text.map(|text| one_line(text)).unwrap_or_default();
        let guest = booking.guest.as_ref();
        let unit = property.and_then(|property| property.unit(&booking.unit));
        let Party { adults, children, infants } = booking.party.unwrap_or(Party { adults: 0, children: 0, infants: 0 });
        let time = |time: Option<bellhop_events::LocalTime>| time.map(String::from).unwrap_or_default();
        Self {
            guest: GuestFacts {
                name: line(guest.and_then(|guest| guest.name.as_ref())),
                language: line(guest.and_then(|guest| guest.language.as_ref())),
            },
            property: PlaceFacts {
                id: property_id.to_string(),
                name: line(property.and_then(|property| property.name.as_ref())),
            },
            unit: PlaceFacts { id: booking.unit.to_string(), name: line(unit.and_then(|unit| unit.name.as_ref())) },
            booking: BookingFacts {
                id: id.to_string(),
                reference: line(booking.reference.as_ref()),
                arrival: booking.arrival.to_string(),
                departure: booking.departure.to_string(),
                nights: booking.stay().map(|stay| stay.nights()).unwrap_or_default(),
                check_in: time(property.map(|property| property.check_in)),
                check_out: time(property.map(|property| property.check_out)),
                adults,
                children,
                infants,
                total: booking.total.as_ref().map(decimal).unwrap_or_default(),
                currency: booking.total.as_ref().map(|total| total.currency.clone().into()).unwrap_or_default(),
            },
            message: MessageFacts {
                subject: line(message.and_then(|message| message.subject.as_ref())),
                text: message.and_then(|message| message.text.as_deref()).map(lines).unwrap_or_default(),
            },
        }
    }

    /// A booking of which everything is known, for checks and previews.
    #[must_use]
    pub fn sample() -> Self {
        let text = str::to_owned;
        Self {
            guest: GuestFacts { name: text("Ana Sample"), language: text("en") },
            property: PlaceFacts { id: text("villa"), name: text("Villa Sample") },
            unit: PlaceFacts { id: text("u1"), name: text("Garden room") },
            booking: BookingFacts {
                id: text("b1"),
                reference: text("ABC-123"),
                arrival: text("2026-07-03"),
                departure: text("2026-07-06"),
                nights: 3,
                check_in: text("15:00"),
                check_out: text("11:00"),
                adults: 2,
                children: 1,
                infants: 1,
                total: text("420.00"),
                currency: text("EUR"),
            },
            message: MessageFacts { subject: text("A sample"), text: text("First line.\n\nSecond paragraph.") },
        }
    }

    /// The same with one text in each place where a text of somebody's may stand: for tests of what hostile ones do.
    #[must_use]
    pub fn saying(text: &str) -> Self {
        let mut facts = Self::sample();
        let names =
            [&mut facts.guest.name, &mut facts.property.name, &mut facts.unit.name, &mut facts.booking.reference];
        for place in names.into_iter().chain([&mut facts.message.subject, &mut facts.message.text]) {
            text.clone_into(place);
        }
        facts
    }

    /// A booking of which as little is known as may be.
    #[must_use]
    pub fn bare() -> Self {
        let full = Self::sample();
        let nameless = |place: PlaceFacts| PlaceFacts { name: String::new(), ..place };
        Self {
            guest: GuestFacts::default(),
            property: nameless(full.property),
            unit: nameless(full.unit),
            booking: BookingFacts {
                reference: String::new(),
                nights: 0,
                check_in: String::new(),
                check_out: String::new(),
                adults: 0,
                children: 0,
                infants: 0,
                total: String::new(),
                currency: String::new(),
                ..full.booking
            },
            message: MessageFacts::default(),
        }
    }
}

/// Characters that are no text: control characters, and those that turn the direction of what follows them (UAX #9: embeddings,
/// overrides, isolates), with which a name could rewrite the sentence around it.
pub(crate) fn is_text(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// On one line: what is no text is a space, and white space is one space.
pub(crate) fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if is_text(c) { c } else { ' ' }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Some lines, ended by line feeds.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|&c| is_text(c) || matches!(c, '\n' | '\t')).collect()
}

/// An amount with the decimals of its currency (ISO 4217, table A.1).
fn decimal(money: &Money) -> String {
    const NONE: [&str; 16] = [
        "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF",
    ];
    const THREE: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];
    let currency = String::from(money.currency.clone());
    let digits = match currency.as_str() {
        code if NONE.contains(&code) => return money.amount.to_string(),
        code if THREE.contains(&code) => 3,
        _ => 2,
    };
    let (amount, unit) = (money.amount.unsigned_abs(), 10_u64.pow(digits));
    let sign = if money.amount < 0 { "-" } else { "" };
    format!("{sign}{}.{:0width$}", amount / unit, amount % unit, width = digits as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_decimals_of_their_currency() {
        let money = |amount, code: &str| Money { amount, currency: code.to_owned().try_into().expect("a currency") };
        let of = |amount, code| decimal(&money(amount, code));
        assert_eq!(of(12_050, "EUR"), "120.50");
        assert_eq!(of(-5, "EUR"), "-0.05");
        assert_eq!(of(12_050, "JPY"), "12050");
        assert_eq!(of(12_050, "KWD"), "12.050");
        assert_eq!(of(i64::MIN, "EUR"), "-92233720368547758.08");
    }

    #[test]
    fn names_are_one_line_of_text() {
        assert_eq!(one_line(" Ana\r\nBcc: x\u{0}\u{202e}\u{85}  y "), "Ana Bcc: x y");
        assert_eq!(one_line("José 日本 عمر"), "José 日本 عمر");
        assert_eq!(lines("a\r\nb\rc\u{7}\u{202e}\td"), "a\nb\nc\td");
    }

    #[test]
    fn facts_of_a_booking() {
        let booking: Booking = serde_json::from_value(serde_json::json!({
            "version": 1, "unit": "u1", "arrival": "2026-07-03", "departure": "2026-07-06", "reference": "X-1",
            "party": {"adults": 2}, "total": {"amount": 42000, "currency": "EUR"}, "guest": {"name": "Ana\nX"},
        }))
        .expect("a booking");
        let property: Property = serde_json::from_value(serde_json::json!({
            "version": 1, "name": "Villa", "time_zone": "UTC", "check_in": "15:00", "check_out": "11:00",
            "units": [{"id": "u1", "name": "Garden"}],
        }))
        .expect("a property");
        let ids = ("b1".parse().expect("an id"), "villa".parse().expect("an id"));
        let facts = Facts::of(&ids.0, &booking, &ids.1, Some(&property), None);
        insta::assert_json_snapshot!(facts);
        let alone = Facts::of(&ids.0, &booking, &ids.1, None, None);
        assert_eq!((alone.unit.name.as_str(), alone.booking.check_in.as_str()), ("", ""));
    }
}
