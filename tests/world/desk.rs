//! A machine at which a person sits who moves other machines over ssh.

use crate::machine::{Machine, Output};
use crate::programs::program;

/// The command there.
pub const NIXFLEET: &str = "/usr/local/bin/nixfleet";

/// A machine with the `nixfleet` command, and a key of its root.
#[derive(Debug)]
pub struct Desk<'a> {
    pub machine: &'a Machine,
    public_key: String,
}

impl<'a> Desk<'a> {
    pub fn install(machine: &'a Machine) -> Self {
        machine.write_executable(NIXFLEET, std::fs::read(program("nixfleet")).unwrap());
        let key = "mkdir -p ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519; cat ~/.ssh/id_ed25519.pub";
        Self { machine, public_key: machine.shell(key) }
    }

    /// Lets the person in as this user there, and has the person know that machine by its key.
    pub fn may_enter(&self, there: &Machine, user: &str, home: &str) {
        there.write(format!("{home}/.ssh/authorized_keys"), format!("{}\n", self.public_key));
        there.succeed(&["chown", "--recursive", &format!("{user}:{user}"), &format!("{home}/.ssh")]);
        self.knows(there);
    }

    /// Has the person know that machine by the key that it has now.
    pub fn knows(&self, there: &Machine) {
        let key = there.read("/etc/ssh/ssh_host_ed25519_key.pub");
        let known = self.machine.try_read("/root/.ssh/known_hosts").unwrap_or_default();
        self.machine.write("/root/.ssh/known_hosts", format!("{known}{} {key}", there.name()));
    }

    /// Runs the command to its end.
    pub fn nixfleet(&self, arguments: &[&str]) -> Output {
        self.machine.run(&[&[NIXFLEET][..], arguments].concat())
    }

    /// Runs the command, which must end with this code.
    pub fn expect(&self, code: i32, arguments: &[&str]) -> Output {
        let output = self.nixfleet(arguments);
        assert_eq!(output.code, Some(code), "{arguments:?}: {}\n{}", output.stdout, output.stderr);
        output
    }
}
