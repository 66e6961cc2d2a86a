//! A tenant's workflow rules: what they are, when they are due, and whether they hold. No I/O.
