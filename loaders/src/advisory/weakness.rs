//! Weakness classes: from CWE numbers and rule names to what an attacker gains.

use std::collections::BTreeSet;

use super::Vector;

/// `CWE-79` for `79`, `cwe-079`, `CWE79`, `external/cwe/cwe-079` or a MITRE address.
pub(crate) fn cwe_id(text: &str) -> Option<String> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let digits = match (lower.rsplit_once("/definitions/"), lower.rfind("cwe")) {
        (Some((_, digits)), _) => digits,
        (None, Some(at)) => lower
            .get(at + 3..)?
            .trim_start_matches(['-', '_', ':', ' ']),
        (None, None) => lower.as_str(),
    };
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    let number: u32 = digits.parse().ok()?;
    (number > 0 && number < 10_000).then(|| format!("CWE-{number}"))
}

fn number(cwe: &str) -> u32 {
    cwe.strip_prefix("CWE-")
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

fn class(cwe: u32) -> Option<&'static str> {
    Some(match cwe {
        77 | 78 | 88 => "command-injection",
        502 => "deserialization",
        1336 => "template-injection",
        94..=98 | 434 | 470 | 829 | 917 | 1321 => "code-injection",
        89 | 564 | 943 => "sql-injection",
        1391..=1393 => "default-credential",
        918 => "ssrf",
        22..=40 | 73 => "path-traversal",
        611 | 776 | 827 => "xxe",
        79 | 80 | 83 | 85 | 87 | 116 => "xss",
        259 | 312 | 321 | 522 | 540 | 547 | 615 | 798 => "secret",
        287 | 288 | 290 | 294 | 303 | 304 | 306 | 307 | 345 | 346 | 347 | 352 | 384 | 521 | 613
        | 620 | 640 | 1390 => "broken-authentication",
        269 | 276 | 284 | 285 | 425 | 639 | 732 | 862 | 863 | 1220 => "broken-authorization",
        16 | 250 | 400 | 693 | 770 | 1004 | 1021 | 1188 => "misconfiguration",
        937 | 1035 | 1104 | 1352 | 1395 => "vulnerable-component",
        _ => return None,
    })
}

/// What the classes gain an attacker, worst first.
const CLASSES: &[&str] = &[
    "command-injection",
    "deserialization",
    "template-injection",
    "code-injection",
    "sql-injection",
    "ssrf",
    "path-traversal",
    "xxe",
    "default-credential",
    "broken-authentication",
    "broken-authorization",
    "secret",
    "xss",
    "vulnerable-component",
    "misconfiguration",
];

/// The worst class that any of the numbers stands for.
pub(crate) fn class_of_cwes(cwes: &BTreeSet<String>) -> Option<&'static str> {
    let found: Vec<_> = cwes.iter().filter_map(|cwe| class(number(cwe))).collect();
    CLASSES.iter().copied().find(|class| found.contains(class))
}

/// The class that a rule's id, name or tags spell out.
pub(crate) fn class_of_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<&'static str> {
    let text: String = words
        .into_iter()
        .flat_map(|word| [" ", word])
        .flat_map(str::chars)
        .map(|c| match c {
            '_' | '-' | '/' | '.' | ':' => ' ',
            other => other.to_ascii_lowercase(),
        })
        .collect();
    let squeezed = text.replace(' ', "");
    let any = |marks: &[&str]| marks.iter().any(|mark| squeezed.contains(mark));
    let word = |wanted: &[&str]| text.split(' ').any(|word| wanted.contains(&word));
    if any(&[
        "commandinjection",
        "commandlineinjection",
        "osinjection",
        "shellinjection",
        "subprocessshell",
        "commandexec",
    ]) || word(&["rce"])
    {
        Some("command-injection")
    } else if any(&[
        "deserializ",
        "deserialis",
        "unsafeyaml",
        "yamlload",
        "pickle",
    ]) {
        Some("deserialization")
    } else if any(&["templateinjection", "ssti"]) {
        Some("template-injection")
    } else if any(&[
        "codeinjection",
        "evalinjection",
        "dynamiceval",
        "evaluseddetected",
    ]) || word(&["eval"])
    {
        Some("code-injection")
    } else if any(&[
        "sqlinjection",
        "nosqli",
        "sqlstring",
        "hardcodedsqlexpressions",
    ]) || word(&["sqli"])
    {
        Some("sql-injection")
    } else if any(&["ssrf", "serversiderequest", "requestforgery"]) && !any(&["csrf", "crosssite"])
    {
        Some("ssrf")
    } else if any(&[
        "pathtraversal",
        "directorytraversal",
        "pathinjection",
        "zipslip",
        "localfileinclusion",
    ]) {
        Some("path-traversal")
    } else if any(&["xxe", "xmlexternal"]) {
        Some("xxe")
    } else if any(&["crosssitescripting", "domxss", "reflectedxss"]) || word(&["xss"]) {
        Some("xss")
    } else if any(&[
        "hardcodedsecret",
        "hardcodedpassword",
        "hardcodedcredential",
        "hardcodedtoken",
        "generic apikey",
        "secretdetected",
    ]) || word(&["secret", "secrets"])
    {
        Some("secret")
    } else if any(&[
        "missingauthentication",
        "improperauthentication",
        "unauthenticated",
        "csrf",
    ]) {
        Some("broken-authentication")
    } else if any(&[
        "missingauthorization",
        "improperauthorization",
        "accesscontrol",
        "idor",
    ]) {
        Some("broken-authorization")
    } else {
        None
    }
}

/// What exploiting a vulnerability gives, from its weakness classes and impact.
pub(crate) fn effect_of(cwes: &BTreeSet<String>, vector: Option<&Vector>) -> &'static str {
    let impact = |of| vector.and_then(|vector| vector.impact(of));
    let (confidentiality, integrity, availability) = (impact("C"), impact("I"), impact("A"));
    let has = |wanted: &[u32]| cwes.iter().any(|cwe| wanted.contains(&number(cwe)));
    // A class whose usual effect the impact rules out has another: an overflow that only crashes.
    if integrity != Some("none")
        && has(&[
            77, 78, 88, 94, 95, 96, 98, 434, 470, 502, 829, 917, 1321, 1336,
        ])
    {
        return "code-execution";
    }
    if has(&[918]) {
        return "ssrf";
    }
    if has(&[89, 564, 943]) {
        return "sqli";
    }
    if confidentiality != Some("none") && has(&[22, 23, 24, 25, 35, 36, 73, 611]) {
        return "file-read";
    }
    match (confidentiality, integrity, availability) {
        (Some("high"), Some("high"), Some("high")) => "code-execution",
        (Some("none"), Some("none"), Some("low" | "high")) => "dos",
        (None, None, None) if has(&[400, 476, 617, 674, 770, 835, 1333]) => "dos",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(cwes: &[&str]) -> BTreeSet<String> {
        cwes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn spellings_of_a_cwe() {
        for text in [
            "79",
            "CWE-79",
            "cwe-079",
            "CWE79",
            "CWE_79",
            "external/cwe/cwe-079",
            "CWE-79: Improper Neutralization",
            "https://cwe.mitre.org/data/definitions/79.html",
        ] {
            assert_eq!(cwe_id(text).as_deref(), Some("CWE-79"), "{text}");
        }
        for text in ["", "CWE-", "security", "NVD-CWE-noinfo", "0"] {
            assert_eq!(cwe_id(text), None, "{text}");
        }
    }

    #[test]
    fn classes_by_number_and_by_name() {
        assert_eq!(
            class_of_cwes(&set(&["CWE-20", "CWE-79", "CWE-89"])),
            Some("sql-injection")
        );
        assert_eq!(class_of_cwes(&set(&["CWE-20"])), None);
        assert_eq!(
            class_of_cwes(&set(&["CWE-1392"])),
            Some("default-credential")
        );
        for (rule, class) in [
            ("js/command-line-injection", Some("command-injection")),
            ("py/sql-injection", Some("sql-injection")),
            ("java/ssrf", Some("ssrf")),
            ("js/request-forgery", Some("ssrf")),
            ("csrf-token-missing", Some("broken-authentication")),
            (
                "python.lang.security.deserialization.pickle",
                Some("deserialization"),
            ),
            ("go/path-injection", Some("path-traversal")),
            ("unused-variable", None),
        ] {
            assert_eq!(class_of_words([rule]), class, "{rule}");
        }
    }

    #[test]
    fn effects_follow_class_and_impact() {
        let vector = |text| Vector::parse(text, None).unwrap();
        let all = vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
        let crash = vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H");
        let leak = vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N");
        assert_eq!(effect_of(&set(&["CWE-502"]), Some(&all)), "code-execution");
        assert_eq!(effect_of(&set(&["CWE-502"]), Some(&crash)), "dos");
        assert_eq!(effect_of(&set(&["CWE-22"]), Some(&leak)), "file-read");
        assert_eq!(effect_of(&set(&["CWE-918"]), Some(&leak)), "ssrf");
        assert_eq!(effect_of(&set(&[]), Some(&all)), "code-execution");
        assert_eq!(effect_of(&set(&["CWE-200"]), Some(&leak)), "other");
        assert_eq!(effect_of(&set(&["CWE-400"]), None), "dos");
    }
}
