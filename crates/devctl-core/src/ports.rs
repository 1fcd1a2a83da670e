//! Ports of containers: what listens in them, and what is forwarded between them and this computer.
//!
//! Nothing is published by the engine: bytes go through one exec of the agent, so that a listener of the container's
//! loopback is reached, on a remote engine too, and in a container without a network.

mod forwarder;
mod link;
mod local;
mod record;
mod spec;
mod watch;

use crate::caller::Caller;
use crate::containers::Found;
use crate::core::Core;
use crate::record::Target;
use devctl_model::{
    ContainerPorts, ErrorCode, ForwardOrigin, ForwardPorts, ForwardedPorts, ListPorts, PlannedPort,
    PortForward, PortInfo, PortList, PortListener, PortUpdate, Problem, StopForwards, StoppedForwards,
};
use devctl_spec::forwarding::PortRules;
use forwarder::{About, Forwarder};
use record::Other;
use spec::{Place, Spec};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{broadcast::error::RecvError, mpsc};

/// How long another process may take to stop what it is asked to.
const STOP: Duration = Duration::from_secs(15);

/// The forwarders of this process, by the ids of their containers.
#[derive(Default)]
pub(crate) struct Forwarders {
    all: Mutex<HashMap<String, Arc<Forwarder>>>,
    /// One at a time begins.
    beginning: tokio::sync::Mutex<()>,
}

impl Forwarders {
    fn get(&self, container: &str) -> Option<Arc<Forwarder>> {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(container).cloned()
    }
}

impl Core {
    pub(crate) async fn port_list(self: &Arc<Self>, request: ListPorts) -> Result<PortList, Problem> {
        let config = self.config.clone();
        let others = tokio::task::spawn_blocking(move || Other::all(&config));
        let others = others.await.map_err(|error| {
            Problem::new(ErrorCode::Internal, "the forwards could not be listed").why(error.to_string())
        })?;
        let found = match &request.container {
            Some(name) => vec![self.find(name).await?],
            None => {
                let (found, _) = self.ours().await;
                let carried = |found: &Found| others.iter().any(|other| other.said.container == found.id());
                found.into_iter().filter(carried).collect()
            }
        };
        let mut containers = Vec::new();
        for found in found {
            containers.push(self.ports_of(&found, &others).await?);
        }
        containers.sort_by(|a, b| a.container.cmp(&b.container));
        Ok(PortList { containers })
    }

    async fn ports_of(self: &Arc<Self>, found: &Found, others: &[Other]) -> Result<ContainerPorts, Problem> {
        let rules = self.rules_of(found).await;
        let carried: Vec<&Other> = others
            .iter()
            .filter(|other| other.said.container == found.id())
            .collect();
        let listeners = match carried.first() {
            Some(other) => other.said.listeners.clone(),
            None if found.is_running() => shown_listeners(&rules, &link::listeners(self, found.id()).await?),
            None => Vec::new(),
        };
        let planned = rules.wanted.iter().map(|wanted| PlannedPort {
            target: match &wanted.host {
                Some(host) => format!("{host}:{}", wanted.port),
                None => wanted.port.to_string(),
            },
            label: rules.attributes(wanted.host.as_deref(), wanted.port, None).label,
        });
        Ok(ContainerPorts {
            container: found.alias().to_owned(),
            id: found.id().to_owned(),
            running: found.is_running(),
            planned: planned.collect(),
            listeners,
            forwards: carried
                .iter()
                .flat_map(|other| other.said.forwards.clone())
                .collect(),
            published: self.published(found).await,
        })
    }

    /// What the configuration says of ports. One that cannot be read says nothing: its ports can still be named.
    async fn rules_of(self: &Arc<Self>, found: &Found) -> PortRules {
        match self.plan_of(found).await {
            Ok(plan) => plan.ports,
            Err(problem) => {
                tracing::debug!(%problem, "the configuration says nothing of ports");
                PortRules::default()
            }
        }
    }

    async fn published(self: &Arc<Self>, found: &Found) -> Vec<PortInfo> {
        match self.container_detail(found.id()).await {
            Ok(detail) => detail
                .container
                .ports
                .into_iter()
                .filter(|port| port.host_port.is_some())
                .collect(),
            Err(problem) => {
                tracing::debug!(%problem, "the published ports are not known");
                Vec::new()
            }
        }
    }

    pub(crate) async fn forward(
        self: &Arc<Self>,
        caller: &Caller,
        request: ForwardPorts,
    ) -> Result<ForwardedPorts, Problem> {
        let read = |texts: &[String]| {
            texts
                .iter()
                .map(|text| Spec::read(text))
                .collect::<Result<Vec<_>, _>>()
        };
        let (ports, reverse) = (read(&request.ports)?, read(&request.reverse)?);
        if ports.is_empty() && reverse.is_empty() && !request.automatic {
            return Err(Problem::new(ErrorCode::PortInvalid, "no port is named")
                .fix("Name ports, or ask for what the configuration names and what begins to listen"));
        }
        let found = self.find(&request.container).await?;
        let target = Target::container(found.id(), found.alias());
        let act = self.begin_forwards(&found, ports, reverse, request.automatic);
        self.recorded(caller, "forward_ports", target, act).await
    }

    async fn begin_forwards(
        self: &Arc<Self>,
        found: &Found,
        ports: Vec<Spec>,
        reverse: Vec<Spec>,
        automatic: bool,
    ) -> Result<ForwardedPorts, Problem> {
        let forwarder = self.forwarder(found).await?;
        let sockets = self.config.forwards();
        let mut forwards = Vec::new();
        let made = async {
            for Spec { listen, connect } in ports {
                let origin = ForwardOrigin::Asked;
                forwards.push(
                    forwarder
                        .into_container(listen, &connect, origin, &sockets)
                        .await?,
                );
            }
            for Spec { listen, connect } in reverse {
                let there = match (listen, &connect) {
                    (Some(there), _) => there,
                    (None, Place::Tcp(_, port)) => Place::Port(*port),
                    (None, connect) => connect.clone(),
                };
                forwards.push(forwarder.out_of_container(there, connect).await?);
            }
            if automatic {
                forwarder.automate(&sockets).await?;
            }
            Ok::<(), Problem>(())
        };
        if let Err(problem) = made.await {
            // All that was asked for, or nothing.
            forwarder.stop(|forward| forwards.contains(forward));
            if !forwarder.is_wanted() {
                self.forget_forwarder(&forwarder);
            }
            return Err(problem.safe("nothing else that is forwarded was touched"));
        }
        Ok(ForwardedPorts {
            forwards: forwarder.forwards(),
        })
    }

    /// The forwarder of a container, made when there is none.
    async fn forwarder(self: &Arc<Self>, found: &Found) -> Result<Arc<Forwarder>, Problem> {
        let _one = self.forwarders.beginning.lock().await;
        if let Some(forwarder) = self.forwarders.get(found.id()) {
            return Ok(forwarder);
        }
        let published = self.published(found).await;
        let published: BTreeSet<u16> = published.iter().map(|port| port.container_port).collect();
        let about = About {
            container: found.id().to_owned(),
            name: found.alias().to_owned(),
            rules: self.rules_of(found).await,
            published,
        };
        let forwarder = Forwarder::begin(self, about).await?;
        let mut all = self.forwarders.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(found.id().to_owned(), Arc::clone(&forwarder));
        Ok(forwarder)
    }

    pub(crate) fn forget_forwarder(&self, forwarder: &Forwarder) {
        let mut all = self.forwarders.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.remove(&forwarder.container);
    }

    pub(crate) async fn end_forwards(
        self: &Arc<Self>,
        caller: &Caller,
        request: StopForwards,
    ) -> Result<StoppedForwards, Problem> {
        let config = self.config.clone();
        let others = tokio::task::spawn_blocking(move || Other::all(&config));
        let others = others.await.map_err(|error| {
            Problem::new(ErrorCode::Internal, "the forwards could not be listed").why(error.to_string())
        })?;
        // A container that is gone, or an engine that is, keeps nobody from ending its forwards.
        let (id, name) = match self.find(&request.container).await {
            Ok(found) => (found.id().to_owned(), found.alias().to_owned()),
            Err(problem) => match others.iter().find(|other| other.said.name == request.container) {
                Some(other) => (other.said.container.clone(), other.said.name.clone()),
                None => return Err(problem),
            },
        };
        let act = self.stop_everywhere(&id, &name, request.port.as_deref(), others);
        self.recorded(caller, "stop_forwards", Target::container(&id, &name), act)
            .await
    }

    async fn stop_everywhere(
        self: &Arc<Self>,
        id: &str,
        name: &str,
        port: Option<&str>,
        others: Vec<Other>,
    ) -> Result<StoppedForwards, Problem> {
        let is_meant = |forward: &PortForward| {
            port.is_none_or(|port| {
                forward.target == port
                    || forward.listen == port
                    || forward
                        .listen
                        .rsplit_once(':')
                        .is_some_and(|(_, number)| number == port)
            })
        };
        let mut found_any = false;
        let mut stopped = Vec::new();
        if let Some(forwarder) = self.forwarders.get(id) {
            found_any = port.is_none();
            stopped.extend(forwarder.stop(is_meant));
            if port.is_none() || !forwarder.is_wanted() {
                self.forget_forwarder(&forwarder);
                forwarder.end("its forwards were stopped".to_owned());
            }
        }
        for other in others {
            if other.said.container != id || other.said.process == self.config.process.pid {
                continue;
            }
            let meant: Vec<PortForward> = other
                .said
                .forwards
                .iter()
                .filter(|it| is_meant(it))
                .cloned()
                .collect();
            if meant.is_empty() && port.is_some() {
                continue;
            }
            found_any = true;
            let listens: Vec<String> = match port {
                Some(_) => meant.iter().map(|forward| forward.listen.clone()).collect(),
                None => Vec::new(),
            };
            other.ask_to_stop(&listens)?;
            let waiting = async {
                while other.still_carries(&listens) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            if tokio::time::timeout(STOP, waiting).await.is_err() {
                return Err(Problem::new(
                    ErrorCode::Busy,
                    format!("process {} does not stop its forwards", other.said.process),
                )
                .fix_command("End it", format!("kill {}", other.said.process)));
            }
            stopped.extend(meant);
        }
        if stopped.is_empty() && !found_any {
            let what = port.map_or_else(|| "nothing".to_owned(), |port| format!("no port {port}"));
            return Err(Problem::new(
                ErrorCode::PortNotForwarded,
                format!("{what} of {name} is forwarded"),
            )
            .fix_command("See what is", format!("devctl ports list {name}")));
        }
        Ok(StoppedForwards { stopped })
    }

    pub(crate) async fn port_updates(
        self: &Arc<Self>,
        container: &str,
    ) -> Result<mpsc::Receiver<PortUpdate>, Problem> {
        let found = self.find(container).await?;
        let forwarder = self.forwarders.get(found.id()).ok_or_else(|| {
            Problem::new(
                ErrorCode::PortNotForwarded,
                format!("this process forwards nothing of {}", found.alias()),
            )
        })?;
        let (now, mut updates) = forwarder.follow();
        drop(forwarder);
        let (sender, receiver) = mpsc::channel(64);
        tokio::spawn(async move {
            for update in now {
                if sender.send(update).await.is_err() {
                    return;
                }
            }
            loop {
                let update = tokio::select! {
                    () = sender.closed() => return,
                    update = updates.recv() => update,
                };
                match update {
                    Ok(update) => {
                        if sender.send(update).await.is_err() {
                            return;
                        }
                    }
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Ok(receiver)
    }
}

/// Listeners as doors show them.
fn shown_listeners(rules: &PortRules, listeners: &[devctl_agent_protocol::Listener]) -> Vec<PortListener> {
    listeners
        .iter()
        .map(|listener| PortListener {
            port: listener.port,
            address: listener.address.clone(),
            process: listener.process.clone(),
            command: listener.command.clone(),
            label: rules
                .attributes(None, listener.port, listener.command.as_deref())
                .label,
        })
        .collect()
}
