//! Addresses of this machine, for servers whose port clients do not let anybody choose.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{IpAddr, Ipv4Addr};

/// One of 127.0.0.0/8 at random, so that nobody else listens there. Systems other than Linux have only 127.0.0.1.
pub fn loopback_address() -> IpAddr {
    let [second, third, fourth, ..] = RandomState::new().build_hasher().finish().to_be_bytes();
    // 127.0.x.y is left to what people run by hand, and the last part is neither network nor broadcast.
    IpAddr::V4(Ipv4Addr::new(127, second.max(1), third, fourth.clamp(1, 254)))
}
