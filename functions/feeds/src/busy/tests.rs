use std::fmt::Write as _;

use bellhop_events::catalogue::{Block, BlockSource};
use bellhop_events::{BookingId, Stay};
use bellhop_store::calendar::Keeping;
use proptest::prelude::*;

use super::*;

/// A calendar to be filled.
#[derive(Default)]
struct Unit {
    months: BTreeMap<Date, Month>,
    blocks: BTreeMap<EventId, BlockState>,
    capacity: u16,
}

fn unit(capacity: u16) -> Unit {
    Unit { capacity, ..Unit::default() }
}

impl Unit {
    fn sell(mut self, booking: &str, keeping: Keeping, from: Date, until: Date) -> Self {
        let booking: BookingId = booking.parse().expect("an id");
        for (month, first, last) in Stay::new(from, until).expect("a stay").months() {
            let month = self.months.entry(month.first_of_month()).or_default();
            month.take(&booking, keeping, first, last);
            month.rev += 1;
        }
        self
    }

    fn stay(self, booking: &str, from: Date, until: Date) -> Self {
        self.sell(booking, Keeping::Stay, from, until)
    }

    fn block(mut self, id: &str, from: Date, until: Date) -> Self {
        let id: EventId = id.parse().expect("an id");
        let block = Block { version: 1, block: id.clone(), from, until, source: BlockSource::Owner, note: None };
        self.blocks.insert(id, BlockState { block, lifted: false });
        self
    }

    fn busy_without(&self, except: &[&str]) -> Vec<Busy> {
        let except = except.iter().map(|id| id.parse().expect("an id")).collect();
        let Self { months, blocks, capacity, .. } = self;
        let taken = Taken { months, blocks, capacity: *capacity, revision: 7 };
        busy(&taken, &except, (date(2026, 6, 30), date(2027, 11, 12)))
    }

    fn told(&self) -> String {
        text(&self.busy_without(&[]))
    }
}

fn text(busy: &[Busy]) -> String {
    busy.iter().fold(String::new(), |mut text, Busy { from, until, key, sequence, changed }| {
        let _ = writeln!(text, "{from} {until} {key} {sequence} {changed}");
        text
    })
}

#[test]
fn a_stay_over_the_ends_of_months_is_one_range() {
    let unit =
        unit(1).stay("7731", date(2026, 7, 30), date(2026, 9, 2)).stay("7732", date(2026, 12, 31), date(2027, 1, 1));
    insta::assert_snapshot!(unit.told(), @r"
    2026-07-30 2026-09-02 booking/7731 7 2020-01-01T00:00:07Z
    2026-12-31 2027-01-01 booking/7732 7 2020-01-01T00:00:07Z
    ");
}

#[test]
fn ranges_that_touch_stay_apart_and_those_that_share_a_night_become_one() {
    let unit = unit(1)
        .stay("a", date(2026, 7, 1), date(2026, 7, 5))
        .stay("b", date(2026, 7, 5), date(2026, 7, 9))
        .block("paint", date(2026, 7, 8), date(2026, 7, 12))
        .block("owner", date(2026, 7, 12), date(2026, 7, 20))
        .block("inside", date(2026, 7, 13), date(2026, 7, 14));
    insta::assert_snapshot!(unit.told(), @r"
    2026-07-01 2026-07-05 booking/a 7 2020-01-01T00:00:07Z
    2026-07-05 2026-07-12 booking/b 7 2020-01-01T00:00:07Z
    2026-07-12 2026-07-20 block/owner 7 2020-01-01T00:00:07Z
    ");
}

#[test]
fn lifted_blocks_and_those_of_the_reader_are_left_out() {
    let mut unit = unit(1)
        .block("theirs", date(2026, 7, 1), date(2026, 7, 5))
        .block("ours", date(2026, 7, 2), date(2026, 7, 3))
        .block("lifted", date(2026, 7, 10), date(2026, 7, 12));
    unit.blocks.get_mut(&"lifted".parse::<EventId>().expect("an id")).expect("a block").lifted = true;
    insta::assert_snapshot!(text(&unit.busy_without(&["theirs"])), @"2026-07-02 2026-07-03 block/ours 7 2020-01-01T00:00:07Z");
}

#[test]
fn a_room_type_is_busy_where_it_is_sold_out_or_blocked() {
    let unit = unit(2)
        .sell("a", Keeping::Count, date(2026, 7, 1), date(2026, 7, 6))
        .sell("b", Keeping::Count, date(2026, 7, 3), date(2026, 7, 4))
        .sell("c", Keeping::Count, date(2026, 7, 30), date(2026, 8, 3))
        .sell("d", Keeping::Count, date(2026, 7, 31), date(2026, 8, 9))
        .block("paint", date(2026, 9, 1), date(2026, 9, 3));
    insta::assert_snapshot!(unit.told(), @r"
    2026-07-03 2026-07-04 nights/2026-07-03 7 2020-01-01T00:00:07Z
    2026-07-31 2026-08-03 nights/2026-07-31 7 2020-01-01T00:00:07Z
    2026-09-01 2026-09-03 block/paint 7 2020-01-01T00:00:07Z
    ");
}

#[test]
fn a_capacity_that_changed_hides_no_stay() {
    // It was a room type as `a` was sold, and a unit as `b` was.
    let mixed = |capacity| {
        unit(capacity).sell("a", Keeping::Count, date(2026, 7, 1), date(2026, 7, 4)).stay(
            "b",
            date(2026, 7, 6),
            date(2026, 7, 8),
        )
    };
    insta::assert_snapshot!(mixed(1).told(), @r"
    2026-07-01 2026-07-04 nights/2026-07-01 7 2020-01-01T00:00:07Z
    2026-07-06 2026-07-08 booking/b 7 2020-01-01T00:00:07Z
    ");
    assert_eq!(mixed(2).told(), "");
}

#[test]
fn the_window_drops_ranges_and_cuts_none() {
    let unit = unit(1)
        .stay("over", date(2026, 6, 20), date(2026, 6, 30))
        .stay("leaving", date(2026, 5, 20), date(2026, 7, 1))
        .stay("far", date(2027, 11, 11), date(2027, 12, 24))
        .stay("too-far", date(2027, 12, 24), date(2027, 12, 25));
    insta::assert_snapshot!(unit.told(), @r"
    2026-05-20 2026-07-01 booking/leaving 7 2020-01-01T00:00:07Z
    2027-11-11 2027-12-24 booking/far 7 2020-01-01T00:00:07Z
    ");
}

#[test]
fn two_pieces_of_a_stay_that_moved_while_it_was_read_have_keys_of_their_own() {
    let unit = unit(1).stay("a", date(2026, 7, 1), date(2026, 7, 4)).stay("a", date(2026, 9, 1), date(2026, 9, 2));
    insta::assert_snapshot!(unit.told(), @r"
    2026-07-01 2026-07-04 booking/a 7 2020-01-01T00:00:07Z
    2026-09-01 2026-09-02 booking/a/2026-09-01 7 2020-01-01T00:00:07Z
    ");
}

#[test]
fn no_revision_is_too_large() {
    let unit = unit(1).stay("a", date(2026, 7, 1), date(2026, 7, 4));
    let (months, blocks) = (&unit.months, &unit.blocks);
    let taken = Taken { months, blocks, capacity: 1, revision: u64::MAX };
    let told = busy(&taken, &BTreeSet::new(), (date(2026, 6, 30), date(2027, 11, 12)));
    assert_eq!(told[0].changed, Timestamp::MAX);
}

proptest! {
    #[test]
    fn each_night_is_busy_if_it_is_sold_out_or_blocked(
        capacity in 1_u16..4,
        stays in prop::collection::vec((0_i32..500, 1_i32..40, any::<bool>()), 0..30),
        blocks in prop::collection::vec((0_i32..500, 1_i32..40), 0..6),
    ) {
        let day = |n: i32| date(2026, 7, 1).saturating_add(n.days());
        let mut unit = unit(capacity);
        for (index, (from, nights, named)) in stays.iter().enumerate() {
            let keeping = if *named { Keeping::Stay } else { Keeping::Count };
            unit = unit.sell(&format!("b{index}"), keeping, day(*from), day(from + nights));
        }
        for (index, (from, nights)) in blocks.iter().enumerate() {
            unit = unit.block(&format!("k{index}"), day(*from), day(from + nights));
        }
        let told = unit.busy_without(&[]);
        for n in 0..490 {
            let sold = stays.iter().filter(|(from, nights, _)| (*from..from + nights).contains(&n)).count();
            let blocked = blocks.iter().any(|(from, nights)| (*from..from + nights).contains(&n));
            let found = told.iter().filter(|range| range.from <= day(n) && day(n) < range.until).count();
            prop_assert_eq!(found, usize::from(blocked || sold >= usize::from(capacity)), "{}", day(n));
        }
        let keys: BTreeSet<_> = told.iter().map(|range| &range.key).collect();
        prop_assert_eq!(keys.len(), told.len());
    }
}
