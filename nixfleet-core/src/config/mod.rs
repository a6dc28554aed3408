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
//!   "agent": { "heartbeat_deadline_seconds": 180 }
//! }
//! ```

mod read;
mod sections;

pub use read::{ConfigError, read};
pub use sections::{AgentConfig, HostConfig, RemoteConfig, RepositoryConfig, TestsConfig};
