//! How many connections there may be: as many as the process may have files for.

use std::sync::{Arc, LazyLock};

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections of all ports together, whatever the system allows. Each holds some 25 KB.
const CONNECTIONS: usize = 100_000;

/// Handshakes under way at a port: one that is stuck holds some 10 KB until its time is over or it has become the oldest of so many.
const HANDSHAKES: usize = 4096;

/// Connections beyond the limit that are told so; more are closed at once.
const EXTRA: usize = 64;

/// What a port may take.
#[derive(Clone)]
pub(crate) struct Limits {
    places: Arc<Semaphore>,
    extra: Arc<Semaphore>,
    pub(super) handshakes: usize,
}

/// One connection's; free again when dropped.
pub(crate) struct Place {
    /// Whether it is one of those beyond the limit.
    pub(super) extra: bool,
    _permit: OwnedSemaphorePermit,
}

impl Limits {
    pub(crate) fn new(connections: usize, extra: usize, handshakes: usize) -> Limits {
        Limits {
            places: Arc::new(Semaphore::new(connections)),
            extra: Arc::new(Semaphore::new(extra)),
            handshakes,
        }
    }

    /// Those of this process, which all its ports share. The first time it asks the system for as many files as it may have: most
    /// allow 1,024 unless asked.
    pub(crate) fn of_process() -> Limits {
        static LIMITS: LazyLock<Limits> = LazyLock::new(|| {
            let files = usize::try_from(files()).unwrap_or(usize::MAX);
            let (connections, handshakes) = shared_out(files);
            Limits::new(connections, EXTRA, handshakes)
        });
        LIMITS.clone()
    }

    /// A place for a connection, beyond the limit if need be; none when there is none of these either.
    pub(super) fn place(&self) -> Option<Place> {
        let take = |places: &Arc<Semaphore>, extra| {
            let permit = Arc::clone(places).try_acquire_owned().ok()?;
            Some(Place { extra, _permit: permit })
        };
        take(&self.places, false).or_else(|| take(&self.extra, true))
    }
}

/// Of so many files, how many are for connections, and how many handshakes may be under way at a port.
fn shared_out(files: usize) -> (usize, usize) {
    // Two ports with handshakes, and files that are none of theirs.
    let handshakes = HANDSHAKES.min(files / 24);
    let others = handshakes * 2 + EXTRA + 64;
    (CONNECTIONS.min(files.saturating_sub(others)), handshakes)
}

/// How many files this process may have open.
fn files() -> u64 {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let before = limit.current;
        limit.current = limit.maximum;
        if let Err(error) = setrlimit(Resource::Nofile, limit) {
            tracing::debug!("no more files than before: {error}");
            limit.current = before;
        }
    }
    limit.current.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_files_are_for_connections_and_all_have_their_places() {
        assert_eq!(shared_out(1_024), (812, 42));
        // A fleet of 18,000 has room beside one that comes and goes.
        let (connections, handshakes) = shared_out(20_000);
        assert!(
            connections >= 18_000 && handshakes >= 500,
            "{connections}, {handshakes}"
        );
        assert_eq!(shared_out(1 << 30), (CONNECTIONS, HANDSHAKES));
        assert_eq!(shared_out(0), (0, 0));
    }
}
