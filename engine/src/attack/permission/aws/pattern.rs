//! Wildcards: `*` is any text, `?` any one character.

/// How much of the asked resources a pattern matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coverage {
    /// None of them.
    None,
    /// Some of them, and not certainly all.
    Part,
    /// All of them.
    Whole,
}

/// Whether `pattern` matches `text`. O(pattern x text) at worst, linear as a rule.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    glob(pattern.as_bytes(), text.as_bytes(), |a, b| a == b)
}

/// As [`matches`], upper and lower case alike.
pub(crate) fn matches_ignoring_case(pattern: &str, text: &str) -> bool {
    glob(pattern.as_bytes(), text.as_bytes(), |a, b| {
        a.eq_ignore_ascii_case(&b)
    })
}

/// How much of what `asked` stands for `pattern` matches; both may hold wildcards.
pub(crate) fn coverage(pattern: &str, asked: &str) -> Coverage {
    // A `*` in what is asked is only swallowed by a `*` of the pattern, so that a match here means
    // that every text it stands for matches.
    let whole = glob(pattern.as_bytes(), asked.as_bytes(), |a, b| a == b);
    if whole {
        Coverage::Whole
    } else if asked.contains(['*', '?']) && overlaps(pattern.as_bytes(), asked.as_bytes()) {
        Coverage::Part
    } else {
        Coverage::None
    }
}

fn glob(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when what follows the last `*` fails: that star, and one more byte for it.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p, t));
                p += 1;
            }
            Some(b'?') if text[t] != b'*' => {
                p += 1;
                t += 1;
            }
            Some(&byte) if byte != b'?' && same(byte, text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match retry {
                Some((star, from)) => {
                    retry = Some((star, from + 1));
                    p = star + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

/// Whether some text matches both patterns.
fn overlaps(a: &[u8], b: &[u8]) -> bool {
    // Nearly all patterns part ways before their first wildcard.
    let is_literal = |byte: &&u8| !matches!(byte, b'*' | b'?');
    let literal = |text: &[u8]| text.iter().take_while(is_literal).count();
    let shared = literal(a).min(literal(b));
    if a[..shared] != b[..shared] {
        return false;
    }
    // reachable[j]: the first i bytes of `a` and the first j of `b` have a common text.
    let mut reachable = vec![false; b.len() + 1];
    for i in 0..=a.len() {
        let mut next = vec![false; b.len() + 1];
        for j in 0..=b.len() {
            let star_a = i > 0 && a[i - 1] == b'*';
            let star_b = j > 0 && b[j - 1] == b'*';
            next[j] = if i == 0 && j == 0 {
                true
            } else if star_a || star_b {
                (star_a && reachable[j])
                    || (j > 0 && star_a && next[j - 1])
                    || (j > 0 && star_b && next[j - 1])
                    || (i > 0 && star_b && reachable[j])
            } else if i > 0 && j > 0 {
                let (x, y) = (a[i - 1], b[j - 1]);
                (x == y || x == b'?' || y == b'?') && reachable[j - 1]
            } else {
                false
            };
        }
        reachable = next;
    }
    reachable[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Obviously right and slow.
    fn slow(pattern: &[u8], text: &[u8]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, None) => true,
            (Some((b'*', rest)), _) => {
                slow(rest, text)
                    || text
                        .split_first()
                        .is_some_and(|(_, more)| slow(pattern, more))
            }
            (Some((b'?', rest)), Some((_, more))) => slow(rest, more),
            (Some((a, rest)), Some((b, more))) => a == b && slow(rest, more),
            _ => false,
        }
    }

    fn texts(max: usize) -> Vec<Vec<u8>> {
        let mut all = vec![Vec::new()];
        let mut last = all.clone();
        for _ in 0..max {
            last = last
                .iter()
                .flat_map(|text: &Vec<u8>| {
                    b"ab".iter().map(move |&byte| {
                        let mut longer = text.clone();
                        longer.push(byte);
                        longer
                    })
                })
                .collect();
            all.extend(last.clone());
        }
        all
    }

    proptest! {
        #[test]
        fn glob_agrees_with_the_slow_version(pattern in "[ab*?]{0,7}", text in "[ab]{0,9}") {
            prop_assert_eq!(matches(&pattern, &text), slow(pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn coverage_agrees_with_every_short_text(pattern in "[ab*?]{0,4}", asked in "[ab*?]{0,4}") {
            let asked_texts: Vec<_> = texts(7)
                .into_iter()
                .filter(|text| slow(asked.as_bytes(), text))
                .collect();
            let matched = asked_texts
                .iter()
                .filter(|text| slow(pattern.as_bytes(), text))
                .count();
            match coverage(&pattern, &asked) {
                Coverage::Whole => prop_assert_eq!(matched, asked_texts.len()),
                Coverage::Part => prop_assert!(matched > 0),
                Coverage::None => prop_assert_eq!(matched, 0),
            }
        }
    }
}
