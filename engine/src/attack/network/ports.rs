//! Sets of connections: protocol and port.

use std::fmt;

use serde::Deserialize;
use smallvec::{SmallVec, smallvec};

/// A transport protocol that policies know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Protocol {
    /// SCTP.
    Sctp,
    /// TCP, the default.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

impl Protocol {
    /// Every protocol, in order of their names.
    pub const ALL: [Protocol; 3] = [Protocol::Sctp, Protocol::Tcp, Protocol::Udp];

    /// Its name in upper case.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Sctp => "SCTP",
            Protocol::Tcp => "TCP",
            Protocol::Udp => "UDP",
        }
    }

    /// Reads a name in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.name().eq_ignore_ascii_case(name))
    }
}

/// Closed intervals of ports, sorted, apart by at least one port.
type Ranges = SmallVec<[(u16, u16); 2]>;

const FIRST: u16 = 1;
const LAST: u16 = u16::MAX;

/// A set of (protocol, port) pairs. Operations are linear in the number of intervals.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connections {
    /// In the order of [`Protocol::ALL`].
    ranges: [Ranges; 3],
}

impl Connections {
    /// No connection.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every connection.
    pub fn all() -> Self {
        Self {
            ranges: std::array::from_fn(|_| smallvec![(FIRST, LAST)]),
        }
    }

    /// The ports `first` to `last` of one protocol; empty where `first` is greater.
    pub fn ports(protocol: Protocol, first: u16, last: u16) -> Self {
        let mut set = Self::none();
        if first <= last {
            set.of_mut(protocol).push((first.max(FIRST), last));
        }
        set
    }

    /// Every port of one protocol.
    pub fn protocol(protocol: Protocol) -> Self {
        Self::ports(protocol, FIRST, LAST)
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.iter().all(SmallVec::is_empty)
    }

    /// Whether everything is in it.
    pub fn is_all(&self) -> bool {
        self.ranges
            .iter()
            .all(|ranges| ranges.as_slice() == [(FIRST, LAST)])
    }

    /// Whether it holds the port.
    pub fn contains(&self, protocol: Protocol, port: u16) -> bool {
        self.of(protocol)
            .iter()
            .any(|&(first, last)| (first..=last).contains(&port))
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.zip(other, |a, b| {
            let mut all: Ranges = a.iter().chain(b).copied().collect();
            all.sort_unstable();
            let mut merged = Ranges::new();
            for (first, last) in all {
                match merged.last_mut() {
                    Some(open) if u32::from(first) <= u32::from(open.1) + 1 => {
                        open.1 = open.1.max(last);
                    }
                    _ => merged.push((first, last)),
                }
            }
            merged
        })
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.zip(other, |a, b| {
            let mut common = Ranges::new();
            for &(first, last) in a {
                for &(other_first, other_last) in b {
                    let range = (first.max(other_first), last.min(other_last));
                    if range.0 <= range.1 {
                        common.push(range);
                    }
                }
            }
            common.sort_unstable();
            common
        })
    }

    /// What is in this and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.zip(other, |a, b| {
            let mut rest = Ranges::new();
            for &(first, last) in a {
                // `u32` so that the port after the last one exists.
                let mut next = u32::from(first);
                for &(cut_first, cut_last) in b {
                    if cut_last < first || cut_first > last {
                        continue;
                    }
                    if u32::from(cut_first) > next {
                        rest.push((next as u16, cut_first - 1));
                    }
                    next = next.max(u32::from(cut_last) + 1);
                }
                if next <= u32::from(last) {
                    rest.push((next as u16, last));
                }
            }
            rest
        })
    }

    /// Texts such as `8080/TCP` and `1-79/TCP`; `all` where everything is in it.
    pub fn to_texts(&self) -> Vec<String> {
        if self.is_all() {
            return vec!["all".to_owned()];
        }
        let mut texts = Vec::new();
        for protocol in Protocol::ALL {
            for &(first, last) in self.of(protocol) {
                texts.push(if first == last {
                    format!("{first}/{}", protocol.name())
                } else {
                    format!("{first}-{last}/{}", protocol.name())
                });
            }
        }
        texts
    }

    fn of(&self, protocol: Protocol) -> &Ranges {
        let [sctp, tcp, udp] = &self.ranges;
        match protocol {
            Protocol::Sctp => sctp,
            Protocol::Tcp => tcp,
            Protocol::Udp => udp,
        }
    }

    fn of_mut(&mut self, protocol: Protocol) -> &mut Ranges {
        let [sctp, tcp, udp] = &mut self.ranges;
        match protocol {
            Protocol::Sctp => sctp,
            Protocol::Tcp => tcp,
            Protocol::Udp => udp,
        }
    }

    fn zip(&self, other: &Self, combine: impl Fn(&Ranges, &Ranges) -> Ranges) -> Self {
        let mut result = Self::none();
        for protocol in Protocol::ALL {
            *result.of_mut(protocol) = combine(self.of(protocol), other.of(protocol));
        }
        result
    }
}

/// `All Connections`, `No Connections`, or `TCP 80,443-445,UDP 53`.
impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_all() {
            return f.write_str("All Connections");
        }
        if self.is_empty() {
            return f.write_str("No Connections");
        }
        let mut separator = "";
        for protocol in Protocol::ALL {
            let mut name = protocol.name();
            for &(first, last) in self.of(protocol) {
                f.write_str(separator)?;
                if !name.is_empty() {
                    write!(f, "{name} ")?;
                }
                if first == last {
                    write!(f, "{first}")?;
                } else {
                    write!(f, "{first}-{last}")?;
                }
                (name, separator) = ("", ",");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_set() -> impl Strategy<Value = Connections> {
        proptest::collection::vec((0..3_usize, 1..40_u16, 0..12_u16), 0..6).prop_map(|parts| {
            parts
                .into_iter()
                .fold(Connections::none(), |set, (protocol, first, more)| {
                    let protocol = Protocol::ALL[protocol];
                    set.union(&Connections::ports(protocol, first, first + more))
                })
        })
    }

    proptest! {
        #[test]
        fn set_operations_agree_with_membership(a in any_set(), b in any_set()) {
            let (union, common, rest) = (a.union(&b), a.intersection(&b), a.difference(&b));
            for protocol in Protocol::ALL {
                for port in 1..60 {
                    let (in_a, in_b) = (a.contains(protocol, port), b.contains(protocol, port));
                    prop_assert_eq!(union.contains(protocol, port), in_a || in_b);
                    prop_assert_eq!(common.contains(protocol, port), in_a && in_b);
                    prop_assert_eq!(rest.contains(protocol, port), in_a && !in_b);
                }
            }
            // One set has one form, so equality of sets is equality of values.
            prop_assert_eq!(rest.union(&common), a);
        }
    }

    #[test]
    fn the_last_port_can_be_cut_off() {
        let rest = Connections::all().difference(&Connections::ports(Protocol::Tcp, 443, u16::MAX));
        assert_eq!(rest.to_string(), "SCTP 1-65535,TCP 1-442,UDP 1-65535");
    }
}
