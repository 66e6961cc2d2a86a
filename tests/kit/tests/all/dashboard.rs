//! The dashboard's numbers are those of a recount from bookings and cleanings, whatever comes twice, late, in another order, or
//! dies between any two calls; and a rebuild brings them back from nothing.
//!
//! `PROPTEST_CASES` sets the number of cases.

use std::collections::BTreeMap;

use bellhop_dashboard::Dashboard;
use bellhop_events::catalogue::WorkStatus;
use bellhop_events::{PropertyId, Queue, TenantId};
use bellhop_kit::given::{GROUP, booking, event, property};
use bellhop_kit::{Delivery, Fault, World, advance, now};
use bellhop_views::dashboard::{Tile, pulse};
use bellhop_worker::Policy;
use jiff::civil::Date;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::house::{House, house};

const UNITS: &[(&str, u16)] = &[("u0", 1), ("u1", 1), ("rooms", 3)];

struct Lobby {
    house: House,
    dashboard: World<Dashboard>,
}

fn lobby() -> Lobby {
    let house = house();
    let dashboard = house.calendar.beside(Dashboard, Policy::default());
    let lobby = Lobby { house, dashboard };
    lobby.house.post(&property("p1", 1, UNITS));
    lobby
}

fn place() -> (TenantId, PropertyId) {
    ("sea".parse().expect("a tenant"), "villa".parse().expect("a property"))
}

impl Lobby {
    /// Until nothing is in a queue.
    async fn settle(&self) {
        for _ in 0..1_000 {
            self.house.settle().await;
            if self.dashboard.deliver().await != Delivery::Idle {
                continue;
            }
            let wait =
                self.dashboard.aws.queue(Queue::OperationalDashboard, |q| (!q.is_empty()).then(|| q.next_visible()));
            match wait {
                Some(wait) => advance(wait.max(1)),
                None => return,
            }
        }
        panic!("it does not settle");
    }

    async fn tile(&self) -> Tile {
        let (tenant, property) = place();
        let pulse = pulse(&self.dashboard.store, &tenant, Some(&property), None, now()).await.expect("a read");
        let mut found = pulse.read(&self.dashboard.store).await.expect("a read");
        found.properties.pop().expect("the property")
    }

    /// As [`Tile`] should be, counted from what calendar and automation keep.
    async fn is_right(&self) {
        let tile = self.tile().await;
        let bookings = self.house.bookings().await;
        let work = self.house.work().await;
        let live: Vec<_> = bookings.values().filter(|state| !state.cancelled).collect();
        let placed: Vec<_> = live.iter().filter(|state| state.placed.is_some()).map(|state| &state.booking).collect();
        let count = |wanted: &dyn Fn(Date, Date) -> bool| {
            i64::try_from(placed.iter().filter(|b| wanted(b.arrival, b.departure)).count()).expect("a number")
        };
        let today = tile.today;
        assert_eq!(tile.arrivals, count(&|arrival, _| arrival == today), "arrivals");
        assert_eq!(tile.departures, count(&|_, departure| departure == today), "departures");
        assert_eq!(tile.occupancy.len(), 90);
        for night in &tile.occupancy {
            let stays = count(&|arrival, departure| arrival <= night.day && departure > night.day);
            assert_eq!((night.sold, night.capacity), (stays, 5), "{}", night.day);
        }
        assert_eq!(tile.in_house, tile.occupancy[0].sold);
        let shown = |day: Date| day >= today && day <= tile.occupancy[89].day;
        let unplaced = live.iter().filter(|s| s.placed.is_none() && shown(s.booking.arrival)).count();
        assert_eq!(tile.unplaced, i64::try_from(unplaced).expect("a number"), "unplaced");
        let mut revenue: BTreeMap<String, i64> = BTreeMap::new();
        for total in live
            .iter()
            .filter(|s| s.booking.arrival.first_of_month() == today.first_of_month())
            .filter_map(|s| s.booking.total.clone())
        {
            *revenue.entry(total.currency.into()).or_default() += total.amount;
        }
        revenue.retain(|_, minor| *minor != 0);
        let told: BTreeMap<_, _> = tile.revenue.iter().map(|r| (r.currency.clone(), r.minor)).collect();
        assert_eq!(told, revenue, "revenue");
        let (mut open, mut late, mut done) = (0, 0, 0);
        for work in work.values() {
            let Some(cleaning) = &work.cleaning else { continue };
            let ago = (today - cleaning.day).get_days();
            match work.progress.status {
                WorkStatus::Done => done += i64::from(ago == 0),
                WorkStatus::Gone => {}
                WorkStatus::Open | WorkStatus::Started | WorkStatus::Problem => {
                    open += i64::from((0..=7).contains(&ago));
                    // Check-in is at 15:00, in Lisbon, where the property lies.
                    let until = cleaning
                        .next
                        .map(|day| day.at(15, 0, 0, 0).in_tz("Europe/Lisbon").expect("a time").timestamp());
                    let week = (today - jiff::ToSpan::days(7)).in_tz("Europe/Lisbon").expect("a time").timestamp();
                    late += i64::from(until.is_some_and(|until| until <= now() && until > week));
                }
            }
        }
        let cleanings = &tile.cleanings;
        assert_eq!((cleanings.open, cleanings.late, cleanings.done), (open, late, done), "cleanings");
    }

    fn look(&self, id: &str, data: &Value) {
        let look = event(id, "bellhop.dashboard.look.v1", "property/villa", data);
        self.dashboard.post(GROUP, &look.to_string());
    }
}

fn priced(
    id: &str,
    kind: &str,
    name: &str,
    version: u64,
    unit: &str,
    nights: std::ops::Range<u8>,
    amount: i64,
) -> Value {
    let mut event = booking(id, kind, name, version, unit, nights);
    event["data"]["total"] = json!({"amount": amount, "currency": if amount % 2 == 0 { "EUR" } else { "GBP" }});
    event
}

#[tokio::test(start_paused = true)]
async fn a_booking_moves_its_numbers_with_it() {
    let lobby = lobby();
    lobby.house.post(&priced("e1", "created", "b1", 1, "u0", 1..4, 300));
    lobby.house.post(&priced("e2", "created", "b2", 1, "u0", 2..5, 500));
    lobby.settle().await;
    let tile = lobby.tile().await;
    assert_eq!((tile.arrivals, tile.in_house, tile.unplaced), (1, 1, 1));
    assert_eq!(tile.revenue.iter().map(|r| r.minor).collect::<Vec<_>>(), [800]);
    lobby.is_right().await;
    lobby.house.post(&priced("e3", "cancelled", "b1", 2, "u0", 1..4, 300));
    lobby.house.post(&priced("e4", "modified", "b2", 2, "u0", 2..28, 501));
    lobby.settle().await;
    let tile = lobby.tile().await;
    assert_eq!((tile.arrivals, tile.in_house, tile.unplaced), (0, 0, 0));
    lobby.is_right().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_new_says_so_and_news_say_so_at_once() {
    let lobby = lobby();
    lobby.settle().await;
    let (tenant, property) = place();
    let mark = async || {
        let one = pulse(&lobby.dashboard.store, &tenant, Some(&property), None, now()).await.expect("a read").mark();
        let all = pulse(&lobby.dashboard.store, &tenant, None, None, now()).await.expect("a read").mark();
        (one, all)
    };
    let before = mark().await;
    assert_eq!(mark().await, before);
    lobby.house.post(&booking("e1", "created", "b1", 1, "u0", 1..4));
    let at = now();
    lobby.settle().await;
    assert_eq!(now(), at, "the clock stands still");
    let after = mark().await;
    assert!(after.0 != before.0 && after.1 != before.1);
    assert_eq!(lobby.tile().await.minutes.last().map(|minute| minute.events), Some(3), "property, booking, cleaning");
}

#[tokio::test(start_paused = true)]
async fn a_rebuild_counts_from_nothing_and_shows_the_old_numbers_meanwhile() {
    let lobby = lobby();
    for n in 0..6 {
        lobby.house.post(&priced(&format!("e{n}"), "created", &format!("b{n}"), 1, "rooms", n..n + 3, 100));
    }
    lobby.settle().await;
    lobby.is_right().await;
    // Somebody has meddled with a counter.
    let meddled = lobby
        .dashboard
        .aws
        .items()
        .into_iter()
        .find(|item| item["sk"]["S"].as_str().is_some_and(|sk| sk.contains("numbers/0/2026-07")));
    let mut meddled = meddled.expect("July");
    meddled["a01"] = json!({"N": "77"});
    lobby.dashboard.aws.put_item(&meddled);
    let wrong = lobby.tile().await;
    lobby.look("r1", &json!({"version": 1, "rebuild": "begin"}));
    lobby.settle().await;
    assert_eq!(lobby.tile().await.occupancy, wrong.occupancy, "shown until the end");
    for n in 0..6 {
        let look =
            event(&format!("l{n}"), "bellhop.dashboard.look.v1", &format!("booking/b{n}"), &json!({"version": 1}));
        lobby.dashboard.post(GROUP, &look.to_string());
    }
    lobby.house.post(&priced("e9", "created", "b9", 1, "u1", 1..9, 100));
    lobby.settle().await;
    lobby.look("r2", &json!({"version": 1, "rebuild": "end"}));
    lobby.settle().await;
    lobby.is_right().await;
    // One that is left in the middle harms nobody.
    lobby.look("r3", &json!({"version": 3, "rebuild": "begin"}));
    lobby.settle().await;
    lobby.house.post(&priced("e10", "cancelled", "b2", 2, "rooms", 2..5, 100));
    lobby.settle().await;
    lobby.is_right().await;
}

#[tokio::test(start_paused = true)]
async fn a_property_is_listed_once_with_its_tenant() {
    let lobby = lobby();
    lobby.house.post(&property("p2", 2, UNITS));
    lobby.settle().await;
    let (tenant, property) = place();
    let found = bellhop_views::tenants::page(&lobby.dashboard.store, "", None, 10).await.expect("a read");
    assert_eq!(found, (vec![tenant.clone()], false));
    assert_eq!(bellhop_views::tenants::page(&lobby.dashboard.store, "sun", None, 10).await.expect("a read").0, []);
    assert_eq!(
        bellhop_views::tenants::page(&lobby.dashboard.store, "s", Some(&tenant), 10).await.expect("a read").0,
        []
    );
    let all = pulse(&lobby.dashboard.store, &tenant, None, None, now()).await.expect("a read");
    let all = all.read(&lobby.dashboard.store).await.expect("a read");
    assert_eq!(all.properties.iter().map(|tile| &tile.property).collect::<Vec<_>>(), [&property]);
    assert_eq!(all.next, None);
}

#[derive(Debug, Clone)]
enum Step {
    Booking { name: u8, kind: u8, from: u8, nights: u8, amount: i64 },
    Report { name: u8, completed: bool },
    Again(prop::sample::Index),
    Work(u8, Option<(usize, Fault)>),
    Twice(usize),
    Look(u8),
    Rebuild(bool),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let fault =
        prop::sample::select(vec![Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter]);
    prop_oneof![
        8 => (0..8u8, 0..4u8, 1..26u8, 0..5u8, 1..900i64)
            .prop_map(|(name, kind, from, nights, amount)| Step::Booking { name, kind, from, nights, amount }),
        3 => (0..8u8, any::<bool>()).prop_map(|(name, completed)| Step::Report { name, completed }),
        1 => any::<prop::sample::Index>().prop_map(Step::Again),
        8 => (0..3u8, prop::option::of((0..30_usize, fault))).prop_map(|(who, fault)| Step::Work(who, fault)),
        2 => (0..30_usize).prop_map(Step::Twice),
        1 => (0..8u8).prop_map(Step::Look),
        1 => any::<bool>().prop_map(Step::Rebuild),
        2 => (1..9_000_i64).prop_map(Step::Wait),
    ]
}

async fn run(steps: Vec<Step>) {
    let lobby = lobby();
    let mut posted: Vec<Value> = Vec::new();
    for (n, step) in steps.into_iter().enumerate() {
        let version = n as u64 + 1;
        match step {
            Step::Booking { name, kind, from, nights, amount } => {
                let kind = ["created", "modified", "modified", "cancelled"][usize::from(kind)];
                let (unit, _) = UNITS[usize::from(name) % UNITS.len()];
                posted.push(priced(
                    &format!("e{n}"),
                    kind,
                    &format!("b{name}"),
                    version,
                    unit,
                    from..from + nights,
                    amount,
                ));
                posted.last().into_iter().for_each(|event| lobby.house.post(event));
            }
            Step::Report { name, completed } => {
                let data = json!({"version": version, "status": if completed { "completed" } else { "started" }});
                posted.push(event(&format!("e{n}"), "pms.task.reported.v1", &format!("booking/b{name}"), &data));
                posted.last().into_iter().for_each(|event| lobby.house.post(event));
            }
            Step::Again(index) if !posted.is_empty() => {
                // Beyond SQS's own deduplication.
                advance(301);
                lobby.house.post(index.get(&posted));
            }
            Step::Again(_) => {}
            Step::Work(who, fault) => {
                if let Some((n, fault)) = fault {
                    lobby.dashboard.aws.fail_call(n, fault);
                }
                match who {
                    0 => drop(lobby.house.calendar.deliver().await),
                    1 => drop(lobby.house.automation.deliver().await),
                    _ => drop(lobby.dashboard.deliver().await),
                }
                lobby.dashboard.aws.heal();
            }
            Step::Twice(n) => lobby.dashboard.deliver_twice(n).await,
            Step::Look(name) => {
                let look = event(
                    &format!("l{n}"),
                    "bellhop.dashboard.look.v1",
                    &format!("booking/b{name}"),
                    &json!({"version": 1}),
                );
                lobby.dashboard.post(GROUP, &look.to_string());
            }
            Step::Rebuild(whole) => {
                lobby.look(&format!("b{n}"), &json!({"version": version, "rebuild": "begin"}));
                for name in (0..8).filter(|_| whole) {
                    let look = event(
                        &format!("r{n}-{name}"),
                        "bellhop.dashboard.look.v1",
                        &format!("booking/b{name}"),
                        &json!({"version": 1}),
                    );
                    lobby.dashboard.post(GROUP, &look.to_string());
                }
                if whole {
                    lobby.look(&format!("n{n}"), &json!({"version": version, "rebuild": "end"}));
                }
            }
            Step::Wait(seconds) => advance(seconds),
        }
    }
    lobby.settle().await;
    lobby.is_right().await;
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_numbers_are_those_of_a_recount(steps in prop::collection::vec(step(), 1..50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        runtime.block_on(run(steps));
    }
}
