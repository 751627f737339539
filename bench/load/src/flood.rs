//! A flood of connects: so many a second, each without waiting for the one before, each with the beginning of a handshake that
//! costs the server its signature, and gone without a word.
//!
//! It is a thread with bare sockets and nothing else to do: as tasks of a runtime, with timers, it offered 3,500 a second.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, connect, send, socket_with, sockopt};

/// TCP connections a second.
pub(crate) const RATE: u64 = 10_000;

/// When it looks for what is due.
const TICK: Duration = Duration::from_millis(1);

/// The most that is begun at one look, so that being late is not made up for in one burst.
const BURST: u64 = 50;

/// By then the kernel has taken a connect, or has dropped it because the server's queue is full.
const TAKEN: Duration = Duration::from_millis(5);

/// How long one stays: longer than a server has need for, and no longer than the client has files for.
const STAY: Duration = Duration::from_secs(1);

/// A flood under way; ended when dropped.
pub(crate) struct Flood {
    counts: Arc<Counts>,
    begun: Instant,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Counts {
    offered: AtomicU64,
    completed: AtomicU64,
    over: AtomicBool,
}

/// What a flood came to, a second.
#[derive(Clone, Copy)]
pub(crate) struct Rates {
    pub(crate) offered: f64,
    /// Those of them that were connected and sent their bytes.
    pub(crate) completed: f64,
}

impl Flood {
    /// Begins one.
    pub(crate) fn begin(address: SocketAddr, hello: &Arc<[u8]>) -> Flood {
        let counts = Arc::new(Counts::default());
        let (thread_counts, hello) = (Arc::clone(&counts), Arc::clone(hello));
        Flood {
            counts,
            begun: Instant::now(),
            thread: Some(thread::spawn(move || run(address, &hello, &thread_counts))),
        }
    }

    /// What it came to until now.
    pub(crate) fn rates(&self) -> Rates {
        let seconds = self.begun.elapsed().as_secs_f64();
        Rates {
            offered: self.counts.offered.load(Ordering::Relaxed) as f64 / seconds,
            completed: self.counts.completed.load(Ordering::Relaxed) as f64 / seconds,
        }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.counts.over.store(true, Ordering::Relaxed);
        // It has nothing to tell.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(address: SocketAddr, hello: &[u8], counts: &Counts) {
    let begun = Instant::now();
    let mut tried = 0;
    let (mut connecting, mut connected) = (VecDeque::new(), VecDeque::new());
    while !counts.over.load(Ordering::Relaxed) {
        let due = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX) / (1_000_000 / RATE);
        for _ in 0..due.saturating_sub(tried).min(BURST) {
            tried += 1;
            if let Ok(socket) = dial(address) {
                counts.offered.fetch_add(1, Ordering::Relaxed);
                connecting.push_back((Instant::now(), socket));
            }
        }
        while let Some((_, socket)) = connecting.pop_front_if(|(since, _)| since.elapsed() > TAKEN) {
            if send(&socket, hello, SendFlags::NOSIGNAL).is_ok() {
                counts.completed.fetch_add(1, Ordering::Relaxed);
                connected.push_back((Instant::now(), socket));
            }
        }
        while connected.pop_front_if(|(since, _)| since.elapsed() > STAY).is_some() {}
        thread::sleep(TICK);
    }
}

/// Begins a connect. The socket is reset when it is dropped, which leaves its port free for the next.
fn dial(address: SocketAddr) -> rustix::io::Result<OwnedFd> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
    sockopt::set_socket_linger(&socket, Some(Duration::ZERO))?;
    match connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(socket),
        Err(error) => Err(error),
    }
}

/// The same flood for so long against a port that takes connections and closes them: what the machine and its kernel allow.
pub(crate) fn against_nothing(hello: &Arc<[u8]>, time: Duration) -> anyhow::Result<Rates> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port")?;
    let address = listener.local_addr()?;
    let over = Arc::new(AtomicBool::new(false));
    let accepting = thread::spawn({
        let over = Arc::clone(&over);
        move || {
            while !over.load(Ordering::Relaxed) {
                drop(listener.accept());
            }
        }
    });
    let flood = Flood::begin(address, hello);
    thread::sleep(time);
    let rates = flood.rates();
    drop(flood);
    over.store(true, Ordering::Relaxed);
    // One more to have it look.
    drop(std::net::TcpStream::connect(address));
    let _ = accepting.join();
    Ok(rates)
}
