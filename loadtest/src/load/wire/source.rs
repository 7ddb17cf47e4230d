//! Where connections come from: one address has fewer than 65,000 ports, and a real fleet comes from
//! many.

use crate::load::share::Share;
use std::net::{IpAddr, Ipv4Addr};

/// Addresses, taken in turn.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sources(Vec<IpAddr>);

/// Addresses of one list, at most.
const ADDRESSES_MAX: usize = 65_536;

impl Sources {
    /// Reads `127.0.0.1`, `127.0.0.1-127.0.0.18` or `10.0.0.0/24`, several parted by commas. Of a
    /// network of more than two addresses the first and the last are left out.
    ///
    /// # Errors
    /// What cannot be read, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut all = Vec::new();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let wrong = || format!("{part:?} is no address, range or network");
            if let Some((first, last)) = part.split_once('-') {
                let first: Ipv4Addr = first.trim().parse().map_err(|_| wrong())?;
                let last: Ipv4Addr = last.trim().parse().map_err(|_| wrong())?;
                add(&mut all, u32::from(first), u32::from(last)).ok_or_else(wrong)?;
            } else if let Some((address, bits)) = part.split_once('/') {
                let address: Ipv4Addr = address.parse().map_err(|_| wrong())?;
                let bits: u32 = bits.parse().ok().filter(|b| *b <= 32).ok_or_else(wrong)?;
                let host = u32::MAX.checked_shr(bits).unwrap_or(0);
                let (first, last) = (u32::from(address) & !host, u32::from(address) | host);
                let inner = u32::from(host > 1);
                add(&mut all, first + inner, last - inner).ok_or_else(wrong)?;
            } else {
                all.push(part.parse().map_err(|_| wrong())?);
            }
        }
        if all.len() > ADDRESSES_MAX {
            return Err(format!("{text:?} is more than {ADDRESSES_MAX} addresses"));
        }
        Ok(Self(all))
    }

    /// The address of the device with this number.
    #[must_use]
    pub fn of(&self, n: u32) -> Option<IpAddr> {
        let n = usize::try_from(n).unwrap_or(0);
        self.0.get(n.checked_rem(self.0.len())?).copied()
    }

    /// Those of a part: its own where there are enough for all, else all of them.
    #[must_use]
    pub fn dealt(self, share: Share) -> Self {
        let of = usize::try_from(share.of()).unwrap_or(usize::MAX);
        let first = usize::try_from(share.index()).unwrap_or(usize::MAX);
        match self.0.len() < of {
            true => self,
            false => Self(self.0.into_iter().skip(first).step_by(of).collect()),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the system chooses.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn add(all: &mut Vec<IpAddr>, first: u32, last: u32) -> Option<()> {
    let count = usize::try_from(last.checked_sub(first)?).ok()?;
    if count >= ADDRESSES_MAX {
        return None;
    }
    all.extend((first..=last).map(|n| IpAddr::V4(Ipv4Addr::from(n))));
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_networks_and_lists_are_read() {
        let range = Sources::parse("127.0.0.1-127.0.0.18").unwrap();
        assert_eq!(range.len(), 18);
        assert_eq!(range.of(18), Some("127.0.0.1".parse().unwrap()));
        assert_eq!(Sources::parse("127.0.0.7/18").unwrap().len(), 16_382);
        assert_eq!(Sources::parse("10.0.0.1/32, ::1").unwrap().len(), 2);
        assert_eq!(Sources::parse("").unwrap().of(3), None);
        for wrong in [
            "x",
            "10.0.0.9-10.0.0.1",
            "10.0.0.0/33",
            "0.0.0.0/0",
            "::/64",
        ] {
            assert!(Sources::parse(wrong).is_err(), "{wrong}");
        }
    }
}
