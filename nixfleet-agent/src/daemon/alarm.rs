//! One timer of the kernel. The runtime's own wakes up three times for each long sleep, to sort its timers anew.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use rustix::time::{timerfd_create, timerfd_settime};
use tokio::io::unix::AsyncFd;
use tokio::time::Instant;

/// A `timerfd(2)`.
#[derive(Debug)]
pub(crate) struct Alarm(AsyncFd<OwnedFd>);

impl Alarm {
    /// Within the runtime only.
    pub(crate) fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        #[allow(deprecated, reason = "sound here: the descriptor is owned, and lives as long as its registration")]
        let registered = AsyncFd::new(timer)?;
        Ok(Self(registered))
    }

    /// Sleeps until then; dropped earlier, nothing is left.
    pub(crate) async fn sleep_until(&self, at: Instant) -> io::Result<()> {
        let pause = at.saturating_duration_since(Instant::now());
        if pause.is_zero() {
            return Ok(());
        }
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Timespec {
            tv_sec: i64::try_from(pause.min(Duration::from_hours(24 * 365)).as_secs()).unwrap_or(i64::MAX),
            tv_nsec: pause.subsec_nanos().into(),
        };
        // Setting it takes back an end that nobody has heard of yet.
        timerfd_settime(
            self.0.get_ref(),
            TimerfdTimerFlags::empty(),
            &Itimerspec { it_interval: zero, it_value: value },
        )?;
        loop {
            let mut ready = self.0.readable().await?;
            match ready.try_io(|timer| Ok(rustix::io::read(timer, &mut [0; 8])?)) {
                Ok(read) => return read.map(|_| ()),
                Err(_would_block) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sleeps_as_long_as_it_is_told_to() {
        let alarm = Alarm::new().unwrap();
        let millis = Duration::from_millis;
        for pause in [0, 50, 20] {
            let started = Instant::now();
            alarm.sleep_until(started + millis(pause)).await.unwrap();
            assert!(started.elapsed() >= millis(pause), "{pause}");
        }
        // One that is given up rings for nobody.
        let started = Instant::now();
        tokio::select! {
            biased;
            () = tokio::time::sleep(millis(5)) => {}
            _ = alarm.sleep_until(started + millis(1500)) => panic!("too early"),
        }
        std::thread::sleep(millis(1600));
        alarm.sleep_until(Instant::now() + millis(100)).await.unwrap();
        assert!(started.elapsed() >= millis(1700));
    }
}
