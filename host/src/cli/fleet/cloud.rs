//! Which enrolment group the devices of a fleet belong to, and where.

use std::net::IpAddr;
use std::path::Path;

use anyhow::Context;
use clap::Args;
use setpoint::cloud::Trust;
use setpoint::fleet::Group;
use setpoint_emulator::Identity;
use setpoint_emulator::running::{self, Running};
use setpoint_protocol::endpoint::Endpoint;
use setpoint_protocol::key::Key;

use crate::cli::Usage;
use crate::cli::environment::GroupDps;
use crate::cli::local::{Data, Local, Ports, listings};

/// The key of an enrolment group.
#[derive(Args)]
pub(crate) struct GroupKey {
    /// The enrolment group's symmetric key; better by the variable, because others can see how a process was called
    #[arg(long, value_name = "KEY", env = "SETPOINT_GROUP_KEY", hide_env_values = true)]
    group_key: Option<String>,
}

impl GroupKey {
    fn key(&self) -> Result<Option<Key>, Usage> {
        let text = self.group_key.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let key = text.map(Key::from_base64).transpose();
        key.map_err(|_| {
            Usage("--group-key is not base64; give the key of the enrolment group as the portal shows it".to_owned())
        })
    }
}

/// Where a fleet goes.
pub(super) enum Destination {
    /// To what the environment names.
    Named(Group),
    /// To an emulator that runs in another process.
    Running(Running, Box<Identity>),
    /// To one in this process.
    Embedded,
}

/// A destination that can be reached.
pub(super) struct Settled {
    pub(super) group: Group,
    pub(super) trust: Trust,
    /// The emulator in this process, to be kept while devices run.
    pub(super) local: Option<Local>,
}

impl Settled {
    /// For the report.
    pub(super) fn name(&self) -> String {
        match &self.local {
            Some(_) => format!("{} in the same process", self.group.endpoint),
            None => self.group.endpoint.to_string(),
        }
    }
}

impl Destination {
    /// What the environment names; otherwise the newest emulator that runs on this machine; otherwise one to be started.
    pub(super) fn find(key: &GroupKey, data: &Data, websockets: bool) -> anyhow::Result<Self> {
        let named = GroupDps::from_environment(|name| std::env::var(name).ok())?;
        match (named, key.key()?) {
            (Some(GroupDps { endpoint, id_scope }), Some(key)) => Ok(Self::Named(Group {
                endpoint,
                id_scope,
                key,
            })),
            (Some(GroupDps { id_scope, .. }), None) => {
                // What `setpoint emulator --env` says leads here, and the emulator's own folder knows the key.
                let known = emulator(data, websockets, |identity| identity.id_scope() == id_scope)?;
                known.ok_or_else(|| {
                    let message = "SETPOINT_GROUP_KEY is not set; set it to the symmetric key of the enrolment group that the devices belong to";
                    Usage(message.to_owned()).into()
                })
            }
            (None, Some(_)) => {
                let message = "a group key is given, but IOTHUB_DEVICE_SECURITY_TYPE is not; set it to DPS, and IOTHUB_DEVICE_DPS_ID_SCOPE to the id scope";
                Err(Usage(message.to_owned()).into())
            }
            (None, None) => Ok(emulator(data, websockets, |_| true)?.unwrap_or(Self::Embedded)),
        }
    }

    /// Whether it is in this process.
    pub(super) fn is_here(&self) -> bool {
        matches!(self, Self::Embedded)
    }

    /// Whether it is on this machine, at loopback addresses.
    pub(super) fn is_on_this_machine(&self) -> bool {
        match self {
            Self::Named(group) => {
                let host = group.endpoint.host.as_str();
                host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
            }
            Self::Running(..) | Self::Embedded => true,
        }
    }

    /// Starts what has to be.
    pub(super) async fn settle(self, data: &Data, ca: Option<&Path>, websockets: bool) -> anyhow::Result<Settled> {
        let group = |identity: &Identity, port| {
            let [key, _] = identity.group_keys();
            Group {
                endpoint: Endpoint {
                    host: identity.host().to_owned(),
                    port: Some(port),
                },
                id_scope: identity.id_scope().to_owned(),
                key: key.clone(),
            }
        };
        match self {
            Self::Named(group) => Ok(Settled {
                group,
                trust: Trust::system(ca).map_err(|error| Usage(error.to_string()))?,
                local: None,
            }),
            Self::Running(running, identity) => {
                let address = if websockets { running.https } else { running.mqtt };
                Ok(Settled {
                    group: group(&identity, address.port()),
                    trust: Trust::only(identity.ca_pem())?,
                    local: None,
                })
            }
            Self::Embedded => {
                let local = Local::start(&data.folder()?, Ports::any(), None, true).await?;
                let port = match local.device(websockets).endpoint.port {
                    Some(port) => port,
                    None => local.emulator.mqtt_address().port(),
                };
                Ok(Settled {
                    group: group(&local.identity, port),
                    trust: local.trust()?,
                    local: Some(local),
                })
            }
        }
    }
}

/// The newest emulator of its own process whose identity will do.
fn emulator(data: &Data, websockets: bool, will_do: impl Fn(&Identity) -> bool) -> anyhow::Result<Option<Destination>> {
    let folder = data.folder()?;
    let running = running::list(&listings(&folder)).with_context(|| folder.display().to_string())?;
    for emulator in running.into_iter().filter(|emulator| !emulator.embedded) {
        let address = if websockets { emulator.https } else { emulator.mqtt };
        // Another user's, or one whose folder has gone.
        let Ok(identity) = Identity::open(&emulator.identity) else {
            continue;
        };
        if !address.ip().is_unspecified() && !address.ip().is_loopback() {
            continue;
        }
        if will_do(&identity) {
            return Ok(Some(Destination::Running(emulator, Box::new(identity))));
        }
    }
    Ok(None)
}
