//! Subnets of our own: the engine's default pools give out after about 30 networks.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::network::NetworkCreate;

/// An IPv4 network: an address whose host bits are zero, and the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ipv4Net {
    address: u32,
    prefix: u8,
}

impl Ipv4Net {
    /// The network of that length around `address`; `None` for a prefix over 32.
    #[must_use]
    pub fn new(address: Ipv4Addr, prefix: u8) -> Option<Self> {
        (prefix <= 32).then(|| Self {
            address: u32::from(address) & mask(prefix),
            prefix,
        })
    }

    #[must_use]
    pub fn address(self) -> Ipv4Addr {
        Ipv4Addr::from(self.address)
    }

    #[must_use]
    pub fn prefix(self) -> u8 {
        self.prefix
    }

    /// The first usable address, which the engine gives to the bridge.
    #[must_use]
    pub fn gateway(self) -> Ipv4Addr {
        Ipv4Addr::from(self.address.saturating_add(1))
    }

    /// Whether both have an address in common.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        let shorter = mask(self.prefix.min(other.prefix));
        self.address & shorter == other.address & shorter
    }

    fn last(self) -> u32 {
        self.address | !mask(self.prefix)
    }
}

impl fmt::Display for Ipv4Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.prefix)
    }
}

impl FromStr for Ipv4Net {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        text.split_once('/')
            .and_then(|(address, prefix)| Self::new(address.parse().ok()?, prefix.parse().ok()?))
            .ok_or_else(|| EngineError::Invalid {
                what: format!("the subnet {text:?}"),
                reason: "an IPv4 address, a slash and a number up to 32 are expected".into(),
            })
    }
}

fn mask(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

/// A range from which networks take their subnets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubnetPool {
    range: Ipv4Net,
    prefix: u8,
}

impl Default for SubnetPool {
    /// 4,096 networks of 13 usable addresses in 10.213.0.0/16, which no engine and hardly any company uses.
    fn default() -> Self {
        Self {
            range: Ipv4Net {
                address: u32::from(Ipv4Addr::new(10, 213, 0, 0)),
                prefix: 16,
            },
            prefix: 28,
        }
    }
}

impl SubnetPool {
    /// How many other processes may take the subnet that we chose before we give up.
    const TRIES: usize = 16;

    /// A pool of subnets of length `prefix` in `range`.
    ///
    /// # Errors
    /// [`EngineError::Invalid`] when the subnets are larger than the range or too small for a bridge and a container.
    pub fn new(range: Ipv4Net, prefix: u8) -> Result<Self, EngineError> {
        if prefix < range.prefix || prefix > 30 {
            return Err(EngineError::Invalid {
                what: format!("the subnet length {prefix} of the range {range}"),
                reason: format!("it must be from {} to 30", range.prefix),
            });
        }
        Ok(Self { range, prefix })
    }

    /// The range.
    #[must_use]
    pub fn range(&self) -> Ipv4Net {
        self.range
    }

    /// The first subnet that overlaps none of `taken`; `None` when the range is used up.
    #[must_use]
    pub fn first_free(&self, taken: &[Ipv4Net]) -> Option<Ipv4Net> {
        let mut address = self.range.address;
        loop {
            let candidate = Ipv4Net {
                address,
                prefix: self.prefix,
            };
            let Some(hurdle) = taken
                .iter()
                .filter(|net| net.overlaps(candidate))
                .map(|net| net.last())
                .max()
            else {
                return Some(candidate);
            };
            let past = hurdle.max(candidate.last());
            address = past.checked_add(1)?;
            if address > self.range.last() {
                return None;
            }
            // What is taken may be smaller than our subnets: go on at the next border.
            let border = address & mask(self.prefix);
            address = if border == address {
                address
            } else {
                border.checked_add(!mask(self.prefix))?.checked_add(1)?
            };
            if address > self.range.last() {
                return None;
            }
        }
    }

    /// Makes a network with a free subnet: one that no network of the engine and none of `routes` (what the host's own
    /// routing table leads to) overlaps. Where another process takes the subnet first, the next one is tried.
    ///
    /// # Errors
    /// [`EngineError::NoSubnet`] when the range is used up, else those of [`Engine::network_create`].
    pub async fn create_network(
        &self,
        engine: &dyn Engine,
        request: &NetworkCreate,
        routes: &[Ipv4Net],
    ) -> Result<(String, Ipv4Net), EngineError> {
        let none_left = || EngineError::NoSubnet {
            range: self.range.to_string(),
        };
        let mut taken: Vec<Ipv4Net> = routes.iter().copied().filter(|route| route.prefix > 0).collect();
        for network in engine.network_list(&[]).await? {
            taken.extend(network.subnets);
        }
        for _ in 0..Self::TRIES {
            let subnet = self.first_free(&taken).ok_or_else(none_left)?;
            let wanted = NetworkCreate {
                subnet: Some(subnet),
                ..request.clone()
            };
            match engine.network_create(&wanted).await {
                Ok(id) => return Ok((id, subnet)),
                Err(EngineError::SubnetTaken { .. }) => {
                    // Somebody was quicker, perhaps several of them: look again, and never offer this one twice.
                    taken.push(subnet);
                    for network in engine.network_list(&[]).await? {
                        taken.extend(network.subnets);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(none_left())
    }
}

/// The networks that a Linux routing table (the text of `/proc/net/route`) leads to, without the default route.
#[must_use]
pub fn parse_routes(table: &str) -> Vec<Ipv4Net> {
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split_ascii_whitespace();
            let destination = u32::from_str_radix(columns.nth(1)?, 16).ok()?;
            let netmask = u32::from_str_radix(columns.nth(5)?, 16).ok()?;
            // The kernel prints both as they lie in memory, in the machine's own order.
            let address = Ipv4Addr::from(destination.to_ne_bytes());
            let prefix = u32::from_ne_bytes(netmask.to_ne_bytes()).count_ones();
            Ipv4Net::new(address, u8::try_from(prefix).ok()?).filter(|net| net.prefix > 0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn text_and_back() {
        assert_eq!(net("10.1.2.3/8").to_string(), "10.0.0.0/8");
        assert_eq!(net("0.0.0.0/0").to_string(), "0.0.0.0/0");
        for wrong in ["10.0.0.0", "10.0.0.0/33", "10.0.0/8", "", "/8", "10.0.0.0/-1"] {
            assert_eq!(
                wrong.parse::<Ipv4Net>().unwrap_err().code(),
                "engine.invalid",
                "{wrong}"
            );
        }
    }

    #[test]
    fn overlap_is_symmetric() {
        for (left, right, expected) in [
            ("10.0.0.0/8", "10.213.0.0/28", true),
            ("10.213.0.0/28", "10.213.0.16/28", false),
            ("10.213.0.8/30", "10.213.0.0/28", true),
            ("0.0.0.0/0", "192.168.1.1/32", true),
            ("172.17.0.0/16", "10.213.0.0/16", false),
        ] {
            assert_eq!(net(left).overlaps(net(right)), expected, "{left} {right}");
            assert_eq!(net(right).overlaps(net(left)), expected, "{right} {left}");
        }
    }

    #[test]
    fn the_first_free_subnet_is_taken() {
        let pool = SubnetPool::default();
        assert_eq!(pool.first_free(&[]), Some(net("10.213.0.0/28")));
        assert_eq!(
            pool.first_free(&[net("10.213.0.0/28")]),
            Some(net("10.213.0.16/28"))
        );
        assert_eq!(
            pool.first_free(&[net("10.213.0.16/28")]),
            Some(net("10.213.0.0/28"))
        );
        assert_eq!(
            pool.first_free(&[net("10.213.0.4/30"), net("10.213.0.17/32")]),
            Some(net("10.213.0.32/28"))
        );
        assert_eq!(
            pool.first_free(&[net("10.213.0.0/17")]),
            Some(net("10.213.128.0/28"))
        );
        assert_eq!(pool.first_free(&[net("10.0.0.0/8")]), None);
    }

    #[test]
    fn a_pool_is_used_up_to_the_last() {
        let pool = SubnetPool::new(net("255.255.255.0/24"), 28).unwrap();
        let mut taken = Vec::new();
        while let Some(free) = pool.first_free(&taken) {
            assert!(!taken.iter().any(|other: &Ipv4Net| other.overlaps(free)));
            taken.push(free);
        }
        assert_eq!(taken.len(), 16);
    }

    #[test]
    fn a_pool_refuses_lengths_that_cannot_be() {
        assert!(SubnetPool::new(net("10.0.0.0/16"), 15).is_err());
        assert!(SubnetPool::new(net("10.0.0.0/16"), 31).is_err());
        assert!(SubnetPool::new(net("10.0.0.0/16"), 16).is_ok());
    }

    #[test]
    #[cfg(target_endian = "little")]
    fn routes_are_read_without_the_default_route() {
        let table = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                     eth0\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n\
                     docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n\
                     tun0\t0000D50A\t00000000\t0001\t0\t0\t0\t00F0FFFF\t0\t0\t0\nbroken line\n";
        assert_eq!(parse_routes(table), [net("172.17.0.0/16"), net("10.213.0.0/20")]);
    }
}
