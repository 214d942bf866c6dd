//! Randomness as a function: the stream of one thing depends on the seed, its class and its index,
//! and on nothing that was drawn before.

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug, Clone)]
pub(crate) struct Rng(u64);

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The whole part of a number that is not negative.
#[expect(
    clippy::cast_sign_loss,
    reason = "callers pass sizes and shares of sizes; the cast saturates at zero"
)]
pub(super) fn whole(number: f64) -> u64 {
    number as u64
}

/// What a stream of randomness is for. Streams of different classes are unrelated.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Class {
    Package = 1,
    Vulnerability,
    Image,
    ImageContent,
    Repository,
    RepositoryContent,
    Finding,
    Namespace,
    Workload,
    Service,
    Ingress,
    ServiceAccount,
    Secret,
    Route,
    Role,
    User,
    Group,
    Compute,
    Store,
    CloudSecret,
}

impl Rng {
    pub(crate) fn new(seed: u64, class: Class, idx: u64) -> Self {
        let stream = mix(seed.wrapping_add(GOLDEN).wrapping_mul(class as u64 | 1));
        Self(mix(stream ^ mix(idx.wrapping_add(GOLDEN))))
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0)
    }

    /// A number in `[0, 1)`.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number in `0..n`; 0 when `n` is 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(n)) >> 64) as u64
    }

    /// A number in `low..=high`.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True with probability `p`.
    pub(crate) fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    /// A number in `[0, 1)` raised to `quarters / 4`: the more quarters, the more small numbers.
    /// Only multiplication and square roots, so that every platform draws the same.
    pub(crate) fn skewed(&mut self, quarters: u32) -> f64 {
        let unit = self.unit();
        let whole = (0..quarters / 4).fold(1.0, |product, _| product * unit);
        let fraction = match quarters % 4 {
            0 => 1.0,
            1 => unit.sqrt().sqrt(),
            2 => unit.sqrt(),
            _ => unit.sqrt() * unit.sqrt().sqrt(),
        };
        whole * fraction
    }

    /// An index in `0..n` that favours small ones: the expected number of draws of index `i`
    /// falls as a power of `i`, the steeper the more quarters (4 is uniform).
    pub(crate) fn popular(&mut self, n: u64, quarters: u32) -> u64 {
        whole(self.skewed(quarters) * n as f64).min(n.saturating_sub(1))
    }

    /// A count from 0 up with the given mean and a geometric tail.
    pub(crate) fn geometric(&mut self, mean: f64, max: u64) -> u64 {
        let go_on = mean / (1.0 + mean);
        let mut count = 0;
        while count < max && self.chance(go_on) {
            count += 1;
        }
        count
    }

    /// A number from `10^low` to `10^(low + decades)`, every decade equally likely.
    pub(crate) fn magnitude(&mut self, low: u32, decades: u32) -> f64 {
        let decade = low + self.below(u64::from(decades)) as u32;
        let start = (0..decade).fold(1.0, |product, _| product * 10.0);
        (start * (1.0 + 9.0 * self.unit())).round()
    }

    /// One of a list; the list is never empty where this is called.
    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    /// One of a list of `(value, weight)`.
    pub(crate) fn weighted<T: Copy>(&mut self, list: &[(T, u32)]) -> T {
        let total: u64 = list.iter().map(|(_, weight)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (value, weight) in list {
            if left < u64::from(*weight) {
                return *value;
            }
            left -= u64::from(*weight);
        }
        list[0].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, class, idx| Rng::new(seed, class, idx).next();
        assert_eq!(draw(1, Class::Image, 5), draw(1, Class::Image, 5));
        assert_ne!(draw(1, Class::Image, 5), draw(2, Class::Image, 5));
        assert_ne!(draw(1, Class::Image, 5), draw(1, Class::Image, 6));
        assert_ne!(draw(1, Class::Image, 5), draw(1, Class::Package, 5));
    }

    #[test]
    fn draws_stay_in_range_and_reach_both_ends() {
        let mut rng = Rng::new(3, Class::Package, 0);
        let mut seen = [0_u32; 6];
        for _ in 0..2_000 {
            seen[rng.between(0, 5) as usize] += 1;
            assert!(rng.popular(10, 12) < 10);
            assert!(rng.geometric(4.0, 9) <= 9);
        }
        assert!(seen.iter().all(|count| *count > 200), "{seen:?}");
    }

    #[test]
    fn a_geometric_count_has_its_mean() {
        let mut rng = Rng::new(9, Class::Package, 0);
        let sum: u64 = (0..20_000).map(|_| rng.geometric(5.0, 1_000)).sum();
        let mean = sum as f64 / 20_000.0;
        assert!((4.7..5.3).contains(&mean), "{mean}");
    }
}
