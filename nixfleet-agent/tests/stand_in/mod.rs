//! A bus of our own, with a stand-in for systemd on it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test stops at what it did not expect")]
#![allow(
    clippy::unused_self,
    clippy::needless_pass_by_value,
    clippy::used_underscore_binding,
    reason = "the interface of systemd is given"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use zbus::{Connection, OwnedObjectPath, connection, interface};

type Listed = (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);
type ExecStart = (String, Vec<String>, bool, u64, u64, u64, u64, u32, i32, i32);

const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
  "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><listen>unix:path=SOCKET</listen><policy context="default">
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>"#;

/// `dbus-daemon` on a socket of its own.
pub struct BusDaemon {
    process: Child,
    socket: PathBuf,
}

impl BusDaemon {
    pub fn start(directory: &Path) -> Self {
        let (socket, configuration) = (directory.join("bus"), directory.join("bus.conf"));
        let _ = std::fs::remove_file(&socket);
        std::fs::write(&configuration, CONFIGURATION.replace("SOCKET", socket.to_str().unwrap())).unwrap();
        let mut command = Command::new("dbus-daemon");
        command.args(["--nofork", "--nopidfile"]).arg(format!("--config-file={}", configuration.display()));
        let process = command.spawn().expect("dbus-daemon (Debian package dbus)");
        let deadline = Instant::now() + Duration::from_mins(2);
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            assert!(Instant::now() < deadline, "dbus-daemon does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        Self { process, socket }
    }

    pub fn address(&self) -> String {
        format!("unix:path={}", self.socket.display())
    }
}

impl Drop for BusDaemon {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// What a started unit does, and whether its start is refused.
pub type UnitBody = Box<dyn FnMut(&str) + Send>;

/// What the stand-in was asked for.
#[derive(Default)]
pub struct Record {
    pub calls: Vec<String>,
    pub program: PathBuf,
    /// Names and files, of any unit.
    pub credentials: Vec<(String, String)>,
    pub encrypted_credentials: Vec<(String, String)>,
    pub refuse: bool,
    pub busy: Option<String>,
    /// Happens once, when somebody asks how a unit is.
    pub meanwhile: Option<Box<dyn FnOnce() + Send>>,
}

impl Record {
    pub fn starts(&self) -> Vec<&str> {
        self.calls.iter().filter(|call| call.starts_with("StartUnit")).map(String::as_str).collect()
    }
}

struct Manager {
    record: Arc<Mutex<Record>>,
    body: Arc<Mutex<UnitBody>>,
}

fn path(path: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(path).unwrap()
}

#[interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn subscribe(&self) {
        self.record.lock().unwrap().calls.push("Subscribe".to_owned());
    }

    async fn start_unit(
        &self,
        name: String,
        mode: String,
        #[zbus(connection)] connection: &Connection,
    ) -> zbus::fdo::Result<OwnedObjectPath> {
        let refuse = {
            let mut record = self.record.lock().unwrap();
            record.calls.push(format!("StartUnit {name} {mode}"));
            record.refuse
        };
        if refuse {
            return Err(zbus::fdo::Error::AccessDenied("not for you".to_owned()));
        }
        // A short job: its end is told before the answer to the start.
        (self.body.lock().unwrap())(&name);
        tell_end_of(connection, &name).await;
        Ok(path("/org/freedesktop/systemd1/job/1"))
    }

    fn list_units_by_patterns(&self, _states: Vec<String>, patterns: Vec<String>) -> Vec<Listed> {
        assert!(patterns.contains(&"nixfleet-rollback@*.service".to_owned()));
        let unit = |name: &str, active: &str| {
            let text = str::to_owned;
            (text(name), text(""), text("loaded"), text(active), text(""), text(""), path("/u"), 0, text(""), path("/"))
        };
        let mut units = vec![unit("nixfleet-pull.service", "failed"), unit("nixfleet-switch.service", "inactive")];
        units.extend(self.record.lock().unwrap().busy.as_ref().map(|name| unit(name, "deactivating")));
        units
    }

    fn load_unit(&self, _name: String) -> OwnedObjectPath {
        if let Some(meanwhile) = self.record.lock().unwrap().meanwhile.take() {
            meanwhile();
        }
        path("/org/freedesktop/systemd1/unit/any")
    }
}

struct Unit;

#[interface(name = "org.freedesktop.systemd1.Unit")]
impl Unit {
    #[zbus(property)]
    fn active_state(&self) -> String {
        "failed".to_owned()
    }

    #[zbus(property, name = "InvocationID")]
    fn invocation_id(&self) -> Vec<u8> {
        vec![0xab; 16]
    }
}

struct Service {
    record: Arc<Mutex<Record>>,
}

#[interface(name = "org.freedesktop.systemd1.Service")]
impl Service {
    #[zbus(property)]
    fn result(&self) -> String {
        "exit-code".to_owned()
    }

    #[zbus(property)]
    fn exec_start(&self) -> Vec<ExecStart> {
        let program = self.record.lock().unwrap().program.display().to_string();
        vec![(program, vec!["nixfleet-agent".to_owned()], false, 0, 0, 0, 0, 0, 0, 0)]
    }

    #[zbus(property)]
    fn load_credential(&self) -> Vec<(String, String)> {
        self.record.lock().unwrap().credentials.clone()
    }

    #[zbus(property)]
    fn load_credential_encrypted(&self) -> Vec<(String, String)> {
        self.record.lock().unwrap().encrypted_credentials.clone()
    }
}

/// Tells whoever listens that a job of this unit has ended.
pub async fn tell_end_of(systemd: &Connection, unit: &str) {
    let body = (1_u32, path("/org/freedesktop/systemd1/job/1"), unit, "done");
    let manager = "org.freedesktop.systemd1.Manager";
    systemd.emit_signal(None::<&str>, "/org/freedesktop/systemd1", manager, "JobRemoved", &body).await.unwrap();
}

/// Puts the stand-in on the bus.
pub async fn serve(address: &str, record: &Arc<Mutex<Record>>, body: &Arc<Mutex<UnitBody>>) -> Connection {
    let manager = Manager { record: Arc::clone(record), body: Arc::clone(body) };
    let service = Service { record: Arc::clone(record) };
    let unit = "/org/freedesktop/systemd1/unit/any";
    connection::Builder::address(address)
        .serve_at("/org/freedesktop/systemd1", manager)
        .serve_at(unit, Unit)
        .serve_at(unit, service)
        .name("org.freedesktop.systemd1")
        .build()
        .await
        .unwrap()
}
