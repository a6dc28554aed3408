//! What nixfleet tells about a host: five compartments, each in one of five states.
//!
//! The serialised forms of these types are an interface: the JSON of `nixfleet status --json`, the label values of the
//! metrics. They change only with a note in `CHANGELOG.md`.

mod action;
mod colour;
mod compartment;
mod state;
mod status;

pub use action::Action;
pub use colour::Colour;
pub use compartment::{Compartment, Compartments};
pub use state::State;
pub use status::{CompartmentStatus, HostStatus};
