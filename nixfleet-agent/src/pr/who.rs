//! Who asks, for the audit log.

/// The user's name as the system has it, with the one behind `sudo`.
pub(super) fn who() -> String {
    let id = rustix::process::getuid().as_raw();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = name_of(&users, id).map_or_else(|| format!("user {id}"), str::to_owned);
    match std::env::var("SUDO_USER") {
        Ok(before) if !before.is_empty() && before != name => format!("{name} (sudo by {before})"),
        _ => name,
    }
}

fn name_of(users: &str, id: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(id)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn a_user_is_found_by_the_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:100::/home/alice:\n\nbroken";
        assert_eq!(name_of(users, 0), Some("root"));
        assert_eq!(name_of(users, 1000), Some("alice"));
        assert_eq!(name_of(users, 100), None);
    }
}
