//! Which of two versions comes first, for any ecosystem: enough to tell whether an upgrade reaches
//! the version that fixes a vulnerability.

use std::cmp::Ordering;

/// Compares two versions part by part: numbers as numbers, words by their bytes, a word before a
/// number (`1.0-rc1` comes before `1.0`), an epoch (`1:2.0`) before all else. `+build` metadata
/// makes no difference.
pub(super) fn compare_versions(a: &str, b: &str) -> Ordering {
    let (epoch_a, rest_a) = epoch(a);
    let (epoch_b, rest_b) = epoch(b);
    epoch_a.cmp(&epoch_b).then_with(|| {
        let (left, right) = (parts(rest_a), parts(rest_b));
        let n = left.len().max(right.len());
        (0..n)
            .map(|at| {
                let end = Part::End;
                let one = left.get(at).unwrap_or(&end);
                one.cmp_part(right.get(at).unwrap_or(&end))
            })
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Word(&'a str),
    End,
    Number(&'a str),
}

impl Part<'_> {
    fn rank(&self) -> u8 {
        match self {
            // `1.0-rc1` comes before `1.0`, which comes before `1.0.1`.
            Part::Word(_) => 0,
            Part::End => 1,
            Part::Number(_) => 2,
        }
    }

    fn cmp_part(&self, other: &Part<'_>) -> Ordering {
        match (self, other) {
            (Part::Number(a), Part::Number(b)) => a.len().cmp(&b.len()).then(a.cmp(b)),
            (Part::Word(a), Part::Word(b)) => a.cmp(b),
            // Trailing zeros add nothing: 1.0 is 1.
            (Part::Number(zero), Part::End) | (Part::End, Part::Number(zero))
                if zero.is_empty() =>
            {
                Ordering::Equal
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn epoch(version: &str) -> (u64, &str) {
    let version = version.trim().trim_start_matches(['v', 'V', '=']);
    let version = version.split('+').next().unwrap_or(version);
    match version.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() => match epoch.parse() {
            Ok(epoch) => (epoch, rest),
            Err(_) => (0, version),
        },
        _ => (0, version),
    }
}

/// Runs of digits (leading zeros dropped, so that zero is empty) and runs of letters.
fn parts(version: &str) -> Vec<Part<'_>> {
    let mut found = Vec::new();
    let mut rest = version;
    while let Some(first) = rest.chars().next() {
        if !first.is_ascii_alphanumeric() {
            rest = rest.get(first.len_utf8()..).unwrap_or("");
            continue;
        }
        let is_digit = first.is_ascii_digit();
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() || c.is_ascii_digit() != is_digit)
            .unwrap_or(rest.len());
        let (run, after) = rest.split_at(end);
        found.push(if is_digit {
            Part::Number(run.trim_start_matches('0'))
        } else {
            Part::Word(run)
        });
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_their_makers_count() {
        let ascending = [
            "0.9", "1.0-rc1", "1.0", "1.0.1", "1.0.9", "1.0.10", "1.2", "2.0.0", "10.0", "1:0.1",
        ];
        for (at, low) in ascending.iter().enumerate() {
            for high in &ascending[at + 1..] {
                assert_eq!(compare_versions(low, high), Ordering::Less, "{low} {high}");
                assert_eq!(
                    compare_versions(high, low),
                    Ordering::Greater,
                    "{high} {low}"
                );
            }
        }
        for (a, b) in [
            ("1.0", "1.0.0"),
            ("v1.2", "1.2"),
            ("1.2+build7", "1.2"),
            ("01", "1"),
        ] {
            assert_eq!(compare_versions(a, b), Ordering::Equal, "{a} {b}");
        }
        assert_eq!(
            compare_versions("3.0.11-1~deb12u1", "3.0.11-1~deb12u2"),
            Ordering::Less
        );
    }
}
