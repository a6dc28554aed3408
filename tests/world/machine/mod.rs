//! Hosts with a real systemd, D-Bus, polkit, journald, Nix and Git, booted on this machine as root, without any VM.
//!
//! A machine is a set of namespaces around a Debian image, with an overlay of its own; what is said to be NixOS in it
//! (`nixos-rebuild`, the toplevel and its `switch-to-configuration`) stands in for the real one, see `tests/stand-ins`.
//! The kernel, its clock and its settings are those of this machine, and are not changed from the inside.
//!
//! ```no_run
//! use world::machine::{ConfigurationRepository, Image, Machine};
//!
//! let Some(image) = Image::get() else { return };
//! let machine = Machine::boot(&image, "web1");
//! let repository = ConfigurationRepository::create(&machine, "nixfleet", "/srv/configuration", "/srv/nixpkgs");
//! repository.set_host("web1", r#"units."hello.service" = "[Service]\nExecStart=/usr/bin/sleep infinity\n";"#);
//! let commit = repository.commit("the first configuration");
//! let system = repository.build(&commit, "web1");
//! machine.succeed(&["nixos-rebuild", "switch", "--store-path", &system]);
//! machine.power_loss();
//! machine.boot_again();
//! ```

mod command;
mod configuration_repository;
mod control_groups;
mod files;
mod image;
mod lifecycle;
mod network;
mod supervisor;

pub use command::Output;
pub use configuration_repository::ConfigurationRepository;
pub use image::Image;
pub use lifecycle::Machine;
pub use network::Network;
