//! Read models for the live dashboard.
