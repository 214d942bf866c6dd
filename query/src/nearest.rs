//! The name that was probably meant.

/// The candidate nearest to `name` by edit distance, if one is near enough to be worth a guess:
/// at most a third of its letters differ. Letter case counts little, the first of equally near
/// candidates in byte order wins. O(candidates x name²), names over 64 letters are not guessed.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST: usize = 64;
    let wanted: Vec<char> = name.to_lowercase().chars().collect();
    if wanted.is_empty() || wanted.len() > LONGEST {
        return None;
    }
    let limit = (wanted.len() / 3).max(1);
    let letters = letters_of(&wanted);
    let mut other: Vec<char> = Vec::with_capacity(LONGEST);
    let mut rows = Rows::default();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate == name || candidate.len() > 4 * LONGEST {
            continue;
        }
        other.clear();
        other.extend(candidate.chars().flat_map(char::to_lowercase));
        if other.len() > LONGEST || other.len().abs_diff(wanted.len()) > limit {
            continue;
        }
        // Each letter that the one has and the other lacks is an edit.
        let others = letters_of(&other);
        let n_lacking = (letters & !others)
            .count_ones()
            .max((others & !letters).count_ones());
        if n_lacking as usize > limit {
            continue;
        }
        let distance = rows.edit_distance(&wanted, &other, limit);
        // A short name that shares no letter is no guess.
        if distance > limit || distance >= wanted.len() {
            continue;
        }
        if best.is_none_or(|known| (distance, candidate) < known) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Which letters occur, as bits; different letters may share one.
fn letters_of(word: &[char]) -> u64 {
    word.iter()
        .fold(0, |bits, &letter| bits | 1 << (u32::from(letter) % 64))
}

/// The rows of the table of distances that are still needed, kept from one candidate to the next.
#[derive(Debug, Default)]
struct Rows {
    before_last: Vec<usize>,
    last: Vec<usize>,
    row: Vec<usize>,
}

impl Rows {
    /// Edit distance where swapping two neighbours is one edit (optimal string alignment), or
    /// something over `limit` as soon as it must be.
    fn edit_distance(&mut self, a: &[char], b: &[char], limit: usize) -> usize {
        self.before_last.clear();
        self.before_last.resize(b.len() + 1, usize::MAX);
        self.last.clear();
        self.last.extend(0..=b.len());
        let mut least_before = 0;
        for (i, x) in a.iter().enumerate() {
            self.row.clear();
            self.row.push(i + 1);
            let mut least = i + 1;
            for (j, y) in b.iter().enumerate() {
                let change = self.last[j] + usize::from(x != y);
                let mut cost = change.min(self.last[j + 1] + 1).min(self.row[j] + 1);
                if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                    cost = cost.min(self.before_last[j - 1] + 1);
                }
                least = least.min(cost);
                self.row.push(cost);
            }
            if least.min(least_before) > limit {
                return limit + 1;
            }
            least_before = least;
            std::mem::swap(&mut self.before_last, &mut self.last);
            std::mem::swap(&mut self.last, &mut self.row);
        }
        self.last[b.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_only_what_is_near() {
        let labels = [
            "Workload",
            "Package",
            "Vulnerability",
            "Service",
            "DataStore",
        ];
        assert_eq!(nearest("Workloads", labels), Some("Workload"));
        assert_eq!(nearest("workload", labels), Some("Workload"));
        assert_eq!(nearest("Pakcage", labels), Some("Package"));
        assert_eq!(nearest("Vulnerabilty", labels), Some("Vulnerability"));
        assert_eq!(nearest("Elephant", labels), None);
        assert_eq!(nearest("a", ["b"]), None);
        assert_eq!(nearest("", labels), None);
        assert_eq!(nearest("Service", ["Service"]), None);
    }

    /// Distances by their definition, for comparison.
    fn distance(a: &[char], b: &[char]) -> usize {
        let ([a_rest @ .., x], [b_rest @ .., y]) = (a, b) else {
            return a.len().max(b.len());
        };
        let mut least = distance(a_rest, b_rest) + usize::from(x != y);
        least = least
            .min(distance(a_rest, b) + 1)
            .min(distance(a, b_rest) + 1);
        if let ([a_rest @ .., w], [b_rest @ .., z]) = (a_rest, b_rest)
            && w == y
            && z == x
        {
            least = least.min(distance(a_rest, b_rest) + 1);
        }
        least
    }

    #[test]
    fn distances_agree_with_their_definition() {
        let letters = ['a', 'b', 'c'];
        let words: Vec<Vec<char>> = (0..=4_usize)
            .flat_map(|length| (0..3_usize.pow(length as u32)).map(move |n| (length, n)))
            .map(|(length, n)| {
                (0..length)
                    .map(|at| letters[n / 3_usize.pow(at as u32) % 3])
                    .collect()
            })
            .collect();
        let mut rows = Rows::default();
        for a in words.iter().step_by(5) {
            for b in &words {
                let expected = distance(a, b);
                assert_eq!(rows.edit_distance(a, b, 9), expected, "{a:?} {b:?}");
                assert_eq!(
                    rows.edit_distance(a, b, 1) <= 1,
                    expected <= 1,
                    "{a:?} {b:?}"
                );
            }
        }
    }
}
