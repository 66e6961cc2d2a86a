//! What a property sells, told to its channels: availability, rates and follow-ups.

pub mod adapter;
