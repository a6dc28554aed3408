//! A real `sshd` on a port of the loopback interface.

use std::io::Read as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::tcp::free_port;
use crate::skipped::skipped;

const SSHD: [&str; 3] = ["/usr/sbin/sshd", "/run/current-system/sw/bin/sshd", "/usr/bin/sshd"];

/// A server with a key of its own that lets in one user with one key, until it is dropped.
pub struct SshServer {
    directory: TempDir,
    child: Child,
    pub port: u16,
    pub user: String,
}

impl SshServer {
    /// None, said aloud, where this machine has no sshd.
    pub fn start() -> Option<Self> {
        let Some(sshd) = SSHD.iter().find(|path| Path::new(path).exists()) else {
            skipped("no sshd");
            return None;
        };
        let directory = TempDir::new().unwrap();
        let path = directory.path();
        make_key(&path.join("host_key"));
        make_key(&path.join("user_key"));
        let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap().trim().to_owned();
        if user == "root" {
            // sshd of root refuses to start without it.
            std::fs::create_dir_all("/run/sshd").unwrap();
        }
        let penalties = if knows_penalties(sshd, &path.join("host_key")) { "PerSourcePenalties no\n" } else { "" };
        for _ in 0..5 {
            let port = free_port();
            let configuration = format!(
                "ListenAddress 127.0.0.1:{port}\nHostKey {0}/host_key\nAuthorizedKeysFile {0}/user_key.pub\n\
                 StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin yes\nPasswordAuthentication no\n\
                 KbdInteractiveAuthentication no\n{penalties}SetEnv PATH={1}\n",
                path.display(),
                std::env::var("PATH").unwrap(),
            );
            std::fs::write(path.join("sshd_config"), configuration).unwrap();
            let log = std::fs::File::create(path.join("log")).unwrap();
            let mut child = Command::new(sshd)
                .args(["-D", "-e", "-f"])
                .arg(path.join("sshd_config"))
                .stderr(Stdio::from(log))
                .spawn()
                .unwrap();
            let started = Instant::now();
            // It ends where another program took the port meanwhile.
            while child.try_wait().unwrap().is_none() && started.elapsed() < Duration::from_mins(1) {
                if speaks(port) {
                    return Some(Self { directory, child, port, user });
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let _ = child.kill();
            child.wait().unwrap();
        }
        panic!("sshd does not start: {}", std::fs::read_to_string(path.join("log")).unwrap());
    }

    pub fn url(&self, path: &Path) -> String {
        format!("ssh://{}@127.0.0.1:{}{}", self.user, self.port, path.display())
    }

    /// The key that is let in.
    pub fn user_key(&self) -> PathBuf {
        self.directory.path().join("user_key")
    }

    /// The public key of the server, as `type base64`.
    pub fn host_key(&self) -> String {
        public_key(&self.directory.path().join("host_key"))
    }

    /// A known hosts file with this content.
    pub fn known_hosts(&self, name: &str, content: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A new key, of nobody.
    pub fn other_key(&self, name: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        make_key(&path);
        path
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap()
    }
}

impl Drop for SshServer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// The public half of this key, as `type base64`.
pub fn public_key(private: &Path) -> String {
    let text = std::fs::read_to_string(private.with_extension("pub")).unwrap();
    text.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn make_key(path: &Path) {
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status().unwrap();
    assert!(made.success());
}

/// Whether this sshd shuts out, for seconds, an address from which keys were refused (OpenSSH 9.8 and later). Tests offer
/// wrong keys faster than anybody else does.
fn knows_penalties(sshd: &str, host_key: &Path) -> bool {
    let mut command = Command::new(sshd);
    command.args(["-t", "-f", "/dev/null", "-o", "PerSourcePenalties=no", "-h"]).arg(host_key);
    command.output().unwrap().status.success()
}

fn speaks(port: u16) -> bool {
    let mut banner = [0; 4];
    TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| stream.read_exact(&mut banner)).is_ok()
        && banner == *b"SSH-"
}
