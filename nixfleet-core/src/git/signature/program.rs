//! Running a program that checks a signature: bounded in time, and with nothing of the user's environment.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::SignatureError;

/// One signature takes milliseconds.
const LIMIT: Duration = Duration::from_secs(30);

/// More is not read: the end of a list of keys tells nothing more.
const OUTPUT_BYTES_MAXIMUM: u64 = 256 * 1024;

/// How a program ended, and what it wrote.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) succeeded: bool,
    pub(super) stdout: String,
    pub(super) stderr: String,
}

/// A program, with `home` as its home and the time in UTC; its words are not translated.
pub(super) fn command(program: &'static str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.envs([("LC_ALL", "C"), ("TZ", "UTC")]).env("HOME", home).current_dir(home);
    // A group of its own, so that what it starts ends with it.
    command.process_group(0);
    command
}

/// Runs it to its end, with this input.
pub(super) fn run(program: &'static str, command: &mut Command, input: Stdio) -> Result<Finished, SignatureError> {
    run_within(LIMIT, program, command, input)
}

fn run_within(
    limit: Duration,
    program: &'static str,
    command: &mut Command,
    input: Stdio,
) -> Result<Finished, SignatureError> {
    let failed = |error: std::io::Error| SignatureError::Program {
        program,
        detail: match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("it is not installed; add it to the path of the unit ({})", provider(program))
            }
            _ => error.to_string(),
        },
    };
    // Files and no pipes: nothing can block on what is not read.
    let mut outputs = [tempfile::tempfile().map_err(failed)?, tempfile::tempfile().map_err(failed)?];
    let [stdout, stderr] = outputs.each_ref().map(File::try_clone);
    command.stdin(input).stdout(stdout.map_err(failed)?).stderr(stderr.map_err(failed)?);
    let mut child = command.spawn().map_err(failed)?;
    if !ends_within(limit, &child).map_err(failed)? {
        kill(&mut child);
        let detail = format!("it did not end within {} seconds; pull again", limit.as_secs());
        return Err(SignatureError::Program { program, detail });
    }
    let succeeded = child.wait().map_err(failed)?.success();
    let [stdout, stderr] = &mut outputs;
    Ok(Finished { succeeded, stdout: text(stdout).map_err(failed)?, stderr: text(stderr).map_err(failed)? })
}

fn provider(program: &str) -> &'static str {
    if program == "gpg" { "GnuPG has it" } else { "OpenSSH has it" }
}

fn ends_within(limit: Duration, child: &Child) -> std::io::Result<bool> {
    let process = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let deadline = Instant::now() + limit;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match poll(&mut [PollFd::new(&process, PollFlags::IN)], Timespec::try_from(left).ok().as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            outcome => return Ok(outcome? > 0),
        }
    }
}

fn kill(child: &mut Child) {
    // It may end at this very moment: then there is nothing to kill.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
}

fn text(file: &mut File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(OUTPUT_BYTES_MAXIMUM).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_not_the_users() {
        let home = tempfile::tempdir().unwrap();
        let mut env = command("env", home.path());
        let finished = run("env", &mut env, Stdio::null()).unwrap();
        let mut names: Vec<&str> = finished.stdout.lines().filter_map(|line| line.split('=').next()).collect();
        names.sort_unstable();
        assert_eq!((finished.succeeded, names), (true, vec!["HOME", "LC_ALL", "PATH", "TZ"]));
    }

    #[test]
    fn what_is_missing_or_hangs_is_said() {
        let home = tempfile::tempdir().unwrap();
        let mut missing = command("gpg", home.path());
        missing.env("PATH", "/nowhere");
        let sentence = run("gpg", &mut missing, Stdio::null()).unwrap_err().to_string();
        assert!(sentence.contains("gpg: it is not installed; add it to the path of the unit"), "{sentence}");

        let mut hanging = command("sh", home.path());
        hanging.args(["-c", "sleep 1000 & sleep 1000"]);
        let sentence =
            run_within(Duration::from_millis(50), "sh", &mut hanging, Stdio::null()).unwrap_err().to_string();
        assert!(sentence.contains("did not end within"), "{sentence}");
    }

    #[test]
    fn a_flood_of_words_is_cut() {
        let home = tempfile::tempdir().unwrap();
        let mut flood = command("sh", home.path());
        flood.args(["-c", "head -c 10000000 /dev/zero; exit 3"]);
        let finished = run("sh", &mut flood, Stdio::null()).unwrap();
        assert_eq!((finished.succeeded, finished.stdout.len() as u64), (false, OUTPUT_BYTES_MAXIMUM));
    }
}
