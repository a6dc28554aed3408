//! The addresses below that of a repository that Git's protocol over http uses.

use url::Url;

const REFERENCES: &str = "/info/refs";
const SERVICE: &str = "service=git-upload-pack";

/// Where the references are asked for. What the address has after a question mark stays.
pub(super) fn references(repository: &Url) -> Url {
    let mut url = below(repository, REFERENCES);
    let query = repository.query().filter(|query| !query.is_empty());
    url.set_query(Some(&query.map_or_else(|| SERVICE.to_owned(), |query| format!("{query}&{SERVICE}"))));
    url
}

/// Where a pack is asked for.
pub(super) fn upload_pack(repository: &Url) -> Url {
    below(repository, "/git-upload-pack")
}

/// The repository whose references are asked for at this address; none where it is another address.
pub(super) fn repository_of(references: &Url) -> Option<Url> {
    let path = references.path().strip_suffix(REFERENCES)?.to_owned();
    let query = references.query()?;
    let rest = if query == SERVICE { None } else { Some(query.strip_suffix(SERVICE)?.strip_suffix('&')?.to_owned()) };
    let mut url = references.clone();
    url.set_path(&path);
    url.set_query(rest.as_deref());
    Some(url)
}

fn below(repository: &Url, path: &str) -> Url {
    let mut url = repository.clone();
    url.set_path(&format!("{}{path}", repository.path().trim_end_matches('/')));
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn addresses_of_a_repository() {
        for (repository, asked, pack) in [
            ("https://h/a.git", "https://h/a.git/info/refs?service=git-upload-pack", "https://h/a.git/git-upload-pack"),
            ("http://h:8/a/", "http://h:8/a/info/refs?service=git-upload-pack", "http://h:8/a/git-upload-pack"),
            ("http://h", "http://h/info/refs?service=git-upload-pack", "http://h/git-upload-pack"),
            (
                "http://h/%20?t=1",
                "http://h/%20/info/refs?t=1&service=git-upload-pack",
                "http://h/%20/git-upload-pack?t=1",
            ),
        ] {
            assert_eq!(references(&url(repository)).as_str(), asked);
            assert_eq!(upload_pack(&url(repository)).as_str(), pack);
            let back = repository_of(&url(asked)).unwrap();
            assert_eq!(references(&back).as_str(), asked);
        }
    }

    #[test]
    fn other_addresses_are_none_of_references() {
        for text in [
            "https://h/login",
            "https://h/a/info/refs",
            "https://h/a/info/refs?service=git-receive-pack",
            "https://h/a/info/refs?xservice=git-upload-pack",
        ] {
            assert_eq!(repository_of(&url(text)), None, "{text}");
        }
    }
}
