//! The command lines of `ssh`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use zbus::Address;
use zbus::address::transport::{Transport, Unixexec};

use super::SshDestination;

/// ssh gives up on a host that does not answer within so many seconds.
pub(super) const CONNECT_TIMEOUT_SECONDS: u64 = 10;
/// A connection that says nothing is asked after so many seconds, and given up when that was without answer so often.
const ALIVE_INTERVAL_SECONDS: u64 = 5;
const ALIVE_COUNT: u64 = 3;

/// Becomes the program that the arguments are. A process of its own waits for the end of standard input, then ends that
/// program and removes the directory that `$0` names.
const WATCHED: &str =
    "exec 3<&0; { read -r end <&3; kill \"$$\"; rm -rf -- \"$0\"; } >&- 2>&- & exec \"$@\" </dev/null 3<&-";

/// Lets `ssh` reach one host, through the socket of one connection.
#[derive(Debug, Clone)]
pub(crate) struct SshArguments {
    destination: SshDestination,
    socket: PathBuf,
}

impl SshArguments {
    pub(super) fn new(destination: &SshDestination, socket: &Path) -> Self {
        Self { destination: destination.clone(), socket: socket.to_owned() }
    }

    /// The `ssh` that makes the connection, and runs nothing itself. It is ended with the other end of its standard input,
    /// so also when nixfleet is killed: then nobody is left to end it, and what runs through it would keep it up.
    /// `directory` is removed with it.
    pub(super) fn master(&self, directory: &Path) -> Command {
        let directory = directory.to_string_lossy().into_owned();
        let watched = ["-c".to_owned(), WATCHED.to_owned(), directory, "ssh".to_owned(), "-N".to_owned()];
        let mut command = ssh("sh", [&watched[..], &self.arguments("yes", &[])].concat());
        // The messages of ssh are told apart by their text.
        command.env("LC_ALL", "C");
        command
    }

    /// The `ssh` that runs this program there, through the connection.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        ssh("ssh", self.arguments("no", words))
    }

    /// The program that talks D-Bus with the host's system bus.
    ///
    /// Not as text: zbus reads no percent signs in the text of such an address.
    /// Source: systemd's own `systemctl --host`, which talks to systemd-stdio-bridge in the same way.
    pub(crate) fn bus_address(&self) -> Address {
        let arguments = self.arguments("no", &["systemd-stdio-bridge"]).into_iter().map(Into::into).collect();
        Address::new(Transport::Unixexec(Unixexec::new("ssh".into(), None, arguments)))
    }

    fn arguments(&self, control_master: &str, words: &[&str]) -> Vec<String> {
        let mut arguments = ["-T", "-a", "-x"].map(str::to_owned).to_vec();
        for (name, value) in [
            ("BatchMode", "yes"),
            ("ClearAllForwardings", "yes"),
            ("PermitLocalCommand", "no"),
            ("RemoteCommand", "none"),
            ("RequestTTY", "no"),
            ("UpdateHostKeys", "no"),
            ("LogLevel", "ERROR"),
            ("ControlMaster", control_master),
            ("ControlPersist", "no"),
            ("ConnectTimeout", &CONNECT_TIMEOUT_SECONDS.to_string()),
            ("ServerAliveInterval", &ALIVE_INTERVAL_SECONDS.to_string()),
            ("ServerAliveCountMax", &ALIVE_COUNT.to_string()),
            ("ControlPath", &quoted_file(&self.socket)),
        ] {
            arguments.extend(["-o".to_owned(), format!("{name}={value}")]);
        }
        if let Some(port) = self.destination.port() {
            arguments.extend(["-p".to_owned(), port.to_string()]);
        }
        if let Some(user) = self.destination.user() {
            arguments.extend(["-l".to_owned(), user.to_owned()]);
        }
        arguments.extend(["--".to_owned(), self.destination.host().to_owned()]);
        if !words.is_empty() {
            arguments.push(remote_line(words));
        }
        arguments
    }
}

fn ssh(program: &str, arguments: Vec<String>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    for variable in ["SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY"] {
        command.env_remove(variable);
    }
    command.env("SSH_ASKPASS_REQUIRE", "never");
    command
}

/// A file name in an option of ssh, which splits at blanks and expands percent signs.
fn quoted_file(path: &Path) -> String {
    format!("\"{}\"", path.to_string_lossy().replace('\\', "\\\\").replace('%', "%%"))
}

/// The line for the shell that runs on the other side: each word stays one word in any usual shell.
fn remote_line(words: &[&str]) -> String {
    let is_plain =
        |word: &str| !word.is_empty() && word.chars().all(|it| it.is_ascii_alphanumeric() || "-_./:=@,+".contains(it));
    let quoted = words
        .iter()
        .map(|word| if is_plain(word) { (*word).to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn arguments(text: &str) -> SshArguments {
        SshArguments::new(&text.parse().unwrap(), Path::new("/tmp/a b/100%"))
    }

    #[test]
    fn ends_with_host_and_command_and_asks_nobody() {
        for (destination, end) in [
            ("web1", &["--", "web1", "nixfleet status"][..]),
            ("root@web1:2222", &["-p", "2222", "-l", "root", "--", "web1", "nixfleet status"]),
            ("[::1]:22", &["-p", "22", "--", "::1", "nixfleet status"]),
        ] {
            let command = arguments(destination).command(&["nixfleet", "status"]);
            let words: Vec<_> = command.get_args().map(|it| it.to_str().unwrap().to_owned()).collect();
            assert!(words.ends_with(&end.iter().map(ToString::to_string).collect::<Vec<_>>()), "{words:?}");
            assert!(words.contains(&"BatchMode=yes".to_owned()), "{words:?}");
            assert!(words.contains(&r#"ControlPath="/tmp/a b/100%%""#.to_owned()), "{words:?}");
        }
    }

    #[test]
    fn the_bus_is_reached_by_the_bridge() {
        let address = arguments("root@web1").bus_address();
        let Transport::Unixexec(program) = address.transport() else { panic!("{address}") };
        assert_eq!(program.args().last().unwrap(), "systemd-stdio-bridge");
        assert!(program.args().iter().any(|it| it == r#"ControlPath="/tmp/a b/100%%""#), "{program:?}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn a_shell_reads_the_same_words(words in prop::collection::vec("[^\0]{0,12}", 1..4)) {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let line = remote_line(&[&["printf", "%s\\0"], &words[..]].concat());
            let output = Command::new("sh").args(["-c", &line]).output().unwrap();
            let expected = words.join("\0") + "\0";
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        }
    }
}
