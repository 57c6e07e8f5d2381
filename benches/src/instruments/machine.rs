//! The machine that a figure belongs to.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use super::Samples;

/// One line: processor, cores, memory, kernel.
#[must_use]
pub fn describe() -> String {
    let field = |path: &str, name: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_once(':').map_or("?", |(_, value)| value.trim()).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let memory_kib: u64 =
        field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").trim().parse().unwrap_or(0);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{} ({} family {} model {}), {cores} cores, {} GiB, Linux {}; load {}",
        field("/proc/cpuinfo", "model name"),
        field("/proc/cpuinfo", "vendor_id"),
        field("/proc/cpuinfo", "cpu family"),
        field("/proc/cpuinfo", "model"),
        memory_kib >> 20,
        kernel.trim(),
        fs::read_to_string("/proc/loadavg").unwrap_or_default().split(' ').next().unwrap_or_default(),
    )
}

/// How long an fdatasync of 4 KiB written into a preallocated, zeroed file takes in `directory`.
///
/// # Panics
/// When the directory cannot be written.
#[must_use]
pub fn fdatasync(directory: &Path) -> Samples {
    const CALLS: u64 = 400;
    let path = directory.join("fdatasync.probe");
    let file = File::create(&path).expect("a directory that can be written");
    file.write_all_at(&vec![0; 4_096 * CALLS as usize], 0).expect("room for a probe");
    file.sync_all().expect("a disk that syncs");
    let samples = (0..CALLS).map(|call| {
        file.write_all_at(&[1; 4_096], call * 4_096).expect("room for a probe");
        let start = Instant::now();
        file.sync_data().expect("a disk that syncs");
        start.elapsed()
    });
    let samples = samples.collect();
    fs::remove_file(path).expect("our own file");
    samples
}
