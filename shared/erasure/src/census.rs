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

/// What all bookings of a tenant say of their guests.
#[derive(Debug, Default)]
pub struct Census(BTreeMap<BookingRef, BTreeSet<(String, String)>>);

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
    /// What is not searched, but erased in the fields that are known to hold it.
    pub unsearched: Unsearched,
    /// The address that was asked for: items that hold it go last, so that a second run finds the rest by them.
    pub(crate) address: Option<Address>,
}

impl Census {
    /// Takes in an item of the tenant.
    pub fn add(&mut self, key: &Key, item: &Item) -> Result<(), StoreError> {
        let kind = Kind::of(key);
        let Said { bookings, guest } = said_in(kind, key, item, group_of(kind, key, item).as_deref())?;
        if !guest.is_empty() {
            for booking in bookings {
                self.0.entry(booking).or_default().extend(guest.iter().cloned());
            }
        }
        Ok(())
    }

    /// The guest who is meant.
    #[must_use]
    pub fn choose(&self, tenant: &TenantId, asked: &Asked) -> Guest {
        let address = match asked {
            Asked::Booking(_) => None,
            Asked::Mail(address) => Some(address.clone()),
        };
        let is_meant = |booking: &BookingRef, said: &BTreeSet<(String, String)>| match asked {
            Asked::Booking(meant) => booking == meant,
            Asked::Mail(address) => said.iter().any(|(_, text)| is_address(text, address)),
        };
        let (own, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|(booking, said)| is_meant(booking, said));
        let mut bookings: BTreeSet<_> = own.iter().map(|(booking, _)| (*booking).clone()).collect();
        if let Asked::Booking(meant) = asked {
            bookings.insert(meant.clone());
        }
        // A language is personal, but names nobody.
        let own: BTreeSet<_> =
            own.iter().flat_map(|(_, said)| said.iter()).filter(|(name, _)| name != "language").collect();
        let others: BTreeSet<_> = others.iter().flat_map(|(_, said)| said.iter()).map(|(_, text)| text).collect();
        let is_shared = |text: &String| {
            let word = Words::of([text]);
            others.iter().any(|other| word.are_in(other))
        };
        let asked_text = address.as_ref().map(|address| address.expose().to_owned());
        let texts: BTreeSet<&String> = own.iter().map(|(_, text)| text).chain(&asked_text).collect();
        let (long, short): (Vec<_>, Vec<_>) =
            texts.into_iter().partition(|text| text.chars().count() >= LEAST_CHARACTERS);
        let (shared, searched): (Vec<_>, Vec<_>) = long.into_iter().partition(|text| is_shared(text));
        let names = own.iter().filter(|(name, _)| name == "name").flat_map(|(_, text)| text.split_whitespace());
        let parts: Vec<_> = names.map(str::to_owned).filter(|part| !is_shared(part)).collect();
        // Others with the same address have their own mails, and their own reasons to get none.
        let addresses = searched.iter().filter_map(|text| Address::parse(text).ok()).chain(address.clone());
        let count = |texts: &[&String]| u64::try_from(texts.len()).unwrap_or(u64::MAX);
        Guest {
            tenant: tenant.clone(),
            bookings,
            keep_suppression: false,
            hashes: addresses.map(|address| address.hash(tenant)).collect(),
            unsearched: Unsearched { short: count(&short), shared: count(&shared) },
            words: Words::of(searched),
            parts: Words::of(&parts),
            address,
        }
    }
}

impl Guest {
    pub(crate) fn has_asked_address(&self, said: &[(String, String)]) -> bool {
        self.address.as_ref().is_some_and(|address| said.iter().any(|(_, text)| is_address(text, address)))
    }
}

fn is_address(text: &str, address: &Address) -> bool {
    text.trim().eq_ignore_ascii_case(address.expose())
}
