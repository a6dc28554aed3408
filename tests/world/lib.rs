//! The world around nixfleet, made of real programs and files, for tests and for trying out.
