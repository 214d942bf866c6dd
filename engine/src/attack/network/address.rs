//! Address blocks and the ranges they cut the address space into.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// A closed range of addresses; IPv4 lies inside IPv6 as mapped addresses, so one order holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressRange {
    first: u128,
    last: u128,
}

const IPV4_FIRST: u128 = 0xffff_0000_0000;
const IPV4_LAST: u128 = 0xffff_ffff_ffff;

impl AddressRange {
    /// All of IPv4.
    pub const IPV4: Self = Self {
        first: IPV4_FIRST,
        last: IPV4_LAST,
    };

    /// The addresses of a block such as `10.0.0.0/8` or `fd00::/8`, or of one address.
    pub fn parse(block: &str) -> Option<Self> {
        let (address, length) = match block.split_once('/') {
            Some((address, length)) => (address, Some(length.trim().parse::<u32>().ok()?)),
            None => (block, None),
        };
        let (bits, width) = match address.trim().parse::<IpAddr>().ok()? {
            IpAddr::V4(v4) => (IPV4_FIRST | u128::from(u32::from(v4)), 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        let length = length.unwrap_or(width);
        let host_bits = width.checked_sub(length)?;
        // A shift by the whole width is not defined, and there every bit is a host bit.
        let host_mask = 1_u128
            .checked_shl(host_bits)
            .map_or(u128::MAX, |bit| bit - 1);
        Some(Self {
            first: bits & !host_mask,
            last: bits | host_mask,
        })
    }

    /// Whether all of `other` lies in it.
    pub fn contains(&self, other: &Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// Whether some address lies in both.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// Cuts `self` so that each block either contains a part or does not touch it.
    pub fn cut<'a>(&self, blocks: impl IntoIterator<Item = &'a Self>) -> Vec<Self> {
        let mut starts = vec![self.first];
        for block in blocks {
            if self.overlaps(block) {
                starts.push(block.first.max(self.first));
                if block.last < self.last {
                    starts.push(block.last + 1);
                }
            }
        }
        starts.sort_unstable();
        starts.dedup();
        let ends = starts.iter().skip(1).map(|start| start - 1);
        starts
            .iter()
            .copied()
            .zip(ends.chain([self.last]))
            .map(|(first, last)| Self { first, last })
            .collect()
    }

    /// The blocks that are not used on the internet.
    pub fn private() -> Vec<Self> {
        const PRIVATE: [&str; 10] = [
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "0.0.0.0/8",
            "fc00::/7",
            "fe80::/10",
            "::1/128",
        ];
        let blocks = PRIVATE.iter();
        blocks.filter_map(|block| Self::parse(block)).collect()
    }

    /// Whether none of its addresses can be used on the internet.
    pub fn is_private(&self) -> bool {
        Self::private().iter().any(|block| block.contains(self))
    }

    /// Whether all of `self` lies in the blocks together.
    pub fn is_covered_by(&self, blocks: &[Self]) -> bool {
        let mut parts = self.cut(blocks).into_iter();
        parts.all(|part| blocks.iter().any(|block| block.contains(&part)))
    }
}

/// `10.0.0.0-10.255.255.255`.
impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = |bits: u128| Ipv6Addr::from(bits).to_canonical();
        write!(f, "{}-{}", address(self.first), address(self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_parse_to_their_ends() {
        let block = AddressRange::parse("10.1.2.3/8").unwrap();
        assert_eq!(block, AddressRange::parse("10.0.0.0/8").unwrap());
        assert!(block.contains(&AddressRange::parse("10.255.255.255").unwrap()));
        assert!(!block.contains(&AddressRange::parse("11.0.0.0").unwrap()));
        assert_eq!(AddressRange::parse("0.0.0.0/0"), Some(AddressRange::IPV4));
        assert!(
            AddressRange::parse("::/0")
                .unwrap()
                .contains(&AddressRange::IPV4)
        );
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "x", "::/129"] {
            assert_eq!(AddressRange::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn parts_cover_the_whole_and_no_block_splits_one() {
        let blocks: Vec<_> = ["10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16"]
            .iter()
            .filter_map(|text| AddressRange::parse(text))
            .collect();
        let parts = AddressRange::IPV4.cut(&blocks);
        assert_eq!(parts.len(), 7);
        assert_eq!(parts.first().unwrap().first, IPV4_FIRST);
        assert_eq!(parts.last().unwrap().last, IPV4_LAST);
        for pair in parts.windows(2) {
            assert_eq!(pair[0].last + 1, pair[1].first);
        }
        for part in &parts {
            for block in &blocks {
                assert!(block.contains(part) || !block.overlaps(part));
            }
        }
        assert_eq!(parts.iter().filter(|part| part.is_private()).count(), 4);
    }
}
