//! Tells the crate which compiler builds it.

use std::env;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-env-changed=RUSTC");
    println!("cargo::rerun-if-env-changed=NIXFLEET_REVISION");
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let said = Command::new(compiler).arg("--version").output();
    let version = said.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).into_owned());
    // "rustc 1.95.0 (f2d3ce0bd 2026-03-21)": the number is what people filter by.
    let number = version.split_whitespace().nth(1).unwrap_or_default();
    println!("cargo::rustc-env=NIXFLEET_RUSTC_VERSION={number}");
    let revision = env::var("NIXFLEET_REVISION").ok().filter(|revision| !revision.is_empty());
    let revision = revision.as_deref().unwrap_or("revision unknown");
    let crate_version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!("cargo::rustc-env=NIXFLEET_VERSION_LINE={crate_version} ({revision}, rustc {number})");
}
