//! Where the emulator shows itself to a browser.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use setpoint_emulator::page::{self, PageOptions};
use setpoint_emulator::{Emulator, StartError};

use super::models::Models;

/// The port when none is named.
const PORT: u16 = 8444;

/// The page of the emulator.
#[derive(Args)]
pub(crate) struct Page {
    /// Where the page is served to browsers, with plain HTTP; 127.0.0.1:8444 when left out, or any free port if that is
    /// taken
    #[arg(long, value_name = "ADDRESS")]
    page: Option<SocketAddr>,

    /// Serves no page
    #[arg(long, conflicts_with = "page")]
    no_page: bool,

    /// Serves the page's files from this folder, for who works on the page
    #[arg(long, value_name = "DIR", hide = true)]
    page_files: Option<PathBuf>,

    #[command(flatten)]
    models: Models,
}

impl Page {
    /// The address named, if one was.
    pub(crate) fn named(&self) -> Option<SocketAddr> {
        self.page
    }

    /// Begins to serve it; what to print about it, as one line.
    pub(crate) async fn start(self, emulator: &mut Emulator) -> Result<String, StartError> {
        if self.no_page {
            return Ok(String::new());
        }
        let models = self.models;
        let models: page::Models = Arc::new(move |id| models.read(id));
        let options = |address| PageOptions {
            address,
            models: Arc::clone(&models),
            files: self.page_files.clone(),
        };
        let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT));
        let started = emulator.listen_page(options(self.page.unwrap_or(usual))).await;
        let link = match started {
            // Nobody asked for this port: a second emulator beside the first gets another.
            Err(StartError::PortInUse { .. }) if self.page.is_none() => {
                emulator.listen_page(options(SocketAddr::new(usual.ip(), 0))).await?
            }
            started => started?,
        };
        let is_there = match &self.page_files {
            Some(folder) => folder.join("index.html").is_file(),
            None => page::is_built(),
        };
        Ok(if is_there {
            format!("# The page, open it in a browser; the link is secret: {link}\n")
        } else {
            "# Built without the page: `./justw page`, with Node 18 or newer, and another build put it in\n".to_owned()
        })
    }
}
