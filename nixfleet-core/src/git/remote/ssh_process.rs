//! The running `ssh`, and what it says on its standard error.

use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

/// More is dropped: it is for one sentence.
const STDERR_BYTES_MAXIMUM: usize = 16 * 1024;

/// How long a child that closed its output may take to end, and its last words to arrive.
const GRACE: Duration = Duration::from_secs(1);

/// A child and its standard error. Dropping it kills and reaps the child with all that it started.
pub(super) struct SshProcess {
    child: Mutex<Option<Child>>,
    stderr: Arc<Mutex<Vec<u8>>>,
    stderr_ended: Mutex<mpsc::Receiver<()>>,
    was_silent: AtomicBool,
}

impl SshProcess {
    /// Starts the command, whose three streams are pipes.
    pub(super) fn start(mut command: Command, idle: Duration) -> std::io::Result<(Arc<Self>, SshStream)> {
        // A group of its own, so that a ProxyCommand ends with it.
        let mut child = command.process_group(0).spawn()?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let (ended, stderr_ended) = mpsc::channel();
        let process = Arc::new(Self {
            child: Mutex::new(Some(child)),
            stderr: Arc::clone(&stderr),
            stderr_ended: Mutex::new(stderr_ended),
            was_silent: AtomicBool::new(false),
        });
        let (Some(stdin), Some(stdout), Some(mut pipe)) = pipes else {
            return Err(std::io::Error::other("its streams are not pipes"));
        };
        std::thread::Builder::new().name("ssh-stderr".to_owned()).spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = pipe.read(&mut buffer) {
                let mut text = lock(&stderr);
                let room = STDERR_BYTES_MAXIMUM.saturating_sub(text.len()).min(count);
                text.extend_from_slice(&buffer[..room]);
            }
            // Nobody listens any more where the process was dropped meanwhile.
            let _ = ended.send(());
        })?;
        let stream = SshStream { stdin, stdout, process: Arc::clone(&process), idle };
        Ok((process, stream))
    }

    /// Kills the child and all that it started, and reaps it.
    pub(super) fn kill(&self) {
        if let Some(mut child) = lock(&self.child).take() {
            // Once it is reaped its number may be another's.
            if matches!(child.try_wait(), Ok(None)) {
                // It may end at this very moment: then there is nothing to kill.
                let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            }
            let _ = child.wait();
        }
    }

    /// Waits a moment for the child to end by itself, so that its last words are there, and kills it then.
    pub(super) fn end(&self) -> String {
        let deadline = Instant::now() + GRACE;
        while Instant::now() < deadline && !self.has_ended() {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.kill();
        let _ = lock(&self.stderr_ended).recv_timeout(GRACE);
        String::from_utf8_lossy(&lock(&self.stderr)).into_owned()
    }

    /// Whether it was given up because nothing came for the idle time.
    pub(super) fn was_silent(&self) -> bool {
        self.was_silent.load(Ordering::Relaxed)
    }

    fn has_ended(&self) -> bool {
        lock(&self.child).as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }
}

impl Drop for SshProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What libgit2 reads from and writes to.
pub(super) struct SshStream {
    stdin: ChildStdin,
    stdout: ChildStdout,
    process: Arc<SshProcess>,
    idle: Duration,
}

impl std::io::Read for SshStream {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let idle = Timespec::try_from(self.idle).ok();
        let ready = rustix::io::retry_on_intr(|| poll(&mut [PollFd::new(&self.stdout, PollFlags::IN)], idle.as_ref()))?;
        if ready == 0 {
            self.process.was_silent.store(true, Ordering::Relaxed);
            return Err(std::io::Error::new(
                std::io::ErrorKind::TimedOut,
                "ssh sent nothing in the time that was allowed",
            ));
        }
        self.stdout.read(buffer)
    }
}

impl std::io::Write for SshStream {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stdin.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stdin.flush()
    }
}

/// A panic elsewhere leaves these values usable.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
