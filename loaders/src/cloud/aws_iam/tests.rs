use expect_test::expect;

use crate::testing::{check, check_error};

#[test]
fn an_account() {
    check(
        "authz.json",
        r#"{
  "UserDetailList": [{"UserName": "ann", "Arn": "arn:aws:iam::111122223333:user/ann", "GroupList": ["ops", "elsewhere"],
    "PermissionsBoundary": {"PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/fence"}}],
  "GroupDetailList": [{"GroupName": "ops", "Arn": "arn:aws:iam::111122223333:group/team/ops",
    "GroupPolicyList": [{"PolicyName": "look", "PolicyDocument": "%7B%22Statement%22%3A%5B%5D%7D"}]}],
  "RoleDetailList": [{"RoleName": "web", "Arn": "arn:aws:iam::111122223333:role/web",
    "AssumeRolePolicyDocument": {"Statement": [
      {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com", "AWS": ["arn:aws:iam::444455556666:root", "AROAEXAMPLE"]}, "Action": "sts:AssumeRole"},
      {"Effect": "Allow", "Principal": {"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.example/id/1"}, "Action": "sts:AssumeRoleWithWebIdentity", "Condition": {"StringEquals": {"oidc.example/id/1:sub": "system:serviceaccount:shop:web"}}},
      {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}]},
    "AttachedManagedPolicies": [{"PolicyName": "ReadOnlyAccess", "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}],
    "InstanceProfileList": [{"InstanceProfileName": "web", "Arn": "arn:aws:iam::111122223333:instance-profile/web"}]}],
  "Policies": [{"PolicyName": "fence", "Arn": "arn:aws:iam::111122223333:policy/fence", "DefaultVersionId": "v2", "PolicyVersionList": [
    {"VersionId": "v1", "IsDefaultVersion": false, "Document": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}},
    {"VersionId": "v2", "IsDefaultVersion": true, "Document": {"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {}}}}}]}]
}"#,
        &expect![[r#"
            arn:aws:iam::111122223333:group/team/ops :Identity:CloudGroup name="ops"
            aws://111122223333 :Account name="111122223333"
            arn:aws:iam::111122223333:group/team/ops#look :CloudPolicy document="{\"Statement\":[]}" inline=true name="look"
            arn:aws:iam::111122223333:user/ann :Identity:CloudUser name="ann" permission_boundary="arn:aws:iam::111122223333:policy/fence"
            arn:aws:iam::111122223333:role/web :Identity:CloudRole name="web" trust_policy="{\"Statement\":[{\"Action\":\"sts:AssumeRole\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":[\"arn:aws:iam::444455556666:root\",\"AROAEXAMPLE\"],\"Service\":\"ec2.amazonaws.com\"}},{\"Action\":\"sts:AssumeRoleWithWebIdentity\",\"Condition\":{\"StringEquals\":{\"oidc.example/id/1:sub\":\"system:serviceaccount:shop:web\"}},\"Effect\":\"Allow\",\"Principal\":{\"Federated\":\"arn:aws:iam::111122223333:oidc-provider/oidc.example/id/1\"}},{\"Action\":\"sts:AssumeRole\",\"Effect\":\"Deny\",\"Principal\":\"*\"}]}"
            arn:aws:iam::111122223333:oidc-provider/oidc.example/id/1 :IdentityProvider name="oidc.example/id/1"
            aws-service:ec2.amazonaws.com :CloudService name="ec2.amazonaws.com"
            aws://444455556666 :Account name="444455556666"
            arn:aws:iam::aws:policy/ReadOnlyAccess :CloudPolicy inline=false name="ReadOnlyAccess"
            arn:aws:iam::111122223333:instance-profile/web :InstanceProfile name="web"
            arn:aws:iam::111122223333:policy/fence :CloudPolicy document="{\"Statement\":{\"Action\":\"s3:*\",\"Condition\":{\"Bool\":{}},\"Effect\":\"Allow\",\"Resource\":\"*\"}}" inline=false name="fence"
            arn:aws:iam::111122223333:group/team/ops -IN_ACCOUNT-> aws://111122223333
            arn:aws:iam::111122223333:group/team/ops -HAS_POLICY-> arn:aws:iam::111122223333:group/team/ops#look [inline] boundary=false
            arn:aws:iam::111122223333:user/ann -HAS_POLICY-> arn:aws:iam::111122223333:policy/fence [boundary] boundary=true
            arn:aws:iam::111122223333:user/ann -IN_ACCOUNT-> aws://111122223333
            arn:aws:iam::111122223333:user/ann -MEMBER_OF-> arn:aws:iam::111122223333:group/team/ops
            arn:aws:iam::111122223333:user/ann -MEMBER_OF-> arn:aws:iam::111122223333:group/elsewhere
            arn:aws:iam::111122223333:role/web -IN_ACCOUNT-> aws://111122223333
            arn:aws:iam::111122223333:role/web -TRUSTS-> arn:aws:iam::111122223333:oidc-provider/oidc.example/id/1 conditional=true
            arn:aws:iam::111122223333:role/web -TRUSTS-> aws-service:ec2.amazonaws.com conditional=false
            arn:aws:iam::111122223333:role/web -TRUSTS-> aws://444455556666 conditional=false
            arn:aws:iam::111122223333:role/web -HAS_POLICY-> arn:aws:iam::aws:policy/ReadOnlyAccess [attached] boundary=false
            arn:aws:iam::111122223333:instance-profile/web -RUNS_AS-> arn:aws:iam::111122223333:role/web
            arn:aws:iam::111122223333:policy/fence -IN_ACCOUNT-> aws://111122223333
            attached_policy_edges=1 default_version_statements=1 group_memberships=2 groups=1 inline_policies=1 instance_profiles=1 managed_policies=1 policy_versions=2 roles=1 statements_action_star=0 statements_with_condition=1 statements_with_not_action=0 trust_statements=3 users=1
            warning principal not understood x1: AWS `AROAEXAMPLE`
        "#]],
    );
}

#[test]
fn bare_documents() {
    check(
        "policy.json",
        r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["s3:Get*", "s3:PutObject"], "Resource": "*"}}"#,
        &expect![[r#"
            policy:a3602e7df6c6278ac8e0f3f0126b3d10 :CloudPolicy document="{\"Statement\":{\"Action\":[\"s3:Get*\",\"s3:PutObject\"],\"Effect\":\"Allow\",\"Resource\":\"*\"},\"Version\":\"2012-10-17\"}" inline=false
            actions=2 effects.Allow=1 statements=1 wildcard_actions=1
        "#]],
    );
    check(
        "bucket-policy.json",
        r#"{"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::cards/*"}]}"#,
        &expect![[r#"
            arn:aws:s3:::cards :DataStore:Bucket kind="bucket" name="cards" policy="{\"Statement\":[{\"Action\":\"s3:*\",\"Effect\":\"Deny\",\"Principal\":\"*\",\"Resource\":\"arn:aws:s3:::cards/*\"}]}"
            actions=1 effects.Deny=1 statements=1 wildcard_actions=1
        "#]],
    );
    check(
        "role.json",
        r#"{"Role": {"RoleName": "open", "Arn": "arn:aws:iam::111122223333:role/open", "AssumeRolePolicyDocument": {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}}}"#,
        &expect![[r#"
            arn:aws:iam::111122223333:role/open :Identity:CloudRole name="open" trust_policy="{\"Statement\":{\"Action\":\"sts:AssumeRole\",\"Effect\":\"Allow\",\"Principal\":\"*\"}}"
            aws://111122223333 :Account name="111122223333"
            aws://* :AnyPrincipal name="everyone"
            arn:aws:iam::111122223333:role/open -IN_ACCOUNT-> aws://111122223333
            arn:aws:iam::111122223333:role/open -TRUSTS-> aws://* conditional=false
            members.Role=3 roles=1 trust_statements=1
        "#]],
    );
}

#[test]
fn broken_accounts_are_named() {
    check_error(
        "x.json",
        r#"{"UserDetailList": [{"UserName": "ann"}]}"#,
        &expect!["at `/UserDetailList/0`: missing field `Arn`"],
    );
    check_error(
        "x.json",
        r#"{"RoleDetailList": [{"RoleName": "a", "Arn": "web"}]}"#,
        &expect!["whole document: id `web` has no scheme; write `scheme:rest`"],
    );
    check_error(
        "x.json",
        r#"{"RoleDetailList": [{"RoleName": "a", "RoleName": "b"}]}"#,
        &expect!["line 1 column 54: key `RoleName` occurs twice"],
    );
    check_error(
        "x.json",
        r#"{"RoleDetailList": ["#,
        &expect!["line 1 column 20: the document ends inside a list"],
    );
}
