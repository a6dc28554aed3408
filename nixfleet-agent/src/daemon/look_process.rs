//! Asking a process of its own: it is started, asked, and heard when it has ended or its time is over.
//!
//! Question and answer are files in memory: what was said stays said, whatever becomes of the process, and nothing wakes the
//! agent between its start and its end.

use std::fs::File;
use std::io::{self, Seek as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nixfleet_core::state_directory::{RuntimeDirectory, StateDirectory};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};
use serde::de::DeserializeOwned;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::process::{Child, Command};
use tokio::task::JoinError;
use tokio::time::{Instant, timeout};

use super::look::Question;
use crate::steps::Look;

/// The program that runs here, also where another one lies in its place by now: both sides are the same version.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// The longest answer is what is known of GitHub's, a few hundred bytes for each pull request.
const LONGEST_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// What is killed is gone at once, unless it hangs in the kernel.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Why a look gave no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrokenOff {
    #[error("cannot start {0}: {1}; check this service's limits of files, tasks and memory")]
    Start(&'static str, #[source] io::Error),
    #[error("{0} took more than {seconds} seconds and was ended: it is tried again later; check the network and the file systems of this host", seconds = .1.as_secs())]
    TooLong(&'static str, Duration),
    #[error("{0} hangs in the kernel and cannot be ended: check the disks and file systems of this host")]
    Stuck(&'static str),
    #[error("{0} broke off ({1}): it is tried again later; {hint}", hint = hint(*.1))]
    Ended(&'static str, ExitStatus),
    #[error("{0} cannot be understood: {1}; please report this as a bug")]
    NotUnderstood(&'static str, #[source] serde_json::Error),
    #[error("a look broke off: {0}; please report this as a bug")]
    Task(#[from] JoinError),
}

impl BrokenOff {
    /// Whether somebody asked the process to end, as systemd does when it stops the agent: that tells nothing of what it
    /// looked at.
    pub(crate) fn is_wish(&self) -> bool {
        let wishes = [Signal::TERM, Signal::INT, Signal::HUP].map(Signal::as_raw);
        matches!(self, Self::Ended(_, status) if status.signal().is_some_and(|signal| wishes.contains(&signal)))
    }
}

/// Where to look for the reason.
fn hint(status: ExitStatus) -> &'static str {
    if status.signal() == Some(Signal::KILL.as_raw()) {
        "it may have needed more memory than this service is given (MemoryMax=), which `journalctl --dmesg` tells"
    } else {
        "the journal of this service may tell more"
    }
}

/// Asks for one kind of look.
#[derive(Debug, Clone)]
pub(crate) struct LookProcess {
    at: Look,
    program: PathBuf,
    state: PathBuf,
    runtime: PathBuf,
    /// A process that was killed is still there: another one would hang as well.
    is_stuck: Arc<AtomicBool>,
}

/// The process, with all that it starts; dropped, they are killed.
#[derive(Debug)]
struct Running {
    process: Child,
    /// Readable at its end, before anybody waits for it: until then its number is no other's.
    end: AsyncFd<OwnedFd>,
    answers: File,
}

/// What a process left behind.
#[derive(Debug)]
struct Said {
    lines: std::vec::IntoIter<Vec<u8>>,
    by_itself: bool,
    /// Absent where it hangs.
    status: Option<ExitStatus>,
}

impl LookProcess {
    pub(crate) fn new(at: Look, state: &StateDirectory, runtime: &RuntimeDirectory) -> Self {
        Self {
            at,
            program: OWN_PROGRAM.into(),
            state: state.path.clone(),
            runtime: runtime.path.clone(),
            is_stuck: Arc::default(),
        }
    }

    /// Another program, for tests.
    #[cfg(test)]
    pub(crate) fn with_program(self, program: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), ..self }
    }

    /// Asks once. The future owns all that it needs; dropped, it takes the process along.
    pub(crate) fn ask<A: DeserializeOwned>(
        &self,
        question: &Question<'_>,
        limit: Duration,
    ) -> impl Future<Output = Result<A, BrokenOff>> + Send + use<A> {
        let (look, what, asked) = (self.clone(), name_of(self.at), self.asked(question));
        async move {
            let mut running = look.start(&asked?)?;
            let by_itself = timeout(limit, running.ended()).await.is_ok();
            look.end(running, by_itself).await.understood(what, limit)
        }
    }

    /// The same where an answer of a look at this host follows, which has a limit of its own, from when the first was found to
    /// be there: what becomes of that does not become of the first.
    pub(crate) fn ask_and_decide<A: DeserializeOwned, B: DeserializeOwned>(
        &self,
        question: &Question<'_>,
        limit: Duration,
        limit_to_decide: Duration,
    ) -> impl Future<Output = Result<(A, Result<B, BrokenOff>), BrokenOff>> + Send + use<A, B> {
        let (look, what, asked) = (self.clone(), name_of(self.at), self.asked(question));
        async move {
            let mut running = look.start(&asked?)?;
            let by_itself = running.ended_after_two(limit, limit_to_decide).await;
            let mut said = look.end(running, by_itself).await;
            Ok((said.understood(what, limit)?, said.understood(name_of(Look::Host), limit_to_decide)))
        }
    }

    /// What the process is to be told.
    fn asked(&self, question: &Question<'_>) -> Result<Vec<u8>, BrokenOff> {
        serde_json::to_vec(question).map_err(|error| BrokenOff::NotUnderstood(name_of(self.at), error))
    }

    fn start(&self, asked: &[u8]) -> Result<Running, BrokenOff> {
        if self.is_stuck.load(Ordering::Relaxed) {
            return Err(BrokenOff::Stuck(name_of(self.at)));
        }
        let mut command = Command::new(&self.program);
        command.arg0("nixfleet-agent");
        command.arg("--state-directory").arg(&self.state).arg("--runtime-directory").arg(&self.runtime);
        command.args(["look", self.at.name()]).process_group(0).kill_on_drop(true);
        let begun = begin(command, asked);
        begun.map_err(|error| BrokenOff::Start(name_of(self.at), error))
    }

    /// After its time nothing counts any more but what it said, nor what it left running.
    async fn end(&self, mut running: Running, by_itself: bool) -> Said {
        running.kill();
        let status = timeout(END_LIMIT, running.process.wait()).await;
        let lines = running.lines().into_iter();
        if let Ok(status) = status {
            return Said { lines, by_itself, status: status.ok() };
        }
        self.is_stuck.store(true, Ordering::Relaxed);
        let is_stuck = Arc::clone(&self.is_stuck);
        tokio::spawn(async move {
            let _ = running.process.wait().await;
            is_stuck.store(false, Ordering::Relaxed);
        });
        Said { lines, by_itself, status: None }
    }
}

fn begin(mut command: Command, question: &[u8]) -> io::Result<Running> {
    let mut input = memory_file("question")?;
    input.write_all(question)?;
    input.rewind()?;
    let answers = memory_file("answers")?;
    let process = command.stdin(input).stdout(answers.try_clone()?).spawn()?;
    let number = process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let end = pidfd_open(number.ok_or(io::ErrorKind::NotFound)?, PidfdFlags::NONBLOCK)?;
    #[allow(deprecated, reason = "sound here: the descriptor is owned, and lives as long as its registration")]
    let end = AsyncFd::with_interest(end, Interest::READABLE)?;
    Ok(Running { process, end, answers })
}

fn memory_file(name: &str) -> io::Result<File> {
    Ok(memfd_create(name, MemfdFlags::CLOEXEC)?.into())
}

impl Running {
    /// Its end, by itself.
    async fn ended(&mut self) {
        // An error is the runtime's own end, which ends the agent.
        let _ = self.end.readable().await;
    }

    /// Its end, by itself; false where one of the two lines is late. Only of one that takes long it is read what it said so
    /// far: each time is a wake-up.
    async fn ended_after_two(&mut self, limit: Duration, limit_to_decide: Duration) -> bool {
        let begin = Instant::now();
        loop {
            let left = limit.saturating_sub(begin.elapsed());
            if timeout(left.min(limit_to_decide), self.ended()).await.is_ok() {
                return true;
            }
            if !self.lines().is_empty() {
                return timeout(limit_to_decide, self.ended()).await.is_ok();
            }
            if left <= limit_to_decide {
                return false;
            }
        }
    }

    /// What it said so far. A line without its end is none.
    fn lines(&self) -> Vec<Vec<u8>> {
        // The place where it writes on is shared, and stays as it is.
        let length = self.answers.metadata().map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX));
        let mut said = vec![0; length.min(LONGEST_ANSWER_BYTES)];
        if self.answers.read_exact_at(&mut said, 0).is_err() {
            return Vec::new();
        }
        said.split_inclusive(|byte| *byte == b'\n').filter(|line| line.ends_with(b"\n")).map(<[u8]>::to_vec).collect()
    }

    fn kill(&self) {
        // Without a number it is gone, and the number may be another's.
        let group = self.process.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(group) = group {
            // None may be left, which is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// In the words of a sentence.
const fn name_of(at: Look) -> &'static str {
    match at {
        Look::Remote => "the look at the remote",
        Look::PullRequests => "asking GitHub for pull requests",
        Look::Host => "reading the state of this host",
    }
}

impl Said {
    /// The next line; `limit` is what it had.
    fn understood<A: DeserializeOwned>(&mut self, what: &'static str, limit: Duration) -> Result<A, BrokenOff> {
        match (self.lines.next(), self.status) {
            (Some(line), _) => serde_json::from_slice(&line).map_err(|error| BrokenOff::NotUnderstood(what, error)),
            (None, _) if !self.by_itself => Err(BrokenOff::TooLong(what, limit)),
            (None, Some(status)) => Err(BrokenOff::Ended(what, status)),
            (None, None) => Err(BrokenOff::Stuck(what)),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::path::Path;
    use std::time::Instant;

    use nixfleet_core::Sha256;
    use nixfleet_core::config::HostConfig;

    use super::*;

    /// A program in place of the agent's own.
    pub(crate) fn program(directory: &Path, script: &str) -> PathBuf {
        let path = directory.join(format!("program-{}", Sha256::of(script.as_bytes())));
        // Another process writes it: a file that this one has open cannot be started by its other threads.
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod 755 "$1""#, "sh"]);
        assert!(shell.arg(&path).arg(script).status().unwrap().success());
        path
    }

    struct Place(tempfile::TempDir);

    impl Place {
        fn process(&self, at: Look, script: &str) -> LookProcess {
            let directory = self.0.path();
            let (state, runtime) = (StateDirectory::new(directory), RuntimeDirectory::new(directory));
            LookProcess::new(at, &state, &runtime).with_program(program(directory, script))
        }

        async fn ask(&self, script: &str, limit: Duration) -> Result<Result<String, String>, BrokenOff> {
            let config = HostConfig::default();
            let question = Question::new(&config);
            self.process(Look::Remote, script).ask(&question, limit).await
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }
    }

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn whatever_becomes_of_it_there_is_a_sentence() {
        let place = Place(tempfile::tempdir().unwrap());
        let asked = place.path("asked");
        let script = format!("cat > {asked}; echo '{{\"Ok\":\"'$*'\"}}'", asked = asked.display());
        let directory = place.0.path().display();
        let arguments = format!("--state-directory {directory} --runtime-directory {directory} look remote");
        assert_eq!(place.ask(&script, MINUTE).await.unwrap(), Ok(arguments));
        assert!(std::fs::read_to_string(asked).unwrap().contains("\"repository\""), "the configuration is handed over");

        let answer = "echo '{\"Err\":\"no\"}'";
        for (end, limit) in [("exit 7", MINUTE), ("kill -SEGV $$", MINUTE), ("sleep 600", Duration::from_secs(3))] {
            let said = place.ask(&format!("{answer}; {end}"), limit).await.unwrap();
            assert_eq!(said, Err("no".to_owned()), "{end}: said is said");
        }
        for (script, expected) in [
            ("exit 3", "the look at the remote broke off (exit status: 3)"),
            ("kill -SEGV $$", "signal: 11"),
            ("kill -KILL $$", "more memory than this service is given (MemoryMax=)"),
            ("printf half", "exit status: 0"),
            ("echo words", "cannot be understood"),
        ] {
            let error = place.ask(script, MINUTE).await.unwrap_err();
            assert!(error.to_string().contains(expected) && !error.is_wish(), "{script}: {error}");
        }
        for signal in ["TERM", "INT", "HUP"] {
            // Whoever runs this in the background of a shell ignores some of them.
            let script = format!("exec env --default-signal={signal} sh -c 'kill -{signal} $$'");
            assert!(place.ask(&script, MINUTE).await.unwrap_err().is_wish(), "{signal}");
        }
        let nothing = place.process(Look::Remote, "").with_program("/nonexistent");
        let config = HostConfig::default();
        let question = Question::new(&config);
        let error = nothing.ask::<()>(&question, MINUTE).await.unwrap_err();
        assert!(error.to_string().starts_with("cannot start the look at the remote: "), "{error}");
    }

    #[tokio::test]
    async fn what_follows_has_an_end_of_its_own() {
        let place = Place(tempfile::tempdir().unwrap());
        let config = HostConfig::default();
        let question = Question::new(&config);
        // Only what hangs is to be ended by its time: on a machine under load a shell takes a second to begin.
        let short = Duration::from_secs(2);
        let both = async |script: &str, limit, limit_to_decide| {
            let process = place.process(Look::Remote, script);
            process.ask_and_decide::<String, u32>(&question, limit, limit_to_decide).await
        };
        let (said, next) = both("cat > /dev/null; echo '\"main\"'; echo 7", MINUTE, MINUTE).await.unwrap();
        assert_eq!((said.as_str(), next.unwrap()), ("main", 7));
        for (end, limit, expected) in [
            ("sleep 600", short, "reading the state of this host took more than 2 seconds and was ended"),
            ("exit 3", MINUTE, "reading the state of this host broke off (exit status: 3)"),
            ("printf 7", MINUTE, "reading the state of this host broke off (exit status: 0)"),
            ("kill -SEGV $$", MINUTE, "signal: 11"),
            ("echo seven", MINUTE, "reading the state of this host cannot be understood"),
        ] {
            let (said, next) = both(&format!("echo '\"main\"'; {end}"), MINUTE, limit).await.unwrap();
            let error = next.unwrap_err().to_string();
            assert!(said == "main" && error.contains(expected), "{end}: {error}");
        }
        // A remote that is slow takes none of the time for the second.
        let slow = "sleep 15; echo '\"main\"'; echo 7";
        let (said, next) = both(slow, MINUTE, Duration::from_secs(12)).await.unwrap();
        assert_eq!((said.as_str(), next.unwrap()), ("main", 7));
        for (script, limit, expected) in [
            ("exit 3", MINUTE, "the look at the remote broke off (exit status: 3)"),
            ("printf half", MINUTE, "the look at the remote broke off (exit status: 0)"),
            ("sleep 600; echo 7", short, "the look at the remote took more than 2 seconds"),
        ] {
            let error = both(script, limit, MINUTE).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{script}: {error}");
        }
    }

    #[tokio::test]
    async fn ends_with_all_that_it_started() {
        let place = Place(tempfile::tempdir().unwrap());
        let fifo = place.path("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).unwrap();
        // Both keep it open, so its end is the end of both.
        let script = format!("exec 3> {}; echo $$ >&3; sleep 600 & sleep 600", fifo.display());
        let begin = Instant::now();
        let read = std::thread::spawn({
            let fifo = fifo.clone();
            move || std::fs::read_to_string(fifo).unwrap()
        });
        let error = place.ask(&script, Duration::from_secs(15)).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "the look at the remote took more than 15 seconds and was ended: it is tried again later; check the network and \
             the file systems of this host"
        );
        assert!(!error.is_wish());
        assert!(!read.join().unwrap().is_empty());

        // What it leaves behind ends as well, also where it ends by itself.
        let read = std::thread::spawn({
            let fifo = fifo.clone();
            move || std::fs::read_to_string(fifo).unwrap()
        });
        let leaving = format!("exec 3> {}; echo $$ >&3; sleep 600 & echo '{{\"Ok\":\"said\"}}'", fifo.display());
        assert_eq!(place.ask(&leaving, MINUTE).await.unwrap(), Ok("said".to_owned()));
        assert!(!read.join().unwrap().is_empty());

        // Given up, it is killed as well: a replacement of the agent waits for nothing.
        let (says, said) = tokio::sync::oneshot::channel();
        let read = std::thread::spawn(move || {
            let mut lines = BufReader::new(std::fs::File::open(fifo).unwrap());
            lines.read_line(&mut String::new()).unwrap();
            says.send(()).unwrap();
            lines.read_to_string(&mut String::new()).unwrap();
        });
        let looking = place.ask(&script, 10 * MINUTE);
        tokio::select! {
            _ = looking => panic!("it does not end by itself"),
            said = said => said.unwrap(),
        }
        read.join().unwrap();
        assert!(begin.elapsed() < 5 * MINUTE);
    }
}
