//! The kernel's version in the name of its store path.

use std::path::Path;

/// The version in a path such as `/nix/store/<hash>-linux-zen-6.12.19/bzImage`: what follows the first dash before a digit.
pub(super) fn version_in_store_path(kernel: &Path) -> Option<&str> {
    let store_name = kernel.strip_prefix("/nix/store").ok()?.iter().next()?.to_str()?;
    let (_hash, name) = store_name.split_once('-')?;
    if !name.starts_with("linux") {
        return None;
    }
    let is_version_start =
        |(dash, _): &(usize, &str)| name[dash + 1..].starts_with(|first: char| first.is_ascii_digit());
    let (dash, _) = name.match_indices('-').find(is_version_start)?;
    Some(&name[dash + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_name() {
        let table = [
            ("/nix/store/h4sh-linux-6.12.19/bzImage", Some("6.12.19")),
            ("/nix/store/h4sh-linux-6.12.19", Some("6.12.19")),
            ("/nix/store/h4sh-linux-6.15-rc1/Image", Some("6.15-rc1")),
            ("/nix/store/h4sh-linux-zen-6.13.7/bzImage", Some("6.13.7")),
            ("/nix/store/h4sh-linux-rpi4-6.6.51-stable_20241008/Image", Some("6.6.51-stable_20241008")),
            ("/nix/store/h4sh-linux/bzImage", None),
            ("/nix/store/h4sh-linux-/bzImage", None),
            ("/nix/store/h4sh-linux-é/bzImage", None),
            ("/nix/store/h4sh-grub-2.12/bzImage", None),
            ("/nix/store/linux", None),
            ("/nix/store", None),
            ("/boot/h4sh-linux-6.12.19", None),
        ];
        for (kernel, expected) in table {
            assert_eq!(version_in_store_path(Path::new(kernel)), expected, "{kernel}");
        }
    }
}
