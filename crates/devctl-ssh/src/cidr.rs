use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::SshError;

/// A range of addresses as in `source-address`: `10.1.0.0/16`, `2001:db8::/32`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    network: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Whether all of `other` lies within this range.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        match (self.network, other.network) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                other.bits >= self.bits
                    && number(other.network) & mask(self.network, self.bits) == number(self.network)
            }
            _ => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = SshError;

    /// Reads a range.
    ///
    /// # Errors
    /// [`SshError::CertificateRefused`] for what is no address, a prefix that is too long, and for bits behind the
    /// prefix: OpenSSH refuses those, too.
    fn from_str(text: &str) -> Result<Self, SshError> {
        let refused = |why: &str| SshError::CertificateRefused {
            rule: format!("{text:?} is no source address: {why}"),
        };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let network: IpAddr = address
            .parse()
            .map_err(|_| refused("it does not start with an IPv4 or IPv6 address"))?;
        let longest = longest(network);
        let bits = match prefix {
            None => longest,
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => prefix
                .parse()
                .ok()
                .filter(|bits| *bits <= longest)
                .ok_or_else(|| refused("its prefix is longer than an address"))?,
            Some(_) => return Err(refused("its prefix is no number")),
        };
        if number(network) & !mask(network, bits) != 0 {
            return Err(refused("bits are set behind its prefix"));
        }
        Ok(Self { network, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.bits)
    }
}

impl TryFrom<String> for Cidr {
    type Error = SshError;

    fn try_from(text: String) -> Result<Self, SshError> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(range: Cidr) -> Self {
        range.to_string()
    }
}

fn longest(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The bits of a prefix, at the place where `number` has the address.
fn mask(address: IpAddr, bits: u8) -> u128 {
    let behind = u32::from(longest(address) - bits);
    u128::MAX.checked_shl(behind).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_what_lies_within() {
        let range = |text: &str| text.parse::<Cidr>().unwrap();
        for (outer, inner, contains) in [
            ("10.0.0.0/8", "10.1.0.0/16", true),
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.1.0.0/16", "10.0.0.0/8", false),
            ("10.0.0.0/8", "11.0.0.0/16", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::/32", true),
            ("2001:db8::/32", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            assert_eq!(range(outer).contains(&range(inner)), contains, "{outer} {inner}");
        }
    }

    #[test]
    fn what_openssh_would_refuse_is_refused() {
        for bad in [
            "",
            "10.0.0.0/33",
            "10.0.0.1/8",
            "::1/129",
            "host",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0.0/8,::1",
            "*",
        ] {
            assert_eq!(
                bad.parse::<Cidr>().unwrap_err().code(),
                "ssh.certificate_refused",
                "{bad}"
            );
        }
        assert_eq!("10.0.0.7".parse::<Cidr>().unwrap().to_string(), "10.0.0.7/32");
    }
}
