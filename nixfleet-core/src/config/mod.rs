//! The configuration of one host: `/etc/nixfleet/config.json`, which the NixOS module writes.
//!
//! Every key is optional. An unknown key is an error: a typing mistake must not pass for a default.
//!
//! ```json
//! {
//!   "host": "web1",
//!   "repository": { "url": "https://example.org/fleet.git", "branch": "main" },
//!   "tests": { "enable": true, "directory": "hosts/web1/tests" },
//!   "remote": { "grace_tries": 3, "grace_seconds": 900 },
//!   "agent": {
//!     "interval_seconds": 300,
//!     "policy": { "pull": "on", "switch": { "window": "Mon..Fri 02:00-05:00" } }
//!   }
//! }
//! ```

mod confirm;
mod github;
mod read;
mod sections;
mod signatures;
mod window;

pub use confirm::ConfirmConfig;
pub use github::GithubConfig;
pub use read::{ConfigError, read};
pub use sections::{AgentConfig, Automatic, HostConfig, PolicyConfig, RemoteConfig, RepositoryConfig, TestsConfig};
pub use signatures::SignaturesConfig;
pub use window::{CalendarWindow, InvalidWindow};
