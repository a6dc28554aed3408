//! Programs of a host, here or there.

use std::process::Command;

use crate::ssh::SshArguments;

/// Makes the commands that run programs of a host.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    over: Option<SshArguments>,
}

impl Programs {
    /// Of this host; or of another one, over its connection.
    pub(crate) const fn new(over: Option<SshArguments>) -> Self {
        Self { over }
    }

    /// The command that runs this program with these arguments.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        if let Some(ssh) = &self.over {
            return ssh.command(&[&[program], arguments].concat());
        }
        let mut command = Command::new(program);
        command.args(arguments);
        command
    }
}
