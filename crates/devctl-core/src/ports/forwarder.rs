//! The forwards of one container that this process carries.
//!
//! Listeners on this computer stay when the container stops, and work again when it is back. The agent can make us
//! connect only with what a person named as a reverse forward: it names a number of ours, and no address.

use super::link::{self, Link, say};
use super::local::{Local, Socket, Wanted};
use super::record::{Record, Said};
use super::spec::Place;
use super::watch;
use crate::core::Core;
use crate::idle::activity::Uses;
use devctl_agent_protocol::{HostSaid, Listener, Target};
use devctl_model::{
    ErrorCode, ForwardDirection, ForwardOrigin, PortForward, PortListener, PortUpdate, Problem,
};
use devctl_mux::{Asked, Mux};
use devctl_spec::forwarding::{OnAutoForward, PortAttributes, PortRules, WebProtocol};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast, oneshot, watch as latest};
use tokio_util::task::AbortOnDropHandle;

/// What begins to listen is forwarded up to so many times: a container must not take all ports of this computer.
const FOUND_AT_MOST: usize = 64;

/// How long a connection waits for a container that is coming back.
const RETURN: Duration = Duration::from_secs(5);

/// How long the agent may take to listen.
const LISTEN: Duration = Duration::from_secs(10);

/// A pause after a connection that could not be taken, such as when no descriptor is left.
const PAUSE: Duration = Duration::from_millis(50);

/// The forwards of one container.
#[derive(Debug)]
pub(crate) struct Forwarder {
    /// Its id.
    pub(super) container: String,
    name: String,
    process: u32,
    rules: PortRules,
    /// What the engine publishes already.
    published: BTreeSet<u16>,
    inner: Mutex<Inner>,
    updates: broadcast::Sender<PortUpdate>,
    /// Each connection is a use of the container.
    uses: Arc<Uses>,
    route: latest::Sender<Option<Mux>>,
    record: Record,
    keeping: Mutex<Option<AbortOnDropHandle<()>>>,
}

#[derive(Debug, Default)]
struct Inner {
    forwards: BTreeMap<u32, Entry>,
    listeners: Vec<Listener>,
    last: u32,
    automatic: bool,
    opened_once: HashSet<u16>,
    waiting: BTreeMap<u32, oneshot::Sender<Result<(), String>>>,
}

#[derive(Debug)]
struct Entry {
    shown: PortForward,
    /// What is listened on: found ones go when it goes.
    target: Target,
    tell: bool,
    open: bool,
    /// Where it goes on this computer, of a reverse forward.
    service: Option<Place>,
    there: Option<Place>,
    socket: Option<PathBuf>,
    _accepting: Vec<AbortOnDropHandle<()>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(path) = &self.socket
            && let Err(error) = std::fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "a socket stays behind");
        }
    }
}

/// What a new forwarder has to know.
pub(super) struct About {
    pub(super) container: String,
    pub(super) name: String,
    pub(super) rules: PortRules,
    pub(super) published: BTreeSet<u16>,
}

impl Forwarder {
    /// Begins, with nothing forwarded yet.
    pub(super) async fn begin(core: &Arc<Core>, about: About) -> Result<Arc<Self>, Problem> {
        let link = link::connect(core, &about.container).await?;
        let (updates, _) = broadcast::channel(1024);
        let (route, _) = latest::channel(Some(link.mux.clone()));
        let forwarder = Arc::new(Self {
            uses: Uses::of(&core.config, &about.container),
            container: about.container,
            name: about.name,
            process: core.config.process.pid,
            rules: about.rules,
            published: about.published,
            inner: Mutex::default(),
            updates,
            route,
            record: Record::begin(&core.config)?,
            keeping: Mutex::default(),
        });
        let keeping = watch::keep(Arc::downgrade(core), Arc::downgrade(&forwarder), link);
        *forwarder.keeping.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(AbortOnDropHandle::new(tokio::spawn(keeping)));
        Ok(forwarder)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The forwards in force.
    pub(super) fn forwards(&self) -> Vec<PortForward> {
        let inner = self.inner();
        inner.forwards.values().map(|entry| entry.shown.clone()).collect()
    }

    /// Whether there is anything to carry, now or later.
    pub(super) fn is_wanted(&self) -> bool {
        let inner = self.inner();
        inner.automatic || !inner.forwards.is_empty()
    }

    /// What happens from now on, and before it what is in force.
    pub(super) fn follow(&self) -> (Vec<PortUpdate>, broadcast::Receiver<PortUpdate>) {
        let inner = self.inner();
        let now = inner.forwards.values().map(forwarded).collect();
        (now, self.updates.subscribe())
    }

    pub(super) fn update(&self, update: PortUpdate) {
        // Nobody listening is no failure.
        let _ = self.updates.send(update);
    }

    /// Says to other processes what is carried.
    fn publish(&self) {
        let said = {
            let inner = self.inner();
            Said {
                container: self.container.clone(),
                name: self.name.clone(),
                process: self.process,
                forwards: inner.forwards.values().map(|entry| entry.shown.clone()).collect(),
                listeners: self.shown(&inner.listeners),
            }
        };
        if let Err(problem) = self.record.say(&said) {
            tracing::warn!(%problem, "other processes do not see what is forwarded");
        }
    }

    pub(super) fn asked_to_stop(&self) -> Option<Vec<String>> {
        self.record.asked_to_stop()
    }

    fn shown(&self, listeners: &[Listener]) -> Vec<PortListener> {
        super::shown_listeners(&self.rules, listeners)
    }

    /// Forwards what somebody asks for, into the container.
    pub(super) async fn into_container(
        self: &Arc<Self>,
        listen: Option<Place>,
        connect: &Place,
        origin: ForwardOrigin,
        sockets: &std::path::Path,
    ) -> Result<PortForward, Problem> {
        let target = connect.target();
        let attributes = self.attributes(&target);
        let local = match (&listen, connect) {
            (Some(Place::Unix(path)), _) => Local::bind_unix(PathBuf::from(path)).await?,
            (None, Place::Unix(path)) => {
                let name = path.rsplit('/').next().unwrap_or("socket");
                Local::bind_unix(sockets.join(format!("{}-{name}", self.name))).await?
            }
            (listen, connect) => {
                let port = listen.as_ref().unwrap_or(connect).port().unwrap_or(0);
                let wanted = Wanted {
                    port,
                    // A local port that a person names is the one they get, or they are told why not.
                    required: listen.is_some() || attributes.require_local_port.unwrap_or(false),
                    elevate: attributes.elevate_if_needed.unwrap_or(false),
                    low: true,
                };
                Local::bind(wanted).await.map_err(|problem| match &listen {
                    Some(_) => asked_for(problem, port),
                    None => problem,
                })?
            }
        };
        Ok(self.add(local, target, &attributes, origin, false, false))
    }

    fn attributes(&self, target: &Target) -> PortAttributes {
        match target {
            Target::Port { port } => {
                let command = self
                    .inner()
                    .listeners
                    .iter()
                    .find(|listener| listener.port == *port)
                    .and_then(|listener| listener.command.clone());
                self.rules.attributes(None, *port, command.as_deref())
            }
            Target::Tcp { host, port } => self.rules.attributes(Some(host), *port, None),
            Target::Unix { .. } => PortAttributes::default(),
        }
    }

    /// Carries what `local` takes.
    fn add(
        self: &Arc<Self>,
        local: Local,
        target: Target,
        attributes: &PortAttributes,
        origin: ForwardOrigin,
        tell: bool,
        open: bool,
    ) -> PortForward {
        let url = local
            .port
            .filter(|_| !matches!(target, Target::Unix { .. }))
            .map(|port| {
                let scheme = match attributes.protocol {
                    Some(WebProtocol::Https) => "https",
                    Some(WebProtocol::Http) | None => "http",
                };
                format!("{scheme}://127.0.0.1:{port}/")
            });
        let shown = PortForward {
            container: self.name.clone(),
            direction: ForwardDirection::IntoContainer,
            listen: local.shown,
            target: target.to_string(),
            url,
            label: attributes.label.clone(),
            origin,
            process: self.process,
            note: local.note,
        };
        let accepting = local.listeners.into_iter().map(|listener| {
            let accept = Accept {
                listener,
                target: serde_json::to_vec(&target).unwrap_or_default(),
                shown: target.to_string(),
                route: self.route.subscribe(),
                uses: Arc::clone(&self.uses),
                updates: self.updates.clone(),
            };
            AbortOnDropHandle::new(tokio::spawn(accept.run()))
        });
        let entry = Entry {
            shown: shown.clone(),
            target: target.clone(),
            tell,
            open,
            service: None,
            there: None,
            socket: local.socket,
            _accepting: accepting.collect(),
        };
        self.put(None, entry);
        shown
    }

    fn put(&self, number: Option<u32>, entry: Entry) {
        let update = forwarded(&entry);
        {
            let mut inner = self.inner();
            let number = number.unwrap_or_else(|| {
                inner.last += 1;
                inner.last
            });
            inner.forwards.insert(number, entry);
        }
        self.publish();
        self.update(update);
    }

    /// Lets the container reach a service of this computer.
    pub(super) async fn out_of_container(
        &self,
        there: Place,
        service: Place,
    ) -> Result<PortForward, Problem> {
        let refused = |why: &str| {
            Problem::new(
                ErrorCode::PortNotListening,
                format!("{there} of {} cannot be listened on", self.name),
            )
            .why(why)
        };
        let at = there
            .reverse_at()
            .ok_or_else(|| refused("only a port or a socket can be listened on"))?;
        let mux = self.route.borrow().clone();
        let mux = mux.ok_or_else(|| refused("the container cannot be reached"))?;
        let (sender, heard) = oneshot::channel();
        let number = {
            let mut inner = self.inner();
            inner.last += 1;
            let number = inner.last;
            inner.waiting.insert(number, sender);
            number
        };
        say(&mux, &HostSaid::Listen { reverse: number, at });
        let answer = tokio::time::timeout(LISTEN, heard).await;
        self.inner().waiting.remove(&number);
        match answer {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(why))) => return Err(refused(&why)),
            Ok(Err(_)) | Err(_) => {
                say(&mux, &HostSaid::Unlisten { reverse: number });
                return Err(refused("the container does not answer"));
            }
        }
        let listen = match &there {
            Place::Port(port) => format!("127.0.0.1:{port}"),
            other => other.to_string(),
        };
        let shown = PortForward {
            container: self.name.clone(),
            direction: ForwardDirection::OutOfContainer,
            listen,
            target: service.to_string(),
            url: None,
            label: None,
            origin: ForwardOrigin::Asked,
            process: self.process,
            note: None,
        };
        let entry = Entry {
            shown: shown.clone(),
            target: there.target(),
            tell: false,
            open: false,
            service: Some(service),
            there: Some(there),
            socket: None,
            _accepting: Vec::new(),
        };
        self.put(Some(number), entry);
        Ok(shown)
    }

    /// Ends the forwards that `which` names, and gives them back.
    pub(super) fn stop(&self, which: impl Fn(&PortForward) -> bool) -> Vec<PortForward> {
        let ended: Vec<(u32, Entry)> = {
            let mut inner = self.inner();
            let numbers: Vec<u32> = inner
                .forwards
                .iter()
                .filter(|(_, entry)| which(&entry.shown))
                .map(|(number, _)| *number)
                .collect();
            let ended = numbers
                .into_iter()
                .filter_map(|number| Some((number, inner.forwards.remove(&number)?)));
            ended.collect()
        };
        if ended.is_empty() {
            return Vec::new();
        }
        let mux = self.route.borrow().clone();
        let mut shown = Vec::new();
        for (number, entry) in ended {
            if let Some(mux) = mux.as_ref().filter(|_| entry.service.is_some()) {
                say(mux, &HostSaid::Unlisten { reverse: number });
            }
            self.update(PortUpdate::Stopped {
                forward: entry.shown.clone(),
            });
            shown.push(entry.shown.clone());
        }
        self.publish();
        shown
    }

    /// Forwards from now on what the configuration names and what begins to listen.
    pub(super) async fn automate(self: &Arc<Self>, sockets: &std::path::Path) -> Result<(), Problem> {
        if std::mem::replace(&mut self.inner().automatic, true) {
            return Ok(());
        }
        for wanted in self.rules.wanted.clone() {
            let place = match wanted.host {
                Some(host) => Place::Tcp(host, wanted.port),
                None => Place::Port(wanted.port),
            };
            if self.covers(&place.target()) {
                continue;
            }
            let made = self
                .into_container(None, &place, ForwardOrigin::Configured, sockets)
                .await;
            if let Err(problem) = made {
                if problem.code == ErrorCode::PortTaken {
                    return Err(problem);
                }
                self.update(PortUpdate::NotForwarded {
                    target: place.to_string(),
                    why: problem.message,
                });
            }
        }
        self.follow_listeners().await;
        Ok(())
    }

    fn covers(&self, target: &Target) -> bool {
        if let Target::Port { port } = target
            && self.published.contains(port)
        {
            return true;
        }
        self.inner()
            .forwards
            .values()
            .any(|entry| entry.service.is_none() && entry.target == *target)
    }

    /// Takes in what listens in the container.
    pub(super) async fn heard(self: &Arc<Self>, mut listeners: Vec<Listener>) {
        listeners.truncate(devctl_agent_protocol::MAX_LISTENERS);
        // Where an agent listens for another of our processes is no service of the container.
        let ours = self.record.reverses(&self.container);
        listeners.retain(|listener| !ours.contains(&listener.port.to_string()));
        self.inner().listeners = listeners;
        self.publish();
        self.follow_listeners().await;
    }

    /// Forwards what is new, and ends what is gone.
    async fn follow_listeners(self: &Arc<Self>) {
        let listeners = {
            let inner = self.inner();
            if !inner.automatic {
                return;
            }
            inner.listeners.clone()
        };
        let targets: Vec<(Target, Listener)> = listeners.into_iter().map(|it| (target_of(&it), it)).collect();
        let here: HashSet<String> = targets.iter().map(|(target, _)| target.to_string()).collect();
        self.stop(|forward| forward.origin == ForwardOrigin::Found && !here.contains(&forward.target));
        for (target, listener) in targets {
            if self.covers(&target) {
                continue;
            }
            let attributes = self
                .rules
                .attributes(None, listener.port, listener.command.as_deref());
            let what = attributes.on_auto_forward.unwrap_or_default();
            if what == OnAutoForward::Ignore {
                continue;
            }
            let found = |entry: &&Entry| entry.shown.origin == ForwardOrigin::Found;
            let count = self.inner().forwards.values().filter(found).count();
            if count >= FOUND_AT_MOST {
                self.update(PortUpdate::NotForwarded {
                    target: target.to_string(),
                    why: format!("{FOUND_AT_MOST} ports are forwarded already that only began to listen"),
                });
                return;
            }
            let wanted = Wanted {
                port: listener.port,
                required: attributes.require_local_port.unwrap_or(false),
                elevate: attributes.elevate_if_needed.unwrap_or(false),
                low: false,
            };
            match Local::bind(wanted).await {
                Ok(local) => {
                    let first = self.inner().opened_once.insert(listener.port);
                    let open = match what {
                        OnAutoForward::OpenBrowser | OnAutoForward::OpenPreview => true,
                        OnAutoForward::OpenBrowserOnce => first,
                        _ => false,
                    };
                    let tell = what != OnAutoForward::Silent;
                    self.add(local, target, &attributes, ForwardOrigin::Found, tell, open);
                }
                Err(problem) => self.update(PortUpdate::NotForwarded {
                    target: target.to_string(),
                    why: problem.message,
                }),
            }
        }
    }

    /// The agent says whether it listens.
    pub(super) fn answered(&self, reverse: u32, answer: Result<(), String>) {
        let waiting = self.inner().waiting.remove(&reverse);
        match waiting {
            // Who asked may have given up.
            Some(waiting) => drop(waiting.send(answer)),
            None => {
                if let Err(why) = answer {
                    self.update(PortUpdate::Waiting { why });
                }
            }
        }
    }

    /// Connects a stream that the agent opens, with what a person named for that number and with nothing else.
    pub(super) fn connect(&self, reverse: Option<u32>, asked: Asked) {
        let service = reverse.and_then(|number| self.inner().forwards.get(&number)?.service.clone());
        let Some(service) = service else {
            return asked.refuse("there is no such reverse forward");
        };
        let (updates, uses) = (self.updates.clone(), Arc::clone(&self.uses));
        tokio::spawn(async move {
            let _used = uses.one().await;
            match Socket::connect(&service).await {
                Ok(socket) => socket.carry(asked.accept()).await,
                Err(error) => {
                    // Nobody listening is no failure.
                    let _ = updates.send(PortUpdate::Refused {
                        target: service.to_string(),
                        why: error.to_string(),
                    });
                    asked.refuse(&error.to_string());
                }
            }
        });
    }

    /// Notes that the container can be reached again, and lets the agent listen as before.
    pub(super) fn reached(&self, link: &Link) {
        let reverses: Vec<(u32, Place)> = {
            let inner = self.inner();
            let all = inner.forwards.iter();
            all.filter_map(|(number, entry)| Some((*number, entry.there.clone()?)))
                .collect()
        };
        for (reverse, place) in reverses {
            if let Some(at) = place.reverse_at() {
                say(&link.mux, &HostSaid::Listen { reverse, at });
            }
        }
        self.route.send_replace(Some(link.mux.clone()));
        self.update(PortUpdate::Connected);
    }

    /// Notes that it cannot.
    pub(super) fn lost(&self, why: String) {
        self.route.send_replace(None);
        self.update(PortUpdate::Waiting { why });
    }

    /// Ends everything.
    pub(super) fn end(&self, why: String) {
        self.inner().automatic = false;
        self.stop(|_| true);
        self.update(PortUpdate::Ended { why });
    }
}

/// Takes connections of one listener of this computer.
struct Accept {
    listener: super::local::Listener,
    target: Vec<u8>,
    shown: String,
    route: latest::Receiver<Option<Mux>>,
    uses: Arc<Uses>,
    updates: broadcast::Sender<PortUpdate>,
}

impl Accept {
    async fn run(self) {
        loop {
            match self.listener.accept().await {
                Ok(socket) => {
                    let (route, target) = (self.route.clone(), self.target.clone());
                    let (shown, updates) = (self.shown.clone(), self.updates.clone());
                    let uses = Arc::clone(&self.uses);
                    tokio::spawn(async move {
                        let _used = uses.one().await;
                        if let Err((socket, why)) = carry(socket, route, &target).await {
                            socket.break_off();
                            // Nobody listening is no failure.
                            let _ = updates.send(PortUpdate::Refused { target: shown, why });
                        }
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be taken");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn carry(
    socket: Socket,
    mut route: latest::Receiver<Option<Mux>>,
    target: &[u8],
) -> Result<(), (Socket, String)> {
    let mux = match tokio::time::timeout(RETURN, route.wait_for(Option::is_some)).await {
        Ok(Ok(mux)) => mux.clone(),
        Ok(Err(_)) | Err(_) => None,
    };
    let Some(mux) = mux else {
        return Err((socket, "the container cannot be reached".to_owned()));
    };
    match mux.open(target).await {
        Ok(stream) => {
            socket.carry(stream).await;
            Ok(())
        }
        Err(error) => Err((socket, error.to_string())),
    }
}

fn forwarded(entry: &Entry) -> PortUpdate {
    PortUpdate::Forwarded {
        forward: entry.shown.clone(),
        tell: entry.tell || entry.shown.origin != ForwardOrigin::Found,
        open: entry.open,
    }
}

/// How a listener is reached: one of all addresses or of the loopback by the loopback.
fn target_of(listener: &Listener) -> Target {
    let port = listener.port;
    match listener.address.as_str() {
        "0.0.0.0" | "::" | "127.0.0.1" | "::1" => Target::Port { port },
        address => Target::Tcp {
            host: address.to_owned(),
            port,
        },
    }
}

fn asked_for(mut problem: Problem, port: u16) -> Problem {
    problem.why.clear();
    problem.fixes.clear();
    problem.fix(format!(
        "Choose another port than {port}, or leave it out and the next free one is taken"
    ))
}

#[cfg(test)]
mod tests;
