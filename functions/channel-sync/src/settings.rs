//! Settings of the function, from the environment that the template gives it.

use bellhop_worker::ConfigError;

/// How calls are paced and repeated. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Failures in a row that open a channel's circuit.
    pub threshold: u32,
    /// How long a circuit is open at first.
    pub cooldown: i64,
    /// How long a claim holds: longer than the function lives, so that its owner is dead at takeover.
    pub lease: i64,
    /// How long one call may take.
    pub call_timeout: i64,
    /// What follows the `@` in the UIDs of our own feeds.
    pub feeds_domain: String,
    /// Tells this environment's claims from those of others.
    pub environment: String,
}

/// Nights from today on that a channel is told.
pub const HORIZON_DAYS: i32 = 500;

impl Default for Settings {
    fn default() -> Self {
        Self {
            threshold: 5,
            cooldown: 30_000,
            lease: 35_000,
            call_timeout: 10_000,
            feeds_domain: "feeds.bellhop.invalid".to_owned(),
            environment: "one".to_owned(),
        }
    }
}

impl Settings {
    /// Reads the environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let usual = Self::default();
        let number = |name: &'static str, default: i64| match lookup(name) {
            None => Ok(default),
            Some(found) => match found.parse::<u16>() {
                Ok(number) => Ok(i64::from(number)),
                Err(_) => Err(ConfigError::Invalid { name, found, expected: "a whole number from 0 to 65535" }),
            },
        };
        let threshold = number("CIRCUIT_THRESHOLD", i64::from(usual.threshold))?.max(1);
        Ok(Self {
            threshold: u32::try_from(threshold).unwrap_or(usual.threshold),
            cooldown: number("CIRCUIT_COOLDOWN_SECONDS", usual.cooldown / 1000)?.max(1) * 1000,
            lease: (number("LEASE_SECONDS", usual.lease / 1000)? + 2) * 1000,
            call_timeout: number("CALL_TIMEOUT_SECONDS", usual.call_timeout / 1000)?.max(1) * 1000,
            feeds_domain: lookup("FEEDS_DOMAIN").filter(|name| !name.is_empty()).unwrap_or(usual.feeds_domain),
            environment: format!("{:016x}", fastrand::u64(..)),
        })
    }
}
