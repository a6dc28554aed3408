//! Where the status comes from: this host, or one repository.
