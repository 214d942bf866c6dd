//! Caches that jobs of a repository hand to each other.
//!
//! A run reads caches of its own branch and of the default branch, so only what runs for the
//! default branch writes what others trust.

use super::triggers::Triggers;
use super::workflow::Step;

/// What a step does with one cache.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cache {
    /// What tells it from others of the repository.
    pub(super) key: String,
    pub(super) saves: bool,
    pub(super) restores: bool,
    /// Whether the workflow says so, and not what the action does unless told otherwise.
    pub(super) is_stated: bool,
}

/// Actions that keep a cache when an input says what for.
const ON_REQUEST: [(&str, &str); 7] = [
    ("actions/setup-node", "cache"),
    ("actions/setup-python", "cache"),
    ("actions/setup-java", "cache"),
    ("actions/setup-dotnet", "cache"),
    ("actions/setup-go", "cache"),
    ("ruby/setup-ruby", "bundler-cache"),
    ("astral-sh/setup-uv", "enable-cache"),
];

/// Actions that keep one unless told otherwise, with the input that tells it.
const UNLESS_TOLD: [(&str, &str); 3] = [
    ("actions/setup-go", "cache"),
    ("gradle/actions/setup-gradle", "cache-disabled"),
    ("swatinem/rust-cache", ""),
];

/// Whether runs of the workflow write caches that runs of other branches read.
pub(super) fn are_shared(triggers: &Triggers) -> bool {
    let mut events = triggers.events.iter();
    events.any(super::triggers::Event::is_of_default_branch)
}

/// The caches of a step.
pub(super) fn of(step: Step<'_>) -> Vec<Cache> {
    let Some(name) = step.action() else {
        return Vec::new();
    };
    let both = |key: String, is_stated| Cache {
        key,
        saves: true,
        restores: true,
        is_stated,
    };
    let mut found = Vec::new();
    if let Some(rest) = name.strip_prefix("actions/cache") {
        if let Some(key) = step
            .with("key")
            .filter(|_| matches!(rest, "" | "/save" | "/restore"))
        {
            found.push(Cache {
                saves: rest != "/restore",
                restores: rest != "/save",
                ..both(plain(&key), true)
            });
        }
        return found;
    }
    if matches!(
        name.as_str(),
        "docker/build-push-action" | "docker/bake-action"
    ) {
        for (input, is_saved) in [("cache-to", true), ("cache-from", false)] {
            let text = step.with(input).unwrap_or_default();
            for line in text.lines().filter(|line| line.contains("type=gha")) {
                let mut parts = line.trim().split(',');
                let scope = parts.find_map(|part| part.strip_prefix("scope="));
                found.push(Cache {
                    saves: is_saved,
                    restores: !is_saved,
                    ..both(
                        format!("buildkit/{}", plain(scope.unwrap_or("buildkit"))),
                        true,
                    )
                });
            }
        }
        return found;
    }
    let short = name.rsplit('/').next().unwrap_or(&name).to_owned();
    let asked = ON_REQUEST
        .iter()
        .find(|(action, _)| *action == name)
        .and_then(|(_, input)| step.with(input));
    match asked.as_deref() {
        Some("" | "false") => {}
        Some(value) if value.contains("${{") => {}
        Some("true") => found.push(both(short, true)),
        Some(value) => found.push(both(format!("{short}/{}", plain(value)), true)),
        None => {
            let told = UNLESS_TOLD.iter().find(|(action, _)| *action == name);
            if let Some((_, input)) = told
                && !is_old(step)
                && step.with(input).is_none()
            {
                found.push(both(short, false));
            }
        }
    }
    found
}

/// Versions from before the action kept a cache by itself.
fn is_old(step: Step<'_>) -> bool {
    let version = step.uses().and_then(|uses| uses.split_once('@'));
    let major = version.and_then(|(_, version)| version.strip_prefix('v')?.split('.').next());
    step.action().as_deref() == Some("actions/setup-go") && matches!(major, Some("1" | "2" | "3"))
}

/// A key on one line; what is filled in stays as written, since equal texts become equal keys.
fn plain(key: &str) -> String {
    key.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_action_keeps() {
        for (step, expected) in [
            (
                "{uses: actions/cache@v4, with: {key: 'a ${{ runner.os }}'}}",
                "a ${{ runner.os }} sr",
            ),
            ("{uses: actions/cache/restore@v4, with: {key: a}}", "a r"),
            ("{uses: actions/cache/save@v4, with: {key: a}}", "a s"),
            (
                "{uses: actions/setup-node@v4, with: {cache: npm}}",
                "setup-node/npm sr",
            ),
            ("{uses: actions/setup-node@v4}", ""),
            ("{uses: actions/setup-go@v5}", "setup-go sr?"),
            ("{uses: actions/setup-go@v5, with: {cache: false}}", ""),
            (
                "{uses: actions/setup-go@v5, with: {cache: true}}",
                "setup-go sr",
            ),
            ("{uses: actions/setup-go@v3}", ""),
            (
                "{uses: docker/build-push-action@v6, with: {cache-from: 'type=gha,scope=x'}}",
                "buildkit/x r",
            ),
            (
                "{uses: docker/build-push-action@v6, with: {cache-to: 'type=registry,ref=x'}}",
                "",
            ),
            ("{run: make}", ""),
        ] {
            let value: crate::decode::Tree = serde_saphyr::from_str(step).unwrap();
            let body = value.0.as_object().unwrap();
            let shown: Vec<String> = of(Step { body })
                .iter()
                .map(|cache| {
                    let mark = |flag, mark| if flag { mark } else { "" };
                    format!(
                        "{} {}{}{}",
                        cache.key,
                        mark(cache.saves, "s"),
                        mark(cache.restores, "r"),
                        mark(!cache.is_stated, "?")
                    )
                })
                .collect();
            assert_eq!(shown.join(" | "), expected, "{step}");
        }
    }
}
