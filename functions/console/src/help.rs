//! The pages of the reason codes, `docs/errors`, as they are shown beside an item.

macro_rules! pages {
    ($($code:literal)*) => {
        const PAGES: &[(&str, &str)] =
            &[$(($code, include_str!(concat!("../../../docs/errors/", $code, ".md")))),*];
    };
}

pages! {
    "attempts-exhausted"
    "booking-unplaced"
    "capacity-below-sold"
    "channel-gone"
    "channel-refused"
    "channel-unauthorized"
    "channel-unavailable"
    "dead-lettered"
    "delivery-unknown"
    "feed-broken"
    "group-mismatch"
    "handler-panicked"
    "idempotency-conflict"
    "invalid-address"
    "invalid-data"
    "invalid-envelope"
    "invalid-feedback"
    "invalid-rule"
    "invalid-secret-reference"
    "invalid-template"
    "item-too-large"
    "killed-the-function"
    "mail-refused"
    "not-json"
    "rule-failed"
    "secret-unavailable"
    "stay-departure-before-arrival"
    "stay-too-long"
    "subject-mismatch"
    "template-failed"
    "tenant-mismatch"
    "too-many-blocks"
    "too-old"
    "unknown-channel"
    "unknown-property"
    "unknown-task"
    "unknown-tenant"
    "unknown-type"
    "unknown-unit"
    "unsafe-url"
    "wrong-queue"
}

/// The page of a code; empty: an item may have a code that this version does not know.
pub(crate) fn page(code: &str) -> &'static str {
    PAGES.iter().find(|(known, _)| *known == code).map_or("", |(_, page)| page)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_events::Reason;

    #[test]
    fn each_reason_has_its_page_and_no_page_is_left_over() {
        let without: Vec<_> = Reason::ALL.iter().filter(|reason| page(reason.code()).is_empty()).collect();
        assert!(without.is_empty(), "add to functions/console/src/help.rs: {without:?}");
        assert_eq!(PAGES.len(), Reason::ALL.len());
        assert_eq!(page("no-such-code"), "");
    }
}
