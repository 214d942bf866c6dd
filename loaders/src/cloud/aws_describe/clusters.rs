//! Managed Kubernetes clusters, `aws eks describe-cluster`: who issues the tokens of a cluster's
//! service accounts, so that correlation can hold a role's trust policy against it.

use serde::Deserialize;

use crate::error::LoadError;

use super::{Export, Members};

#[derive(Debug, Deserialize)]
struct Cluster {
    name: String,
    arn: Option<String>,
    identity: Option<Identity>,
    #[serde(rename = "resourcesVpcConfig")]
    network: Option<Network>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Network {
    endpoint_public_access: Option<bool>,
    public_access_cidrs: Option<Vec<String>>,
}

impl Network {
    fn is_public(&self) -> Option<bool> {
        let ranges = self.public_access_cidrs.as_deref();
        let everyone = |range: &String| range == "0.0.0.0/0" || range == "::/0";
        let admits_everyone = ranges.is_none_or(|ranges| ranges.iter().any(everyone));
        Some(self.endpoint_public_access? && admits_everyone)
    }
}

#[derive(Debug, Deserialize)]
struct Identity {
    oidc: Option<Oidc>,
}

#[derive(Debug, Deserialize)]
struct Oidc {
    issuer: Option<String>,
}

/// Reads the member `cluster`. The cluster is the one that the surroundings name, else the one of
/// its own name: objects of the cluster do not say where they come from.
pub(super) fn read(export: &mut Export<'_>, members: &mut Members) -> Result<(), LoadError> {
    if !is_cluster(members) {
        return Ok(());
    }
    let Some(cluster) = members.take::<Cluster>("cluster")? else {
        return Ok(());
    };
    let public = cluster.network.as_ref().and_then(Network::is_public);
    let name = export.cluster.unwrap_or(&cluster.name).replace('/', "%2F");
    let id = format!("k8s://{name}");
    let issuer = cluster
        .identity
        .and_then(|identity| identity.oidc)
        .and_then(|oidc| oidc.issuer);
    let node = export.facts.node(&id, &["Cluster"])?;
    export.facts.set(node, "name", name.as_str());
    let issuer = issuer.as_deref().map(|issuer| {
        let plain = issuer.strip_prefix("https://").unwrap_or(issuer);
        plain.trim_end_matches('/')
    });
    export.facts.set_opt(node, "oidc_issuer", issuer);
    export.facts.set_opt(node, "endpoint_public", public);
    export.belongs(&id, cluster.arn.as_deref())
}

fn is_cluster(members: &Members) -> bool {
    members
        .members
        .get("cluster")
        .and_then(|cluster| cluster.get("arn"))
        .and_then(|arn| arn.as_str())
        .is_some_and(|arn| arn.contains(":eks:"))
}
