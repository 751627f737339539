//! A network that fails on demand: a TCP proxy between devices and an emulator. TLS goes through it untouched.

mod link;

use std::collections::HashMap;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use link::{End, Orders};

/// How long anything here may take. Only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the device to the emulator.
    Up,
    /// From the emulator to the device.
    Down,
}

/// What has passed so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections of devices, those turned away included.
    pub connections: u64,
    /// Connections that the proxy has not closed yet.
    pub open: u64,
    /// Bytes passed on to the emulator.
    pub up: u64,
    /// Bytes passed on to devices.
    pub down: u64,
}

/// The proxy. Controls work at once, on every connection there is and on those to come unless they say otherwise. When it is
/// dropped, its connections are closed and its port is free.
#[derive(Debug)]
pub struct Proxy {
    shared: Arc<Shared>,
    /// Bound and never listening: it keeps the port for this proxy while nobody listens there.
    _reserve: TcpSocket,
    port: u16,
}

/// What the controls and the connections share.
#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    counts: watch::Sender<Counts>,
}

#[derive(Debug)]
struct Inner {
    target: SocketAddr,
    /// Accepts connections; none while the port is closed, and after the end.
    listening: Option<JoinHandle<()>>,
    /// New connections are closed at once.
    refusing: bool,
    /// What holds for connections to come.
    coming: Orders,
    /// How many bytes more may pass, by direction, before the connection that carries the last one is cut.
    allowance: [Option<u64>; 2],
    /// The connections there are. One whose sender is gone ends.
    links: HashMap<u64, watch::Sender<Orders>>,
}

impl Proxy {
    /// Starts one on a free port, which dials this port of the local machine for every connection.
    pub async fn to(port: u16) -> Self {
        let reserve = bound(0);
        let own = reserve.local_addr().expect("it is bound").port();
        let inner = Inner {
            target: local(port),
            listening: None,
            refusing: false,
            coming: Orders::default(),
            allowance: [None, None],
            links: HashMap::new(),
        };
        let proxy = Self {
            shared: Arc::new(Shared {
                inner: Mutex::new(inner),
                counts: watch::Sender::default(),
            }),
            _reserve: reserve,
            port: own,
        };
        proxy.accept();
        proxy
    }

    /// Where it listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What has passed so far.
    pub fn counts(&self) -> Counts {
        *self.shared.counts.borrow()
    }

    /// Waits until the counts are as `wanted` says.
    pub async fn until(&self, wanted: impl Fn(&Counts) -> bool) -> Counts {
        let mut counts = self.shared.counts.subscribe();
        let counts = timeout(PATIENCE, counts.wait_for(wanted)).await;
        *counts.expect("it happens in time").expect("the proxy is there")
    }

    /// Waits for the first connection after this call, which counts from the call and not from when it is awaited. Answers
    /// how many there have been.
    pub fn opened(&self) -> impl Future<Output = u64> + use<'_> {
        let before = self.counts().connections;
        async move { self.until(|counts| counts.connections > before).await.connections }
    }

    /// Closes every connection now, towards both sides, in good order (FIN). Those to come are as before.
    pub fn cut(&self) {
        self.end(End::Cut);
    }

    /// Breaks every connection now, towards both sides (RST). Those to come are as before.
    pub fn reset(&self) {
        self.end(End::Reset);
    }

    /// Lets this many bytes more pass in this direction, over all connections, and then cuts the connection that carried
    /// the last one, once. With 0, nothing more passes.
    pub fn cut_after(&self, bytes: u64, direction: Direction) {
        self.shared.lock().allowance[direction as usize] = Some(bytes);
    }

    /// Delivers what arrives from now on this much later, in order.
    pub fn delay(&self, delay: Duration) {
        self.order(|orders| orders.delay = delay);
    }

    /// Holds back everything in both directions, the end of a connection too. Nothing is lost.
    pub fn stall(&self) {
        self.order(|orders| orders.stalled = true);
    }

    /// Delivers what [`Self::stall`] has held back, and what comes.
    pub fn resume(&self) {
        self.order(|orders| orders.stalled = false);
    }

    /// Swallows everything in both directions from now on, the end of a connection too: no side hears of the other again.
    /// A connection that was there stays so until it is cut or reset; [`Self::accept`] is for those to come.
    pub fn half_open(&self) {
        self.order(|orders| orders.swallowed = [true, true]);
    }

    /// As [`Self::half_open`], in one direction.
    pub fn blackhole(&self, direction: Direction) {
        self.order(|orders| orders.swallowed[direction as usize] = true);
    }

    /// Accepts connections to come and closes them at once. Those that are there go on.
    pub fn refuse(&self) {
        self.shared.lock().refusing = true;
    }

    /// Closes the port, so that whoever connects gets ECONNREFUSED. Connections that are there go on.
    pub async fn close_port(&self) {
        let listening = self.shared.lock().listening.take();
        if let Some(listening) = listening {
            listening.abort();
            // Its end is what counts, for then the socket is closed.
            let _ = listening.await;
        }
    }

    /// Back to normal: whoever connects is let through, and connections that are there are neither held nor delayed, nor cut
    /// later.
    pub fn accept(&self) {
        let mut inner = self.shared.lock();
        inner.refusing = false;
        inner.allowance = [None, None];
        inner.coming = Orders::default();
        for link in inner.links.values() {
            link.send_modify(|orders| (orders.delay, orders.stalled) = (Duration::ZERO, false));
        }
        if inner.listening.is_none() {
            let listener = bound(self.port).listen(1024).expect("the port is reserved for it");
            inner.listening = Some(tokio::spawn(serve(listener, Arc::clone(&self.shared))));
        }
    }

    /// Dials this port for connections to come.
    pub fn retarget(&self, port: u16) {
        self.shared.lock().target = local(port);
    }

    /// Changes the orders of every connection, those to come included.
    fn order(&self, change: impl Fn(&mut Orders)) {
        let mut inner = self.shared.lock();
        change(&mut inner.coming);
        for link in inner.links.values() {
            link.send_modify(&change);
        }
    }

    /// Ends every connection there is.
    fn end(&self, end: End) {
        for link in self.shared.lock().links.values() {
            link.send_modify(|orders| orders.end = Some(end));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut inner = self.shared.lock();
        // Nothing is accepted after this, even by a task that is just about to.
        inner.refusing = true;
        if let Some(listening) = inner.listening.take() {
            listening.abort();
        }
        inner.links.clear();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of these bytes may pass, and whether the connection is to be cut then.
    fn allow(&self, direction: Direction, bytes: usize) -> (usize, bool) {
        let slot = &mut self.lock().allowance[direction as usize];
        let Some(left) = slot else { return (bytes, false) };
        let allowed = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes);
        *left -= allowed as u64;
        let cut = *left == 0;
        if cut {
            *slot = None;
        }
        (allowed, cut)
    }

    fn passed(&self, direction: Direction, bytes: usize) {
        self.counts.send_modify(|counts| match direction {
            Direction::Up => counts.up += bytes as u64,
            Direction::Down => counts.down += bytes as u64,
        });
    }
}

/// Accepts connections until it is aborted.
async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((device, _)) = listener.accept().await {
        admit(device, &shared);
    }
}

/// Gives a new connection a task of its own.
fn admit(device: TcpStream, shared: &Arc<Shared>) {
    let mut inner = shared.lock();
    let mut id = 0;
    shared.counts.send_modify(|counts| {
        counts.connections += 1;
        counts.open += u64::from(!inner.refusing);
        id = counts.connections;
    });
    if inner.refusing {
        return;
    }
    let (sender, orders) = watch::channel(inner.coming.clone());
    inner.links.insert(id, sender);
    let (target, shared) = (inner.target, Arc::clone(shared));
    tokio::spawn(async move {
        link::run(device, target, orders, &shared).await;
        shared.lock().links.remove(&id);
        shared.counts.send_modify(|counts| counts.open -= 1);
    });
}

/// A socket bound to this port, or to a free one for 0, beside others of this proxy and nobody else's: those would have to
/// say that they share the port, too.
fn bound(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("there are sockets");
    socket.set_reuseport(true).expect("a port may be shared");
    socket.bind(local(port)).expect("the port is free");
    socket
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
