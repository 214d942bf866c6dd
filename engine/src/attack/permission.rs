//! Who may do what: cloud policies and cluster roles, evaluated without guessing.
//!
//! Every answer is [`Effect::Allow`], [`Effect::Deny`] or [`Effect::Unknown`] with the statement
//! that decided. Unknown is what follows from a policy that was not collected or a condition on a
//! value that configuration does not hold; it is never rounded to either side here.

pub mod aws;
pub mod rbac;

/// An answer about a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Not permitted: denied, or nothing allows it.
    Deny,
    /// Depends on something that is not known.
    Unknown,
    /// Permitted.
    Allow,
}

impl Effect {
    /// `allow`, `deny` or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Effect::Deny => "deny",
            Effect::Unknown => "unknown",
            Effect::Allow => "allow",
        }
    }
}

/// Kleene's three truth values: false, unknown, true, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// Certainly not.
    False,
    /// Cannot be said.
    Unknown,
    /// Certainly.
    True,
}

impl Truth {
    /// Both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// At least one holds.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// It does not hold.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
            Truth::True => Truth::False,
        }
    }
}

impl From<bool> for Truth {
    fn from(flag: bool) -> Self {
        if flag { Truth::True } else { Truth::False }
    }
}
