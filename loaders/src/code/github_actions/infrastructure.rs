//! Infrastructure that a job brings about as the repository describes it.

use std::collections::BTreeSet;

use super::workflow::Job;

/// Commands that change infrastructure.
const APPLYING: [&str; 12] = [
    "terraform apply",
    "tofu apply",
    "terragrunt apply",
    "terragrunt run-all apply",
    "pulumi up",
    "cdk deploy",
    "cdktf deploy",
    "sam deploy",
    "serverless deploy",
    "aws cloudformation deploy",
    "aws cloudformation update-stack",
    "aws cloudformation create-stack",
];

/// The ARNs of roles as which the job changes infrastructure, where the workflow names them.
pub(super) fn applied_as(job: &Job<'_>) -> BTreeSet<String> {
    let scripts = job.steps.iter().filter_map(|step| step.run());
    let mut commands = scripts.flat_map(str::lines).map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.join(" ")
    });
    let applies = commands.any(|line| {
        !line.starts_with('#') && APPLYING.iter().any(|command| line.contains(command))
    });
    if !applies {
        return BTreeSet::new();
    }
    roles(job)
}

/// The ARNs of roles that the job asks for by name.
fn roles(job: &Job<'_>) -> BTreeSet<String> {
    let is_login = |name: &str| name == "aws-actions/configure-aws-credentials";
    let steps = job.steps.iter();
    steps
        .filter(|step| step.action().as_deref().is_some_and(is_login))
        .filter_map(|step| step.with("role-to-assume"))
        .filter(|arn| arn.starts_with("arn:") && arn.contains(":role/") && !arn.contains("${{"))
        .map(|arn| arn.trim().to_owned())
        .collect()
}
