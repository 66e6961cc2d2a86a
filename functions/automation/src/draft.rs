//! A decision in the making: what bookings and tasks have in common.

use std::sync::Arc;

use bellhop_events::catalogue::{AUTOMATION_LOOK, Look, Property, RULE_EMITTED, RuleEmitted};
use bellhop_events::{Envelope, Fault};
use bellhop_rules::{Chain, Facts, Rulebook};
use bellhop_store::automation::{AutomationState, Plan};
use bellhop_store::{StoreError, Write};
use bellhop_worker::{Decision, Effect, Refusal, Then};
use jiff::Timestamp;

use crate::outbox::Outbox;
use crate::plan::{About, Sight, Trigger};
use crate::{Automation, Looked, nothing};

/// What is read, and what is to be written and sent.
pub struct Draft<'v, 'a> {
    pub event: &'v Envelope,
    pub property: &'v Property,
    pub view: &'v Looked<'a>,
    pub rulebook: Arc<Rulebook>,
    /// What conditions of rules see.
    pub facts: Facts,
    pub outbox: Outbox,
    pub writes: Vec<Write>,
    /// The second of the entry in the due index that has just come.
    come: Option<i64>,
}

impl<'v, 'a> Draft<'v, 'a> {
    pub fn new(
        automation: &Automation,
        event: &'v Envelope,
        property: &'v Property,
        facts: Facts,
        view: &'v Looked<'a>,
    ) -> Result<Self, Refusal> {
        let (rulebook, fault) = automation.rulebooks.of(view)?;
        let mut outbox = Outbox::default();
        if let Some(fault) = fault {
            outbox.review(fault);
        }
        let is_look = event.event_type == AUTOMATION_LOOK.name;
        let come = if is_look { event.payload::<Look>()?.due } else { None };
        let facts = facts.with_property(&event.property, property.time_zone.as_str());
        Ok(Self { event, property, view, rulebook, facts, outbox, writes: Vec::new(), come })
    }

    /// What a rule emitted, if that is what the event says.
    pub fn emitted(&self) -> Result<Option<Trigger>, Fault> {
        if self.event.event_type != RULE_EMITTED.name {
            return Ok(None);
        }
        let emitted: RuleEmitted = self.event.payload()?;
        Ok(Some(Trigger { on: emitted.event_type, chain: Chain::read(&emitted.rules)? }))
    }

    /// Runs the rules that are due, and plans those that come.
    pub fn run_rules(&mut self, plan: &mut Plan, about: About, trigger: Option<Trigger>) -> Result<(), StoreError> {
        // An entry is never early: a clock that is a little behind must not plan it again.
        let come = self.come.and_then(|second| Timestamp::from_second(second).ok());
        let sight = Sight {
            event: self.event,
            trigger,
            facts: &self.facts,
            about,
            property: self.property,
            scope: self.view.scope,
            come: self.come,
            now: come.map_or(self.view.now, |come| come.max(self.view.now)),
        };
        let writes = sight.run(&self.rulebook, plan, &mut self.outbox)?;
        self.writes.extend(writes);
        Ok(())
    }

    /// The decision.
    pub fn decide(self, state: AutomationState, note: Option<&'static str>) -> Decision<Automation> {
        Decision {
            effect: Effect::Applied,
            note,
            state: Some(state),
            writes: self.writes,
            outbox: (!self.outbox.is_empty()).then_some(self.outbox),
            registers: false,
            then: Then::Done,
        }
    }

    /// The same, or nothing at all if the state is as it was and nothing follows.
    pub fn settle(self, same: bool, state: AutomationState, note: Option<&'static str>) -> Decision<Automation> {
        if same && self.writes.is_empty() && self.outbox.is_empty() {
            return Decision { effect: Effect::Applied, note: Some("nothing-to-do"), ..nothing() };
        }
        self.decide(state, note)
    }
}
