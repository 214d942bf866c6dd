//! How many of everything there is, what each is called, and which belongs to which. All of it is
//! arithmetic on indexes, so any part of the generator can name any thing without remembering it.

use super::EstateConfig;
use super::rng::{Class, Rng, whole};

/// Counts at scale 1; each scales in proportion, and none falls below one.
macro_rules! sizes {
    ($($(#[$doc:meta])* $name:ident: $at_one:literal,)+) => {
        /// How many of each kind of thing an estate has.
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct Sizes { $($(#[$doc])* pub(crate) $name: u64,)+ }

        impl Sizes {
            fn new(scale: f64) -> Self {
                Self { $($name: scaled($at_one, scale),)+ }
            }
        }
    };
}

sizes! {
    packages: 40_000.0,
    vulnerabilities: 12_000.0,
    images: 850.0,
    repositories: 600.0,
    findings: 9_000.0,
    clusters: 8.0,
    namespaces: 160.0,
    nodes: 240.0,
    workloads: 4_000.0,
    services: 2_000.0,
    ingresses: 300.0,
    service_accounts: 2_500.0,
    secrets: 2_500.0,
    apis: 1_100.0,
    accounts: 24.0,
    roles: 3_000.0,
    users: 900.0,
    groups: 90.0,
    functions: 500.0,
    instances: 500.0,
    stores: 2_000.0,
    cloud_secrets: 500.0,
    teams: 120.0,
}

fn scaled(at_one: f64, scale: f64) -> u64 {
    whole((at_one * scale).round()).max(1)
}

/// Files with handlers in each repository.
pub(crate) const FILES_PER_REPOSITORY: u64 = 12;
/// Operations of each API.
pub(crate) const ROUTES_PER_API: u64 = 8;

/// The families of packages, by index modulo their number.
const ECOSYSTEMS: [&str; 16] = [
    "npm", "deb", "pypi", "npm", "maven", "npm", "golang", "npm", "deb", "pypi", "npm", "maven",
    "npm", "golang", "maven", "pypi",
];

/// Sizes, names and memberships of one estate.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) seed: u64,
    pub(crate) n: Sizes,
}

impl Layout {
    pub(crate) fn new(config: &EstateConfig) -> Self {
        Self {
            seed: config.seed(),
            n: Sizes::new(config.scale()),
        }
    }

    pub(crate) fn rng(&self, class: Class, idx: u64) -> Rng {
        Rng::new(self.seed, class, idx)
    }

    // Packages.

    pub(crate) fn ecosystem(package: u64) -> &'static str {
        ECOSYSTEMS[(package % ECOSYSTEMS.len() as u64) as usize]
    }

    /// The package nearest to `wanted`, going up and around, of the ecosystem.
    pub(crate) fn nearest_of(&self, wanted: u64, ecosystem: &str) -> u64 {
        let n = self.n.packages;
        (0..ECOSYSTEMS.len() as u64)
            .map(|step| (wanted + step) % n)
            .find(|package| Self::ecosystem(*package) == ecosystem)
            .unwrap_or(wanted)
    }

    /// Name without namespace; three neighbours of one slot are versions of one name.
    pub(crate) fn package_name(package: u64) -> String {
        let slots = ECOSYSTEMS.len() as u64;
        format!("lib-{}-{}", package % slots, package / slots / 3)
    }

    pub(crate) fn package_version(package: u64) -> String {
        format!("{}.0.0", 1 + package / ECOSYSTEMS.len() as u64 % 3)
    }

    /// The other version of the same name that lies `step` later, if there is one.
    pub(crate) fn later_version(&self, package: u64, step: u64) -> Option<u64> {
        let slots = ECOSYSTEMS.len() as u64;
        let later = package + step * slots;
        let same_name = package / slots / 3 == later / slots / 3;
        (same_name && later < self.n.packages).then_some(later)
    }

    pub(crate) fn package(package: u64) -> String {
        let name = Self::package_name(package);
        let version = Self::package_version(package);
        match Self::ecosystem(package) {
            "maven" => format!("pkg:maven/com.example/{name}@{version}"),
            "golang" => format!("pkg:golang/example.com/{name}@v{version}"),
            "deb" => format!("pkg:deb/debian/{name}@{version}"),
            ecosystem => format!("pkg:{ecosystem}/{name}@{version}"),
        }
    }

    pub(crate) fn vulnerability(idx: u64) -> String {
        format!("vuln:SYN-2026-{idx:06}")
    }

    // Code and images.

    pub(crate) fn repository(idx: u64) -> String {
        format!("repo://git.example.com/estate/repo-{idx}")
    }

    pub(crate) fn file_path(file: u64) -> String {
        format!("src/handlers/part_{}.py", file % FILES_PER_REPOSITORY)
    }

    pub(crate) fn file(repository: u64, file: u64) -> String {
        format!("{}#{}", Self::repository(repository), Self::file_path(file))
    }

    pub(crate) fn image_digest(&self, idx: u64) -> String {
        let mut rng = self.rng(Class::Image, idx);
        let words: Vec<String> = (0..4).map(|_| format!("{:016x}", rng.next())).collect();
        format!("sha256:{}", words.concat())
    }

    pub(crate) fn image(&self, idx: u64) -> String {
        format!("image://{}", self.image_digest(idx))
    }

    pub(crate) fn repository_of_image(&self, image: u64) -> u64 {
        image % self.n.repositories
    }

    // Clusters.

    pub(crate) fn cluster_of_namespace(&self, namespace: u64) -> u64 {
        namespace % self.n.clusters
    }

    pub(crate) fn cluster(idx: u64) -> String {
        format!("k8s://cl-{idx}")
    }

    pub(crate) fn namespace(&self, idx: u64) -> String {
        let cluster = self.cluster_of_namespace(idx);
        format!("k8s://cl-{cluster}/-/Namespace/ns-{idx}")
    }

    pub(crate) fn node(&self, idx: u64) -> String {
        format!("k8s://cl-{}/-/Node/node-{idx}", idx % self.n.clusters)
    }

    fn namespaced(&self, namespace: u64, kind: &str, name: &str) -> String {
        let cluster = self.cluster_of_namespace(namespace);
        format!("k8s://cl-{cluster}/ns-{namespace}/{kind}/{name}")
    }

    pub(crate) fn namespace_of(&self, member: u64) -> u64 {
        member % self.n.namespaces
    }

    pub(crate) fn workload_kind(&self, idx: u64) -> &'static str {
        self.rng(Class::Workload, idx).weighted(&[
            ("Deployment", 78),
            ("StatefulSet", 10),
            ("DaemonSet", 4),
            ("CronJob", 8),
        ])
    }

    pub(crate) fn workload(&self, idx: u64) -> String {
        let kind = self.workload_kind(idx);
        self.namespaced(self.namespace_of(idx), kind, &format!("wl-{idx}"))
    }

    pub(crate) fn service(&self, idx: u64) -> String {
        self.namespaced(self.namespace_of(idx), "Service", &format!("svc-{idx}"))
    }

    pub(crate) fn ingress(&self, idx: u64) -> String {
        self.namespaced(self.namespace_of(idx), "Ingress", &format!("in-{idx}"))
    }

    pub(crate) fn service_account(&self, idx: u64) -> String {
        self.namespaced(
            self.namespace_of(idx),
            "ServiceAccount",
            &format!("sa-{idx}"),
        )
    }

    pub(crate) fn secret(&self, idx: u64) -> String {
        self.namespaced(self.namespace_of(idx), "Secret", &format!("sec-{idx}"))
    }

    /// The workload behind a service.
    pub(crate) fn workload_of_service(&self, service: u64) -> Option<u64> {
        let namespace = self.namespace_of(service);
        let nth = service / self.n.namespaces * 2;
        member(self.n.workloads, self.n.namespaces, namespace, nth)
    }

    /// The image of a workload's first container; few images run in many places.
    pub(crate) fn image_of_workload(&self, workload: u64) -> u64 {
        let mut rng = self.rng(Class::Workload, workload);
        rng.next();
        rng.popular(self.n.images, 6)
    }

    /// The repository whose code answers at a service.
    pub(crate) fn repository_of_service(&self, service: u64) -> Option<u64> {
        self.workload_of_service(service)
            .map(|workload| self.repository_of_image(self.image_of_workload(workload)))
    }

    // APIs.

    pub(crate) fn service_of_api(&self, api: u64) -> u64 {
        api % self.n.services
    }

    pub(crate) fn api(idx: u64) -> String {
        format!("api://svc-{idx}")
    }

    pub(crate) fn route_method(nth: u64) -> &'static str {
        ["GET", "POST", "GET", "PUT", "GET", "POST", "DELETE", "GET"][(nth % 8) as usize]
    }

    pub(crate) fn route_path(nth: u64) -> String {
        let object = if nth.is_multiple_of(2) { "" } else { "/{id}" };
        format!("/v1/thing-{nth}{object}")
    }

    pub(crate) fn route(api: u64, nth: u64) -> String {
        format!(
            "{}/{} {}",
            Self::api(api),
            Self::route_method(nth),
            Self::route_path(nth)
        )
    }

    /// Where the handler of an operation lies: repository and file.
    pub(crate) fn handler_of(&self, api: u64, nth: u64) -> Option<(u64, u64)> {
        let repository = self.repository_of_service(self.service_of_api(api))?;
        let file = (api.wrapping_mul(31) + nth) % FILES_PER_REPOSITORY;
        Some((repository, file))
    }

    // Cloud.

    pub(crate) fn account_number(&self, member: u64) -> String {
        format!("{:012}", 100_000_000_000 + member % self.n.accounts)
    }

    pub(crate) fn account(&self, idx: u64) -> String {
        format!("aws://{}", self.account_number(idx))
    }

    pub(crate) fn role(&self, idx: u64) -> String {
        format!("arn:aws:iam::{}:role/role-{idx}", self.account_number(idx))
    }

    pub(crate) fn user(&self, idx: u64) -> String {
        format!("arn:aws:iam::{}:user/user-{idx}", self.account_number(idx))
    }

    pub(crate) fn group(&self, idx: u64) -> String {
        format!(
            "arn:aws:iam::{}:group/group-{idx}",
            self.account_number(idx)
        )
    }

    pub(crate) fn cloud_secret(&self, idx: u64) -> String {
        let account = self.account_number(idx);
        format!("arn:aws:secretsmanager:eu-west-1:{account}:secret:sec-{idx}")
    }

    pub(crate) fn store_kind(&self, idx: u64) -> StoreKind {
        self.rng(Class::Store, idx).weighted(&[
            (StoreKind::Bucket, 45),
            (StoreKind::Database, 30),
            (StoreKind::Table, 17),
            (StoreKind::Queue, 8),
        ])
    }

    pub(crate) fn store(&self, idx: u64) -> String {
        let account = self.account_number(idx);
        match self.store_kind(idx) {
            StoreKind::Bucket => format!("arn:aws:s3:::estate-{account}-{idx}"),
            StoreKind::Database => format!("arn:aws:rds:eu-west-1:{account}:db:db-{idx}"),
            StoreKind::Table => format!("arn:aws:dynamodb:eu-west-1:{account}:table/t-{idx}"),
            StoreKind::Queue => format!("arn:aws:sqs:eu-west-1:{account}:q-{idx}"),
        }
    }

    /// Whether losing the store hurts: one in ten, and always the first.
    pub(crate) fn is_crown_jewel(idx: u64) -> bool {
        idx.is_multiple_of(10)
    }

    pub(crate) fn team(idx: u64) -> String {
        format!("team://team-{idx}")
    }
}

/// The kinds of data stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Bucket,
    Database,
    Table,
    Queue,
}

impl StoreKind {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Bucket => "Bucket",
            Self::Database => "Database",
            Self::Table => "Table",
            Self::Queue => "Queue",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bucket => "bucket",
            Self::Database => "database",
            Self::Table => "table",
            Self::Queue => "queue",
        }
    }

    /// The cloud action that reads it.
    pub(crate) fn read_action(self) -> &'static str {
        match self {
            Self::Bucket => "s3:GetObject",
            Self::Database => "rds-db:connect",
            Self::Table => "dynamodb:GetItem",
            Self::Queue => "sqs:ReceiveMessage",
        }
    }

    /// The cloud action that changes what it holds.
    pub(crate) fn write_action(self) -> &'static str {
        match self {
            Self::Bucket => "s3:PutObject",
            Self::Database => "rds:ModifyDBInstance",
            Self::Table => "dynamodb:PutItem",
            Self::Queue => "sqs:SendMessage",
        }
    }
}

/// Of `total` things dealt in turn to `groups`, the `nth` (going around) that `group` got.
pub(crate) fn member(total: u64, groups: u64, group: u64, nth: u64) -> Option<u64> {
    let count = count_in(total, groups, group);
    (count > 0).then(|| group + groups * (nth % count))
}

/// Of `total` things dealt in turn to `groups`, how many `group` got.
pub(crate) fn count_in(total: u64, groups: u64, group: u64) -> u64 {
    total / groups + u64::from(group < total % groups)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_of_a_group_belong_to_it() {
        for (total, groups) in [(10, 3), (3, 10), (1, 1), (24, 8)] {
            let mut all = Vec::new();
            for group in 0..groups {
                let count = count_in(total, groups, group);
                for nth in 0..count {
                    let found = member(total, groups, group, nth).unwrap();
                    assert_eq!(found % groups, group);
                    all.push(found);
                }
                assert_eq!(member(total, groups, group, count).is_some(), count > 0);
            }
            all.sort_unstable();
            assert_eq!(all, (0..total).collect::<Vec<_>>());
        }
    }

    #[test]
    fn versions_of_one_name_share_it() {
        let layout = Layout::new(&EstateConfig::new(0.01, 1).unwrap());
        let later = layout.later_version(0, 2).unwrap();
        assert_eq!(Layout::package_name(0), Layout::package_name(later));
        assert_ne!(Layout::package(0), Layout::package(later));
        assert_eq!(layout.later_version(0, 3), None);
    }
}
