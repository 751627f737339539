//! The local Azure IoT: Device Provisioning Service, IoT Hub and its service API on this machine.
//!
//! [`Emulator::start`] opens two TLS ports. On one, devices speak MQTT with DPS and the hub (`mqtt`); on the other,
//! services speak HTTPS ([`service`]), and devices MQTT over WebSockets. [`Emulator::listen_amqp`] opens a third, for services that
//! speak AMQP (`amqp`). All stand on [`state`], which does no I/O; [`query`] is the language services ask it in. [`identity`] holds the names, keys and
//! certificates the emulator is known by, [`page`] shows all of it in a browser, [`running`] lets other processes find it, [`paste`] says how to point an SDK
//! at it. [`declaration`] reads what it is to begin with.

mod amqp;
mod authority;
mod background;
mod by_host;
mod client_auth;
pub mod declaration;
mod dps_service;
mod https;
mod hubs;
pub mod identity;
mod keeping;
mod listener;
mod mqtt;
pub mod page;
pub mod paste;
mod private_file;
pub mod query;
pub mod running;
pub mod service;
pub mod state;
mod store;

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

/// For `fuzz/`: parts that nobody else reaches.
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use mqtt::fuzzing;

/// For `fuzz/`, as [`fuzzing`].
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use amqp::fuzzing as amqp_fuzzing;

pub use declaration::Declaration;
pub use identity::Identity;
pub use state::{Enrollments, Hub};
pub use store::StoreError;

use background::Background;
use declaration::DeclarationError;
use hubs::{DeclaredHub, further_addresses, own_names};
use identity::{IdentityError, Policy, Right};
use keeping::Keeping;
use listener::TlsListener;
use page::{Page, PageOptions};
use state::{Allocation, CertificateError, DpsError, Enrollment, Group, HubError, Terms, TrustedAuthority};

/// The name of the enrolment group with keys that is there from the start.
pub const GROUP: &str = "setpoint";

/// The name of the group, there from the start too, that trusts the identity's own authority: any device with a certificate of
/// [`Identity::issue_device_certificate`].
pub const X509_GROUP: &str = "setpoint-x509";

/// What an emulator is started with.
pub struct Options {
    /// Where devices connect; port 0 takes any free one.
    pub mqtt: SocketAddr,
    /// Where services connect; port 0 takes any free one.
    pub https: SocketAddr,
    /// Keys, names and certificates.
    pub identity: Arc<Identity>,
    /// Where everything is kept that hub and DPS know. Without it all is gone with the process.
    pub data: Option<PathBuf>,
}

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port another program holds.
    #[error(
        "cannot listen on {address} for {protocol}: the port is in use. Stop the program that uses it or choose another port"
    )]
    PortInUse {
        /// `MQTT`, `HTTPS`, `AMQP` or `the page`.
        protocol: &'static str,
        /// The address asked for.
        address: SocketAddr,
    },
    /// An address that cannot be listened on for another reason.
    #[error("cannot listen on {address} for {protocol}: {source}")]
    Listen {
        /// `MQTT`, `HTTPS`, `AMQP` or `the page`.
        protocol: &'static str,
        /// The address asked for.
        address: SocketAddr,
        /// The system's word.
        source: io::Error,
    },
    /// The identity has no usable certificate.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The identity's device cannot be registered.
    #[error("cannot register the identity's own device: {0}")]
    Device(#[from] HubError),
    /// An enrolment cannot be made.
    #[error("cannot enroll: {0}")]
    Enrollment(#[from] DpsError),
    /// What was declared cannot be.
    #[error(transparent)]
    Declaration(#[from] DeclarationError),
    /// The identity's certificate cannot be that of an authority.
    #[error("cannot trust the identity's own authority: {0}")]
    Authority(#[from] CertificateError),
    /// What was kept cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running emulator. Dropping it closes its ports and every connection; [`Emulator::stop`] also waits for that.
pub struct Emulator {
    mqtt_address: SocketAddr,
    https_address: SocketAddr,
    hub: Arc<Hub>,
    declared: Vec<DeclaredHub>,
    enrollments: Arc<Enrollments>,
    ports: Vec<Background>,
    keeping: Keeping,
    identity: Arc<Identity>,
    amqp: Option<(SocketAddr, Background)>,
    page: Option<Page>,
}

impl Emulator {
    /// Opens both ports and serves them. The hub has the identity's device, DPS its individual enrolment and the groups
    /// [`GROUP`] and [`X509_GROUP`]. Ready for clients when this returns.
    ///
    /// # Errors
    ///
    /// [`StartError`], with nothing left running.
    pub async fn start(options: Options) -> Result<Emulator, StartError> {
        Emulator::start_declared(options, &Declaration::default()).await
    }

    /// The same with what a file declares. Of the hubs declared, those with loopback addresses are listened for on these; the
    /// identity's certificate must cover the names ([`Identity::with_names`]).
    ///
    /// # Errors
    ///
    /// [`StartError`], with nothing left running.
    pub async fn start_declared(options: Options, declaration: &Declaration) -> Result<Emulator, StartError> {
        let Options {
            mqtt,
            https,
            identity,
            data,
        } = options;
        let (hub, enrollments) = (Hub::new(), Arc::new(Enrollments::new(identity.id_scope())));
        enrollments.name_own_hub(&own_names(&identity));
        let (keeping, kept) = match data {
            Some(folder) => Keeping::open(&folder)?,
            None => Default::default(),
        };
        keeping.keep_own_hub(&hub, &kept)?;
        for name in declaration.hubs() {
            let linked = Hub::new();
            keeping.keep_linked_hub(name, &linked, &kept)?;
            enrollments.link(name, &linked);
        }
        keeping.keep_enrollments(&enrollments, &kept)?;
        trust(&hub, &identity)?;
        // What was changed or removed since stays so.
        if !kept.is_of(identity.id_scope()) {
            furnish(&hub, &enrollments, &identity)?;
            keeping.note_furnished(identity.id_scope());
        }
        declaration.apply(&hub, &enrollments)?;
        let tls = identity.server_config()?;
        let mqtt = listen("MQTT", mqtt, Arc::clone(&tls)).await?;
        let https = listen("HTTPS", https, Arc::clone(&tls)).await?;
        let (mqtt_address, https_address) = (mqtt.address(), https.address());
        let mut others = Vec::new();
        for address in further_addresses(declaration, mqtt_address.ip()) {
            let of = |port: u16| SocketAddr::new(address, port);
            let mqtt = listen("MQTT", of(mqtt_address.port()), Arc::clone(&tls)).await?;
            let https = listen("HTTPS", of(https_address.port()), Arc::clone(&tls)).await?;
            others.push((mqtt, https));
        }
        let services = mqtt::Services {
            hub: Arc::clone(&hub),
            enrollments: Arc::clone(&enrollments),
            keeping: keeping.clone(),
        };
        let amqp_services = amqp::Services {
            hub: Arc::clone(&hub),
            identity: Arc::clone(&identity),
            keeping: keeping.clone(),
        };
        // One DPS for all hubs.
        let provisioning = dps_service::router(Arc::clone(&hub), Arc::clone(&enrollments), Arc::clone(&identity));
        let api = |hub: &Arc<Hub>| {
            service::router(Arc::clone(hub), Arc::clone(&enrollments), Arc::clone(&identity))
                .merge(provisioning.clone())
        };
        let declared = DeclaredHub::all(declaration, &enrollments);
        let apis = declared.iter().map(|one| (one.name.clone(), api(&one.hub)));
        let router = by_host::router(api(&hub), apis.collect());
        let serve = |(mqtt, https): (TlsListener, TlsListener)| {
            let (services, websocket_services, router) = (services.clone(), services.clone(), router.clone());
            let amqp_services = amqp_services.clone();
            [
                Background::spawn(|stop| mqtt::serve(mqtt, services, stop)),
                Background::spawn(|stop| https::serve(https, router, websocket_services, amqp_services, stop)),
            ]
        };
        let ports = [(mqtt, https)].into_iter().chain(others).flat_map(serve).collect();
        Ok(Emulator {
            mqtt_address,
            https_address,
            hub,
            declared,
            enrollments,
            identity,
            ports,
            page: None,
            keeping,
            amqp: None,
        })
    }

    /// Opens a port for services that speak AMQP 1.0, as the SDKs of Event Hubs do, and some service SDKs for what they send to
    /// devices. Real hubs have it at 5671, and some SDKs know no other. An earlier one is closed.
    ///
    /// # Errors
    ///
    /// [`StartError::PortInUse`], [`StartError::Listen`].
    pub async fn listen_amqp(&mut self, address: SocketAddr) -> Result<SocketAddr, StartError> {
        let listener = listen("AMQP", address, self.identity.server_config()?).await?;
        let address = listener.address();
        let services = amqp::Services {
            hub: Arc::clone(&self.hub),
            identity: Arc::clone(&self.identity),
            keeping: self.keeping.clone(),
        };
        let serving = Background::spawn(|stop| amqp::serve(listener, services, stop));
        self.amqp = Some((address, serving));
        Ok(address)
    }

    /// Where services connect that speak AMQP, with the port in use; `None` before [`Emulator::listen_amqp`].
    pub fn amqp_address(&self) -> Option<SocketAddr> {
        self.amqp.as_ref().map(|(address, _)| *address)
    }

    /// Serves the page to browsers, and keeps from now on what devices do for it. Gives the link to open, which carries the key to
    /// everything and is the same after a restart on the same port. An earlier page is closed.
    ///
    /// # Errors
    ///
    /// [`StartError::PortInUse`], [`StartError::Listen`].
    pub async fn listen_page(&mut self, options: PageOptions) -> Result<String, StartError> {
        let address = options.address;
        let page = Page::start(self, options).await;
        let page = page.map_err(|source| not_listening("the page", address, source))?;
        let link = page.link();
        self.page = Some(page);
        Ok(link)
    }

    /// Where browsers connect, with the port in use; `None` before [`Emulator::listen_page`].
    pub fn page_address(&self) -> Option<SocketAddr> {
        self.page.as_ref().map(Page::address)
    }

    /// Where devices connect, with the port in use.
    pub fn mqtt_address(&self) -> SocketAddr {
        self.mqtt_address
    }

    /// Where services connect, with the port in use.
    pub fn https_address(&self) -> SocketAddr {
        self.https_address
    }

    /// The hub.
    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// What DPS knows.
    pub fn enrollments(&self) -> &Arc<Enrollments> {
        &self.enrollments
    }

    /// Closes every port and every connection, and waits until they are.
    pub async fn stop(self) {
        for port in self.ports {
            port.stop().await;
        }
        if let Some(page) = self.page {
            page.stop().await;
        }
        if let Some((_, amqp)) = self.amqp {
            amqp.stop().await;
        }
        // What they had to say at the end is in it.
        self.keeping.close();
    }
}

/// Has the hub let in whom the identity's own keys and authority vouch for.
fn trust(hub: &Hub, identity: &Identity) -> Result<(), StartError> {
    for policy in Policy::ALL {
        if policy.rights.contains(&Right::DeviceConnect) {
            hub.trust_policy(policy.name, identity.policy_key(policy));
        }
    }
    hub.trust_authority(TrustedAuthority::from_pem(identity.ca_pem())?);
    Ok(())
}

/// Puts the identity's device and enrolments in place.
fn furnish(hub: &Hub, enrollments: &Enrollments, identity: &Identity) -> Result<(), StartError> {
    let keys = || Some(identity.device_keys().clone().into());
    match hub.create_device(identity.device_id(), keys()) {
        // Of an identity whose keys were made anew.
        Err(HubError::DeviceAlreadyExists(id)) => drop(hub.update_device(&id, keys(), None)?),
        made => drop(made?),
    }
    // What is printed to be pasted names this hub, so these stay with it however many are declared.
    let terms = || Terms {
        allocation: Some(Allocation::Static),
        ..Terms::default()
    };
    enrollments.put(Enrollment {
        terms: terms(),
        ..Enrollment::new(identity.device_id(), identity.device_keys().clone())
    })?;
    let authority = TrustedAuthority::from_pem(identity.ca_pem())?;
    for group in [
        Group::new(GROUP, identity.group_keys().clone()),
        Group::new(X509_GROUP, authority),
    ] {
        enrollments.put_group(Group {
            terms: terms(),
            ..group
        })?;
    }
    Ok(())
}

async fn listen(
    protocol: &'static str,
    address: SocketAddr,
    tls: Arc<rustls::ServerConfig>,
) -> Result<TlsListener, StartError> {
    TlsListener::bind(address, tls)
        .await
        .map_err(|source| not_listening(protocol, address, source))
}

fn not_listening(protocol: &'static str, address: SocketAddr, source: io::Error) -> StartError {
    match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { protocol, address },
        _ => StartError::Listen {
            protocol,
            address,
            source,
        },
    }
}
