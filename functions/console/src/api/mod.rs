//! What is answered, by route.

pub(crate) mod account;
pub(crate) mod places;
pub(crate) mod queues;
pub(crate) mod review;
pub(crate) mod stays;
