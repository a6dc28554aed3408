//! systemd over D-Bus: start units, hear when their jobs end.
//!
//! Source: org.freedesktop.systemd1(5). The signal `JobRemoved` is subscribed to before any unit is started, so that the
//! end of a short job is not missed. The `result` that it carries is not that of the operation: for a oneshot unit with
//! `ExecStopPost=` it is sent before that has run. What became of an operation is in the journal of operations.

use std::future::poll_fn;
use std::path::PathBuf;
use std::pin::Pin;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use zbus::export::futures_core::Stream as _;
use zbus::message::Type;
use zbus::{Address, Connection, Message, MessageStream, OwnedObjectPath, Variant, connection};

const BUS: &str = "org.freedesktop.DBus";
const SYSTEMD: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const MANAGER_PATH: &str = "/org/freedesktop/systemd1";

/// systemd answers at once, except while it reloads; polkit may have to be started first.
const CALL_LIMIT: Duration = Duration::from_secs(25);

/// The units that run operations, as patterns.
const OPERATION_UNITS: [&str; 6] = [
    "nixfleet-pull.service",
    "nixfleet-switch.service",
    // Of a switch that was killed: it activates, too.
    "nixfleet-fall-back.service",
    "nixfleet-test.service",
    "nixfleet-rollback.service",
    "nixfleet-rollback@*.service",
];

/// systemd could not be reached, or refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SystemdError {
    #[error("cannot reach the system bus: {0}; it is tried again")]
    Connect(#[source] zbus::Error),
    #[error("systemd did not do {method}: {source}; {}", next_step(.source))]
    Call { method: &'static str, source: zbus::Error },
}

fn next_step(error: &zbus::Error) -> &'static str {
    let name = error.to_string();
    if name.contains("AccessDenied") || name.contains("InteractiveAuthorizationRequired") {
        "is the polkit rule of nixfleet in place?"
    } else if name.contains("NoSuchUnit") {
        "are the units of nixfleet installed?"
    } else {
        "it is tried again"
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A job of one of nixfleet's units is done; its operation may still record its end.
    JobRemoved { unit: String, result: String },
    /// systemd is there anew: it was re-executed, or the bus knows it only now. What happened in between was not heard.
    ManagerAppeared,
    /// The bus went away. Nothing follows.
    BusGone,
}

/// How a unit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitState {
    /// `active`, `activating`, `inactive`, `failed`, …
    pub(crate) active_state: String,
    /// `success`, `exit-code`, `timeout`, …
    pub(crate) result: String,
    /// Of its last run; empty where systemd has forgotten it.
    pub(crate) invocation_id: String,
}

/// What systemd would start for a unit now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitStart {
    /// The program.
    pub(crate) program: PathBuf,
    /// The credentials that it would get as they lie in their files (`LoadCredential=`): names and files.
    pub(crate) credentials: Vec<(String, String)>,
    /// Those that systemd would decrypt for it (`LoadCredentialEncrypted=`): names and files.
    pub(crate) encrypted_credentials: Vec<(String, String)>,
}

/// A connection to systemd.
#[derive(Debug)]
pub(crate) struct Systemd {
    connection: Connection,
    events: UnboundedReceiver<Event>,
    /// The path of the unit of [`Systemd::start_of`].
    own_unit: OnceCell<OwnedObjectPath>,
}

impl Systemd {
    /// Connects, and listens from then on. `address` is that of the bus; absent for the system bus.
    pub(crate) async fn connect(address: Option<&str>) -> Result<Self, SystemdError> {
        Self::build(address.map_or_else(connection::Builder::system, connection::Builder::address)).await
    }

    /// The same for an address that is no text.
    pub(crate) async fn connect_to(address: Address) -> Result<Self, SystemdError> {
        Self::build(connection::Builder::address(address)).await
    }

    async fn build(builder: connection::Builder<'_>) -> Result<Self, SystemdError> {
        let connecting = builder.method_timeout(CALL_LIMIT).build();
        let connection = match tokio::time::timeout(CALL_LIMIT, connecting).await {
            Ok(built) => built.map_err(SystemdError::Connect)?,
            Err(_) => return Err(SystemdError::Connect(zbus::Error::Failure("no answer".to_owned()))),
        };
        let (sender, events) = unbounded_channel();
        // A stream that is not polled blocks its connection, hence the task. It ends with the connection.
        tokio::spawn(forward(MessageStream::from(connection.clone()), sender));
        let systemd = Self { connection, events, own_unit: OnceCell::new() };
        systemd.listen().await?;
        Ok(systemd)
    }

    async fn listen(&self) -> Result<(), SystemdError> {
        let mut rules =
            vec![format!("type='signal',sender='{BUS}',interface='{BUS}',member='NameOwnerChanged',arg0='{SYSTEMD}'")];
        // Only of these units: the jobs of others need not wake the agent up. A rule cannot name the instances of
        // nixfleet-rollback@; those are met in the journal of operations.
        rules.extend(OPERATION_UNITS.iter().filter(|unit| !unit.contains('*')).map(|unit| {
            format!("type='signal',sender='{SYSTEMD}',interface='{MANAGER}',member='JobRemoved',arg2='{unit}'")
        }));
        for rule in rules {
            let added = self.connection.call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), "AddMatch", &rule);
            added.await.map_err(|source| SystemdError::Call { method: "AddMatch", source })?;
        }
        self.subscribe().await
    }

    /// Asks systemd to send signals. To be asked anew when systemd is.
    pub(crate) async fn subscribe(&self) -> Result<(), SystemdError> {
        match self.manager("Subscribe", &()).await {
            Err(SystemdError::Call { source: zbus::Error::MethodError(name, ..), .. })
                if name.as_str() == "org.freedesktop.systemd1.AlreadySubscribed" =>
            {
                Ok(())
            }
            outcome => outcome.map(|_| ()),
        }
    }

    /// The next event; pending while there is none.
    pub(crate) async fn next_event(&mut self) -> Event {
        self.events.recv().await.unwrap_or(Event::BusGone)
    }

    /// Starts a unit and does not wait for it.
    ///
    /// Mode `fail`, not `replace`: where somebody has just asked to stop this unit, that wish stands, and the start is an
    /// error. Where it runs already, it is the same run.
    pub(crate) async fn start(&self, unit: &str) -> Result<(), SystemdError> {
        self.manager("StartUnit", &(unit, "fail")).await.map(|_| ())
    }

    /// Stops a unit and does not wait for it. A start that is still to come is taken back.
    pub(crate) async fn stop(&self, unit: &str) -> Result<(), SystemdError> {
        self.manager("StopUnit", &(unit, "replace")).await.map(|_| ())
    }

    /// The units of operations that run, end, or have a job.
    pub(crate) async fn busy_units(&self) -> Result<Vec<String>, SystemdError> {
        type ListedUnit =
            (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);
        let states: [&str; 0] = [];
        let reply = self.manager("ListUnitsByPatterns", &(&states[..], &OPERATION_UNITS[..])).await?;
        let units: Vec<ListedUnit> = reply
            .body()
            .deserialize()
            .map_err(|source| SystemdError::Call { method: "ListUnitsByPatterns", source })?;
        let is_at_rest = |state: &str| matches!(state, "inactive" | "failed");
        Ok(units.into_iter().filter(|unit| unit.7 != 0 || !is_at_rest(&unit.3)).map(|unit| unit.0).collect())
    }

    /// How this unit is. systemd may have collected it meanwhile: then it knows no invocation.
    pub(crate) async fn unit_state(&self, unit: &str) -> Result<UnitState, SystemdError> {
        const UNIT: &str = "org.freedesktop.systemd1.Unit";
        const SERVICE: &str = "org.freedesktop.systemd1.Service";
        let path = self.load(unit).await?;
        let active_state = self.property(&path, UNIT, "ActiveState").await?;
        let active_state = text(&active_state).unwrap_or_default();
        let result = text(&self.property(&path, SERVICE, "Result").await?).unwrap_or_default();
        let invocation_id = self.property(&path, UNIT, "InvocationID").await?;
        let bytes = value(&invocation_id, |variant| Vec::<u8>::try_from(variant).ok()).unwrap_or_default();
        let invocation_id =
            <[u8; 16]>::try_from(bytes).map(|bytes| format!("{:032x}", u128::from_be_bytes(bytes))).unwrap_or_default();
        Ok(UnitState { active_state, result, invocation_id })
    }

    /// What systemd would start for the agent's own unit now, always the same one; `None` where it has no such unit any more.
    pub(crate) async fn start_of(&self, unit: &str) -> Result<Option<UnitStart>, SystemdError> {
        const SERVICE: &str = "org.freedesktop.systemd1.Service";
        type Command = (String, Vec<String>, bool, u64, u64, u64, u64, u32, i32, i32);
        // systemd loads a unit of this path again where it has to.
        let path = self.own_unit.get_or_try_init(|| self.load(unit)).await?;
        let (exec_start, credentials, encrypted_credentials) = tokio::join!(
            self.property(path, SERVICE, "ExecStart"),
            self.property(path, SERVICE, "LoadCredential"),
            self.property(path, SERVICE, "LoadCredentialEncrypted")
        );
        let exec_start = exec_start?;
        let commands = value(&exec_start, |variant| Vec::<Command>::try_from(variant).ok()).unwrap_or_default();
        let Some(command) = commands.into_iter().next() else { return Ok(None) };
        let names_and_files =
            |reply| value(&reply, |variant| Vec::<(String, String)>::try_from(variant).ok()).unwrap_or_default();
        Ok(Some(UnitStart {
            program: PathBuf::from(command.0),
            credentials: names_and_files(credentials?),
            encrypted_credentials: names_and_files(encrypted_credentials?),
        }))
    }

    async fn load(&self, unit: &str) -> Result<OwnedObjectPath, SystemdError> {
        let reply = self.manager("LoadUnit", &unit).await?;
        reply.body().deserialize().map_err(|source| SystemdError::Call { method: "LoadUnit", source })
    }

    async fn property(
        &self,
        path: &OwnedObjectPath,
        interface: &'static str,
        name: &'static str,
    ) -> Result<Message, SystemdError> {
        let properties = Some("org.freedesktop.DBus.Properties");
        let body = (interface, name);
        let call = self.connection.call_method(Some(SYSTEMD), path.as_str(), properties, "Get", &body);
        call.await.map_err(|source| SystemdError::Call { method: name, source })
    }

    async fn manager<B>(&self, method: &'static str, body: &B) -> Result<Message, SystemdError>
    where
        B: serde::ser::Serialize + zbus::DynamicType,
    {
        let call = self.connection.call_method(Some(SYSTEMD), MANAGER_PATH, Some(MANAGER), method, body);
        call.await.map_err(|source| SystemdError::Call { method, source })
    }
}

/// The value in the answer of `Get`.
fn value<T>(reply: &Message, convert: impl FnOnce(Variant<'_>) -> Option<T>) -> Option<T> {
    let body = reply.body();
    let variant: Variant<'_> = body.deserialize().ok()?;
    convert(variant)
}

fn text(reply: &Message) -> Option<String> {
    value(reply, |variant| String::try_from(variant).ok())
}

async fn forward(mut stream: MessageStream, sender: UnboundedSender<Event>) {
    loop {
        let event = match poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
            Some(Ok(message)) => match event(&message) {
                Some(event) => event,
                None => continue,
            },
            Some(Err(_)) | None => Event::BusGone,
        };
        let is_last = event == Event::BusGone;
        if sender.send(event).is_err() || is_last {
            return;
        }
    }
}

fn event(message: &Message) -> Option<Event> {
    if message.message_type() != Type::Signal {
        return None;
    }
    let header = message.header();
    let body = message.body();
    match (header.interface()?.as_str(), header.member()?.as_str()) {
        (MANAGER, "JobRemoved") => {
            let (_, _, unit, result): (u32, OwnedObjectPath, String, String) = body.deserialize().ok()?;
            Some(Event::JobRemoved { unit, result })
        }
        (BUS, "NameOwnerChanged") => {
            let (name, _, new_owner): (String, String, String) = body.deserialize().ok()?;
            (name == SYSTEMD && !new_owner.is_empty()).then_some(Event::ManagerAppeared)
        }
        _ => None,
    }
}
