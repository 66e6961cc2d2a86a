//! People: `shared/store/src/resolve.rs`, a read or a write at a time, and the wake-up behind it.

use crate::broken::Broken;
use crate::model::{Action, Model};
use crate::state::{Body, Choice, Hold, Message, Parked, Person, Record, State, Verdict};

/// What people may do next.
pub(crate) fn persons(state: &State, actions: &mut Vec<Action>) {
    for (number, person) in state.people.iter().enumerate() {
        match person {
            Person::Away | Person::Refused => choices(state, number, actions),
            Person::Chose { .. } => actions.push(Action::Decide(number)),
            Person::Wakes(_) => {
                actions.push(Action::Decide(number));
                if state.left.lost_wakes > 0 {
                    actions.push(Action::LoseWake(number));
                }
            }
        }
    }
}

impl Model {
    /// A person's next step: the verdict, on condition that nobody wrote since it was looked at; then its wake-up.
    pub(crate) fn resolve(&self, state: &mut State, number: usize) {
        let (rev, hold, event, choice) = match state.people[number] {
            Person::Chose { rev, hold, event, choice } => (rev, hold, event, choice),
            Person::Wakes(generation) => {
                state.send(Message::Wake(generation));
                state.people[number] = Person::Away;
                return;
            }
            Person::Away | Person::Refused => return,
        };
        let verdict = match choice {
            Choice::Discard => Verdict::Discard,
            Choice::Retry | Choice::Edit(_) => Verdict::Retry,
        };
        let generation = hold.generation + u8::from(!self.is(Broken::GenerationNeverRises));
        let given = Hold { generation, verdict: Some(verdict), ..hold };
        if state.item.rev == rev || self.is(Broken::VerdictIsUnconditional) {
            write(state, given, event, choice);
            state.people[number] = Person::Wakes(given.generation);
            return;
        }
        // Lost: it looks again.
        let next = match state.item.hold {
            Some(now) if now == given && self.is(Broken::AnothersVerdictPasses) => {
                let stands = state.parked(now.head).map(|head| head.body);
                state.wrongs.unheeded |= matches!(choice, Choice::Edit(body) if stands != Some(body));
                Person::Wakes(now.generation)
            }
            Some(now) if now.verdict.is_none() => {
                let same = state.parked(now.head).is_some_and(|head| head.event == event);
                // An edit says which event it is of; the other verdicts do not.
                if same || (self.is(Broken::VerdictIsNotAimed) && !matches!(choice, Choice::Edit(_))) {
                    Person::Chose { rev: state.item.rev, hold: now, event, choice }
                } else {
                    Person::Refused
                }
            }
            _ => Person::Refused,
        };
        state.people[number] = next;
    }
}

fn write(state: &mut State, given: Hold, event: u8, choice: Choice) {
    let Some(head) = state.parked(given.head) else { return };
    state.wrongs.misaimed |= head.event != event;
    state.item.hold = Some(given);
    state.item.rev += 1;
    state.item.records[usize::from(head.event)] = Record::Retrying;
    if let Choice::Edit(body) = choice
        && let Some(place) = state.place_mut(given.head)
    {
        *place = Some(Parked { body, ..head });
    }
}

/// What a person may choose. A verdict that cannot help is one of a few.
fn choices(state: &State, number: usize, actions: &mut Vec<Action>) {
    let Some(hold) = state.item.hold.filter(|hold| hold.verdict.is_none()) else { return };
    let Some(head) = state.parked(hold.head) else { return };
    // The second person looks only while the first has chosen.
    let is_rival = matches!(state.people[1 - number], Person::Chose { .. });
    if (number == 1) != is_rival || (number == 1 && state.left.rivals == 0) {
        return;
    }
    let helps = state.is_good(head.event, head.body);
    let vain = state.left.vain > 0;
    let choices = [
        (Choice::Retry, helps || vain),
        (Choice::Edit(Body::Mended), true),
        (Choice::Edit(Body::Wrong), vain),
        (Choice::Discard, true),
    ];
    let willing = choices.into_iter().filter(|(_, willing)| *willing);
    actions.extend(willing.map(|(choice, _)| Action::Choose(number, choice)));
}

/// A person looks at the head, and chooses.
pub(crate) fn choose(state: &mut State, number: usize, choice: Choice) {
    let Some(hold) = state.item.hold else { return };
    let Some(head) = state.parked(hold.head) else { return };
    let vain = match choice {
        Choice::Retry => !state.is_good(head.event, head.body),
        Choice::Edit(body) => body == Body::Wrong,
        Choice::Discard => false,
    };
    state.left.vain -= u8::from(vain);
    state.left.rivals -= u8::from(number == 1);
    state.people[number] = Person::Chose { rev: state.item.rev, hold, event: head.event, choice };
}
