//! What systemd is told of the agent (`sd_notify(3)`).

use std::time::Duration;

use sd_notify::NotifyState;

/// The agent is up.
pub(crate) fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// What `systemctl status` shows.
pub(crate) fn status(status: &str) {
    notify(&[NotifyState::Status(status)]);
}

/// A reload begins; [`ready`] ends it.
pub(crate) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => notify(&[NotifyState::Reloading, now, NotifyState::Status("reloading")]),
        Err(error) => tracing::warn!("cannot tell systemd of the reload: {error}"),
    }
}

/// The agent ends, and this is why.
pub(crate) fn stopping(status: &str) {
    notify(&[NotifyState::Stopping, NotifyState::Status(status)]);
}

/// The agent is alive.
pub(crate) fn watchdog() {
    notify(&[NotifyState::Watchdog]);
}

/// How often the watchdog wants a sign of life; absent where the unit has none.
pub(crate) fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|deadline| !deadline.is_zero()).map(|deadline| deadline / 2)
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot tell systemd how this service is: {error}");
    }
}
