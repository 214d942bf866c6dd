//! What an API is called and where it listens.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::document::Document;

/// Titles that generators write and that many APIs share.
const COMMON_TITLES: &[&str] = &[
    "",
    "api",
    "apis",
    "swagger",
    "openapi",
    "openapi-definition",
    "api-documentation",
    "api-docs",
    "api-reference",
    "rest-api",
    "fastapi",
    "swagger-api",
    "my-api",
    "service",
    "untitled",
    "backend",
];

/// File names that say nothing either.
const COMMON_FILES: &[&str] = &[
    "openapi", "swagger", "api", "spec", "api-docs", "index", "schema", "v1", "v2", "v3",
];

/// The name of the service that the description belongs to: what the surroundings or the document
/// say, else its title, else its file or folder.
pub(super) fn name(root: &Value, source: &Document) -> String {
    if let Some(service) = source.context().service.as_deref() {
        return slug(service);
    }
    if let Some(service) = declared(root) {
        return slug(service);
    }
    let title = root.pointer("/info/title").and_then(Value::as_str);
    let title = slug(title.unwrap_or_default());
    if !COMMON_TITLES.contains(&title.as_str()) {
        return title;
    }
    let mut parts = source.name().rsplit(['/', '!']);
    let file = parts.next().unwrap_or_default();
    let stem = slug(file.split('.').next().unwrap_or_default());
    if !COMMON_FILES.contains(&stem.as_str()) && !stem.is_empty() {
        return stem;
    }
    let folder = parts.map(slug).find(|folder| !folder.is_empty());
    folder.unwrap_or(stem)
}

/// The service that the document itself names.
pub(super) fn declared(root: &Value) -> Option<&str> {
    [
        "/x-service-name",
        "/x-service",
        "/info/x-service-name",
        "/info/x-service",
        "/info/x-backstage-component",
    ]
    .into_iter()
    .find_map(|pointer| root.pointer(pointer).and_then(Value::as_str))
    .filter(|name| !name.is_empty())
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().take(200) {
        if c.is_alphanumeric() {
            slug.extend(c.to_lowercase());
        } else if matches!(c, '.' | '_') {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches(['-', '.']).to_owned()
}

/// Where an API listens.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Servers {
    pub(super) hosts: BTreeSet<String>,
    /// In order of the servers, without the closing slash.
    pub(super) base_paths: Vec<String>,
    pub(super) n_listed: usize,
}

impl Servers {
    pub(super) fn of(root: &Value) -> Self {
        let mut found = Servers::default();
        let listed = root.get("servers").and_then(Value::as_array);
        for server in listed.into_iter().flatten() {
            found.n_listed += 1;
            if let Some(url) = server.get("url").and_then(Value::as_str) {
                found.add_url(&filled(url, server));
            }
        }
        // Swagger 2 has one server in two members.
        if let Some(host) = root.get("host").and_then(Value::as_str) {
            found.add_host(host);
        }
        if let Some(path) = root.get("basePath").and_then(Value::as_str) {
            found.add_path(path);
        }
        found
    }

    fn add_url(&mut self, url: &str) {
        let rest = match url.split_once("://") {
            Some((_, rest)) => rest,
            None => match url.strip_prefix("//") {
                Some(rest) => rest,
                None => return self.add_path(url),
            },
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        self.add_host(authority.rsplit('@').next().unwrap_or(authority));
        self.add_path(path);
    }

    fn add_host(&mut self, host: &str) {
        let host = host.to_ascii_lowercase();
        let name = host.split(':').next().unwrap_or_default();
        let is_local = matches!(name, "" | "localhost" | "127.0.0.1" | "0.0.0.0");
        if !is_local && !name.contains(['{', '}', ' ']) {
            self.hosts.insert(host);
        }
    }

    fn add_path(&mut self, path: &str) {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path.trim_end_matches('/');
        if !self.base_paths.iter().any(|known| known == path) {
            self.base_paths.push(path.to_owned());
        }
    }

    /// The path in front of every route, of the first server.
    pub(super) fn base_path(&self) -> &str {
        self.base_paths.first().map_or("", String::as_str)
    }
}

/// A server's address with the defaults of its variables.
fn filled(url: &str, server: &Value) -> String {
    let mut filled = url.to_owned();
    let variables = server.get("variables").and_then(Value::as_object);
    for (name, variable) in variables.into_iter().flatten().take(32) {
        if let Some(default) = variable.get("default").and_then(Value::as_str)
            && default.len() <= 256
        {
            filled = filled.replace(&format!("{{{name}}}"), default);
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn servers_of_both_generations() {
        let servers = Servers::of(&json!({"servers": [
            {"url": "https://{region}.shop.example:8443/api/{v}/", "variables": {"region": {"default": "eu"}, "v": {"default": "v1"}}},
            {"url": "http://localhost:8080"},
            {"url": "/relative"}
        ]}));
        assert_eq!(
            servers.hosts,
            BTreeSet::from(["eu.shop.example:8443".to_owned()])
        );
        assert_eq!(servers.base_paths, ["/api/v1", "", "/relative"]);
        let servers = Servers::of(&json!({"host": "Shop.example", "basePath": "/api/"}));
        assert_eq!(servers.hosts, BTreeSet::from(["shop.example".to_owned()]));
        assert_eq!(servers.base_path(), "/api");
    }
}
