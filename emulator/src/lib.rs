//! The local Azure IoT: Device Provisioning Service, IoT Hub and its service API on this machine.
//!
//! [`Emulator::start`] opens two TLS ports. On one, devices speak MQTT with DPS and the hub (`mqtt`); on the other,
//! services speak HTTPS ([`service`]), and devices MQTT over WebSockets. [`Emulator::listen_amqp`] opens a third, for services that
//! speak AMQP (`amqp`). All stand on [`state`], which does no I/O. [`identity`] holds the names, keys and
//! certificates the emulator is known by, [`running`] lets other processes find it, [`paste`] says how to point an SDK
//! at it.

mod amqp;
mod authority;
mod background;
mod client_auth;
mod https;
pub mod identity;
mod listener;
mod mqtt;
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

/// For `fuzz/`, as [`fuzzing`].
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use amqp::fuzzing as amqp_fuzzing;

pub use identity::Identity;
pub use state::{Enrollments, Hub};

use background::Background;
use identity::IdentityError;
use listener::TlsListener;
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
        /// `MQTT`, `HTTPS` or `AMQP`.
        protocol: &'static str,
        /// The address asked for.
        address: SocketAddr,
    },
    /// An address that cannot be listened on for another reason.
    #[error("cannot listen on {address} for {protocol}: {source}")]
    Listen {
        /// `MQTT`, `HTTPS` or `AMQP`.
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
    amqp: Option<(SocketAddr, Background)>,
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
        let amqp_services = amqp::Services {
            hub: Arc::clone(&hub),
            identity: Arc::clone(&identity),
        };
        let router = service::router(Arc::clone(&hub), Arc::clone(&enrollments), Arc::clone(&identity));
        Ok(Emulator {
            mqtt_address,
            https_address,
            hub,
            enrollments,
            identity,
            amqp: None,
            mqtt: Background::spawn(|stop| mqtt::serve(mqtt, services, stop)),
            https: Background::spawn(|stop| https::serve(https, router, websocket_services, amqp_services, stop)),
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
        };
        let serving = Background::spawn(|stop| amqp::serve(listener, services, stop));
        self.amqp = Some((address, serving));
        Ok(address)
    }

    /// Where services connect that speak AMQP, with the port in use; `None` before [`Emulator::listen_amqp`].
    pub fn amqp_address(&self) -> Option<SocketAddr> {
        self.amqp.as_ref().map(|(address, _)| *address)
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
        self.mqtt.stop().await;
        self.https.stop().await;
        if let Some((_, amqp)) = self.amqp {
            amqp.stop().await;
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
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => StartError::PortInUse { protocol, address },
            _ => StartError::Listen {
                protocol,
                address,
                source,
            },
        })
}
