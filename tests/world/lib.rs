//! The world around nixfleet for its tests: hosts as evidence, and hosts made of real files and programs.

#![allow(
    missing_debug_implementations,
    missing_docs,
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::new_without_default,
    clippy::panic,
    clippy::return_self_not_must_use,
    clippy::unwrap_used,
    reason = "only tests use it: it stops at what it did not expect, and its names say what it does"
)]

pub mod damage;
pub mod desk;
pub mod directory_content;
pub mod example_flake;
pub mod example_host;
pub mod exporter;
pub mod flake_checkout;
pub mod fleet_host;
pub mod fleet_member;
pub mod fleet_on_github;
pub mod fleet_person;
pub mod follower;
pub mod git_server;
pub mod github;
pub mod machine;
pub mod metrics_reference;
pub mod monitoring;
pub mod nix;
pub mod nixos_root;
pub mod programs;
pub mod prometheus;
pub mod random;
pub mod scenario;
pub mod signing;
pub mod skipped;
pub mod states;
pub mod table_of_states;
