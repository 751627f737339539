//! How a device gets to its cloud: over which transport, through which proxy.

use clap::Args;
use clap::builder::FalseyValueParser;
use setpoint::cloud::{Access, Proxies};

use super::Usage;

/// The way to a device's cloud.
#[derive(Args)]
pub(crate) struct Way {
    /// Speaks MQTT over WebSockets: port 443 in place of 8883, unless an endpoint names another
    #[arg(long, env = "SETPOINT_WEBSOCKETS", value_parser = FalseyValueParser::new())]
    pub(crate) websockets: bool,

    /// Reaches every host through this HTTP proxy, http://[USER:PASSWORD@]HOST:PORT. Without it HTTPS_PROXY counts, for hosts
    /// that NO_PROXY does not name; it is the better place for a password
    // A text, because the parser's own errors would show a password.
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
}

impl Way {
    /// Takes this way.
    pub(crate) fn apply(&self, access: Access) -> Result<Access, Usage> {
        let proxies = match &self.proxy {
            Some(url) => Proxies::always(
                url.parse()
                    .map_err(|error| Usage(format!("--proxy names no proxy: {error}")))?,
            ),
            None => {
                Proxies::from_environment(|name| std::env::var(name).ok()).map_err(|error| Usage(error.to_string()))?
            }
        };
        let access = access.proxies(proxies);
        Ok(if self.websockets { access.websockets() } else { access })
    }
}
