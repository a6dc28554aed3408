//! What systemd is told: ready, stopping, and that the program is alive (`sd_notify(3)`).

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::time::interval;

pub(crate) fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(status)]);
}

pub(crate) fn stopping() {
    notify(&[NotifyState::Stopping, NotifyState::Status("finishing the last requests")]);
}

/// Tells the watchdog, where the unit has one, that the runtime still turns. Never ends.
pub(crate) async fn keep_watchdog_quiet() {
    let Some(deadline) = sd_notify::watchdog_enabled().filter(|deadline| !deadline.is_zero()) else {
        return std::future::pending().await;
    };
    let mut ticks = interval((deadline / 2).max(Duration::from_millis(1)));
    loop {
        ticks.tick().await;
        notify(&[NotifyState::Watchdog]);
    }
}

fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!("cannot tell systemd how this service is: {error}");
    }
}
