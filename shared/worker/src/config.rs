//! A function's settings, from the environment that the template gives it.

use std::collections::BTreeMap;

use bellhop_events::Queue;

use crate::backoff::Backoff;

/// Why a function cannot start. All missing variables are named at once.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Variables are not set.
    #[error("config-missing: set the environment variables {}", .0.join(", "))]
    Missing(Vec<String>),
    /// A variable has a value that cannot be used.
    #[error("config-invalid: {name} is {found:?}, expected {expected}")]
    Invalid {
        /// The variable.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
}

/// Who takes messages out of a queue that cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetters {
    /// The worker, with a reason, to the fallback queue; SQS's redrive is the net below.
    Fallback,
    /// SQS's redrive policy alone.
    Redrive,
}

/// Whose events are worked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registry {
    /// Everybody's: a tenant exists by its first event.
    Open,
    /// Those of tenants that somebody has added.
    Closed,
}

/// How failures are treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// How often a message is attempted before it goes to review.
    pub attempt_budget: u32,
    /// Waits between attempts.
    pub backoff: Backoff,
    /// Who takes out what cannot be done.
    pub dead_letters: DeadLetters,
    /// The queue's `maxReceiveCount`.
    pub max_receive_count: u32,
    /// A message older than this goes to review, in seconds: SQS drops it at 14 days.
    pub max_age_seconds: i64,
    /// Follow-ups that say "look" are one for each such interval, in seconds; 0: each is sent. Shorter than the delay of the
    /// queue that they go to, by what the clocks of two machines may differ.
    pub gather_seconds: u32,
    /// How many events of a line are worked for one wake-up.
    pub release_steps: u32,
    /// Whose events are worked.
    pub registry: Registry,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempt_budget: 5,
            backoff: Backoff { base_seconds: 2, cap_seconds: 900 },
            dead_letters: DeadLetters::Fallback,
            max_receive_count: 1000,
            max_age_seconds: 12 * 86_400,
            gather_seconds: 0,
            release_steps: 25,
            registry: Registry::Open,
        }
    }
}

impl Policy {
    /// How often a message may take the process down, alone, before it is given up: before SQS would take it, and its
    /// neighbours with it. Two receives find it out, and in one more its neighbours are done.
    pub(crate) fn most_deaths(&self) -> u32 {
        self.attempt_budget.min(self.max_receive_count.saturating_sub(3)).max(1)
    }
}

/// All settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The table `state`.
    pub state_table: String,
    /// The table `operations`.
    pub operations_table: String,
    /// URLs of the queues that the function may send to.
    pub queues: BTreeMap<Queue, String>,
    /// How failures are treated.
    pub policy: Policy,
}

impl Config {
    /// Reads the environment; `queues` are those that the function sends to.
    pub fn from_env(queues: &[Queue]) -> Result<Self, ConfigError> {
        Self::from_lookup(queues, |name| std::env::var(name).ok())
    }

    fn from_lookup(queues: &[Queue], lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let names = ["STATE_TABLE", "OPERATIONS_TABLE"].into_iter().chain(queues.iter().map(|queue| queue.variable()));
        let missing: Vec<_> = names.filter(|n| lookup(n).is_none_or(|v| v.is_empty())).map(str::to_owned).collect();
        if !missing.is_empty() {
            return Err(ConfigError::Missing(missing));
        }
        let text = |name: &str| lookup(name).unwrap_or_default();
        let number = |name: &'static str, default: u32| match lookup(name) {
            None => Ok(default),
            Some(found) => found.parse().map_err(|_| ConfigError::Invalid { name, found, expected: "a whole number" }),
        };
        let usual = Policy::default();
        let policy = Policy {
            attempt_budget: number("ATTEMPT_BUDGET", usual.attempt_budget)?.max(1),
            backoff: Backoff {
                base_seconds: number("BACKOFF_BASE_SECONDS", usual.backoff.base_seconds)?,
                cap_seconds: number("BACKOFF_CAP_SECONDS", usual.backoff.cap_seconds)?,
            },
            dead_letters: match lookup("DEAD_LETTERS").as_deref() {
                None | Some("fallback") => DeadLetters::Fallback,
                Some("redrive") => DeadLetters::Redrive,
                Some(other) => {
                    let expected = "fallback or redrive";
                    return Err(ConfigError::Invalid { name: "DEAD_LETTERS", found: other.to_owned(), expected });
                }
            },
            registry: match lookup("TENANT_REGISTRY").as_deref() {
                None | Some("open") => Registry::Open,
                Some("closed") => Registry::Closed,
                Some(other) => {
                    let expected = "open or closed";
                    return Err(ConfigError::Invalid { name: "TENANT_REGISTRY", found: other.to_owned(), expected });
                }
            },
            gather_seconds: number("GATHER_SECONDS", 0)?.saturating_sub(1),
            max_receive_count: number("MAX_RECEIVE_COUNT", usual.max_receive_count)?.max(1),
            ..usual
        };
        let policy = match policy.dead_letters {
            DeadLetters::Fallback => policy,
            // Give up before SQS does, or it would take the neighbours along.
            DeadLetters::Redrive => {
                Policy { attempt_budget: policy.attempt_budget.min(policy.max_receive_count), ..policy }
            }
        };
        Ok(Self {
            state_table: text("STATE_TABLE"),
            operations_table: text("OPERATIONS_TABLE"),
            queues: queues.iter().map(|queue| (*queue, text(queue.variable()))).collect(),
            policy,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_missing_variables_are_named_at_once() {
        let error = Config::from_lookup(&[Queue::Fallback], |_| None);
        let names = ["STATE_TABLE", "OPERATIONS_TABLE", "QUEUE_FALLBACK"].map(str::to_owned).to_vec();
        assert_eq!(error, Err(ConfigError::Missing(names)));
    }

    #[test]
    fn a_wrong_number_names_its_variable() {
        let error =
            Config::from_lookup(&[], |name| Some(if name == "ATTEMPT_BUDGET" { "many" } else { "x" }.to_owned()));
        assert!(matches!(error, Err(ConfigError::Invalid { name: "ATTEMPT_BUDGET", .. })), "{error:?}");
    }
}
