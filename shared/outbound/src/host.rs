//! The host of an address: what can be told without asking DNS.

use url::Host;

use crate::fault::UrlFault;
use crate::{Policy, address};

const PUBLIC: &str = "a host on the public internet";

/// Names without a place in the public DNS: RFC 6761, RFC 6762, RFC 8375, RFC 9476, ICANN's `internal`, and what home and
/// office networks use (RFC 6762, appendix G).
const PRIVATE_SUFFIXES: &[&str] = &[
    "alt",
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localdomain4",
    "localdomain6",
    "localhost",
    "localhost4",
    "localhost6",
    "onion",
    "private",
];

/// Whether this is the machine itself by its own words: these hosts only are treated otherwise in local mode.
pub(crate) fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref() == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

/// Refuses addresses that are not public, and names that cannot be.
pub(crate) fn check(host: &Host<&str>, policy: Policy) -> Result<(), UrlFault> {
    if policy.local && is_loopback(host) {
        return Ok(());
    }
    match host {
        Host::Domain(name) => check_name(name),
        Host::Ipv4(ip) if !address::is_public((*ip).into()) => Err(private(host)),
        Host::Ipv6(ip) if !address::is_public((*ip).into()) => Err(private(host)),
        Host::Ipv4(_) | Host::Ipv6(_) => Ok(()),
    }
}

fn private(host: &Host<&str>) -> UrlFault {
    UrlFault::new("url-host-private", host.to_string(), PUBLIC)
}

fn check_name(name: &str) -> Result<(), UrlFault> {
    let bare = name.trim_end_matches('.');
    let suffix = bare.rsplit('.').next().unwrap_or_default();
    if !bare.contains('.') || PRIVATE_SUFFIXES.contains(&suffix) {
        return Err(private(&Host::Domain(name)));
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    if name.len() > 253 || !name.split('.').all(is_label) {
        let expected = "a full DNS name of letters, digits and hyphens, without a dot at its end";
        return Err(UrlFault::new("url-host-name", name, expected));
    }
    Ok(())
}
