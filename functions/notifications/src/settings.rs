//! Settings of the function, from the environment that the template gives it.

use std::time::Duration;

use bellhop_worker::ConfigError;

/// How mail is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The sender's address, verified with the mail service; empty: no mail is sent.
    pub from: String,
    /// The mail service's configuration set, which brings bounces and complaints back; empty: none.
    pub configuration_set: String,
    /// How long a claim holds, in seconds: longer than the function lives, so that its owner is dead at takeover.
    pub lease: i64,
    /// How long one call may take.
    pub call_timeout: Duration,
    /// Tells this environment's claims from those of others.
    pub environment: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            from: String::new(),
            configuration_set: String::new(),
            lease: 32,
            call_timeout: Duration::from_secs(10),
            environment: "one".to_owned(),
        }
    }
}

impl Settings {
    /// Reads the environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// No mail is sent.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.from.is_empty()
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let number = |name: &'static str, default: u16| match lookup(name) {
            None => Ok(default),
            Some(found) => found.parse::<u16>().map_err(|_| {
                let expected = "a whole number from 0 to 65535";
                ConfigError::Invalid { name, found, expected }
            }),
        };
        let from = lookup("MAIL_FROM").unwrap_or_default();
        if !from.is_empty() && bellhop_mail::Address::parse(&from).is_err() {
            return Err(ConfigError::Invalid { name: "MAIL_FROM", found: from, expected: "a mail address" });
        }
        Ok(Self {
            from,
            configuration_set: lookup("MAIL_CONFIGURATION_SET").unwrap_or_default(),
            // A margin, for the claim is taken a moment after the function begins.
            lease: i64::from(number("LEASE_SECONDS", 30)?) + 2,
            call_timeout: Duration::from_secs(u64::from(number("CALL_TIMEOUT_SECONDS", 10)?.max(1))),
            environment: format!("{:016x}", fastrand::u64(..)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_sender_mail_is_off() {
        assert!(Settings::from_lookup(|_| None).expect("settings").is_off());
        let of = |from: &'static str| Settings::from_lookup(move |name| (name == "MAIL_FROM").then(|| from.to_owned()));
        assert!(!of("hotel@example.com").expect("settings").is_off());
        assert!(of("Hotel <hotel@example.com>").is_err());
    }

    #[test]
    fn a_lease_outlives_the_function() {
        let settings = Settings::from_lookup(|name| (name == "LEASE_SECONDS").then(|| "60".to_owned()));
        assert_eq!(settings.map(|settings| settings.lease), Ok(62));
    }
}
