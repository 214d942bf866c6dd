//! Source repositories and the teams that own what is in them.

/// The id of a repository for any address of it: `https://github.com/Acme/shop.git`,
/// `git@github.com:acme/shop`, `ssh://..`, `github.com/acme/shop`, or the id itself.
/// `None` where the text names no repository.
pub fn repository_id(address: &str) -> Option<String> {
    let address = address.trim();
    let address = address.strip_prefix("git+").unwrap_or(address);
    let rest = match address.split_once("://") {
        Some((_, rest)) => rest.to_owned(),
        // `git@host:org/name` separates host and path by a colon.
        None => address.replacen(':', "/", usize::from(address.contains('@'))),
    };
    let rest = rest.split(['?', '#']).next()?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.trim_matches('/');
    let rest = rest.strip_suffix(".git").unwrap_or(rest);
    let (host, path) = rest.split_once('/')?;
    let host = host.split(':').next()?.to_lowercase();
    let known = host == "github.com" || host == "bitbucket.org";
    let path = if known {
        path.split('/')
            .take(2)
            .collect::<Vec<_>>()
            .join("/")
            .to_lowercase()
    } else {
        path.to_owned()
    };
    let named = !host.is_empty()
        && !path.is_empty()
        && !path.contains(|c: char| c.is_whitespace() || c.is_control());
    let host_like = host.contains('.') || host == "localhost" || address.starts_with("repo://");
    (named && host_like).then(|| format!("repo://{host}/{path}"))
}

/// The id of a team or person as CODEOWNERS and catalogues write it: `@Acme/Payments` and
/// `payments` differ, `@acme/payments` and `@Acme/Payments` do not.
pub fn team_id(name: &str) -> Option<String> {
    let name = name.trim().trim_start_matches('@').to_lowercase();
    let name: String = name
        .chars()
        .map(|c| {
            if c.is_whitespace() || c.is_control() {
                '-'
            } else {
                c
            }
        })
        .collect();
    (!name.is_empty() && name.len() <= 512).then(|| format!("team://{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_has_one_id() {
        for address in [
            "https://github.com/Acme/Shop",
            "https://github.com/acme/shop.git",
            "https://github.com/acme/shop/tree/main/src",
            "git@github.com:acme/shop.git",
            "ssh://git@github.com/acme/shop",
            "git+https://github.com/acme/shop.git#main",
            "github.com/acme/shop",
            "repo://github.com/acme/shop",
        ] {
            assert_eq!(
                repository_id(address).as_deref(),
                Some("repo://github.com/acme/shop"),
                "{address}"
            );
        }
        assert_eq!(
            repository_id("https://gitlab.example/a/b/c").as_deref(),
            Some("repo://gitlab.example/a/b/c")
        );
        for address in ["", "shop", "acme/shop", "https://", "file:///home/x"] {
            assert_eq!(repository_id(address), None, "{address}");
        }
    }

    #[test]
    fn teams() {
        assert_eq!(
            team_id("@Acme/Payments").as_deref(),
            Some("team://acme/payments")
        );
        assert_eq!(
            team_id("a@b.example").as_deref(),
            Some("team://a@b.example")
        );
        assert_eq!(team_id("@"), None);
    }
}
