//! What even the review function did not take comes back from the dead-letter queue behind the fallback queue: nothing is lost,
//! and a failure is one item.

use std::cell::{Cell, RefCell};

use bellhop_events::{FallbackNote, Queue};
use bellhop_kit::given::{GROUP, poison};
use bellhop_kit::{Fault, Fifo, advance};
use bellhop_review::{DeadLetter, DeadLetters, DrainError, drain};
use bellhop_store::review::Desk;

use crate::common::desk::{Reviewed, sea};
use crate::common::{hotel, post};

/// The dead-letter queue, which can fail.
#[derive(Default)]
struct Behind {
    queue: RefCell<Fifo>,
    /// Deletions that are not done.
    refusals: Cell<u32>,
    receives: Cell<u32>,
}

impl DeadLetters for Behind {
    type Error = &'static str;

    async fn receive(&self, most: u64) -> Result<Vec<DeadLetter>, &'static str> {
        self.receives.set(self.receives.get() + 1);
        let mut queue = self.queue.borrow_mut();
        queue.batch = usize::try_from(most).expect("few");
        let letter = |message: &bellhop_kit::Queued| DeadLetter {
            id: message.id.clone(),
            receipt: message.id.clone(),
            group: message.group.clone(),
            body: message.body.clone(),
            note: message.note.clone(),
        };
        Ok(queue.receive(60).iter().map(letter).collect())
    }

    async fn delete(&self, letters: &[DeadLetter]) -> Result<(), &'static str> {
        if self.refusals.get() > 0 {
            self.refusals.set(self.refusals.get() - 1);
            return Err("not deleted");
        }
        for letter in letters {
            self.queue.borrow_mut().delete(&letter.receipt);
        }
        Ok(())
    }
}

/// So many failures, whose notices SQS has moved out of the fallback queue.
async fn given_up(failures: u32) -> (Reviewed, Behind) {
    let world = Reviewed::of(hotel(&[("u1", 1), ("room", 9)]).await);
    for n in 0..failures {
        post(&world.hotel, &poison(&format!("bad{n}"), &format!("b{n}"), 1));
    }
    world.hotel.drain().await;
    let behind = Behind::default();
    world.hotel.aws.queue(Queue::Fallback, |queue| {
        for (n, message) in queue.messages().to_vec().into_iter().enumerate() {
            queue.delete(&message.id);
            // On the move SQS makes the message's id its deduplication id.
            let moved = format!("moved-{n}");
            behind.queue.borrow_mut().send(&message.group, &moved, &message.body, message.note.clone());
        }
    });
    (world, behind)
}

#[tokio::test(start_paused = true)]
async fn all_comes_back_even_at_once_and_is_the_item_that_it_would_have_been() {
    let (world, behind) = given_up(25).await;
    let told = world.hotel.aws.queue(Queue::Fallback, |queue| queue.log.clone());
    assert_eq!(behind.queue.borrow().len(), 25);
    // Within the five minutes in which SQS drops what it has accepted before.
    let mut heard = 0;
    assert_eq!(drain(&behind, &world.queues, 1000, |more| heard += more).await, Ok(25));
    assert_eq!((behind.queue.borrow().len(), heard), (0, 25));
    world.take_in().await;
    let items = world.open(&sea()).await;
    assert_eq!(items.len(), 25);
    assert!(items.iter().all(|item| item.note.reason == "stay-departure-before-arrival" && item.told == 1));
    // The first messages, should SQS still have them: the same items.
    world.tell("t-fallback", &told).await;
    let again = world.open(&sea()).await;
    assert_eq!(
        again.iter().map(|item| &item.id).collect::<Vec<_>>(),
        items.iter().map(|item| &item.id).collect::<Vec<_>>()
    );
    for message in &told {
        let note: FallbackNote = serde_json::from_str(message.note.as_deref().expect("a note")).expect("a note");
        assert_eq!(note.failure.as_deref(), Some(message.deduplication.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn it_moves_no_more_than_it_is_told_to() {
    let (world, behind) = given_up(25).await;
    assert_eq!(drain(&behind, &world.queues, 12, |_| ()).await, Ok(12));
    assert_eq!((behind.queue.borrow().len(), behind.receives.get()), (13, 2));
    world.take_in().await;
    assert_eq!(world.open(&sea()).await.len(), 12);
}

#[tokio::test(start_paused = true)]
async fn killed_or_refused_anywhere_it_can_be_repeated_and_makes_no_second_item() {
    for fault in [Fault::Refuse, Fault::LoseAnswer, Fault::Repeat, Fault::DieBefore, Fault::DieAfter] {
        for n in 0..3 {
            for wait in [61, 400] {
                let (world, behind) = given_up(15).await;
                world.hotel.aws.fail_call(n, fault);
                tokio::select! {
                    biased;
                    _ = drain(&behind, &world.queues, 1000, |_| ()) => {}
                    () = world.hotel.aws.death() => {}
                }
                world.hotel.aws.heal();
                // Their time out of sight is over; SQS may have forgotten what it accepted.
                advance(wait);
                drain(&behind, &world.queues, 1000, |_| ()).await.expect("moved");
                assert_eq!(behind.queue.borrow().len(), 0, "{fault:?} at {n}");
                world.take_in().await;
                assert_eq!(world.open(&sea()).await.len(), 15, "{fault:?} at {n} after {wait} s");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_accepted_and_not_deleted_comes_twice_and_is_one_item() {
    let (world, behind) = given_up(5).await;
    behind.refusals.set(1);
    assert_eq!(drain(&behind, &world.queues, 1000, |_| ()).await, Err(DrainError::Queue("not deleted")));
    assert_eq!(behind.queue.borrow().len(), 5, "all are there");
    world.take_in().await;
    advance(400);
    assert_eq!(drain(&behind, &world.queues, 1000, |_| ()).await, Ok(5));
    world.take_in().await;
    assert_eq!(world.open(&sea()).await.len(), 5);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_stays_where_it_was() {
    let (world, behind) = given_up(5).await;
    world.hotel.aws.fail_call(0, Fault::Refuse);
    assert_eq!(drain(&behind, &world.queues, 1000, |_| ()).await, Err(DrainError::NotSent));
    assert_eq!(behind.queue.borrow().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_message_without_a_note_is_one_item_however_often_it_is_moved() {
    let (world, behind) = given_up(0).await;
    behind.queue.borrow_mut().send(GROUP, "moved", "no json at all", None);
    behind.refusals.set(1);
    drain(&behind, &world.queues, 1000, |_| ()).await.expect_err("not deleted");
    world.take_in().await;
    advance(400);
    drain(&behind, &world.queues, 1000, |_| ()).await.expect("moved");
    world.take_in().await;
    let items = world.open(&Desk::of_nobody()).await;
    assert_eq!(items.iter().map(|item| item.told).collect::<Vec<_>>(), [2]);
}
