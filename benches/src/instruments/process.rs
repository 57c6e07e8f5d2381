//! What the kernel says of this process: memory, CPU time by thread, bytes written.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Resident bytes that are no file's: `VmRSS` without mapped files (`RssAnon` of `/proc/self/status`).
#[must_use]
pub fn anonymous_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux has it");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("since Linux 4.5");
    let kib = line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number of KiB");
    kib * 1_024
}

/// Bytes that this process has handed to the page cache to be written (`wchar` of `/proc/self/io`).
#[must_use]
pub fn written_bytes() -> u64 {
    let io = fs::read_to_string("/proc/self/io").expect("Linux has it");
    let line = io.lines().find_map(|line| line.strip_prefix("wchar:")).expect("always there");
    line.trim().parse().expect("a number")
}

/// CPU time of the calling thread: what is left of a duration when others have the processor in between.
#[must_use]
pub fn thread_time() -> Duration {
    time_of(rustix::time::ClockId::ThreadCPUTime)
}

/// CPU time of all threads of this process.
#[must_use]
pub fn process_time() -> Duration {
    time_of(rustix::time::ClockId::ProcessCPUTime)
}

fn time_of(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Watches `anonymous_bytes` from a thread of its own, and keeps the largest.
pub struct MemoryWatch {
    stop: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    const EVERY: Duration = Duration::from_millis(10);

    /// Begins to watch.
    #[must_use]
    pub fn start() -> MemoryWatch {
        let (stop, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let thread = std::thread::Builder::new().name("memory-watch".into()).spawn({
            let (stop, peak) = (Arc::clone(&stop), Arc::clone(&peak));
            move || {
                while !stop.load(Ordering::Relaxed) {
                    peak.fetch_max(anonymous_bytes(), Ordering::Relaxed);
                    std::thread::sleep(MemoryWatch::EVERY);
                }
            }
        });
        MemoryWatch { stop, peak, thread: Some(thread.expect("one more thread")) }
    }

    /// Stops, and gives the peak in bytes.
    #[must_use]
    pub fn finish(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it only reads");
        }
        self.peak.load(Ordering::Relaxed).max(anonymous_bytes())
    }
}

/// CPU time of every living thread, by the thread's name; threads of one name are summed.
#[derive(Clone, Debug)]
pub struct ThreadTimes(BTreeMap<String, Duration>);

impl ThreadTimes {
    /// Reads it. A thread that ends before the next reading takes its time with it.
    #[must_use]
    pub fn now() -> ThreadTimes {
        let mut times = BTreeMap::new();
        for task in fs::read_dir("/proc/self/task").expect("Linux has it").flatten() {
            let (Ok(name), Ok(times_ns)) = (
                fs::read_to_string(task.path().join("comm")),
                fs::read_to_string(task.path().join("schedstat")),
            ) else {
                continue; // It ended while we looked.
            };
            let ns = times_ns.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or(0);
            *times.entry(name.trim().to_owned()).or_default() += Duration::from_nanos(ns);
        }
        ThreadTimes(times)
    }

    /// What each thread has used since `earlier`, those that used something.
    #[must_use]
    pub fn since(&self, earlier: &ThreadTimes) -> Vec<(String, Duration)> {
        let before = |name: &String| earlier.0.get(name).copied().unwrap_or_default();
        let used = self.0.iter().map(|(name, time)| (name.clone(), time.saturating_sub(before(name))));
        used.filter(|(_, time)| !time.is_zero()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_touched_is_seen() {
        let watch = MemoryWatch::start();
        let before = anonymous_bytes();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        assert!(anonymous_bytes() > before + (60 << 20));
        drop(block);
        assert!(watch.finish() >= before);
    }

    #[test]
    fn a_thread_at_work_uses_time_under_its_name() {
        let before = ThreadTimes::now();
        let work = || {
            let sum = (0..20_000_000_u64).fold(0, |sum: u64, n| std::hint::black_box(sum ^ n));
            std::hint::black_box(sum);
            ThreadTimes::now().since(&before)
        };
        let used = std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("busy-bee".into()).spawn_scoped(scope, work);
            thread.unwrap().join().unwrap()
        });
        assert!(used.iter().any(|(name, time)| name == "busy-bee" && !time.is_zero()), "{used:?}");
    }
}
