//! What even this function did not take lies in the dead-letter queue behind the fallback queue, and nobody reads that: its
//! messages are put back by a person.
//!
//! A message is deleted there when the fallback queue has accepted it here. Whoever is killed between the two does it twice; the
//! failure has the number that its note says, so it is one item all the same.

use bellhop_events::Queue;
use bellhop_worker::{Outgoing, Queues};

/// SQS hands out ten messages at once (Amazon SQS API Reference, `ReceiveMessage`).
const MOST_AT_ONCE: u64 = 10;

/// A message of the dead-letter queue behind the fallback queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// SQS's id of the message: the same each time it is received.
    pub id: String,
    /// What deletes it.
    pub receipt: String,
    /// The message group.
    pub group: String,
    /// The body.
    pub body: String,
    /// The JSON of the attribute `bellhop`.
    pub note: Option<String>,
}

/// Where dead letters come from.
pub trait DeadLetters {
    /// Why it cannot be read.
    type Error;

    /// At most so many messages, in order within a group; empty: there is none that is not in somebody's hands.
    fn receive(&self, most: u64) -> impl Future<Output = Result<Vec<DeadLetter>, Self::Error>>;

    /// Deletes messages.
    fn delete(&self, letters: &[DeadLetter]) -> impl Future<Output = Result<(), Self::Error>>;
}

/// Why messages were not all put back. Those that were are counted, and no longer there.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DrainError<E> {
    /// The dead-letter queue.
    #[error("{0}")]
    Queue(E),
    /// The fallback queue did not take a message.
    #[error("not-sent: the fallback queue did not take every message; the others stay where they were")]
    NotSent,
}

impl DeadLetter {
    /// The same message, for the fallback queue.
    ///
    /// Its deduplication id is no former one: SQS remembers those for five minutes, would say that it accepts the message, and
    /// would drop it. It is the same whenever this very message is sent again.
    fn again(&self) -> Outgoing {
        Outgoing {
            queue: Queue::Fallback,
            group: self.group.clone(),
            subject: self.id.clone(),
            deduplication_id: format!("redrive:{}", self.id),
            body: self.body.clone(),
            note: self.note.clone(),
        }
    }
}

/// Puts at most `most` messages back to the fallback queue; how many it were. `moved` hears of each batch.
pub async fn drain<D: DeadLetters>(
    from: &D,
    queues: &Queues,
    most: u64,
    mut moved: impl FnMut(u64),
) -> Result<u64, DrainError<D::Error>> {
    let mut count = 0;
    while count < most {
        let letters = from.receive(MOST_AT_ONCE.min(most - count)).await.map_err(DrainError::Queue)?;
        if letters.is_empty() {
            break;
        }
        let messages: Vec<_> = letters.iter().map(DeadLetter::again).collect();
        let refused = queues.send(&messages).await;
        let accepted = letters.into_iter().enumerate().filter(|(position, _)| !refused.contains(position));
        let accepted: Vec<_> = accepted.map(|(_, letter)| letter).collect();
        if !accepted.is_empty() {
            from.delete(&accepted).await.map_err(DrainError::Queue)?;
        }
        count += accepted.len() as u64;
        moved(accepted.len() as u64);
        if !refused.is_empty() {
            return Err(DrainError::NotSent);
        }
    }
    Ok(count)
}
