//! `flake.lock`: what a flake's inputs are pinned to.
//!
//! The format is the one that Nix reads and writes in `src/libflake/lockfile.cc`, versions 5 to 7, and that its manual
//! describes under `nix flake`, "Lock files": a graph of nodes with one root. [`parse`] reads the whole graph,
//! [`direct_inputs`] and [`summarize`] tell of it what states and metrics need.
//!
//! | version | difference |
//! |---|---|
//! | 5 | `narHash` and `lastModified` stand beside `locked`, in an object `info` |
//! | 6 | they are in `locked`; inputs may form cycles without `follows` |
//! | 7 | cycles come about by `follows` only; later `parent`, for path inputs relative to another input |

mod attributes;
mod compare;
mod credentials;
mod describe;
mod direct_inputs;
mod error;
mod graph;
mod json;
mod parse;
mod printable;
mod reference;
mod resolve;

pub use attributes::{AttributeValue, Attributes};
pub use compare::compare_pages;
pub use direct_inputs::{MAX_DIRECT_INPUTS, direct_inputs, summarize};
pub use error::FlakeLockError;
pub use graph::{FlakeLock, InputTarget, Node};
pub use parse::{MAX_BYTES, parse};
pub use resolve::MAX_FOLLOWS_DEPTH;
