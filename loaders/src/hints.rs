//! What a configured value points at: hosts, buckets, tables, queues. Never anything else of the
//! value, which may hold credentials.

use std::collections::BTreeSet;

use crate::cloud::arn::queue_arn;

/// How much of one value is looked at.
const MAX_VALUE_BYTES: usize = 65_536;
/// How many hints one owner keeps.
const MAX_HINTS: usize = 512;

/// Hints gathered from the variables of one workload, function or configuration map.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Hints {
    /// `VARIABLE=host` or `VARIABLE=host:port`.
    pub(crate) hosts: BTreeSet<String>,
    /// `VARIABLE=name` of buckets, tables, queues, topics, and ARNs.
    pub(crate) resources: BTreeSet<String>,
}

impl Hints {
    /// Looks at one variable.
    pub(crate) fn variable(&mut self, name: &str, value: &str) {
        let value = clip(value.trim());
        if value.is_empty() || name.is_empty() || name.len() > 256 {
            return;
        }
        for host in hosts(name, value) {
            self.host(name, &host);
        }
        for resource in resources(name, value) {
            self.resource(name, &resource);
        }
    }

    /// Looks at a file of `key = value` or `key: value` lines; a one-line value counts as the
    /// value of `name` itself.
    pub(crate) fn file(&mut self, name: &str, content: &str) {
        let content = clip(content);
        if !content.trim_end().contains('\n') {
            self.variable(name, content);
            return;
        }
        for line in content.lines() {
            let line = line.trim().trim_start_matches("- ");
            if line.starts_with('#') || line.starts_with("//") {
                continue;
            }
            let split = line
                .char_indices()
                .find(|(_, c)| matches!(c, '=' | ':'))
                .map(|(at, _)| (&line[..at], line[at + 1..].trim()));
            let (key, value) = match split {
                Some((key, value)) if !value.starts_with("//") => (key, value),
                _ => (name, line),
            };
            let key = key.trim().trim_matches(['"', '\'']);
            let value = value.trim_end_matches([',', ';']).trim_matches(['"', '\'']);
            let key = if key.is_empty() || key.contains(char::is_whitespace) {
                name
            } else {
                key
            };
            self.variable(key, value);
        }
    }

    fn host(&mut self, name: &str, host: &str) {
        if self.hosts.len() < MAX_HINTS {
            self.hosts.insert(format!("{name}={host}"));
        }
    }

    fn resource(&mut self, name: &str, resource: &str) {
        if self.resources.len() < MAX_HINTS {
            self.resources.insert(format!("{name}={resource}"));
        }
    }
}

fn clip(text: &str) -> &str {
    if text.len() <= MAX_VALUE_BYTES {
        return text;
    }
    let mut end = MAX_VALUE_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The hosts a value names, as `host` or `host:port`.
fn hosts(name: &str, value: &str) -> Vec<String> {
    if value.contains("://") {
        return url_hosts(value);
    }
    let wrapped = bracketed(value, "tcp(");
    if !wrapped.is_empty() {
        return wrapped;
    }
    let assigned = assigned_hosts(value);
    if !assigned.is_empty() {
        return assigned;
    }
    if speaks_of(name, SECRET_WORDS) {
        return Vec::new();
    }
    let hinted = speaks_of(name, HOST_WORDS);
    value
        .split(',')
        .map(str::trim)
        .filter_map(|part| plain_host(part, hinted))
        .take(16)
        .collect()
}

const HOST_WORDS: &[&str] = &[
    "host",
    "hostname",
    "addr",
    "address",
    "addresses",
    "endpoint",
    "endpoints",
    "url",
    "uri",
    "server",
    "servers",
    "broker",
    "brokers",
    "dsn",
    "hosts",
    "upstream",
    "bootstrap",
    "nodes",
    "proxy",
    "origin",
];
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "pwd",
    "auth",
    "credentials",
    "secret",
    "token",
    "key",
    "credential",
];
const RESOURCE_WORDS: &[&str] = &["bucket", "table", "queue", "topic", "stream", "collection"];

/// Whether one of the words of a variable's name (`DB_HOST`, `dbHost`, `db.host`) is in the list.
fn speaks_of(name: &str, words: &[&str]) -> bool {
    let mut word = String::new();
    let mut previous_lower = false;
    for c in name.chars().chain(['_']) {
        let boundary = !c.is_alphanumeric() || c.is_uppercase() && previous_lower;
        if boundary {
            if words.contains(&word.as_str()) {
                return true;
            }
            word.clear();
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        previous_lower = c.is_lowercase();
    }
    false
}

/// The hosts of every URL in a value; user, password, path and query are left behind.
fn url_hosts(value: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(at) = rest.find("://") {
        let scheme = rest[..at]
            .rsplit(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c))
            .next()
            .unwrap_or_default();
        let after = &rest[at + 3..];
        let url_end = after
            .find(|c: char| c.is_whitespace() || "\"'<>|`".contains(c))
            .unwrap_or(after.len());
        let url = &after[..url_end];
        let authority_end = url.find(['/', '?', '#', ';']).unwrap_or(url.len());
        let authority = &url[..authority_end];
        // An `@` behind the authority means a password with a slash in it: what looks like a host
        // would be a user or a piece of the password.
        let torn = !authority.contains('@') && url[authority_end..].contains('@');
        let named = !matches!(scheme, "s3" | "file" | "arn");
        if !torn && named {
            let hosts = authority.rsplit('@').next().unwrap_or_default();
            let hosts = bracketed(hosts, "tcp(")
                .first()
                .cloned()
                .unwrap_or(hosts.to_owned());
            found.extend(hosts.split(',').filter_map(|host| plain_host(host, true)));
        }
        rest = after;
        if found.len() >= 16 {
            break;
        }
    }
    found.truncate(16);
    found
}

/// `user:password@tcp(host:port)/db`, the way Go's drivers write it.
fn bracketed(value: &str, opening: &str) -> Vec<String> {
    value
        .split_once(opening)
        .and_then(|(_, rest)| rest.split_once(')'))
        .and_then(|(host, _)| plain_host(host, true))
        .into_iter()
        .collect()
}

/// `Server=host;Database=..` and `host=.. port=..`.
fn assigned_hosts(value: &str) -> Vec<String> {
    if !value.contains('=') {
        return Vec::new();
    }
    let separator: fn(char) -> bool = if value.contains(';') {
        |c| c == ';'
    } else {
        char::is_whitespace
    };
    value
        .split(separator)
        .filter_map(|part| part.split_once('='))
        .filter(|(key, _)| {
            matches!(
                key.trim().to_ascii_lowercase().as_str(),
                "server" | "host" | "hostaddr" | "data source" | "addr" | "address" | "endpoint"
            )
        })
        .filter_map(|(_, host)| {
            let host = host.trim();
            let host = host.strip_prefix("tcp:").unwrap_or(host).replace(',', ":");
            plain_host(&host, true)
        })
        .take(16)
        .collect()
}

/// `host` or `host:port`, if the text is nothing else. `hinted`: the variable's name says it is a
/// host; otherwise a port or a telling suffix is wanted.
fn plain_host(text: &str, hinted: bool) -> Option<String> {
    let text = text.trim();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
        None => (text, None),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if !is_host_name(&host) || is_this_machine(&host) {
        return None;
    }
    let is_number = host.bytes().all(|byte| byte.is_ascii_digit());
    let telling = [
        ".svc",
        ".local",
        ".amazonaws.com",
        ".azure.com",
        ".windows.net",
        ".googleapis.com",
        ".internal",
    ]
    .iter()
    .any(|suffix| host.ends_with(suffix));
    if is_number || !(hinted || telling || port.is_some() && host.contains(char::is_alphabetic)) {
        return None;
    }
    Some(match port {
        Some(port) => format!("{host}:{port}"),
        None => host,
    })
}

fn is_host_name(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 253
        && host.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        })
}

fn is_this_machine(host: &str) -> bool {
    matches!(
        host,
        "localhost" | "0.0.0.0" | "true" | "false" | "none" | "null" | "yes" | "no"
    ) || host.starts_with("127.")
}

/// The buckets, tables, queues and ARNs a value names.
fn resources(name: &str, value: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some((_, rest)) = value.split_once("s3://") {
        let end = rest
            .find(|c: char| c == '/' || c.is_whitespace() || "\"',".contains(c))
            .unwrap_or(rest.len());
        if is_resource_name(&rest[..end]) {
            found.push(rest[..end].to_owned());
        }
    } else if let Some(queue) = queue_arn(value) {
        found.push(queue);
    } else if value.starts_with("arn:") && value.split(':').count() >= 6 && !value.contains(":iam:")
    {
        let end = value
            .find(|c: char| c.is_whitespace() || "\"',".contains(c))
            .unwrap_or(value.len());
        if end <= 1024 {
            found.push(value[..end].to_owned());
        }
    } else if speaks_of(name, RESOURCE_WORDS)
        && !speaks_of(name, SECRET_WORDS)
        && is_resource_name(value)
        && !value.bytes().all(|byte| byte.is_ascii_digit())
        && !is_this_machine(value)
    {
        found.push(value.to_owned());
    }
    found
}

fn is_resource_name(text: &str) -> bool {
    (3..=255).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, value: &str) -> String {
        let mut hints = Hints::default();
        hints.variable(name, value);
        let all: Vec<_> = hints.hosts.into_iter().chain(hints.resources).collect();
        all.join(" ")
    }

    #[test]
    fn hosts_are_found_in_every_usual_form() {
        for (name, value, expected) in [
            (
                "REDIS_ADDR",
                "redis-cart:6379",
                "REDIS_ADDR=redis-cart:6379",
            ),
            ("DB_HOST", "orders", "DB_HOST=orders"),
            ("dbHost", "orders.prod.svc", "dbHost=orders.prod.svc"),
            (
                "X",
                "orders.prod.svc.cluster.local",
                "X=orders.prod.svc.cluster.local",
            ),
            ("URL", "https://api.example/v1?a=b", "URL=api.example"),
            (
                "D",
                "postgres://app:EXAMPLE@db.example:5432/shop?x=y@z",
                "D=db.example:5432",
            ),
            (
                "D",
                "jdbc:postgresql://db.example:5432/shop?user=a",
                "D=db.example:5432",
            ),
            (
                "D",
                "jdbc:sqlserver://db.example:1433;user=a",
                "D=db.example:1433",
            ),
            (
                "D",
                "mongodb://u:EXAMPLE@m1.example:27017,m2.example:27017/x",
                "D=m1.example:27017 D=m2.example:27017",
            ),
            ("D", "app:EXAMPLE@tcp(db:3306)/shop", "D=db:3306"),
            (
                "D",
                "Server=tcp:db.example,1433;Database=x;Password=EXAMPLE",
                "D=db.example:1433",
            ),
            (
                "D",
                "host=db.example port=5432 password=EXAMPLE",
                "D=db.example",
            ),
            (
                "KAFKA_BROKERS",
                "k1:9092,k2:9092",
                "KAFKA_BROKERS=k1:9092 KAFKA_BROKERS=k2:9092",
            ),
            (
                "Q",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
                "Q=sqs.eu-west-1.amazonaws.com Q=arn:aws:sqs:eu-west-1:111122223333:jobs",
            ),
            ("S3_BUCKET", "acme-cards", "S3_BUCKET=acme-cards"),
            ("DATA", "s3://acme-cards/in", "DATA=acme-cards"),
            (
                "T",
                "arn:aws:dynamodb:eu-west-1:111122223333:table/x",
                "T=arn:aws:dynamodb:eu-west-1:111122223333:table/x",
            ),
        ] {
            assert_eq!(of(name, value), expected, "{name}={value}");
        }
    }

    #[test]
    fn nothing_else_is_kept() {
        for (name, value) in [
            ("PORT", "8080"),
            ("LOG", "debug"),
            ("VERSION", "v1.2.3"),
            ("CLASS", "com.acme.Main"),
            ("DB_PASSWORD", "EXAMPLE"),
            ("API_KEY", "EXAMPLE.EXAMPLE:8080"),
            ("DB_HOST", "localhost"),
            ("DB_HOST", "${DB}"),
            ("D", "postgres://app:12345/EXAMPLE@db/shop"),
            ("BIND_ADDR", "0.0.0.0:80"),
            ("N", "3:30"),
            ("EMPTY_HOST", ""),
        ] {
            assert_eq!(of(name, value), "", "{name}={value}");
        }
    }

    #[test]
    fn files_are_read_line_by_line() {
        let mut hints = Hints::default();
        hints.file(
            "application.yaml",
            "# db.host: old\nspring:\n  datasource:\n    url: jdbc:mysql://db.shop:3306/x\n    password: EXAMPLE\nredis.host = cache\nhttp://plain.example/x\n",
        );
        let all: Vec<_> = hints.hosts.into_iter().collect();
        assert_eq!(
            all,
            [
                "application.yaml=plain.example",
                "redis.host=cache",
                "url=db.shop:3306"
            ]
        );
    }
}
