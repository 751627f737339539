//! The page: what a browser shows of the emulator, served to this machine's own browsers.
//!
//! Plain HTTP on a port of its own. On loopback a browser takes that for a secure context, and no certificate has to be
//! trusted first. What is served without proof are the page's own files (`files`), which are public; everything that says or does something of
//! a device is `/api/..` and needs a cookie, which a browser gets for the access key in the link that the emulator prints
//! (`access`). `guard` turns away what other sites could have a browser do: foreign names for this machine (DNS rebinding),
//! requests from other origins, frames.
//!
//! All hubs are shown, one at a time (`chosen`). `api` is JSON over a hub's state, `live` a WebSocket that tells changes in batches. `history` keeps what devices did, within
//! bounds, for a browser that comes later; `event` says what of it a browser is shown, `model` does the same for a device's
//! model, and `csv` writes it down.

mod access;
mod api;
mod chosen;
mod csv;
mod event;
mod failure;
mod files;
mod guard;
mod history;
mod live;
#[cfg(test)]
mod live_tests;
mod model;
mod rows;
mod server;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use setpoint_dtdl::{Dtmi, Model, ModelError};

use crate::background::Background;
use crate::keeping::Keeping;
use crate::{Emulator, Identity};
use access::Access;
use chosen::Chosen;
use files::Files;

/// How models are found.
pub type Models = Arc<dyn Fn(&Dtmi) -> Result<Model, ModelError> + Send + Sync>;

/// What the page is served with.
pub struct PageOptions {
    /// Where browsers connect; port 0 takes any free one. Whoever can reach it reads what passes, so it should be loopback.
    pub address: SocketAddr,
    /// Where models come from.
    pub models: Models,
    /// Serves the page's files from this folder in place of those inside the program: for who works on the page.
    pub files: Option<PathBuf>,
}

/// Whether the page was there when this program was built.
pub fn is_built() -> bool {
    files::is_built()
}

/// The page, being served.
pub(crate) struct Page {
    address: SocketAddr,
    access: Arc<Access>,
    recording: Background,
    serving: Background,
}

/// What the handlers of `/api` stand on.
#[derive(Clone)]
struct Shared {
    /// The emulator's own first.
    hubs: Arc<[Chosen]>,
    identity: Arc<Identity>,
    access: Arc<Access>,
    models: Models,
    /// What must be on the disk before a browser hears that it is done.
    keeping: Keeping,
    /// Where devices connect.
    mqtt: SocketAddr,
}

impl Page {
    /// Opens the port and begins to keep what devices do.
    pub(crate) async fn start(emulator: &Emulator, options: PageOptions) -> std::io::Result<Page> {
        let listener = tokio::net::TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let identity = Arc::clone(&emulator.identity);
        let access = Arc::new(Access::new(&identity, address.port()));
        let hubs: Arc<[Chosen]> = emulator.hubs().map(|(name, hub)| Chosen::new(name, hub)).collect();
        let record = |of: &Chosen| history::record(Arc::clone(&of.hub), Arc::clone(&of.history));
        let recorders = futures_util::future::join_all(hubs.iter().map(record));
        let files = Files::new(options.files);
        let shared = Shared {
            hubs,
            identity,
            access: Arc::clone(&access),
            models: options.models,
            keeping: emulator.keeping.clone(),
            mqtt: emulator.mqtt_address,
        };
        Ok(Page {
            address,
            access,
            recording: Background::spawn(|stop| async move {
                tokio::select! {
                    _ = recorders => {}
                    _ = stop => {}
                }
            }),
            serving: Background::spawn(|stop| server::serve(listener, shared, files, stop)),
        })
    }

    /// Where it is served.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The link to open: it carries the access key.
    pub(crate) fn link(&self) -> String {
        self.access.link(self.address)
    }

    /// Closes the port and every connection, and waits until they are.
    pub(crate) async fn stop(self) {
        self.recording.stop().await;
        self.serving.stop().await;
    }
}
