//! Ending what a test left running, wherever it went: a process cannot leave the control group of its unit.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getpid, kill_process};

/// So long is tried: what is killed ends at once, and what forks without end is slower than this.
const LIMIT: Duration = Duration::from_secs(10);

/// Ends every process in the control group of the unit but this one. Does nothing where this process is not in it: what else
/// runs there is not of a test.
pub(super) fn end_what_is_left(unit: &str) {
    let Some(processes) =
        std::fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| processes_file(&text, unit))
    else {
        return;
    };
    let end = Instant::now() + LIMIT;
    while end_all(&processes) && Instant::now() < end {
        sleep(Duration::from_millis(10));
    }
}

/// Where the processes of the unit are listed: cgroups(7), `cgroup.procs`.
fn processes_file(own_groups: &str, unit: &str) -> Option<PathBuf> {
    let group = own_groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let group = Path::new("/sys/fs/cgroup").join(group);
    (group.file_name()? == unit).then(|| group.join("cgroup.procs"))
}

/// Whether there was any.
fn end_all(processes: &Path) -> bool {
    let listed = std::fs::read_to_string(processes).unwrap_or_default();
    let others = listed.lines().filter_map(|line| line.parse().ok()).filter_map(Pid::from_raw);
    let mut any = false;
    for process in others.filter(|process| *process != getpid()) {
        any = true;
        // It may have ended by itself, which is what is wanted.
        let _ = kill_process(process, Signal::KILL);
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_group_of_the_unit_is_emptied() {
        let unit = "nixfleet-test.service";
        let found = |text: &str| processes_file(text, unit).map(|path| path.display().to_string());
        let expected = "/sys/fs/cgroup/system.slice/nixfleet-test.service/cgroup.procs";
        assert_eq!(found("0::/system.slice/nixfleet-test.service\n").as_deref(), Some(expected));
        assert_eq!(found("1:name=systemd:/x\n0::/system.slice/nixfleet-test.service\n").as_deref(), Some(expected));
        for other in ["0::/user.slice/session-1.scope\n", "0::/\n", "1:name=systemd:/nixfleet-test.service\n", ""] {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
