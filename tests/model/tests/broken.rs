//! The model can fail: each variant of the algorithm that lacks one thing breaks a promise.

use bellhop_model::{Broken, Budget, Model, bounds};
use stateright::{Checker as _, HasDiscoveries, Model as _};

const ORDER: &str = "effects come in order, each at most once";
const LOST: &str = "nothing is lost";
const LINE: &str = "each place of the line has its event, and no other place has one";
const FAILED: &str = "an event has failed just while a person is asked about it";
const FULL: &str = "a hold goes only when it is empty";
const VERDICT: &str = "what is done is what the last verdict says";
const SEEN: &str = "a verdict falls on the event that its person saw";
const EDIT: &str = "an edit that is taken stands";
const OTHER: &str = "the other subject never waits";
const END: &str = "when nothing can happen, all is done and told, and no hold is left";

/// Where a counterexample is near.
const FEW: Model = Model { events: 2, bad: &[0b00], others: 0, ..bounds::BATCHES };
const TWO_PEOPLE: Model = Model { events: 1, bad: &[0b1], ..bounds::PEOPLE };

/// What is broken, where it is looked for, and which promise it breaks.
const TABLE: [(Broken, Model, &str); 20] = [
    (Broken::StepIgnoresGeneration, bounds::FLUKES, VERDICT),
    (Broken::StepIgnoresHead, bounds::FLUKES, LOST),
    (Broken::GenerationNeverRises, bounds::FLUKES, VERDICT),
    (Broken::GenerationRestarts, bounds::FLUKES, LOST),
    (Broken::EndIsUnconditional, bounds::FLUKES, FULL),
    (Broken::WriteIsUnconditional, bounds::FLUKES, ORDER),
    (Broken::VerdictIsUnconditional, bounds::PEOPLE, LINE),
    (Broken::AnothersVerdictPasses, TWO_PEOPLE, EDIT),
    (Broken::VerdictIsNotAimed, bounds::PEOPLE, SEEN),
    (Broken::DeleteComesFirst, FEW, LOST),
    (Broken::GiveUpIsTwoWrites, bounds::FAILURES, FAILED),
    (Broken::HoldBeforeRecord, bounds::FAILURES, ORDER),
    (Broken::NobodyParks, bounds::FLUKES, ORDER),
    (Broken::HoldsTheGroup, bounds::BATCHES, OTHER),
    (Broken::ForgetsNextWake, bounds::ALONE, END),
    (Broken::ForgetsDispatchBefore, bounds::PEOPLE, END),
    (Broken::LooksBackOnce, bounds::FLUKES, END),
    (Broken::ForgetsDispatchAgain, FEW, END),
    (Broken::TrustsFirstDelivery, FEW, END),
    (Broken::SendsAtTheEnd, FEW, END),
];

#[test]
fn what_lacks_one_thing_breaks_a_promise() {
    for (broken, model, promise) in TABLE {
        let model = Model { broken: Some(broken), ..model };
        let first = HasDiscoveries::AnyOf([promise].into());
        let checker = model.checker().threads(2).finish_when(first).spawn_bfs().join();
        let found = checker.discoveries();
        assert!(found.contains_key(promise), "{broken:?} does not break: {promise}; it breaks {:?}", found.keys());
    }
}

/// Why there must be somebody who sends missing wake-ups: a person's process may die between verdict and wake-up.
#[test]
fn without_a_sweeper_a_lost_wake_up_leaves_a_hold_for_ever() {
    let budget = Budget { lost_wakes: 1, ..bounds::ALONE.budget };
    let model = Model { budget, ..bounds::ALONE };
    let checker = model.checker().threads(2).finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    assert!(checker.discovery(END).is_some());
}
