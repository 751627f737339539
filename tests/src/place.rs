//! One emulator on ports of its own, and devices that run against it over TLS.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use setpoint::clock::{Clock, SystemClock};
use setpoint::cloud::{Access, Connector, DpsProvisioner, Outgoing, Provisioner, Trust};
use setpoint::device::{ConnectionState, Device, Notice, Operator, Session, SessionError, Store, run};
use setpoint::sandbox::{Limits, Program, Sandbox, SharedRandom, Surroundings, Tap};
use setpoint_emulator::{Emulator, Identity, Options};
use setpoint_protocol::{Endpoint, Key};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::proxy::Proxy;
use crate::route::Route;

/// How long anything here may take. Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A local Azure IoT.
pub struct Place {
    /// It, until it is stopped.
    pub emulator: Emulator,
    /// Its keys.
    pub identity: Arc<Identity>,
}

/// What a session was seen to do, in a form that outlives it.
#[derive(Debug, Clone, PartialEq)]
pub enum Observed {
    /// Provisioning ended with this device id.
    Assigned(String),
    /// Connected and subscribed.
    Listening,
    /// The guest has put this into the outbox.
    Queued(Outgoing),
    /// The hub has taken this.
    Delivered(Outgoing),
    /// The hub has refused this, with this status.
    Refused(Outgoing, u16),
    /// Connection lost, with the error's words.
    Lost(String),
}

impl Place {
    /// Starts one on free ports, with keys of its own.
    pub async fn new() -> Self {
        Self::at([127, 0, 0, 1]).await
    }

    /// Starts one on this address, whose certificate may be for others.
    pub async fn at(address: [u8; 4]) -> Self {
        let identity = Identity::temporary().expect("keys can be made");
        Self::with(Arc::new(identity), SocketAddr::from((address, 0))).await
    }

    /// Starts one where another was: the same keys, the same port for devices.
    pub async fn again(identity: Arc<Identity>, port: u16) -> Self {
        Self::with(identity, SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await
    }

    async fn with(identity: Arc<Identity>, mqtt: SocketAddr) -> Self {
        setpoint_test_logs::start();
        let hub_keys = identity.device_keys().iter().chain([identity.service_key()]);
        setpoint_test_logs::keys(identity.group_keys().iter().chain(hub_keys));
        let https = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let options = Options {
            mqtt,
            https,
            identity: Arc::clone(&identity),
            data: None,
        };
        let emulator = Emulator::start(options).await.expect("the emulator starts");
        Self { emulator, identity }
    }

    /// The port for devices.
    pub fn port(&self) -> u16 {
        self.emulator.mqtt_address().port()
    }

    /// Where devices connect.
    pub fn endpoint(&self) -> Endpoint {
        self.direct().endpoint()
    }

    /// Devices that dial the emulator itself.
    pub fn direct(&self) -> Route<'_> {
        Route::new(self, self.port())
    }

    /// Devices that dial this proxy, which is to lead here.
    pub fn through(&self, proxy: &Proxy) -> Route<'_> {
        Route::new(self, proxy.port())
    }

    /// A proxy that leads here.
    pub async fn proxy(&self) -> Proxy {
        Proxy::to(self.port()).await
    }

    /// Whoever believes this emulator's authority alone.
    pub fn trust(&self) -> Trust {
        Trust::only(self.identity.ca_pem()).expect("the authority's certificate is one")
    }

    /// How a device with this key proves itself.
    pub fn access(&self, key: &Key) -> Access {
        Access::with_key(key.clone(), &self.trust())
    }

    /// How a device with this registration id and key provisions.
    pub fn provisioner(&self, registration_id: &str, key: &Key) -> DpsProvisioner {
        self.direct().provisioner(registration_id, key)
    }

    /// Runs a guest as the device that is enrolled from the start.
    pub fn run(&self, guest: &[u8], config: &[(&str, &str)]) -> Running {
        self.direct().run(guest, config)
    }

    /// Runs a guest as another device, through provisioning.
    pub fn run_as(&self, guest: &[u8], config: &[(&str, &str)], registration_id: &str, key: &Key) -> Running {
        self.direct().run_as(guest, config, registration_id, key)
    }

    /// Runs a guest as the device that is enrolled from the start, in a sandbox of the test's own.
    pub fn run_in(&self, sandbox: &Sandbox, guest: &[u8], config: &[(&str, &str)]) -> Running {
        self.direct().run_in(sandbox, guest, config)
    }

    /// Runs a guest by its connection string.
    pub fn run_by_connection_string(&self, guest: &[u8], config: &[(&str, &str)]) -> Running {
        self.direct().run_by_connection_string(guest, config)
    }

    /// The reported properties, once `wanted` says that they are as expected.
    pub async fn reported(&self, device_id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut events = self.emulator.hub().subscribe();
        let look = async {
            loop {
                let twin = self.emulator.hub().twin(device_id).unwrap_or_default();
                let reported = twin.pointer("/properties/reported").cloned().unwrap_or_default();
                if wanted(&reported) {
                    return reported;
                }
                // Whatever it is, it may have changed the twin.
                let _ = events.recv().await;
            }
        };
        timeout(PATIENCE, look)
            .await
            .expect("the device reports what is expected")
    }
}

/// A sandbox with the limits that everybody gets.
pub fn plain() -> Sandbox {
    Sandbox::new(Limits::default(), None).expect("there is a sandbox")
}

/// A device at work.
pub struct Running {
    /// Gives it orders.
    pub operator: Operator,
    observed: mpsc::UnboundedReceiver<Observed>,
    session: JoinHandle<Result<(), SessionError>>,
}

impl Running {
    /// Starts a session of this guest on the system's clock.
    pub fn start(
        sandbox: &Sandbox,
        guest: &[u8],
        config: &[(&str, &str)],
        provisioner: Arc<dyn Provisioner>,
        connector: Arc<dyn Connector>,
    ) -> Self {
        let program = Program::load(sandbox, "guest", guest).expect("it is a guest");
        Self::of(&program, config, provisioner, connector)
    }

    /// The same with a program that is loaded already, for tests that need many devices.
    pub fn of(
        program: &Program,
        config: &[(&str, &str)],
        provisioner: Arc<dyn Provisioner>,
        connector: Arc<dyn Connector>,
    ) -> Self {
        Self::begin(program, config, provisioner, connector, None)
    }

    /// The same with an outbox that survives it.
    pub fn kept(
        program: &Program,
        config: &[(&str, &str)],
        provisioner: Arc<dyn Provisioner>,
        connector: Arc<dyn Connector>,
        store: Store,
    ) -> Self {
        Self::begin(program, config, provisioner, connector, Some(store))
    }

    fn begin(
        program: &Program,
        config: &[(&str, &str)],
        provisioner: Arc<dyn Provisioner>,
        connector: Arc<dyn Connector>,
        store: Option<Store>,
    ) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let config = config
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let surroundings = Surroundings {
            clock: Arc::clone(&clock),
            random: SharedRandom::new(rand::random::<u64>),
            config: Arc::new(config.collect::<BTreeMap<_, _>>()),
            assignment: None,
            tap: Tap::default(),
        };
        let (sender, observed) = mpsc::unbounded_channel();
        let observer = move |notice: &Notice<'_>| {
            let seen = match notice {
                Notice::Assigned(assignment) => Observed::Assigned(assignment.device_id.clone()),
                Notice::Connection(ConnectionState::Up) => Observed::Listening,
                Notice::Queued(outgoing) => Observed::Queued((*outgoing).clone()),
                Notice::Delivered(outgoing) => Observed::Delivered((*outgoing).clone()),
                Notice::Refused(outgoing, status) => Observed::Refused((*outgoing).clone(), *status),
                Notice::Connection(ConnectionState::Down { reason, .. }) => Observed::Lost(reason.clone()),
                _ => return,
            };
            // A test that has seen enough no longer listens.
            let _ = sender.send(seen);
        };
        let (operator, control) = Operator::new(surroundings.clone());
        let mut device = Device::new(program, surroundings, Box::new(observer)).expect("it can be instantiated");
        if let Some(store) = store {
            device = device.keep_in(store).expect("the store can be read");
        }
        let session = Session {
            device,
            provisioner,
            connector,
            clock,
            random: Box::new(rand::random::<u64>),
            control,
        };
        Self {
            operator,
            observed,
            session: tokio::spawn(run(session)),
        }
    }

    /// The next thing observed that `wanted` takes; what comes before it is passed over.
    pub async fn until<T>(&mut self, wanted: impl Fn(&Observed) -> Option<T>) -> T {
        let look = async {
            while let Some(observed) = self.observed.recv().await {
                if let Some(found) = wanted(&observed) {
                    return found;
                }
            }
            panic!(
                "the session ended before it did what was waited for: {:?}",
                (&mut self.session).await
            );
        };
        timeout(PATIENCE, look).await.expect("it happens in time")
    }

    /// The next thing observed; none once the session has ended.
    pub async fn observed(&mut self) -> Option<Observed> {
        let next = timeout(PATIENCE, self.observed.recv());
        next.await.expect("it happens in time")
    }

    /// Waits until the device listens to its hub.
    pub async fn listening(&mut self) {
        self.until(|observed| (*observed == Observed::Listening).then_some(()))
            .await;
    }

    /// Waits until the guest has started, which comes after listening: only then does the device say how it is.
    pub async fn started(&self) {
        let look = async {
            while self.operator.status().await.is_none() {
                assert!(
                    !self.session.is_finished(),
                    "the session ended before the guest had started"
                );
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, look).await.expect("it happens in time");
    }

    /// Waits for telemetry that the hub has taken, and returns its body.
    pub async fn delivered(&mut self) -> Value {
        self.until(|observed| match observed {
            Observed::Delivered(Outgoing::Telemetry { body, .. }) => serde_json::from_str(body).ok(),
            _ => None,
        })
        .await
    }

    /// Waits until the connection is lost, and returns the reason.
    pub async fn lost(&mut self) -> String {
        self.until(|observed| match observed {
            Observed::Lost(reason) => Some(reason.clone()),
            _ => None,
        })
        .await
    }

    /// Stops the device and returns how its session ended.
    pub async fn stop(self) -> Result<(), SessionError> {
        self.operator.stop().await;
        self.ended().await
    }

    /// Ends it in the middle of whatever it does, without a word to anybody.
    pub async fn cut_power(self) {
        self.session.abort();
        // That it was aborted is what was wanted.
        let _ = self.session.await;
    }

    /// Waits for the session to end by itself.
    pub async fn ended(self) -> Result<(), SessionError> {
        let ended = timeout(PATIENCE, self.session).await.expect("the session ends in time");
        ended.expect("the session does not panic")
    }
}
