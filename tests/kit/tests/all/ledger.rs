//! The months of a unit say just what its placed bookings say: over year ends, moves between units, and capacities that change.
//!
//! `PROPTEST_CASES` sets the number of cases.

use std::collections::BTreeMap;

use bellhop_events::Stay;
use bellhop_kit::given::{booking, property};
use bellhop_store::calendar::{Month, month_keys};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use proptest::prelude::*;
use serde_json::json;

use crate::common::{Hotel, hotel, post, reasons, scope, state};

#[derive(Debug, Clone)]
enum Wish {
    Book { name: u8, unit: usize, kind: usize, from: i32, nights: i32 },
    Capacity { unit: usize, capacity: u16 },
}

const UNITS: [&str; 3] = ["a", "b", "c"];

fn wish() -> impl Strategy<Value = Wish> {
    let nights = prop_oneof![4 => 0..9_i32, 1 => 20..80_i32, 1 => Just(730_i32)];
    prop_oneof![
        8 => (0..5_u8, 0..3_usize, 0..4_usize, 0..60_i32, nights)
            .prop_map(|(name, unit, kind, from, nights)| Wish::Book { name, unit, kind, from, nights }),
        1 => (0..3_usize, 0..3_u16).prop_map(|(unit, capacity)| Wish::Capacity { unit, capacity }),
    ]
}

const FIRST: Date = date(2026, 12, 5);

/// Nights as the placed bookings take them, and as the months keep them.
async fn ledgers(world: &Hotel) -> (BTreeMap<(String, Date), u16>, BTreeMap<(String, Date), u16>) {
    let (mut placed, mut kept) = (BTreeMap::new(), BTreeMap::new());
    for name in 0..5 {
        let Some(state) = state(world, &format!("b{name}")).await.filter(|state| state.placed.is_some()) else {
            continue;
        };
        let days = state.booking.arrival.series(1.day()).take_while(|day| *day < state.booking.departure);
        days.for_each(|day| *placed.entry((state.booking.unit.to_string(), day)).or_default() += 1);
    }
    let all = Stay::new(date(2026, 12, 1), date(2028, 11, 30)).expect("a stay");
    for (stay, unit) in [all, Stay::new(date(2028, 12, 1), date(2030, 1, 1)).expect("a stay")]
        .iter()
        .flat_map(|s| UNITS.map(|u| (*s, u)))
    {
        let keys = month_keys(&scope(), &unit.parse().expect("an id"), &stay);
        let items = world.store.get(&keys).await.expect("a read");
        for (key, item) in &items {
            let (first, month) = (Month::date_of(key).expect("a month"), Month::decode(Some(item)).expect("a month"));
            for day in first.series(1.day()).take(usize::try_from(first.days_in_month()).expect("days")) {
                let sold = month.sold(day.day(), None);
                if sold > 0 {
                    kept.insert((unit.to_owned(), day), sold);
                }
            }
        }
    }
    (placed, kept)
}

proptest! {
    #[test]
    fn months_say_what_bookings_say(wishes in prop::collection::vec(wish(), 1..25)) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        let (ledgers, reasons) = runtime.block_on(async {
            let mut capacities = [1, 2, 3];
            let units = |capacities: [u16; 3]| UNITS.into_iter().zip(capacities).filter(|(_, c)| *c > 0).collect::<Vec<_>>();
            let world = hotel(&units(capacities)).await;
            for (n, wish) in wishes.iter().enumerate() {
                let (id, version) = (format!("e{n}"), n as u64 + 2);
                post(&world, &match wish {
                    Wish::Capacity { unit, capacity } => {
                        capacities[*unit] = *capacity;
                        if capacities == [0; 3] { capacities[0] = 1; }
                        property(&id, version, &units(capacities))
                    }
                    Wish::Book { name, unit, kind, from, nights } => {
                        let unit = if capacities[*unit] > 0 { UNITS[*unit] } else { units(capacities)[0].0 };
                        let kind = ["created", "modified", "modified", "cancelled"][*kind];
                        let mut event = booking(&id, kind, &format!("b{name}"), version, unit, 1..2);
                        let arrival = FIRST + from.days();
                        event["data"]["arrival"] = json!(arrival.to_string());
                        event["data"]["departure"] = json!((arrival + nights.days()).to_string());
                        event
                    }
                });
            }
            world.drain().await;
            (ledgers(&world).await, reasons(&world))
        });
        prop_assert_eq!(ledgers.0, ledgers.1);
        let outcomes = ["booking-unplaced", "capacity-below-sold"];
        prop_assert!(reasons.iter().all(|reason| outcomes.contains(&reason.as_str())), "{:?}", reasons);
    }
}
