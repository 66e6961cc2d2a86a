//! What must be true in every state, and what must happen in some.

use stateright::Property;

use crate::model::Model;
use crate::state::{Body, Message, Person, Phase, Record, State, Verdict};

type Promise = Property<Model>;

/// Whether nothing can happen any more.
fn is_over(model: &Model, state: &State) -> bool {
    let mut actions = Vec::new();
    model.possible(state, &mut actions);
    actions.is_empty()
}

fn in_order_and_once(_: &Model, state: &State) -> bool {
    state.log.is_sorted_by(|earlier, later| earlier < later)
}

fn effects_stand(_: &Model, state: &State) -> bool {
    state.log.iter().fold(0, |set, event| set | (1 << event)) == state.done()
}

fn nothing_is_lost(_: &Model, state: &State) -> bool {
    let ended = state.with(|record| matches!(record, Record::Done | Record::Discarded));
    let line = state.item.hold.map_or(0..0, |hold| hold.head..hold.next);
    let waits = |event: u8| line.clone().any(|index| state.parked(index).is_some_and(|parked| parked.event == event));
    let safe = |event: u8| ended & (1 << event) != 0 || state.holds_message(Message::Event(event)) || waits(event);
    let other = |event: u8| state.others_done & (1 << event) != 0 || state.holds_message(Message::Other(event));
    (0..state.accepted).all(safe) && (0..state.others).all(other)
}

fn line_is_whole(_: &Model, state: &State) -> bool {
    let line = state.item.hold.map_or(0..0, |hold| hold.head..hold.next);
    // The event before the head stays readable: its dispatch may be owed.
    let kept = line.start.saturating_sub(1)..line.end;
    let mut places = (0..).zip(&state.places);
    places.all(
        |(index, place)| if line.contains(&index) { place.is_some() } else { place.is_none() || kept.contains(&index) },
    )
}

fn failed_has_its_hold(_: &Model, state: &State) -> bool {
    let failed = state.with(|record| record == Record::Failed);
    let asked = state.item.hold.filter(|hold| hold.verdict.is_none()).and_then(|hold| state.parked(hold.head));
    failed == asked.map_or(0, |head| 1 << head.event)
}

fn over_means_well(model: &Model, state: &State) -> bool {
    let ended = state.with(|record| matches!(record, Record::Done | Record::Discarded));
    let all = |count: u8| (1_u8 << count) - 1;
    let well = state.item.hold.is_none()
        && state.queue.is_empty()
        && ended == all(model.events)
        && state.others_done == all(model.others)
        && state.told == state.done();
    well || !is_over(model, state)
}

/// All properties.
#[must_use]
pub fn all() -> Vec<Promise> {
    let mut all = must();
    all.extend(may());
    all
}

/// In every state.
#[must_use]
pub fn must() -> Vec<Promise> {
    vec![
        Promise::always("effects come in order, each at most once", in_order_and_once),
        Promise::always("what is done stays done", effects_stand),
        Promise::always("nothing is lost", nothing_is_lost),
        Promise::always("each place of the line has its event, and no other place has one", line_is_whole),
        Promise::always("an event has failed just while a person is asked about it", failed_has_its_hold),
        Promise::always("a hold goes only when it is empty", |_, state| !state.wrongs.deleted_full),
        Promise::always("what is done is what the last verdict says", |_, state| !state.wrongs.against_verdict),
        Promise::always("a verdict falls on the event that its person saw", |_, state| !state.wrongs.misaimed),
        Promise::always("an edit that is taken stands", |_, state| !state.wrongs.unheeded),
        Promise::always("the other subject never waits", |_, state| !state.wrongs.other_parked),
        Promise::always("when nothing can happen, all is done and told, and no hold is left", over_means_well),
    ]
}

fn idle(state: &State) -> bool {
    state.workers.iter().all(|worker| !worker.is_busy())
}

fn waiting(state: &State) -> u8 {
    state.item.hold.map_or(0, |hold| hold.next.saturating_sub(hold.head))
}

/// In some state: what the model would not check without anybody noticing.
#[must_use]
pub fn may() -> Vec<Promise> {
    vec![
        Promise::sometimes("a hold is opened", |_, state| state.item.hold.is_some()),
        Promise::sometimes("two wait behind the failed one", |_, state| waiting(state) >= 3),
        Promise::sometimes("a second event of the line fails", |_, state| {
            state.item.hold.is_some_and(|hold| hold.head > 0 && hold.verdict.is_none())
        }),
        Promise::sometimes("a wake-up of another generation is ignored", |_, state| {
            state.workers.iter().any(|worker| worker.ignored)
        }),
        Promise::sometimes("a process died between write and delete", |_, state| {
            idle(state)
                && state.queue.iter().any(|queued| match queued.message {
                    Message::Event(event) => queued.again && state.done() & (1 << event) != 0,
                    _ => false,
                })
        }),
        Promise::sometimes("an effect stands, and its follow-ups are owed by a dead process", |_, state| {
            idle(state) && state.done() & !state.told != 0
        }),
        Promise::sometimes("an event is left out", |_, state| state.with(|record| record == Record::Discarded) != 0),
        Promise::sometimes("an edited event is put to work", |_, state| {
            state.places.iter().flatten().any(|parked| parked.body == Body::Mended)
        }),
        Promise::sometimes("an edit was as wrong", |_, state| {
            let asked = state.item.hold.filter(|hold| hold.verdict.is_none());
            asked.and_then(|hold| state.parked(hold.head)).is_some_and(|head| head.body == Body::Wrong)
        }),
        Promise::sometimes("a second person is refused", |_, state| state.people.contains(&Person::Refused)),
        Promise::sometimes("two workers are about to write", |_, state| {
            state.workers.iter().all(|worker| matches!(worker.phase, Phase::Decide(..) | Phase::End(_)))
        }),
        Promise::sometimes("an event joins a line that is being worked", |_, state| {
            state.workers.iter().any(|worker| match worker.phase {
                Phase::End(read) => read.rev != state.item.rev && waiting(state) > 0,
                _ => false,
            })
        }),
        Promise::sometimes("a verdict stands and no wake-up is on the way", |_, state| {
            let given = state.item.hold.filter(|hold| hold.verdict.is_some());
            given.is_some_and(|hold| idle(state) && !state.holds_message(Message::Wake(hold.generation)))
                && !state.people.iter().any(|person| matches!(person, Person::Wakes(_)))
        }),
        Promise::sometimes("a hold is reopened after a former one went", |_, state| {
            state.item.hold.is_some_and(|hold| hold.head == 0 && hold.verdict.is_none())
                && state.with(|record| record == Record::Discarded) != 0
        }),
        Promise::sometimes("a discard waits for its wake-up", |_, state| {
            state.item.hold.is_some_and(|hold| hold.verdict == Some(Verdict::Discard))
        }),
        Promise::sometimes("all is over", is_over),
    ]
}
