//! What the kernel says about a process.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

/// The kernel counts processor time for user space in hundredths of a second on every Linux.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of a process at one moment.
#[derive(Debug, Clone)]
pub struct CpuTime {
    /// By thread, to the nanosecond; empty where the kernel keeps no scheduler statistics.
    threads: BTreeMap<String, Duration>,
    /// Of the whole process, in ticks.
    total: Duration,
}

impl CpuTime {
    /// Reads the processor time of a living process.
    pub fn of(pid: u32) -> Result<Self> {
        Ok(Self { threads: thread_times(pid), total: process_time(pid)? })
    }

    /// The time spent since an earlier reading: exact as long as no thread has ended in between, else in ticks.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Duration {
        let all_live = earlier.threads.keys().all(|thread| self.threads.contains_key(thread));
        if all_live && !self.threads.is_empty() {
            let sum = |reading: &Self| reading.threads.values().sum::<Duration>();
            sum(self).saturating_sub(sum(earlier))
        } else {
            self.total.saturating_sub(earlier.total)
        }
    }
}

/// The most memory that the process ever held at once, in bytes.
pub fn peak_memory(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(proc(pid).join("status")).context("the process ended too early")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel gives no VmHWM")?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().context("VmHWM is not a number")?;
    Ok(kib * 1024)
}

fn proc(pid: u32) -> PathBuf {
    PathBuf::from("/proc").join(pid.to_string())
}

fn thread_times(pid: u32) -> BTreeMap<String, Duration> {
    let Ok(tasks) = std::fs::read_dir(proc(pid).join("task")) else { return BTreeMap::new() };
    tasks
        .flatten()
        .filter_map(|task| {
            let statistics = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            let nanoseconds = statistics.split_whitespace().next()?.parse().ok()?;
            Some((task.file_name().into_string().ok()?, Duration::from_nanos(nanoseconds)))
        })
        .collect()
}

fn process_time(pid: u32) -> Result<Duration> {
    let statistics = std::fs::read_to_string(proc(pid).join("stat")).context("the process ended too early")?;
    // The name, in parentheses, may hold anything; user and system time are the 12th and 13th field after it.
    let fields = statistics.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks: u32 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
    Ok(TICK * ticks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_busy_process_spends_time_and_holds_memory() -> Result<()> {
        let pid = std::process::id();
        let before = CpuTime::of(pid)?;
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(60) {
            std::hint::spin_loop();
        }
        let spent = CpuTime::of(pid)?.since(&before);
        assert!(spent > Duration::from_millis(5), "{spent:?}");
        assert!(peak_memory(pid)? > 100_000);
        Ok(())
    }
}
