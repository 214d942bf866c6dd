//! What scanners and advisory databases say about vulnerable packages.

pub(crate) mod epss;
pub(crate) mod grype;
pub(crate) mod kev;
pub(crate) mod openvex;
pub(crate) mod trivy;

/// Of the fixed versions in a list, the one nearest to what is installed: a fix for 3.0.0 is
/// 3.0.1, not 6.0.1, when both are offered.
pub(crate) fn nearest_fix<'a>(installed: &str, list: &'a str) -> &'a str {
    let parts = |version: &str| -> Vec<String> {
        version
            .trim_start_matches('v')
            .split(['.', '-', '+', ':', '~'])
            .map(str::to_owned)
            .collect()
    };
    let wanted = parts(installed);
    let shared = |version: &str| {
        parts(version)
            .iter()
            .zip(&wanted)
            .take_while(|(a, b)| a == b)
            .count()
    };
    let mut best = "";
    for version in list.split([',', '|']).map(str::trim) {
        if best.is_empty() || shared(version) > shared(best) {
            best = version;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::nearest_fix;

    #[test]
    fn the_nearest_fix_is_on_the_same_branch() {
        assert_eq!(nearest_fix("3.0.0", "6.0.1, 5.0.1, 4.1.1, 3.0.1"), "3.0.1");
        assert_eq!(nearest_fix("1.0", "2.5"), "2.5");
        assert_eq!(nearest_fix("1.0", ""), "");
    }
}
