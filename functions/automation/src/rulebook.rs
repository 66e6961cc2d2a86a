//! A tenant's rulebook, from its item; compiled once, not with each event.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bellhop_events::{Digest, Fault};
use bellhop_rules::Rulebook;
use bellhop_store::automation::SavedRules;
use bellhop_worker::Refusal;

use crate::Looked;

/// So many rulebooks are kept; one is at most 64 KiB of text.
const MOST_KEPT: usize = 64;

/// Compiled rulebooks by the digest of their text: what is compiled is never older than what was read.
#[derive(Default)]
pub struct Rulebooks(Mutex<HashMap<Digest, Arc<Rulebook>>>);

impl Rulebooks {
    /// The rulebook of the event's tenant. One that cannot be read is none, and a fault for a person.
    pub(crate) fn of(&self, view: &Looked<'_>) -> Result<(Arc<Rulebook>, Option<Fault>), Refusal> {
        let Some(saved) = SavedRules::decode(view.item(&SavedRules::key(view.scope)))? else {
            return Ok((Arc::default(), None));
        };
        let digest = Digest::of_bytes(saved.text.as_bytes());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(rulebook) = kept.get(&digest) {
            return Ok((Arc::clone(rulebook), None));
        }
        match Rulebook::parse(&saved.text) {
            Ok(rulebook) => {
                let rulebook = Arc::new(rulebook);
                if kept.len() >= MOST_KEPT {
                    kept.clear();
                }
                kept.insert(digest, Arc::clone(&rulebook));
                Ok((rulebook, None))
            }
            Err(fault) => Ok((Arc::default(), Some(fault))),
        }
    }
}
