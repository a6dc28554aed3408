//! libgit2's transport that speaks through `ssh`.
//!
//! libgit2's own ssh reads one known hosts file, knows neither `ssh_config` nor certificates, and can be given no key
//! algorithms. The transport is registered under a scheme of its own, so that a program that embeds this library
//! keeps whatever it has for `ssh://`.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};

use super::ssh_command::SshTarget;
use super::ssh_process::{SshProcess, lock};
use super::{Credentials, Timeouts};

/// The address under which libgit2 finds this transport; where it leads stands in the plan of the thread.
pub(super) const URL: &str = "nixfleet+ssh://remote";

/// Its scheme.
pub(super) const SCHEME: &str = "nixfleet+ssh";

thread_local! {
    /// What this thread is connecting to: libgit2 makes transports without telling for whom.
    static PLAN: RefCell<Option<SshPlan>> = const { RefCell::new(None) };
}

/// How to connect, and where the running processes are noted.
#[derive(Clone)]
pub(super) struct SshPlan {
    pub(super) target: SshTarget,
    pub(super) credentials: Credentials,
    pub(super) timeouts: Timeouts,
    pub(super) running: RunningSsh,
}

/// The `ssh` of an observation, shared with the one who may have to end it.
#[derive(Clone, Default)]
pub(super) struct RunningSsh(Arc<Mutex<Running>>);

#[derive(Default)]
struct Running {
    process: Option<Arc<SshProcess>>,
    failed_to_start: Option<String>,
    forbidden: bool,
}

impl RunningSsh {
    /// Ends the process, and lets no other start.
    pub(super) fn stop(&self) {
        let process = {
            let mut running = lock(&self.0);
            running.forbidden = true;
            running.process.clone()
        };
        if let Some(process) = process {
            process.kill();
        }
    }

    /// The process of the last connection.
    pub(super) fn process(&self) -> Option<Arc<SshProcess>> {
        lock(&self.0).process.clone()
    }

    /// Why `ssh` could not even be started.
    pub(super) fn failed_to_start(&self) -> Option<String> {
        lock(&self.0).failed_to_start.clone()
    }
}

impl SshPlan {
    /// Makes connections of this thread to [`URL`] follow this plan.
    pub(super) fn enter(self) {
        PLAN.with_borrow_mut(|plan| *plan = Some(self));
    }
}

/// The transport of a remote with the scheme [`SCHEME`], by the plan of this thread.
pub(super) fn transport(remote: &git2::Remote<'_>) -> Result<Transport, git2::Error> {
    let plan = PLAN.with_borrow(Clone::clone);
    let plan = plan.ok_or_else(|| git2::Error::from_str("this scheme is for nixfleet itself: use ssh://"))?;
    Transport::smart(remote, false, SshSubtransport { plan })
}

struct SshSubtransport {
    plan: SshPlan,
}

impl SmartSubtransport for SshSubtransport {
    fn action(&self, _url: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        if !matches!(service, Service::UploadPackLs | Service::UploadPack) {
            return Err(git2::Error::from_str("this transport only reads"));
        }
        let plan = &self.plan;
        let mut running = lock(&plan.running.0);
        if running.forbidden {
            return Err(git2::Error::from_str("the time is over"));
        }
        match SshProcess::start(plan.target.command(&plan.credentials, plan.timeouts), plan.timeouts.idle) {
            Ok((process, stream)) => {
                running.process = Some(process);
                Ok(Box::new(stream))
            }
            Err(error) => {
                running.failed_to_start = Some(error.to_string());
                Err(git2::Error::from_str("ssh could not be started"))
            }
        }
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}
