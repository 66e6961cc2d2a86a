//! Cursors of the console's lists: a forged one leads nowhere but to a place in the very list that it is shown to.

// The file itself: the function around it would be linked for its sake.
#[path = "../../../../functions/console/src/cursor.rs"]
mod cursor;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bellhop_events::TenantId;

use crate::{Target, parts};

pub(super) const TARGET: Target = Target {
    name: "cursors",
    check,
    seeds: "tests/fuzz/seeds/cursors",
    words: &[
        "\n",
        "%%",
        "review sea OldestFirst\n",
        "review hill OldestFirst\n",
        "bulk sea\n",
        "bulk-ids sea\n",
        "sea",
        "hill",
        "-",
        " ",
        "\0",
        "#r0",
        "00001782900000",
        "cmV2aWV3",
        "=",
        "+",
        "_",
        "AAAA",
        "ä",
        "18446744073709551616",
        "r0000000000000000000000000",
    ],
};

/// As many characters as `functions/console/src/input.rs` takes of a query value.
const MOST: usize = 200;

/// The lists of a desk, as the console names them.
fn lists(desk: &str) -> [String; 4] {
    ["review {} OldestFirst", "review {} NewestFirst", "bulk {}", "bulk-ids {}"].map(|form| form.replace("{}", desk))
}

/// Two tenants, a place, and what somebody sends as a cursor; what is left out has a value.
fn check(input: &[u8]) {
    let parts = parts(input);
    let part = |at: usize| parts.get(at).map_or("", String::as_str);
    let desk = |at: usize, other: &str| part(at).parse::<TenantId>().map_or_else(|_| other.to_owned(), String::from);
    let (one, two) = (desk(0, "-"), desk(1, "sea"));
    let lists: Vec<String> = if one == two { lists(&one).into() } else { [lists(&one), lists(&two)].concat() };

    let place = part(2);
    for list in &lists {
        let written = cursor::write(list, place);
        for other in &lists {
            let led = cursor::read(other, &written);
            let is_place = !place.is_empty() && place.bytes().all(|b| b.is_ascii_graphic()) && written.len() <= MOST;
            assert_eq!(led.as_deref(), (list == other && is_place).then_some(place), "{list} {other}");
        }
    }

    let forged = part(3);
    for sent in [
        forged.to_owned(),
        URL_SAFE_NO_PAD.encode(forged),
        part(0).to_owned(),
        String::from_utf8_lossy(input).into_owned(),
    ] {
        let led: Vec<_> = lists.iter().filter_map(|list| Some((list, cursor::read(list, &sent)?))).collect();
        assert!(led.len() <= 1, "one cursor for {led:?}");
        for (list, at) in led {
            assert_eq!(cursor::write(list, &at), sent, "another spelling of a cursor of {list}");
            assert!(sent.len() <= MOST && at.bytes().all(|b| b.is_ascii_graphic()), "{at:?}");
        }
    }
}
