//! Placeholder of the crate until its first slice lands.

fn main() {}
