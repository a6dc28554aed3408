//! The connection to systemd, made again whenever it is lost.

use std::time::Duration;

use tokio::time::Instant;

use super::systemd::{Event, Systemd};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// At rest without a bus the agent still wakes up seldom.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// systemd, as far as it can be reached.
#[derive(Debug)]
pub(crate) struct Bus {
    address: Option<String>,
    systemd: Option<Systemd>,
    failures: u32,
    retry_at: Instant,
}

impl Bus {
    /// Not connected yet. `address` is absent for the system bus.
    pub(crate) fn new(address: Option<String>) -> Self {
        Self { address, systemd: None, failures: 0, retry_at: Instant::now() }
    }

    /// Where it can be reached.
    pub(crate) const fn systemd(&self) -> Option<&Systemd> {
        self.systemd.as_ref()
    }

    /// When to call [`Bus::reconnect`].
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.systemd.is_none().then_some(self.retry_at)
    }

    /// Tries to connect; true where it is connected now and was not before.
    pub(crate) async fn reconnect(&mut self) -> bool {
        match Systemd::connect(self.address.as_deref()).await {
            Ok(systemd) => {
                if self.failures > 0 {
                    tracing::info!("systemd can be reached again");
                }
                self.systemd = Some(systemd);
                self.failures = 0;
                true
            }
            Err(error) => {
                if self.failures == 0 {
                    tracing::warn!("{error}");
                }
                let pause = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(self.failures)).min(LONGEST_PAUSE);
                self.failures = self.failures.saturating_add(1);
                self.retry_at = Instant::now() + pause;
                false
            }
        }
    }

    /// The next event. Pending where it is not connected. A bus that goes away is connected to again from then on.
    pub(crate) async fn next_event(&mut self) -> Event {
        let Some(systemd) = &mut self.systemd else { return std::future::pending().await };
        let event = systemd.next_event().await;
        if event == Event::BusGone {
            tracing::info!("the system bus went away");
            self.systemd = None;
            self.retry_at = Instant::now();
        }
        event
    }

    /// Asks a systemd that is there anew for its signals.
    pub(crate) async fn subscribe_again(&self) {
        if let Some(systemd) = &self.systemd
            && let Err(error) = systemd.subscribe().await
        {
            tracing::warn!("{error}");
        }
    }
}
