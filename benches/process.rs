//! CPU time and memory of a process and its descendants, from /proc.

use std::collections::HashMap;
use std::ffi::OsString;
use std::time::Duration;

use anyhow::Context as _;

/// USER_HZ: the unit of CPU times in /proc, 100 per second on every architecture.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time of a process and its descendants so far.
pub fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    let ticks = family(pid)?.into_iter().map(|pid| Ok(fields(pid)?.ticks)).sum::<anyhow::Result<u64>>()?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
}

/// CPU time so far of each thread of a process that is called `name`, in nanoseconds; see proc(5), schedstat.
pub fn thread_times(pid: u32, name: &str) -> anyhow::Result<HashMap<OsString, u64>> {
    let mut times = HashMap::new();
    for thread in std::fs::read_dir(format!("/proc/{pid}/task"))?.flatten() {
        let read = |file: &str| std::fs::read_to_string(thread.path().join(file));
        // The thread may have ended in between.
        let (Ok(own_name), Ok(schedule)) = (read("comm"), read("schedstat")) else { continue };
        if own_name.trim_end() == name {
            times.insert(thread.file_name(), schedule.split(' ').next().context("schedstat")?.parse()?);
        }
    }
    Ok(times)
}

/// Resident memory of a process and its descendants, in bytes; shared pages count for each.
pub fn resident(pid: u32) -> anyhow::Result<u64> {
    family(pid)?.into_iter().map(own_resident).sum()
}

fn own_resident(pid: u32) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

struct Fields {
    parent: u32,
    /// User and system time.
    ticks: u64,
}

/// The fields of /proc/PID/stat that are used. The program's name may contain spaces and brackets, so fields are
/// counted from the last bracket.
fn fields(pid: u32) -> anyhow::Result<Fields> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, rest) = stat.rsplit_once(") ").context("stat")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| -> anyhow::Result<u64> { Ok(fields.get(at).context("stat")?.parse()?) };
    Ok(Fields { parent: u32::try_from(number(1)?)?, ticks: number(11)? + number(12)? })
}

/// A process and its descendants.
fn family(pid: u32) -> anyhow::Result<Vec<u32>> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for entry in std::fs::read_dir("/proc")?.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // The process may have ended in between.
        if let Ok(fields) = fields(child) {
            children.entry(fields.parent).or_default().push(child);
        }
    }
    let mut family = vec![pid];
    let mut at = 0;
    while let Some(pid) = family.get(at) {
        family.extend(children.remove(pid).unwrap_or_default());
        at += 1;
    }
    Ok(family)
}
