//! The local Azure IoT: Device Provisioning Service, IoT Hub and its service API on this machine.
//!
//! [`Emulator::start`] opens two TLS ports. On one, devices speak MQTT with DPS and the hub (`mqtt`); on the other,
//! services speak HTTPS ([`service`]), and devices MQTT over WebSockets. Both stand on [`state`], which does no I/O. [`identity`] holds the names, keys and
//! certificates the emulator is known by, [`page`] shows all of it in a browser, [`running`] lets other processes find it, [`paste`] says how to point an SDK
//! at it.

mod authority;
mod background;
mod client_auth;
mod https;
pub mod identity;
mod listener;
mod mqtt;
pub mod page;
pub mod paste;
mod private_file;
pub mod running;
pub mod service;
pub mod state;

use std::{io, net::SocketAddr, sync::Arc};

/// For `fuzz/`: parts that nobody else reaches.
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use mqtt::fuzzing;

pub use identity::Identity;
pub use state::{Enrollments, Hub};

use background::Background;
use identity::IdentityError;
use listener::TlsListener;
use page::{Page, PageOptions};
use state::{Attestation, CertificateError, Enrollment, Group, HubError, TrustedAuthority};

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
        /// `MQTT`, `HTTPS` or `the page`.
        protocol: &'static str,
        /// The address asked for.
        address: SocketAddr,
    },
    /// An address that cannot be listened on for another reason.
    #[error("cannot listen on {address} for {protocol}: {source}")]
    Listen {
        /// `MQTT`, `HTTPS` or `the page`.
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
    /// The identity's certificate cannot be that of an authority.
    #[error("cannot trust the identity's own authority: {0}")]
    Authority(#[from] CertificateError),
}

/// A running emulator. Dropping it closes its ports and every connection; [`Emulator::stop`] also waits for that.
pub struct Emulator {
    mqtt_address: SocketAddr,
    https_address: SocketAddr,
    hub: Arc<Hub>,
    enrollments: Arc<Enrollments>,
    identity: Arc<Identity>,
    mqtt: Background,
    https: Background,
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
        let Options { mqtt, https, identity } = options;
        let (hub, enrollments) = (Hub::new(), Arc::new(Enrollments::new(identity.id_scope())));
        furnish(&hub, &enrollments, &identity)?;
        let tls = identity.server_config()?;
        let mqtt = listen("MQTT", mqtt, Arc::clone(&tls)).await?;
        let https = listen("HTTPS", https, tls).await?;
        let (mqtt_address, https_address) = (mqtt.address(), https.address());
        let services = mqtt::Services {
            hub: Arc::clone(&hub),
            enrollments: Arc::clone(&enrollments),
        };
        let websocket_services = services.clone();
        let router = service::router(Arc::clone(&hub), Arc::clone(&enrollments), Arc::clone(&identity));
        Ok(Emulator {
            mqtt_address,
            https_address,
            hub,
            enrollments,
            identity,
            page: None,
            mqtt: Background::spawn(|stop| mqtt::serve(mqtt, services, stop)),
            https: Background::spawn(|stop| https::serve(https, router, websocket_services, stop)),
        })
    }

    /// Serves the page to browsers, and keeps from now on what devices do for it. Gives the link to open, which carries the key to
    /// everything and is the same after a restart on the same port. An earlier page is closed.
    ///
    /// # Errors
    ///
    /// [`StartError::PortInUse`], [`StartError::Listen`].
    pub async fn listen_page(&mut self, options: PageOptions) -> Result<String, StartError> {
        let address = options.address;
        let (hub, identity) = (Arc::clone(&self.hub), Arc::clone(&self.identity));
        let page = Page::start(hub, identity, self.mqtt_address, options).await;
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

    /// Closes both ports and every connection, and waits until they are.
    pub async fn stop(self) {
        self.mqtt.stop().await;
        self.https.stop().await;
        if let Some(page) = self.page {
            page.stop().await;
        }
    }
}

/// Puts the identity's device and enrolments in place.
fn furnish(hub: &Hub, enrollments: &Enrollments, identity: &Identity) -> Result<(), StartError> {
    hub.create_device(identity.device_id(), Some(identity.device_keys().clone().into()))?;
    enrollments.put(Enrollment {
        registration_id: identity.device_id().to_owned(),
        device_id: None,
        credentials: identity.device_keys().clone().into(),
        enabled: true,
    })?;
    enrollments.put_group(Group {
        group_id: GROUP.to_owned(),
        attestation: Attestation::Keys(identity.group_keys().clone()),
        enabled: true,
    });
    enrollments.put_group(Group {
        group_id: X509_GROUP.to_owned(),
        attestation: Attestation::Authority(TrustedAuthority::from_pem(identity.ca_pem())?),
        enabled: true,
    });
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
