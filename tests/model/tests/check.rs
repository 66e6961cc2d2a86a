//! The algorithm keeps its promises in every state within the bounds.

use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

use bellhop_model::{Model, bounds, may, must};
use stateright::{Checker as _, Model as _};

#[test]
fn every_promise_is_kept_in_a_million_states_and_more() {
    let mut states = 0;
    let mut seen = BTreeSet::new();
    for (name, model) in bounds::ALL {
        let start = Instant::now();
        let checker = model.checker().threads(2).spawn_bfs().join();
        let (count, depth) = (checker.unique_state_count(), checker.max_depth());
        println!("{name}: {count} states, {depth} deep, {:.1?}", start.elapsed());
        let found = checker.discoveries();
        for promise in must() {
            let path = found.get(promise.name).map(|path| path.clone().into_actions());
            assert!(path.is_none(), "{name}: not kept: {}: {path:?}", promise.name);
        }
        seen.extend(may().into_iter().map(|promise| promise.name).filter(|name| found.contains_key(name)));
        states += count;
    }
    let never: Vec<_> = may().into_iter().map(|promise| promise.name).filter(|name| !seen.contains(name)).collect();
    assert!(never.is_empty(), "the model never gets there: {never:?}");
    assert!(states >= 1_000_000, "{states} states");
}

/// No run goes round in a circle. So each ends, and what is true when nothing can happen any more is true of all of them.
#[test]
fn every_run_ends() {
    for model in [
        Model { events: 2, ..bounds::BATCHES },
        Model { events: 2, ..bounds::FLUKES },
        Model { events: 1, bad: &[1], ..bounds::PEOPLE },
        Model { events: 2, ..bounds::ALONE },
    ] {
        let mut numbers = HashMap::new();
        let mut open = model.init_states();
        let mut next: Vec<Vec<usize>> = Vec::new();
        for state in &open {
            numbers.insert(state.clone(), numbers.len());
        }
        let mut at = 0;
        while at < open.len() {
            let mut behind = Vec::new();
            for state in model.next_states(&open[at]) {
                let fresh = numbers.len();
                let number = *numbers.entry(state.clone()).or_insert(fresh);
                if number == fresh {
                    open.push(state);
                }
                behind.push(number);
            }
            next.push(behind);
            at += 1;
        }
        // What has nothing before it is taken away, until nothing is left: where something is left, it is a circle.
        let mut before = vec![0; next.len()];
        next.iter().flatten().for_each(|number| before[*number] += 1);
        let mut free: Vec<_> = (0..next.len()).filter(|number| before[*number] == 0).collect();
        let mut taken = 0;
        while let Some(number) = free.pop() {
            taken += 1;
            for behind in &next[number] {
                before[*behind] -= 1;
                if before[*behind] == 0 {
                    free.push(*behind);
                }
            }
        }
        println!("{taken} states in no circle");
        assert_eq!(taken, next.len(), "a run without an end");
    }
}
