//! What is checked, and how far. Each leaves out something that another has, for all at once would be billions of states.

use crate::model::Model;
use crate::state::Budget;

const NOTHING: Budget =
    Budget { crashes: 0, expiries: 0, reposts: 0, flukes: 0, lost_wakes: 0, sweeps: 0, vain: 0, rivals: 0 };

const USUAL: Model = Model {
    events: 3,
    others: 0,
    bad: &[0b001],
    release_steps: 1,
    batch: 1,
    budget: Budget { crashes: 1, expiries: 1, ..NOTHING },
    sweeper: true,
    broken: None,
};

/// Batches of two, another subject beside: a process dies, one outlives its visibility time-out.
pub const BATCHES: Model = Model { others: 1, batch: 2, ..USUAL };

/// Two events fail on their own, in or behind the line; more of the line is worked at once.
pub const FAILURES: Model = Model { bad: &[0b000, 0b011, 0b101, 0b110], release_steps: 2, ..USUAL };

/// Good events fail at times: in the line, behind it, after it.
pub const FLUKES: Model = Model { budget: Budget { flukes: 1, ..USUAL.budget }, ..USUAL };

/// Two people, who err: in vain, at once, with a process that dies; a sweeper that sends more than is missing.
pub const PEOPLE: Model = Model {
    events: 2,
    bad: &[0b01, 0b11],
    budget: Budget { crashes: 1, vain: 1, rivals: 1, lost_wakes: 1, sweeps: 1, ..NOTHING },
    ..USUAL
};

/// Nobody sends a wake-up that is missing, and no person's process dies: what the worker owes, it sends itself.
pub const ALONE: Model =
    Model { bad: &[0b011], budget: Budget { crashes: 2, reposts: 1, rivals: 1, ..NOTHING }, sweeper: false, ..USUAL };

/// All of them, by name.
pub const ALL: [(&str, Model); 5] =
    [("batches", BATCHES), ("failures", FAILURES), ("flukes", FLUKES), ("people", PEOPLE), ("alone", ALONE)];
