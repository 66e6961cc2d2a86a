//! A guest's personal data goes from all that a tenant stores; stays, order and idempotency do not notice.

use bellhop_erasure::{Asked, Asker, BookingRef, Erased, Eraser};
use bellhop_events::{Queue, TenantId};
use bellhop_kit::given::{GROUP, booking, event, poison, property};
use bellhop_kit::{Fault, World, advance, now};
use bellhop_mail::Address;
use bellhop_notifications::{Notifications, Settings};
use bellhop_review::Decision;
use bellhop_store::estate::dynamodb_json;
use bellhop_store::mails::Suppressed;
use bellhop_store::review::unzip;
use bellhop_store::{DUE_SHARDS, Registration};
use bellhop_tenancy::Office;
use bellhop_worker::Policy;
use serde_json::{Value, json};

use crate::common::desk::{Reviewed, mended, sea};
use crate::common::post::{Service, scope};
use crate::common::{holds, hotel, state, version};

const ANAS: [&str; 5] = ["Ana Silva", "ana silva", "ana@example.com", "ana@home.example", "+351912345678"];

/// A hotel with its desk and its mails.
struct Town {
    world: Reviewed,
    mails: World<Notifications<Service>>,
    service: Service,
}

fn tenant(name: &str) -> TenantId {
    name.parse().expect("a tenant")
}

fn with(mut event: Value, name: &str, email: &str) -> Value {
    event["data"]["guest"] = json!({"name": name, "email": email, "phone": "+351912345678", "language": "pt"});
    if name != "Ana Silva" {
        event["data"]["guest"]["phone"] = Value::Null;
    }
    event
}

fn ana(event: Value) -> Value {
    with(event, "Ana Silva", "ana@example.com")
}

/// What was posted of Ana, by its event.
struct Posted {
    applied: Value,
    parked: Value,
    journal: Value,
    dead: Value,
}

impl Town {
    fn post(&self, event: &Value) {
        let kind = event["type"].as_str().unwrap_or_default();
        let group = format!("{}#villa", event["tenant"].as_str().unwrap_or("sea"));
        if kind.contains("guest") {
            self.mails.post(&group, &event.to_string());
        } else {
            self.world.hotel.post(&group, &event.to_string());
        }
    }

    async fn drain(&self) {
        self.world.drain().await;
        self.mails.drain().await;
        self.world.take_in().await;
    }

    async fn tick(&self) {
        for shard in 0..DUE_SHARDS {
            for entry in self.mails.store.due(shard, now(), None, 100).await.expect("a read").entries {
                let due = &entry.due;
                self.mails.aws.queue(due.queue, |queue| queue.send(&due.group, due.id.as_str(), &due.body, None));
                self.mails.store.forget_due(&[entry.key]).await.expect("a write");
            }
        }
        self.drain().await;
    }

    fn office(&self) -> Office<'_> {
        Office { store: &self.world.hotel.store, queues: &self.world.queues, now: now() }
    }

    /// All that is stored of a tenant, as text, bodies unzipped; but that there was an erasure.
    async fn stored(&self, name: &str) -> Vec<String> {
        let (mut stored, mut from) = (Vec::new(), None);
        loop {
            let page = self.world.hotel.store.estate(&tenant(name), from).await.expect("a page");
            for (place, item) in page.items {
                let body = unzip(&item).unwrap_or_default();
                if !place.key().sort_key().starts_with("guest#") {
                    stored.push(format!("{} {body}", dynamodb_json(&item)));
                }
            }
            from = page.next;
            if from.is_none() {
                stored.sort();
                return stored;
            }
        }
    }

    async fn anas(&self) -> Vec<String> {
        let stored = self.stored("sea").await;
        stored.into_iter().filter(|text| ANAS.iter().any(|word| text.contains(word))).collect()
    }

    async fn erase(&self, asked: &Asked) -> Erased {
        self.try_erase(asked).await.expect("erased")
    }

    async fn try_erase(&self, asked: &Asked) -> Result<Erased, bellhop_erasure::ErasureError> {
        let tenant = tenant("sea");
        let eraser = Eraser { store: &self.world.hotel.store, tenant: &tenant, now: now() };
        let guest = eraser.find(asked).await?;
        let plan = eraser.plan(&guest).await?;
        let because = Some("Ana Silva asked for it, by letter".to_owned());
        eraser.erase(&guest, plan, &Asker { by: "ann".to_owned(), because }).await
    }

    /// The nights of both units, as the calendar keeps them.
    fn nights(&self) -> Vec<Value> {
        let items = self.world.hotel.aws.items().into_iter();
        let months = items.filter(|item| item["sk"]["S"].as_str().is_some_and(|sk| sk.starts_with("calendar#nights/")));
        months.map(|item| json!([item["pk"], item["sk"], item["s"], item["n"]])).collect()
    }

    async fn reasons(&self) -> Vec<String> {
        self.world.open(&sea()).await.into_iter().map(|item| item.note.reason).collect()
    }
}

fn by_mail() -> Asked {
    Asked::Mail(Address::parse("ana@example.com").expect("an address"))
}

/// Ana everywhere: applied, parked behind a bad one, edited, discarded with words, given up by SQS, in a note, mailed, due, and put
/// by while the tenant is suspended. And others who are not Ana.
async fn town() -> (Town, Posted) {
    // Eleven in Lisbon, whatever the clock of another town was turned to.
    advance((36_000 - now().as_second()).rem_euclid(86_400));
    let hotel = hotel(&[("u1", 9), ("room", 9)]).await;
    let service = Service::default();
    let settings = Settings { from: "hotel@example.com".to_owned(), ..Settings::default() };
    let mails = hotel.beside(Notifications { settings, mailer: service.clone() }, Policy::default());
    let town = Town { world: Reviewed::of(hotel), mails, service };
    let registered = Registration::new(tenant("sea"), now());
    town.world.hotel.store.commit(registered.put().expect("writes")).await.expect("a registration");
    for address in ["ana@home.example", "rui@example.com"] {
        let hash = Address::parse(address).expect("an address").hash(&tenant("sea"));
        let item = Suppressed { reason: "asked".to_owned(), at: 1 };
        let write = item.put(Suppressed::key(&scope(), &hash)).expect("an item");
        town.world.hotel.store.commit(vec![write]).await.expect("a write");
    }
    let mut house = property("p2", 2, &[("u1", 9), ("room", 9)]);
    house["data"]["quiet_hours"] = json!({"from": "20:00", "until": "22:00"});
    town.post(&house);
    let applied = ana(booking("e1", "created", "b1", 1, "u1", 3..6));
    town.post(&applied);
    town.post(&with(booking("r1", "created", "b9", 1, "room", 3..9), "Rui Costa", "rui@example.com"));
    town.post(&ana(poison("bad2", "b2", 1)));
    let parked = ana(booking("e2", "modified", "b2", 2, "u1", 3..8));
    town.post(&parked);
    let block = json!({
        "version": 1, "block": "k1", "from": "2026-07-20", "until": "2026-07-22", "note": "cot for ANA SILVA, and paint",
    });
    town.post(&event("k1", "pms.unit.blocked.v1", "unit/u1", &block));
    let (bad3, bad4) = (ana(poison("bad3", "b3", 1)), ana(poison("bad4", "b4", 1)));
    town.post(&bad3);
    town.post(&bad4);
    let mut other = property("p-land", 1, &[("u1", 9)]);
    other["tenant"] = "land".into();
    let mut lands = applied.clone();
    lands["tenant"] = "land".into();
    town.post(&other);
    town.post(&lands);
    town.drain().await;
    for item in town.world.open(&sea()).await {
        let decision = match item.note.event.as_deref() {
            Some("bad3") => Decision::Edit(mended(&bad3)),
            Some("bad4") => Decision::Discard("as ana silva said on the telephone".to_owned()),
            _ => continue,
        };
        town.world.act(&item, &decision, "ann").await.expect("taken");
    }
    town.drain().await;
    let dead = ana(booking("e5", "created", "b5", 1, "room", 10..12));
    town.world.dead_letter("dead", GROUP, &dead.to_string()).await;
    // Quarter past eight in Lisbon.
    advance(9 * 3600 + 900);
    let text = json!({"version": 1, "subject": "For Ana Silva", "text": "Dear Ana Silva, bring a coat."});
    town.post(&event("m1", "pms.guest.message.v1", "booking/b1", &text));
    town.drain().await;
    town.office().suspend(&tenant("sea"), "unpaid").await.expect("suspended");
    let journal = with(booking("e6", "modified", "b1", 2, "u1", 3..6), "Ana Silva", "ana@home.example");
    town.post(&journal);
    town.post(&with(booking("r2", "modified", "b9", 2, "room", 3..9), "Rui Costa", "rui@example.com"));
    town.drain().await;
    (town, Posted { applied, parked, journal, dead })
}

#[tokio::test(start_paused = true)]
async fn all_of_a_guest_goes_and_nothing_of_anybody_else() {
    let (town, _) = town().await;
    let (nights, of_land) = (town.nights(), town.stored("land").await);
    let before = town.stored("sea").await;
    let others: Vec<_> = before.iter().filter(|text| text.contains("Rui Costa")).cloned().collect();
    assert!(town.anas().await.len() >= 10, "{:?}", town.anas().await.len());
    let erased = town.erase(&by_mail()).await;
    assert_eq!(town.anas().await, Vec::<String>::new());
    assert_eq!((erased.left.as_slice(), erased.hints.as_slice()), (&[][..], &[][..]));
    let counts = json!({
        "bookings": 2, "parked events": 2, "events of the suspended tenant": 1, "messages that are due later": 1,
        "review items": 1, "bodies of review items": 5, "mails of a booking": 2, "addresses that get no mail": 1,
        "other items whose text names the guest": 3,
    });
    assert_eq!(json!(erased.changed), counts);
    assert_eq!(town.nights(), nights);
    let after = town.stored("sea").await;
    assert_eq!(others, after.iter().filter(|text| text.contains("Rui Costa")).cloned().collect::<Vec<_>>());
    assert!(after.iter().any(|text| text.contains("cot for [erased], and paint")));
    assert_eq!(town.stored("land").await, of_land);
    let known = state(&town.world.hotel, "b1").await.expect("a booking");
    assert_eq!(known.booking.guest.expect("a mark").name.as_deref(), Some("[erased]"));
    assert_eq!(after.iter().filter(|text| text.contains("suppressed/")).count(), 1, "Rui's");
    // The second time there is nothing, and it leaves no trace.
    let again = town.erase(&by_mail()).await;
    assert!(again.changed.is_empty());
    assert_eq!(town.stored("sea").await, after);
    let entries = town.world.hotel.store.erasures(&tenant("sea")).await.expect("entries");
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((entry.by.as_str(), entry.bookings_count), ("ann", 5));
    assert_eq!(entry.because.as_deref(), Some("[erased] asked for it, by letter"));
    assert_eq!(entry.bookings, ["villa/b1", "villa/b2", "villa/b3", "villa/b4", "villa/b5"]);
    assert_eq!(json!(entry.found), counts);
}

/// What was stored is worked as if the guest had never been in it, and all that was known is known.
async fn goes_on(town: &Town, posted: &Posted, case: &str) {
    let mails = town.service.got().len();
    town.office().resume(&tenant("sea")).await.expect("resumed");
    town.drain().await;
    assert_eq!(version(&town.world.hotel, "b1").await, Some(2), "{case}: from the journal");
    for item in town.world.open(&sea()).await {
        let decision = match item.note.event.as_deref() {
            Some("bad2") => Decision::Discard("a test".to_owned()),
            Some("e5") => Decision::Retry,
            other => panic!("{case}: {other:?}"),
        };
        town.world.act(&item, &decision, "ann").await.expect("taken");
    }
    town.drain().await;
    advance(4 * 3600);
    town.tick().await;
    for (name, expected) in [("b1", 2), ("b2", 2), ("b3", 1), ("b5", 1), ("b9", 2)] {
        assert_eq!(version(&town.world.hotel, name).await, Some(expected), "{case}: {name}");
    }
    assert_eq!((town.reasons().await, holds(&town.world.hotel)), (Vec::new(), 0), "{case}");
    let nights = town.nights();
    // The same events again, also without their five minutes; an older version; the newest one under another id.
    let mut late = ana(booking("e0", "created", "b1", 1, "u1", 1..9));
    late["time"] = "2026-06-01T10:00:00Z".into();
    let mut resent = posted.journal.clone();
    resent["id"] = "e6-again".into();
    for event in [&posted.applied, &posted.parked, &posted.journal, &posted.dead, &late, &resent] {
        town.post(event);
        town.drain().await;
    }
    assert_eq!((town.reasons().await, town.nights()), (Vec::new(), nights), "{case}: duplicates and stale ones");
    assert_eq!(town.anas().await, Vec::<String>::new(), "{case}");
    let written: Vec<_> = town.service.got()[mails..].iter().map(|got| got.kind.clone()).collect();
    assert!(written.is_empty(), "{case}: {written:?}");
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_worked_without_the_guest_and_what_is_known_is_known() {
    let (town, posted) = town().await;
    town.erase(&by_mail()).await;
    goes_on(&town, &posted, "whole").await;
}

/// The calls of an erasure that write.
async fn writes() -> Vec<usize> {
    let (town, _) = town().await;
    drop(town.world.hotel.aws.take_calls());
    town.erase(&by_mail()).await;
    let calls = town.world.hotel.aws.take_calls().into_iter().enumerate();
    calls.filter(|(_, call)| call.write_units > 0).map(|(n, _)| n).collect()
}

#[tokio::test(start_paused = true)]
async fn cut_off_anywhere_the_second_run_completes_it() {
    let writes = writes().await;
    assert!(writes.len() > 15, "{writes:?}");
    let deaths = writes.iter().map(|n| (Fault::DieAfter, *n)).chain([(Fault::DieBefore, writes[0])]);
    let others = [Fault::Refuse, Fault::LoseAnswer, Fault::Repeat].into_iter().cycle().zip(writes.iter().copied());
    for (index, (fault, n)) in deaths.chain(others).enumerate() {
        let case = format!("{fault:?} at call {n}");
        let (town, posted) = town().await;
        let asked = by_mail();
        town.world.hotel.aws.fail_call(n, fault);
        tokio::select! {
            biased;
            _ = town.try_erase(&asked) => {}
            () = town.world.hotel.aws.death() => {}
        }
        town.world.hotel.aws.heal();
        town.erase(&asked).await;
        assert_eq!(town.anas().await, Vec::<String>::new(), "{case}");
        if index % 3 == 0 {
            goes_on(&town, &posted, &case).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_works_the_same_at_that_moment_neither_loses_nor_brings_back_anything() {
    for n in writes().await.into_iter().step_by(2) {
        let (town, posted) = town().await;
        let asked = by_mail();
        town.world.hotel.aws.fail_call(n, Fault::Stall);
        let erase = town.try_erase(&asked);
        tokio::pin!(erase);
        tokio::select! {
            biased;
            erased = &mut erase => panic!("no call {n}: {erased:?}"),
            () = town.world.hotel.aws.stall() => {
                let dead = town.world.open(&sea()).await.into_iter().find(|item| item.note.event.as_deref() == Some("e5"));
                town.world.act(&dead.expect("an item"), &Decision::Retry, "bob").await.expect("taken");
                town.world.hotel.aws.go_on();
                drop(erase.await.expect("erased"));
            }
        }
        town.world.hotel.aws.heal();
        // What bob sent was in a queue, where nobody looks: it is worked, and then it is there again.
        town.drain().await;
        town.office().resume(&tenant("sea")).await.expect("resumed");
        town.drain().await;
        town.erase(&asked).await;
        assert_eq!(town.anas().await, Vec::<String>::new(), "at call {n}");
        assert_eq!(version(&town.world.hotel, "b5").await, Some(1), "at call {n}");
        town.post(&posted.dead);
        town.drain().await;
        assert_eq!(town.reasons().await, ["stay-departure-before-arrival"], "at call {n}: b2's, as before");
    }
}

#[tokio::test(start_paused = true)]
async fn of_one_booking_alone_only_its_own_goes_and_what_stays_is_said() {
    let (town, _) = town().await;
    let b5 = Asked::Booking(BookingRef { property: "villa".to_owned(), id: "b5".to_owned() });
    let tenant = tenant("sea");
    let eraser = Eraser { store: &town.world.hotel.store, tenant: &tenant, now: now() };
    let guest = eraser.find(&b5).await.expect("found");
    assert_eq!((guest.unsearched.short, guest.unsearched.shared), (0, 3), "other bookings are the same guest's");
    let before = town.anas().await.len();
    let done = town.erase(&b5).await;
    assert_eq!(json!(done.changed), json!({"bodies of review items": 1}));
    assert_eq!(town.anas().await.len(), before - 1);
    assert!(town.world.hotel.aws.queue(Queue::OperationalCalendar, |queue| queue.is_empty()));
}
