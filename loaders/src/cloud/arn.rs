//! Amazon resource names.

/// The parts of `arn:<partition>:<service>:<region>:<account>:<resource>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits a name; `None` where it has too few parts.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let arn = parts.next()? == "arn";
        let [partition, service, region, account, resource] = [
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
            parts.next()?,
        ];
        (arn && !service.is_empty() && !resource.is_empty()).then_some(Self {
            partition,
            service,
            region,
            account,
            resource,
        })
    }

    /// The account, where the name holds one.
    pub(super) fn account_id(&self) -> Option<String> {
        is_account(self.account).then(|| account_id(self.account))
    }
}

/// The node id of an account.
pub(super) fn account_id(account: &str) -> String {
    format!("aws://{account}")
}

/// Whether a text is the number of an account. Real ones have twelve digits; masked exports hold
/// a digit more or less.
pub(super) fn is_account(text: &str) -> bool {
    (11..=13).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The ARN of a queue from its address:
/// `https://sqs.<region>.amazonaws.com/<account>/<name>`, or the form before regions had names.
pub(crate) fn queue_arn(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let mut parts = rest.split('/');
    let (host, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    let region = match host.split('.').collect::<Vec<_>>()[..] {
        ["sqs", region, "amazonaws", ..] => region,
        [region, "queue", "amazonaws", ..] => region,
        ["queue", "amazonaws", ..] => "us-east-1",
        _ => return None,
    };
    let partition = if region.starts_with("cn-") {
        "aws-cn"
    } else {
        "aws"
    };
    (is_account(account) && !name.is_empty())
        .then(|| format!("arn:{partition}:sqs:{region}:{account}:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_into_parts() {
        let arn = Arn::parse("arn:aws:iam::111122223333:role/a:b/c").unwrap();
        assert_eq!((arn.service, arn.resource), ("iam", "role/a:b/c"));
        assert_eq!(arn.account_id().as_deref(), Some("aws://111122223333"));
        let bucket = Arn::parse("arn:aws-cn:s3:::b/k").unwrap();
        assert_eq!((bucket.partition, bucket.account_id()), ("aws-cn", None));
        for text in [
            "",
            "arn",
            "arn:aws:s3",
            "arn:aws:s3:::",
            "x:aws:s3:::b",
            "arn:aws::::b",
        ] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }
}
