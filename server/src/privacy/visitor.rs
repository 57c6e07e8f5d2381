//! A visitor's address: used for the length of a request, kept nowhere.
//!
//! It decides the country, the excluded networks and the rate of an address. It has no `Debug` and no `Display`, so
//! that no log line can hold it by mistake.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// Where a request comes from.
#[derive(Clone, Copy)]
pub struct Visitor {
    address: IpAddr,
    through_proxy: bool,
}

impl Visitor {
    /// The client of a connection; or, if that is a trusted proxy, the last address of `X-Forwarded-For` that is none.
    ///
    /// Addresses further left were written by the client itself and are never believed.
    #[must_use]
    pub fn of(peer: SocketAddr, headers: &HeaderMap, trusted_proxies: &[IpNet]) -> Visitor {
        let trusted = |address: &IpAddr| trusted_proxies.iter().any(|network| network.contains(address));
        let peer = peer.ip().to_canonical();
        if !trusted(&peer) {
            return Visitor { address: peer, through_proxy: false };
        }
        let mut address = peer;
        let forwarded = headers.get_all("x-forwarded-for").iter().rev();
        for entry in forwarded.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
            let Some(parsed) = parse_address(entry) else { break };
            address = parsed;
            if !trusted(&address) {
                break;
            }
        }
        Visitor { address, through_proxy: true }
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Whether a trusted proxy passed the request on, so that its other headers are believed too.
    #[must_use]
    pub fn through_proxy(&self) -> bool {
        self.through_proxy
    }

    /// Whether it is in one of `networks`.
    #[must_use]
    pub fn is_in(&self, networks: &[IpNet]) -> bool {
        networks.iter().any(|network| network.contains(&self.address))
    }

    /// What counts as one address for rates: the address, or its /64 in IPv6, where one machine has that many.
    #[must_use]
    pub fn neighbourhood(&self) -> [u8; 8] {
        match self.address {
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                [0, 0, 0, 0, a, b, c, d]
            }
            IpAddr::V6(v6) => {
                let [a, b, c, d, e, f, g, h, ..] = v6.octets();
                [a, b, c, d, e, f, g, h]
            }
        }
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`: proxies write all of them.
fn parse_address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim();
    let address =
        text.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address
        .or_else(|| text.strip_prefix('[')?.strip_suffix(']')?.parse().ok())
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: &[&'static str], expected: &str, through_proxy: bool) {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let headers: HeaderMap = forwarded
            .iter()
            .map(|value| ("x-forwarded-for".parse().unwrap(), value.parse().unwrap()))
            .collect();
        let visitor = Visitor::of(peer.parse().unwrap(), &headers, &trusted);
        assert_eq!(
            (visitor.address().to_string().as_str(), visitor.through_proxy()),
            (expected, through_proxy),
            "{peer} {forwarded:?}"
        );
    }

    #[test]
    fn a_forwarded_address_is_believed_from_a_trusted_proxy_only() {
        check("192.0.2.1:5", &[], "192.0.2.1", false);
        check("192.0.2.1:5", &["198.51.100.7"], "192.0.2.1", false);
        check("10.1.1.1:5", &["198.51.100.7"], "198.51.100.7", true);
        check("10.1.1.1:5", &["6.6.6.6, 198.51.100.7"], "198.51.100.7", true);
        check("10.1.1.1:5", &["6.6.6.6", "198.51.100.7, 10.2.2.2"], "198.51.100.7", true);
        check("10.1.1.1:5", &["nonsense, 10.2.2.2"], "10.2.2.2", true);
        check("10.1.1.1:5", &[], "10.1.1.1", true);
        check("[::ffff:10.1.1.1]:5", &["[2001:db8::1]:99"], "2001:db8::1", true);
        check("[fd00::1]:5", &["198.51.100.7:1234"], "198.51.100.7", true);
    }

    #[test]
    fn a_neighbourhood_is_an_address_or_a_64() {
        let of = |text: &str| Visitor::of(text.parse().unwrap(), &HeaderMap::new(), &[]).neighbourhood();
        assert_ne!(of("192.0.2.1:1"), of("192.0.2.2:1"));
        assert_eq!(of("192.0.2.1:1"), of("[::ffff:192.0.2.1]:1"));
        assert_eq!(of("[2001:db8:1:2::1]:1"), of("[2001:db8:1:2:ffff::1]:1"));
        assert_ne!(of("[2001:db8:1:2::1]:1"), of("[2001:db8:1:3::1]:1"));
    }
}
