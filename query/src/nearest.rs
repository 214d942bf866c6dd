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
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        if candidate == name {
            continue;
        }
        let other: Vec<char> = candidate.to_lowercase().chars().collect();
        if other.len() > LONGEST || other.len().abs_diff(wanted.len()) > limit {
            continue;
        }
        let distance = edit_distance(&wanted, &other);
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

/// Edit distance where swapping two neighbours is one edit (optimal string alignment).
fn edit_distance(a: &[char], b: &[char]) -> usize {
    let width = b.len() + 1;
    let mut before_last: Vec<usize> = vec![0; width];
    let mut last: Vec<usize> = (0..width).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(width);
        row.push(i + 1);
        for (j, y) in b.iter().enumerate() {
            let change = last[j] + usize::from(x != y);
            let mut cost = change.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                cost = cost.min(before_last[j - 1] + 1);
            }
            row.push(cost);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
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
}
