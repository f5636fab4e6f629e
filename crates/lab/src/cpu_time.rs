//! What this process has used of the processors.

use std::time::Duration;

use anyhow::Context as _;

/// Clock ticks a second in `/proc`: the same on every Linux that this runs on.
const TICKS: u64 = 100;

/// Processor time of the process so far, in its own code and in the kernel.
///
/// Source: `proc_pid_stat(5)`, fields 14 and 15.
pub fn cpu_time() -> anyhow::Result<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat
        .rsplit_once(')')
        .context("/proc/self/stat is other than expected")?;
    let ticks: Option<u64> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|it| it.parse::<u64>().ok())
        .sum();
    let ticks = ticks.context("/proc/self/stat is other than expected")?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}
