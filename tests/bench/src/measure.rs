//! Runs the subjects in turns, so that a slow minute of the machine falls on all of them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::backend::Backend;
use crate::calls::{by_operation, greatest_concurrency, mean_service_time, round_trip_depth};
use crate::events::{BATCH_SIZE, Ids, sqs_event};
use crate::items::Items;
use crate::runtime_api::Function;
use crate::statistics::number;
use crate::subjects::Subject;

/// The delay under which round trips are counted: so long that calls that belong together overlap even on a busy machine.
const COUNTING_DELAY: Duration = Duration::from_millis(40);
/// Batches that are counted.
const COUNTED_BATCHES: usize = 3;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How often each subject gets its turn.
    pub rounds: usize,
    /// Processes started in a turn; the last one goes on to the warm batches.
    pub cold_starts: usize,
    /// Batches that are not measured, at the start of the warm ones.
    pub warm_up: usize,
    /// Warm batches in a turn with a backend that answers at once.
    pub batches: usize,
    /// Warm batches in a turn with a backend that answers after `delay`.
    pub delayed_batches: usize,
    /// That delay.
    pub delay: Duration,
}

/// Everything measured of one subject; times in milliseconds, memory in bytes.
#[derive(Debug, Default, Clone)]
pub struct Samples {
    /// Process start to first request for an invocation.
    pub cold_start: Vec<f64>,
    /// The first batch of a process.
    pub first_invocation: Vec<f64>,
    /// Warm batches, backend at once.
    pub batch: Vec<f64>,
    /// Warm batches, backend delayed.
    pub delayed_batch: Vec<f64>,
    /// Processor time of an event, backend at once.
    pub cpu: Vec<f64>,
    /// Processor time of an event, backend delayed.
    pub delayed_cpu: Vec<f64>,
    /// The most memory a process held.
    pub peak_memory: Vec<f64>,
    /// The delay that the backend really gave when it was told to.
    pub delay: Vec<f64>,
    /// Round trips that follow one another in a batch.
    pub round_trips: Vec<f64>,
    /// Calls in flight at once.
    pub concurrency: Vec<f64>,
    /// `DynamoDB` write units of a batch.
    pub write_units: Vec<f64>,
    /// Calls of a batch, by operation.
    pub calls: BTreeMap<String, Vec<f64>>,
}

/// Runs the whole plan; `progress` is told which subject's turn it is.
pub fn run(
    subjects: &[Subject],
    binaries: &Path,
    plan: Plan,
    mut progress: impl FnMut(usize, &str),
) -> Result<Vec<Samples>> {
    let backend = Backend::start().context("cannot start the null backend")?;
    let mut ids = Ids::new();
    let mut samples = vec![Samples::default(); subjects.len()];
    let mut items = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let found = prepare(&backend, subject, binaries, &mut ids);
        items.push(found.with_context(|| format!("preparing {}", subject.name))?);
    }
    for round in 0..plan.rounds {
        for ((subject, items), samples) in subjects.iter().zip(&items).zip(&mut samples) {
            progress(round, subject.name);
            backend.set_items(items.clone());
            let mut turn = Turn { subject, backend: &backend, ids: &mut ids, samples };
            turn.run(binaries, plan, round == 0).with_context(|| format!("measuring {}", subject.name))?;
        }
    }
    Ok(samples)
}

/// Lets the subject itself write what it shall find later.
fn prepare(backend: &Backend, subject: &Subject, binaries: &Path, ids: &mut Ids) -> Result<Items> {
    let Some((generate, batches)) = subject.before else { return Ok(Items::default()) };
    backend.set_items(Items::default());
    backend.set_store(true);
    let mut function = Function::start(&subject.binary(binaries), &subject.environment(backend))?;
    for batch in 0..batches {
        function.invoke(sqs_event(ids, subject.queue, generate, batch))?;
    }
    backend.set_store(false);
    Ok(backend.items())
}

/// One subject's turn.
struct Turn<'a> {
    subject: &'a Subject,
    backend: &'a Backend,
    ids: &'a mut Ids,
    samples: &'a mut Samples,
}

impl Turn<'_> {
    fn run(&mut self, binaries: &Path, plan: Plan, count: bool) -> Result<()> {
        self.backend.set_delay(Duration::ZERO);
        let mut warm = None;
        for _ in 0..plan.cold_starts {
            // The one before is gone before the next begins.
            drop(warm.take());
            warm = Some(self.cold_start(binaries)?);
        }
        let mut function = warm.context("a plan needs at least one cold start")?;
        self.batches(&mut function, plan.warm_up)?;

        let (batches, cpu) = self.batches(&mut function, plan.batches)?;
        self.samples.batch.extend(batches);
        self.samples.cpu.push(cpu);

        self.backend.set_delay(plan.delay);
        drop(self.backend.take_calls());
        let (batches, cpu) = self.batches(&mut function, plan.delayed_batches)?;
        self.samples.delayed_batch.extend(batches);
        self.samples.delayed_cpu.push(cpu);
        self.samples.delay.push(milliseconds(mean_service_time(&self.backend.take_calls())));

        if count {
            self.count(&mut function)?;
        }
        self.samples.peak_memory.push(number(function.peak_memory()?));
        Ok(())
    }

    fn cold_start(&mut self, binaries: &Path) -> Result<Function> {
        let environment = self.subject.environment(self.backend);
        let mut function = Function::start(&self.subject.binary(binaries), &environment)?;
        self.samples.cold_start.push(milliseconds(function.cold_start()));
        let first = function.invoke(self.event())?;
        self.samples.first_invocation.push(milliseconds(first));
        Ok(function)
    }

    /// Latencies of warm batches, and the processor time of an event.
    fn batches(&mut self, function: &mut Function, number_of_batches: usize) -> Result<(Vec<f64>, f64)> {
        let before = function.cpu_time()?;
        let mut latencies = Vec::with_capacity(number_of_batches);
        for _ in 0..number_of_batches {
            latencies.push(milliseconds(function.invoke(self.event())?));
        }
        let spent = function.cpu_time()?.since(&before);
        Ok((latencies, milliseconds(spent) / number((number_of_batches * BATCH_SIZE) as u64)))
    }

    /// What a batch asks of the backend.
    fn count(&mut self, function: &mut Function) -> Result<()> {
        self.backend.set_delay(COUNTING_DELAY);
        for _ in 0..COUNTED_BATCHES {
            drop(self.backend.take_calls());
            function.invoke(self.event())?;
            let calls = self.backend.take_calls();
            self.samples.round_trips.push(number(round_trip_depth(&calls) as u64));
            self.samples.concurrency.push(number(greatest_concurrency(&calls) as u64));
            self.samples.write_units.push(number(calls.iter().map(|call| call.write_units).sum()));
            for (operation, count) in by_operation(&calls) {
                self.samples.calls.entry(operation).or_default().push(number(count));
            }
        }
        Ok(())
    }

    fn event(&mut self) -> Vec<u8> {
        sqs_event(self.ids, self.subject.queue, self.subject.events, 0)
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
