//! Copying commits from the store of fetched objects to the checkout.

use std::io::Write as _;

use git2::{Oid, Repository};

use crate::git::RemoteStore;
use crate::git::object_view::object_view;

/// Copies what `tip` reaches and the checkout does not have. The store may build on objects of the checkout, so both
/// are read as one. Returns false where the commit is in neither.
pub(super) fn bring(
    checkout: &Repository,
    store: &RemoteStore,
    tip: Oid,
    head: Option<Oid>,
) -> Result<bool, git2::Error> {
    let objects = checkout.odb()?;
    let own = checkout.commondir().join("objects");
    let view = object_view(&[own, store.path().join("objects")])?;
    if view.find_commit(tip).is_err() {
        return Ok(false);
    }
    let mut missing = view.revwalk()?;
    missing.push(tip)?;
    if let Some(head) = head {
        missing.hide(head)?;
    }
    let mut pack = view.packbuilder()?;
    pack.insert_walk(&mut missing)?;
    if pack.object_count() == 0 {
        return Ok(true);
    }
    let mut writer = objects.packwriter()?;
    let mut failed = None;
    let result = pack.foreach(|chunk| {
        failed = writer.write_all(chunk).err();
        failed.is_none()
    });
    // The pack builder itself only says that it was stopped.
    result.map_err(|error| failed.map_or(error, |cause| git2::Error::from_str(&cause.to_string())))?;
    writer.commit()?;
    Ok(true)
}
