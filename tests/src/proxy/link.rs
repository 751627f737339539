//! One connection through the proxy.

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::{Direction, Shared};

/// The largest chunk, in bytes: what TLS puts into a record at most.
const CHUNK: usize = 16 * 1024;

/// How many chunks are held at most; whoever sends more waits, as on a slow network.
const HELD: usize = 64;

/// What a connection is to do.
#[derive(Debug, Clone, Default)]
pub(super) struct Orders {
    /// How much later each chunk is delivered.
    pub(super) delay: Duration,
    /// Nothing is delivered now.
    pub(super) stalled: bool,
    /// What is swallowed, by direction. Once it is, it stays so, as what was lost is not sent again.
    pub(super) swallowed: [bool; 2],
    /// It ends now.
    pub(super) end: Option<End>,
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Closed in good order: FIN.
    Cut,
    /// Broken: RST.
    Reset,
}

/// What has come from one side.
enum Arrival {
    Bytes(Vec<u8>),
    Closed,
    Broken,
}

/// Passes on what comes from either side until both have closed, or an order ends it.
pub(super) async fn run(mut device: TcpStream, target: SocketAddr, orders: watch::Receiver<Orders>, shared: &Shared) {
    let ended = ended(orders.clone());
    tokio::pin!(ended);
    if orders.borrow().swallowed == [true, true] {
        // Nobody is dialled: nothing of this connection ever reaches the other side.
        let end = tokio::select! {
            biased;
            end = &mut ended => end,
            never = swallow(&mut device) => match never {},
        };
        return close(device, end).await;
    }
    let dialled = tokio::select! {
        biased;
        end = &mut ended => Err(end),
        dialled = TcpStream::connect(target) => dialled.map_err(|_| End::Reset),
    };
    let mut emulator = match dialled {
        Ok(emulator) => emulator,
        Err(end) => return close(device, end).await,
    };
    // Chunks are passed on as they come.
    let (_, _) = (device.set_nodelay(true), emulator.set_nodelay(true));
    let end = {
        let (from_device, to_device) = device.split();
        let (from_emulator, to_emulator) = emulator.split();
        let passing = async {
            tokio::try_join!(
                pass(Direction::Up, from_device, to_emulator, orders.clone(), shared),
                pass(Direction::Down, from_emulator, to_device, orders.clone(), shared),
            )
        };
        tokio::select! {
            biased;
            end = &mut ended => end,
            passed = passing => passed.err().unwrap_or(End::Cut),
        }
    };
    close(device, end).await;
    close(emulator, end).await;
}

/// Waits for the order to end; a proxy that is gone is one.
async fn ended(mut orders: watch::Receiver<Orders>) -> End {
    match orders.wait_for(|orders| orders.end.is_some()).await {
        Ok(orders) => orders.end.unwrap_or(End::Cut),
        Err(_) => End::Cut,
    }
}

/// Passes on one direction until its sender has closed it.
async fn pass(
    direction: Direction,
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    orders: watch::Receiver<Orders>,
    shared: &Shared,
) -> Result<(), End> {
    let (sender, arrivals) = mpsc::channel(HELD);
    tokio::select! {
        never = receive(from, sender, orders.clone()) => match never {},
        delivered = deliver(direction, arrivals, to, orders, shared) => delivered,
    }
}

/// Reads one side to its end, and says when each chunk is due. What becomes of it is the other half's to say.
async fn receive(
    mut from: ReadHalf<'_>,
    arrivals: mpsc::Sender<(Instant, Arrival)>,
    orders: watch::Receiver<Orders>,
) -> Infallible {
    loop {
        let mut bytes = vec![0; CHUNK];
        let read = from.read(&mut bytes).await;
        let due = Instant::now() + orders.borrow().delay;
        let arrival = match read {
            Ok(0) => Arrival::Closed,
            Ok(length) => {
                bytes.truncate(length);
                Arrival::Bytes(bytes)
            }
            Err(_) => Arrival::Broken,
        };
        let last = !matches!(arrival, Arrival::Bytes(_));
        if arrivals.send((due, arrival)).await.is_err() || last {
            return pending().await;
        }
    }
}

/// Writes to the other side what is due.
async fn deliver(
    direction: Direction,
    mut arrivals: mpsc::Receiver<(Instant, Arrival)>,
    mut to: WriteHalf<'_>,
    mut orders: watch::Receiver<Orders>,
    shared: &Shared,
) -> Result<(), End> {
    let swallowed = |orders: &Orders| orders.swallowed[direction as usize];
    while let Some((due, arrival)) = arrivals.recv().await {
        sleep_until(due).await;
        let now = orders.wait_for(|orders| !orders.stalled || swallowed(orders)).await;
        if now.map_err(|_| End::Cut).map(|orders| swallowed(&orders))? {
            while arrivals.recv().await.is_some() {}
            return pending().await;
        }
        match arrival {
            Arrival::Bytes(mut bytes) => {
                let (allowed, cut) = shared.allow(direction, bytes.len());
                bytes.truncate(allowed);
                to.write_all(&bytes).await.map_err(|_| End::Reset)?;
                shared.passed(direction, allowed);
                if cut {
                    return Err(End::Cut);
                }
            }
            Arrival::Closed => return to.shutdown().await.map_err(|_| End::Reset),
            Arrival::Broken => return Err(End::Reset),
        }
    }
    Ok(())
}

/// Reads and forgets, for good.
async fn swallow(from: &mut TcpStream) -> Infallible {
    let mut bytes = vec![0; CHUNK];
    while matches!(from.read(&mut bytes).await, Ok(1..)) {}
    pending().await
}

/// Closes one side.
async fn close(mut stream: TcpStream, end: End) {
    match end {
        End::Cut => {
            let _ = stream.shutdown().await;
            // A socket that is dropped with unread bytes sends RST instead.
            let mut bytes = vec![0; CHUNK];
            while matches!(stream.try_read(&mut bytes), Ok(1..)) {}
        }
        End::Reset => {
            let _: io::Result<()> = stream.set_zero_linger();
        }
    }
}
