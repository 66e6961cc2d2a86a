//! Variants of the algorithm that lack one thing each. Each must yield a counterexample: what the model cannot miss.

/// What a variant does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    /// A step of a release is conditional on the head alone.
    StepIgnoresGeneration,
    /// A step of a release is conditional on the generation alone.
    StepIgnoresHead,
    /// Neither a verdict nor a failure raises the generation.
    GenerationNeverRises,
    /// A new hold begins with the same generation as the one before.
    GenerationRestarts,
    /// The hold is deleted though something joined since it was read.
    EndIsUnconditional,
    /// What an event writes is not conditional on what was read.
    WriteIsUnconditional,
    /// A verdict is not conditional on what was read: the second person is not refused.
    VerdictIsUnconditional,
    /// A person whose write is lost takes another's verdict for the own one, where the two look the same.
    AnothersVerdictPasses,
    /// A verdict falls on whatever is at the head when it is written.
    VerdictIsNotAimed,
    /// A message is deleted before its outcome is durable.
    DeleteComesFirst,
    /// Record and hold of a failed event are two writes.
    GiveUpIsTwoWrites,
    /// The hold is judged before the record.
    HoldBeforeRecord,
    /// Later events pass the hold.
    NobodyParks,
    /// The hold stands for the whole group.
    HoldsTheGroup,
    /// A release that stops after its steps does not wake the next one.
    ForgetsNextWake,
    /// A release does not repeat the dispatch of the event before.
    ForgetsDispatchBefore,
    /// A release repeats the dispatch of the event before only at its first look at the line.
    LooksBackOnce,
    /// A duplicate does not repeat the dispatch.
    ForgetsDispatchAgain,
    /// A duplicate repeats the dispatch only if its message was received before.
    TrustsFirstDelivery,
    /// Follow-ups of a batch are sent at its end, though an outbox holds one event's only.
    SendsAtTheEnd,
}
