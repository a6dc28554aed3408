//! Whether a merge is what merging its parents gives, and nothing more.

use git2::{Commit, ErrorCode, MergeOptions, Repository};

/// None where the merge is clean and has exactly the content that it should; else what is not so.
///
/// `view` may have a store in memory only: the trees that are made for the comparison are written to it.
pub(super) fn deviation(view: &Repository, merge: &Commit<'_>) -> Result<Option<&'static str>, git2::Error> {
    let mut parents = merge.parents();
    let (Some(ours), Some(theirs), None) = (parents.next(), parents.next(), parents.next()) else {
        return Ok(Some("it has more than two parents"));
    };
    let objects = view.odb()?;
    let memory = objects.add_new_mempack_backend(1000)?;
    let merged = view.merge_commits(&ours, &theirs, Some(&MergeOptions::new()));
    let tree = match merged {
        Ok(index) if index.has_conflicts() => None,
        Ok(mut index) => Some(index.write_tree_to(view)?),
        Err(error) if error.code() == ErrorCode::MergeConflict => None,
        Err(error) => return Err(error),
    };
    memory.reset()?;
    Ok(match tree {
        None => Some("its parents cannot be merged without a decision"),
        Some(tree) if tree != merge.tree_id() => Some("it changes more than merging its parents does"),
        Some(_) => None,
    })
}
