//! A guest's mail address: one that can be sent to, or a fault that does not show it.

use std::fmt;

use bellhop_events::{Digest, Fault, Reason, TenantId};

/// Octets of the part before the `@`, and of the whole path without its angle brackets (RFC 5321, 4.5.3.1.1 and 4.5.3.1.3).
const MOST_LOCAL: usize = 64;
const MOST_ADDRESS: usize = 254;

/// A mail address of the form `local@domain`: a dot-string of ASCII before the `@`, a host name of two labels or more after
/// it; names of other scripts in their ASCII form (`xn--`). Quoted local parts and address literals are nobody's guest.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

impl Address {
    /// Reads an address as it stands: no white space around it, no display name.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let wrong = |expected| Err(Fault::new(Reason::InvalidAddress, "/guest/email").expected(expected));
        if text.len() > MOST_ADDRESS {
            return wrong("an address of at most 254 characters");
        }
        let Some((local, domain)) = text.split_once('@') else { return wrong("an address with an @") };
        if local.is_empty() || local.len() > MOST_LOCAL {
            return wrong("1 to 64 characters before the @");
        }
        if !local.split('.').all(|part| !part.is_empty() && part.bytes().all(is_atext)) {
            return wrong("letters, digits and single dots before the @, no space or quote");
        }
        if !is_host(domain) {
            return wrong("one @, and the name of a domain after it");
        }
        Ok(Self(text.to_owned()))
    }

    /// The address itself, for the mail service alone.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What stands for the address wherever it is kept: SHA-256 over tenant and lower-cased address, 64 characters of hex.
    #[must_use]
    pub fn hash(&self, tenant: &TenantId) -> String {
        Digest::of_bytes(format!("{tenant}#{}", self.0.to_ascii_lowercase()).as_bytes()).to_string()
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

/// RFC 5322, 3.2.3.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// RFC 1123, 2.1: labels of letters, digits and inner hyphens. The last one is no number, or it would be an IP address.
fn is_host(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let labels: Vec<_> = domain.split('.').collect();
    labels.len() >= 2
        && labels.iter().all(|label| is_label(label))
        && labels.last().is_some_and(|last| !last.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn usual_addresses_are_read() {
        let longest = format!("{}@{}.{}.{}.com", "a".repeat(64), "b".repeat(63), "c".repeat(63), "d".repeat(57));
        assert_eq!(longest.len(), 254);
        let usual = ["ana@example.com", "a.b+c_d@mail.example.co.uk", "o'hara@example.org", "x@xn--bcher-kva.example"];
        for text in usual.into_iter().chain([longest.as_str()]) {
            assert_eq!(Address::parse(text).map(|address| address.expose().to_owned()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_cannot_be_sent_to_is_refused_and_not_shown() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long = format!("a@{}com", "b.".repeat(126));
        let bad = [
            "",
            "@",
            "ana",
            "ana@",
            "@example.com",
            "ana@localhost",
            "ana@@example.com",
            "ana@b@example.com",
            "ana @example.com",
            " ana@example.com",
            "ana@example.com ",
            "ana@example.com\r\nBcc: eve@example.com",
            "ana\0@example.com",
            "<ana@example.com>",
            "Ana <ana@example.com>",
            "ana@example.com,eve@example.com",
            "ana;eve@example.com",
            "\"a b\"@example.com",
            "ana@[127.0.0.1]",
            "ana@127.0.0.1",
            "añа@example.com",
            "ana@bücher.example",
            "a..b@example.com",
            ".a@example.com",
            "a.@example.com",
            "ana@-example.com",
            "ana@example-.com",
            "ana@example..com",
            "ana@example.com.",
            "ana\u{202e}@example.com",
            "ana(c)@example.com",
            &long_local,
            &long,
        ];
        for text in bad {
            let fault = Address::parse(text).expect_err(text);
            assert_eq!(fault.reason, Reason::InvalidAddress);
            assert!(text.len() < 4 || !format!("{fault:?} {fault}").contains(text), "{fault}");
        }
        assert_eq!(format!("{:?}", Address::parse("ana@example.com").expect("an address")), "Address(…)");
    }

    #[test]
    fn a_hash_knows_the_tenant_and_not_the_case() {
        let hash = |text: &str, tenant: &str| {
            Address::parse(text).expect("an address").hash(&tenant.parse().expect("a tenant"))
        };
        assert_eq!(hash("Ana@Example.com", "sea"), hash("ana@example.com", "sea"));
        assert_ne!(hash("ana@example.com", "sea"), hash("ana@example.com", "hill"));
        assert!(hash("ana@example.com", "sea").bytes().all(|b| b.is_ascii_hexdigit()));
    }

    proptest! {
        #[test]
        fn whatever_is_read_is_one_address_on_one_line(text in r#"[a-zA-Z0-9.@ ,<>"'\r\n\PC-]{0,40}"#) {
            if let Ok(address) = Address::parse(&text) {
                prop_assert!(address.expose().bytes().all(|b| b.is_ascii_graphic() && !b",<>\"();:\\[]".contains(&b)));
                prop_assert_eq!(address.expose().matches('@').count(), 1);
            }
        }
    }
}
