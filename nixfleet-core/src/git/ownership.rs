//! Repositories that belong to somebody else.

/// Reads repositories whatever user owns them, from now on and in the whole process.
///
/// libgit2 refuses a repository that another user owns, because Git runs what its configuration names. A process that
/// only reads, such as the exporter, calls this knowingly, at its start: nothing in [`crate::git`] runs hooks or filters.
pub fn allow_foreign_owner() {
    #[allow(unsafe_code, reason = "libgit2 keeps this switch in a process-wide variable")]
    // SAFETY: it stores one aligned int that libgit2 only reads; whoever reads it meanwhile gets the old value or the new.
    let outcome = unsafe { git2::opts::set_verify_owner_validation(false) };
    if let Err(error) = outcome {
        tracing::warn!("libgit2 did not switch off its check of a repository's owner: {}", error.message());
    }
}
