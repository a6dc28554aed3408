//! What this program was built from.

/// Its version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that it was built from: the environment variable `NIXFLEET_REVISION` at build time; empty where unknown.
pub const REVISION: &str = match option_env!("NIXFLEET_REVISION") {
    Some(revision) => revision,
    None => "",
};

/// The version of the compiler; empty where unknown.
pub const RUST_VERSION: &str = env!("NIXFLEET_RUSTC_VERSION");

/// Version, revision and compiler in one line, for `--version`.
pub const VERSION_LINE: &str = env!("NIXFLEET_VERSION_LINE");
