//! Sums of floats without rounding on the way: the same in any order, rounded once at the end.
//!
//! A fixed-point number wide enough for every float (Kulisch's long accumulator), in digits of 32
//! bits with room for carries.

/// The exponent of the lowest bit of the lowest digit: that of the smallest float.
const LOWEST: i32 = -1074;
const DIGIT_BITS: u32 = 32;
/// Room for the largest float, a multiplicity of 64 bits, and carries.
const DIGITS: usize = 72;
/// So many additions fit before carries must move on.
const ADDITIONS: u32 = 1 << 28;

/// A sum of finite floats, exact until it is read.
#[derive(Debug, Clone)]
pub(crate) struct ExactSum {
    digits: Box<[i64; DIGITS]>,
    n_additions: u32,
}

impl Default for ExactSum {
    fn default() -> Self {
        ExactSum {
            digits: Box::new([0; DIGITS]),
            n_additions: 0,
        }
    }
}

impl ExactSum {
    /// Adds `number`, which is finite, `n` times.
    pub(crate) fn add(&mut self, number: f64, n: u64) {
        let bits = number.to_bits();
        let exponent = (bits >> 52 & 0x7FF) as u32;
        let fraction = bits & ((1 << 52) - 1);
        // Subnormal numbers have no hidden bit and the exponent of the smallest normal ones.
        let (mantissa, shift) = match exponent {
            0 => (fraction, 0),
            _ => (fraction | 1 << 52, exponent - 1),
        };
        let is_negative = number.is_sign_negative();
        let low = u128::from(mantissa) * u128::from(n & 0xFFFF_FFFF);
        let high = u128::from(mantissa) * u128::from(n >> 32);
        self.add_at(low, shift, is_negative);
        self.add_at(high, shift + 32, is_negative);
    }

    /// Adds a whole number.
    pub(crate) fn add_whole(&mut self, number: i128) {
        let shift = LOWEST.unsigned_abs();
        let magnitude = number.unsigned_abs();
        self.add_at(magnitude & u128::from(u64::MAX), shift, number < 0);
        self.add_at(magnitude >> 64, shift + 64, number < 0);
    }

    /// Adds a number below 2^96 times `2^(LOWEST + shift)`.
    fn add_at(&mut self, magnitude: u128, shift: u32, is_negative: bool) {
        let mut left = magnitude << (shift % DIGIT_BITS);
        let mut at = (shift / DIGIT_BITS) as usize;
        while left != 0 {
            let digit = (left & 0xFFFF_FFFF) as i64;
            if let Some(place) = self.digits.get_mut(at) {
                *place += if is_negative { -digit } else { digit };
            }
            left >>= DIGIT_BITS;
            at += 1;
        }
        self.n_additions += 1;
        if self.n_additions >= ADDITIONS {
            self.carry();
        }
    }

    /// Adds another sum.
    pub(crate) fn merge(&mut self, other: &ExactSum) {
        self.carry();
        let mut other = other.clone();
        other.carry();
        for (digit, more) in self.digits.iter_mut().zip(other.digits.iter()) {
            *digit += more;
        }
        self.n_additions += 1;
    }

    /// Brings every digit but the last between 0 and 2^32.
    fn carry(&mut self) {
        let mut carry = 0_i64;
        let last = DIGITS - 1;
        for (at, digit) in self.digits.iter_mut().enumerate() {
            *digit += carry;
            if at < last {
                carry = *digit >> DIGIT_BITS;
                *digit &= 0xFFFF_FFFF;
            }
        }
        self.n_additions = 0;
    }

    /// The nearest float, ties to even.
    pub(crate) fn value(&self) -> f64 {
        let mut sum = self.clone();
        sum.carry();
        let is_negative = sum.digits.last().is_some_and(|&last| last < 0);
        if is_negative {
            for digit in sum.digits.iter_mut() {
                *digit = -*digit;
            }
            sum.carry();
        }
        let Some(top) = sum.digits.iter().rposition(|&digit| digit != 0) else {
            return 0.0;
        };
        let first = top.saturating_sub(2);
        let mut window = 0_u128;
        for &digit in sum.digits.iter().take(top + 1).skip(first).rev() {
            window = window << DIGIT_BITS | u128::from(digit.unsigned_abs());
        }
        // What lies below the window only decides whether it is a tie.
        if sum.digits.iter().take(first).any(|&digit| digit != 0) {
            window |= 1;
        }
        let shift = first as u32 * DIGIT_BITS;
        let exponent = LOWEST + shift.cast_signed();
        let half = exponent / 2;
        let magnitude = window as f64 * 2_f64.powi(half) * 2_f64.powi(exponent - half);
        if is_negative { -magnitude } else { magnitude }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(numbers: &[f64]) -> f64 {
        let mut sum = ExactSum::default();
        for &number in numbers {
            sum.add(number, 1);
        }
        sum.value()
    }

    #[test]
    fn nothing_is_lost_on_the_way() {
        for (numbers, expected) in [
            (vec![], 0.0),
            (vec![0.1; 10], 1.0),
            (vec![1e300, 1.0, -1e300], 1.0),
            (vec![f64::MAX, f64::MAX, -f64::MAX], f64::MAX),
            (vec![f64::MIN_POSITIVE, -5e-324], f64::MIN_POSITIVE - 5e-324),
            (vec![5e-324, 5e-324], 1e-323),
            (vec![1.0, 1e-30, -1.0], 1e-30),
            // One and a half unit in the last place is a tie: to even.
            (vec![1.0, f64::EPSILON / 2.0], 1.0),
            (vec![1.0, f64::EPSILON / 2.0, 1e-300], 1.0 + f64::EPSILON),
            (vec![f64::MAX, f64::MAX], f64::INFINITY),
        ] {
            assert_eq!(
                sum(&numbers).to_bits(),
                f64::to_bits(expected),
                "{numbers:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn one_number_is_itself(number in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
            prop_assert_eq!(sum(&[number]).to_bits(), number.to_bits());
        }

        #[test]
        fn two_numbers_are_their_rounded_sum(
            a in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL,
            b in prop::num::f64::NORMAL,
        ) {
            prop_assert_eq!(sum(&[a, b]).to_bits(), (a + b + 0.0).to_bits());
        }

        #[test]
        fn order_and_grouping_do_not_matter(
            numbers in prop::collection::vec(-1e10..1e10_f64, 0..20),
            cut in 0..20_usize,
            whole in any::<i64>(),
        ) {
            let mut forward = ExactSum::default();
            forward.add_whole(i128::from(whole));
            for &number in &numbers {
                forward.add(number, 3);
            }
            let (left, right) = numbers.split_at(cut.min(numbers.len()));
            let mut parts = ExactSum::default();
            let mut rest = ExactSum::default();
            rest.add_whole(i128::from(whole));
            for _ in 0..3 {
                for &number in right.iter().rev() {
                    parts.add(number, 1);
                }
                for &number in left {
                    rest.add(number, 1);
                }
            }
            parts.merge(&rest);
            prop_assert_eq!(forward.value().to_bits(), parts.value().to_bits());
        }
    }
}
