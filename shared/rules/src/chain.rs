//! The rules that led to an event: so that none of them runs in a circle, and no chain grows long.

use bellhop_events::{Fault, Reason};
use serde::{Deserialize, Serialize};

use crate::RuleId;
use crate::text::Quoted;

/// So many rules may run one because of the other.
pub const MAX_DEPTH: usize = 3;

/// The rules that led to an event, the first one first. JSON: an array of ids, empty for what comes from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chain(Vec<RuleId>);

impl Chain {
    /// Whether `rule` may run on what this chain led to: it is not in the chain, and the chain has room for it.
    #[must_use]
    pub fn may_run(&self, rule: &RuleId) -> bool {
        self.0.len() < MAX_DEPTH && !self.0.contains(rule)
    }

    /// The chain of what `rule` does next.
    #[must_use]
    pub fn then(&self, rule: &RuleId) -> Self {
        Self(self.0.iter().chain([rule]).cloned().collect())
    }

    /// The chain that an event carries in its field `rules`.
    pub fn read(ids: &[String]) -> Result<Self, Fault> {
        let wrong =
            |id: &String| Fault::new(Reason::InvalidData, "/data/rules").expected("ids of rules").found(Quoted(id));
        ids.iter().map(|id| id.parse().map_err(|_| wrong(id))).collect::<Result<_, _>>().map(Self)
    }

    /// The ids, as an event carries them.
    #[must_use]
    pub fn to_ids(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(number: u8) -> RuleId {
        format!("r{number}").parse().expect("an id")
    }

    proptest! {
        /// Whatever rules an event might set off, as long as each asks first: no rule twice, and at most three.
        #[test]
        fn a_chain_never_circles_and_never_grows_long(tries in prop::collection::vec(0..6_u8, 0..40)) {
            let mut chain = Chain::default();
            for rule in tries.into_iter().map(id) {
                let known = chain.0.contains(&rule);
                if chain.may_run(&rule) {
                    prop_assert!(!known);
                    chain = chain.then(&rule);
                    prop_assert!(!chain.may_run(&rule));
                }
            }
            let distinct: std::collections::BTreeSet<_> = chain.0.iter().collect();
            prop_assert_eq!(distinct.len(), chain.0.len());
            prop_assert!(chain.0.len() <= MAX_DEPTH);
        }

        /// A chain that came in longer than it may be runs nothing.
        #[test]
        fn a_full_chain_runs_nothing(ids in prop::collection::vec(0..200_u8, MAX_DEPTH..20), next in 0..250_u8) {
            let chain = Chain(ids.into_iter().map(id).collect());
            prop_assert!(!chain.may_run(&id(next)));
        }

        #[test]
        fn json_and_ids_keep_it(ids in prop::collection::vec(0..9_u8, 0..5)) {
            let chain = Chain(ids.into_iter().map(id).collect());
            let text = serde_json::to_string(&chain).expect("JSON");
            prop_assert!(text.starts_with('['));
            prop_assert_eq!(&serde_json::from_str::<Chain>(&text).expect("a chain"), &chain);
            prop_assert_eq!(Chain::read(&chain.to_ids()).expect("a chain"), chain);
        }
    }
}
