//! How ssh reaches a host of the fleet.

use std::collections::BTreeMap;

use crate::ssh::SshDestination;

/// Why a host has no destination.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReachError {
    #[error("{destination:?} is no destination for ssh: {said}; name it in the hosts file, or change --ssh")]
    Destination { destination: String, said: String },
    #[error("--ssh asks for {{{0}}}, a label that this host does not have")]
    NoLabel(String),
    #[error("--ssh {0:?} has an opening brace without a closing one")]
    Brace(String),
}

/// The destination that a template gives: `{host}` stands for the name, `{address}` for the address that Prometheus
/// scrapes, without its port, and any other `{label}` for that label. `user` counts where the template names none.
pub(crate) fn destination(
    template: &str,
    user: Option<&str>,
    name: &str,
    labels: &BTreeMap<String, String>,
) -> Result<SshDestination, ReachError> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (key, behind) = after.split_once('}').ok_or_else(|| ReachError::Brace(template.to_owned()))?;
        text.push_str(before);
        match key {
            "host" => text.push_str(name),
            "address" => text.push_str(without_port(labels.get("instance").map_or(name, String::as_str))),
            label => text.push_str(labels.get(label).ok_or_else(|| ReachError::NoLabel(label.to_owned()))?),
        }
        rest = behind;
    }
    text.push_str(rest);
    let refused = |said: String| ReachError::Destination { destination: text.clone(), said };
    let destination: SshDestination =
        text.parse().map_err(|error: crate::DestinationError| refused(error.to_string()))?;
    match (destination.user(), user) {
        (None, Some(user)) => {
            let text = format!("{user}@{destination}");
            text.parse().map_err(|error: crate::DestinationError| ReachError::Destination {
                destination: text.clone(),
                said: error.to_string(),
            })
        }
        _ => Ok(destination),
    }
}

/// A scraped address without its port; brackets around an IPv6 address stay.
pub(crate) fn without_port(instance: &str) -> &str {
    match instance.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => {
            // An IPv6 address without brackets has no port.
            if host.contains(':') && !host.ends_with(']') { instance } else { host }
        }
        _ => instance,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        let labels = BTreeMap::from([
            ("instance".to_owned(), "10.0.0.1:19931".to_owned()),
            ("mgmt".to_owned(), "web1.mgmt".to_owned()),
            ("bad".to_owned(), "-oProxyCommand=x".to_owned()),
        ]);
        let reach = |template, user| destination(template, user, "web1", &labels).map(|it| it.to_string());
        assert_eq!(reach("{host}", None).as_deref(), Ok("web1"));
        assert_eq!(reach("{host}", Some("root")).as_deref(), Ok("root@web1"));
        assert_eq!(reach("admin@{host}.example.org:2222", Some("root")).as_deref(), Ok("admin@web1.example.org:2222"));
        assert_eq!(reach("root@{address}", None).as_deref(), Ok("root@10.0.0.1"));
        assert_eq!(reach("{mgmt}", None).as_deref(), Ok("web1.mgmt"));
        assert_eq!(reach("{row}", None), Err(ReachError::NoLabel("row".to_owned())));
        for (template, user) in [("{host", None), ("{bad}", None), ("{host} x", None), ("{host}", Some("-l"))] {
            assert!(reach(template, user).is_err(), "{template}");
        }
        assert!(destination("{host}", None, "web\"1\n", &labels).is_err());
    }

    #[test]
    fn ports() {
        for (instance, expected) in [
            ("web1:19931", "web1"),
            ("web1", "web1"),
            ("[::1]:19931", "[::1]"),
            ("fe80::1", "fe80::1"),
            ("web1:", "web1:"),
            ("", ""),
        ] {
            assert_eq!(without_port(instance), expected);
        }
    }
}
