//! Cleaning, maintenance, reminders and workflow rules.
