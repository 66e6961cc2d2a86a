//! Who the guest is: the bookings that are meant, and the strings that they hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bellhop_events::TenantId;
use bellhop_mail::Address;
use bellhop_store::{Item, Key, StoreError};

use crate::item::{Kind, Said, group_of, said_in};
use crate::words::{LEAST_CHARACTERS, Words};

/// A booking of the tenant. As texts, for what names it may be broken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BookingRef {
    /// At which property.
    pub property: String,
    /// Its id.
    pub id: String,
}

impl fmt::Display for BookingRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.property, self.id)
    }
}

/// Whose data is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// The guest of one booking.
    Booking(BookingRef),
    /// The guest with this address, in all bookings.
    Mail(Address),
}

/// What one item says of a guest: each value, by the name of its field.
type Card = BTreeSet<(String, String)>;

/// What all bookings of a tenant say of their guests; several things of one, if it changed.
#[derive(Debug)]
pub struct Census {
    tenant: TenantId,
    cards: BTreeMap<BookingRef, BTreeSet<Card>>,
}

/// What names a guest. Anything else that a PMS says of one, such as a country, names others too.
const NAMES: [&str; 3] = ["name", "email", "phone"];

/// Why strings are not searched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Unsearched {
    /// Strings that are too short.
    pub short: u64,
    /// Strings that stand in other bookings too, for another guest or the same one.
    pub shared: u64,
}

/// The guest.
#[derive(Debug, Clone)]
pub struct Guest {
    /// Whose.
    pub tenant: TenantId,
    /// The bookings.
    pub bookings: BTreeSet<BookingRef>,
    /// Names, addresses, numbers: replaced in prose, and searched everywhere.
    pub words: Words,
    /// Parts of the name, searched only: one word of it may be an innocent one.
    pub parts: Words,
    /// What notifications know of the addresses that no other booking has.
    pub hashes: BTreeSet<String>,
    /// Whether what says that an address gets no mail stays.
    pub keep_suppression: bool,
    /// Those of the bookings that another guest has, or had.
    pub(crate) passed_on: BTreeSet<BookingRef>,
    /// What stands beside the address that was asked for: by a name or a number of these a guest with another address is the same.
    beside: BTreeSet<String>,
    /// What is not searched, but erased in the fields that are known to hold it.
    pub unsearched: Unsearched,
    /// The address that was asked for: items that hold it go last, so that a second run finds the rest by them.
    pub(crate) address: Option<Address>,
}

impl Census {
    /// Nothing yet.
    #[must_use]
    pub fn of(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), cards: BTreeMap::new() }
    }

    /// Takes in an item of the tenant.
    pub fn add(&mut self, key: &Key, item: &Item) -> Result<(), StoreError> {
        let kind = Kind::of(key);
        let Said { bookings, guest } = said_in(kind, key, item, group_of(kind, key, item).as_deref(), &self.tenant)?;
        if !guest.is_empty() {
            for booking in bookings {
                self.cards.entry(booking).or_default().insert(guest.iter().cloned().collect());
            }
        }
        Ok(())
    }

    /// The guest who is meant.
    #[must_use]
    pub fn choose(&self, asked: &Asked) -> Guest {
        let address = match asked {
            Asked::Booking(_) => None,
            Asked::Mail(address) => Some(address.clone()),
        };
        let is_meant = |booking: &BookingRef, cards: &BTreeSet<Card>| match asked {
            Asked::Booking(meant) => booking == meant,
            Asked::Mail(address) => cards.iter().flatten().any(|(_, text)| is_address(text, address)),
        };
        let (meant, others): (Vec<_>, Vec<_>) =
            self.cards.iter().partition(|(booking, cards)| is_meant(booking, cards));
        let mut bookings: BTreeSet<_> = meant.iter().map(|(booking, _)| (*booking).clone()).collect();
        let holds = |card: &&Card| {
            address.as_ref().is_some_and(|address| card.iter().any(|(_, text)| is_address(text, address)))
        };
        let beside: BTreeSet<_> =
            self.cards.values().flatten().filter(holds).flatten().filter(|value| is_name(value)).map(lower).collect();
        let is_elses = |card: &Card| address.as_ref().is_some_and(|address| is_anothers(card, address, &beside));
        let passed_on = meant.iter().filter(|(_, cards)| cards.iter().any(is_elses));
        let passed_on = passed_on.map(|(booking, _)| (*booking).clone()).collect();
        let (theirs, own): (Vec<_>, Vec<_>) =
            meant.iter().flat_map(|(_, cards)| cards.iter()).partition(|card| is_elses(card));
        if let Asked::Booking(meant) = asked {
            bookings.insert(meant.clone());
        }
        let own: BTreeSet<_> = own.into_iter().flatten().filter(|value| is_name(value)).collect();
        let others = others.iter().flat_map(|(_, cards)| cards.iter()).chain(theirs);
        let others: BTreeSet<_> = others.flatten().map(|(_, text)| text).collect();
        let is_shared = |text: &String| {
            let word = Words::of([text]);
            others.iter().any(|other| word.are_in(other))
        };
        let asked_text = address.as_ref().map(|address| address.expose().to_owned());
        let texts: BTreeSet<&String> = own.iter().map(|(_, text)| text).chain(&asked_text).collect();
        let (long, short): (Vec<_>, Vec<_>) =
            texts.into_iter().partition(|text| text.chars().count() >= LEAST_CHARACTERS);
        let (shared, searched): (Vec<_>, Vec<_>) = long.into_iter().partition(|text| is_shared(text));
        // One word may be an innocent one.
        let (searched, single): (Vec<_>, Vec<_>) = searched
            .into_iter()
            .partition(|text| text.contains(|c: char| c.is_whitespace() || c.is_ascii_digit() || c == '@'));
        let names = own.iter().filter(|(name, _)| name == "name").flat_map(|(_, text)| text.split_whitespace());
        let parts = names.map(str::to_owned).filter(|part| !is_shared(part));
        let parts: Vec<_> = parts.chain(single.into_iter().cloned()).collect();
        // Others with the same address have their own mails, and their own reasons to get none.
        let addresses = searched.iter().filter_map(|text| Address::parse(text).ok()).chain(address.clone());
        let count = |texts: &[&String]| u64::try_from(texts.len()).unwrap_or(u64::MAX);
        Guest {
            tenant: self.tenant.clone(),
            bookings,
            passed_on,
            beside,
            keep_suppression: false,
            hashes: addresses.map(|address| address.hash(&self.tenant)).collect(),
            unsearched: Unsearched { short: count(&short), shared: count(&shared) },
            words: Words::of(searched),
            parts: Words::of(&parts),
            address,
        }
    }
}

impl Guest {
    /// Whether what is said of a guest is said of another than the one with the address that was asked for.
    pub(crate) fn is_somebody_elses(&self, said: &[(String, String)]) -> bool {
        self.address.as_ref().is_some_and(|address| is_anothers(said, address, &self.beside))
    }

    pub(crate) fn has_asked_address(&self, said: &[(String, String)]) -> bool {
        self.address.as_ref().is_some_and(|address| said.iter().any(|(_, text)| is_address(text, address)))
    }
}

fn is_name((name, _): &(String, String)) -> bool {
    NAMES.contains(&name.as_str())
}

fn lower((_, text): &(String, String)) -> String {
    text.to_lowercase()
}

/// Another address, another name, another number: another guest.
fn is_anothers<'a, S>(said: S, asked: &Address, beside: &BTreeSet<String>) -> bool
where
    S: IntoIterator<Item = &'a (String, String)> + Copy,
{
    let has_another = said.into_iter().any(|(name, text)| name == "email" && !is_address(text, asked));
    has_another && !said.into_iter().filter(|value| is_name(value)).any(|value| beside.contains(&lower(value)))
}

fn is_address(text: &str, address: &Address) -> bool {
    text.trim().eq_ignore_ascii_case(address.expose())
}
