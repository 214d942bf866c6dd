//! Which kinds of personal or secret data a field holds, from its name.

use std::collections::BTreeSet;

/// A kind of data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum DataClass {
    Card,
    Credential,
    Health,
    Pii,
}

impl DataClass {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            DataClass::Card => "card",
            DataClass::Credential => "credential",
            DataClass::Health => "health",
            DataClass::Pii => "pii",
        }
    }

    /// Reads what a description declares in an extension.
    pub(super) fn declared(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "pii" | "personal" | "gdpr" => Some(DataClass::Pii),
            "card" | "pci" | "cardholder" => Some(DataClass::Card),
            "health" | "phi" | "hipaa" => Some(DataClass::Health),
            "credential" | "secret" => Some(DataClass::Credential),
            _ => None,
        }
    }
}

/// Each mark is a run of words within the name; the first that fits decides.
const MARKS: &[(DataClass, &[&str])] = &[
    (
        DataClass::Card,
        &[
            "card number",
            "cardnumber",
            "pan",
            "cvv",
            "cvv2",
            "cvc",
            "card holder",
            "cardholder",
            "credit card",
            "creditcard",
            "debit card",
            "card expiry",
            "card verification",
        ],
    ),
    (
        DataClass::Health,
        &[
            "diagnosis",
            "diagnoses",
            "patient",
            "medical",
            "blood type",
            "prescription",
            "allergy",
            "allergies",
            "health record",
            "health insurance",
        ],
    ),
    (
        DataClass::Credential,
        &[
            "password",
            "passwd",
            "passphrase",
            "secret",
            "api key",
            "apikey",
            "access token",
            "refresh token",
            "auth token",
            "bearer token",
            "session token",
            "id token",
            "private key",
            "access key",
            "secret key",
            "otp",
        ],
    ),
    (
        DataClass::Pii,
        &[
            "email",
            "e mail",
            "phone",
            "telephone",
            "mobile number",
            "ssn",
            "social security",
            "passport",
            "first name",
            "firstname",
            "last name",
            "lastname",
            "full name",
            "fullname",
            "given name",
            "family name",
            "surname",
            "maiden name",
            "birth",
            "birthday",
            "birthdate",
            "dob",
            "national id",
            "tax id",
            "nationality",
            "iban",
            "street",
            "postcode",
            "zipcode",
            "zip code",
            "postal code",
            "home address",
            "postal address",
            "billing address",
            "shipping address",
            "delivery address",
            "driver license",
            "drivers license",
        ],
    ),
];

/// The kind of data in a field; `None` for most.
pub(super) fn class_of_field(name: &str) -> Option<DataClass> {
    let words = words(name);
    let found = MARKS
        .iter()
        .find(|(_, marks)| marks.iter().any(|mark| holds(&words, mark)))
        .map(|(class, _)| *class);
    // An address of a person, unless it is one of a machine or an account.
    let is_address = words
        .iter()
        .any(|word| word == "address" || word == "addresses");
    let of_machine = words.iter().any(|word| {
        [
            "ip", "ips", "ipv4", "ipv6", "mac", "url", "host", "server", "wallet", "contract",
            "network", "bind", "listen", "peer", "node", "cluster", "remote", "dest", "source",
            "src", "cidr", "public", "private", "memory",
        ]
        .contains(&word.as_str())
    });
    found.or((is_address && words.len() <= 2 && !of_machine).then_some(DataClass::Pii))
}

fn holds(words: &[String], mark: &str) -> bool {
    let wanted: Vec<&str> = mark.split(' ').collect();
    words.windows(wanted.len()).any(|window| {
        window
            .iter()
            .zip(&wanted)
            .all(|(word, wanted)| word == wanted)
    })
}

/// `cardNumber`, `card_number` and `CARD-NUMBER` as words.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut previous_lower = false;
    for c in name.chars().take(128).chain(['_']) {
        let boundary = !c.is_alphanumeric() || c.is_uppercase() && previous_lower;
        if boundary && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        previous_lower = c.is_lowercase() || c.is_ascii_digit();
    }
    words
}

/// Names of kinds of data, sorted.
pub(super) fn names(classes: &BTreeSet<DataClass>) -> impl Iterator<Item = &'static str> {
    classes.iter().map(|class| class.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_kind_of_data() {
        for (name, expected) in [
            ("email", Some("pii")),
            ("customerEmail", Some("pii")),
            ("date_of_birth", Some("pii")),
            ("address", Some("pii")),
            ("billingAddress", Some("pii")),
            ("cardNumber", Some("card")),
            ("PAN", Some("card")),
            ("cvv2", Some("card")),
            ("refresh_token", Some("credential")),
            ("newPassword", Some("credential")),
            ("patientId", Some("health")),
            ("ip_address", None),
            ("panel", None),
            ("health", None),
            ("name", None),
            ("nextPageToken", None),
            ("company", None),
            ("", None),
        ] {
            assert_eq!(
                class_of_field(name).map(DataClass::as_str),
                expected,
                "{name}"
            );
        }
    }
}
