//! What resolution knows of an expression's type before any row is read.

/// A static type. [`Ty::Any`] is what nothing is known of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ty {
    /// Unknown.
    Any,
    /// Always null.
    Null,
    /// A truth value.
    Bool,
    /// An integer.
    Int,
    /// A float.
    Float,
    /// An integer or a float.
    Number,
    /// A string.
    Str,
    /// A list of elements of one type.
    List(Box<Ty>),
    /// A map.
    Map,
    /// A node.
    Node,
    /// A relationship.
    Rel,
    /// A path.
    Path,
    /// A date, an instant or a duration.
    Temporal,
}

impl Ty {
    /// A list of `element`s.
    pub fn list(element: Ty) -> Self {
        Ty::List(Box::new(element))
    }

    /// The type of what may be either.
    #[must_use]
    pub fn join(self, other: Ty) -> Ty {
        match (self, other) {
            (Ty::Null, one) | (one, Ty::Null) => one,
            (Ty::Int | Ty::Float | Ty::Number, Ty::Int | Ty::Float | Ty::Number) => Ty::Number,
            (Ty::List(a), Ty::List(b)) => Ty::list(a.join(*b)),
            (a, b) if a == b => a,
            _ => Ty::Any,
        }
    }

    /// Whether nothing certain is known: such a value is judged when it is met.
    pub fn is_open(&self) -> bool {
        matches!(self, Ty::Any | Ty::Null)
    }

    /// Whether it may be a truth value.
    pub fn may_be_bool(&self) -> bool {
        self.is_open() || *self == Ty::Bool
    }

    /// Whether it may be a number.
    pub fn may_be_number(&self) -> bool {
        self.is_open() || matches!(self, Ty::Int | Ty::Float | Ty::Number)
    }

    /// Whether it may be an integer.
    pub fn may_be_int(&self) -> bool {
        self.is_open() || matches!(self, Ty::Int | Ty::Number)
    }

    /// Whether it may be a list.
    pub fn may_be_list(&self) -> bool {
        self.is_open() || matches!(self, Ty::List(_))
    }

    /// Whether it may have properties.
    pub fn may_have_properties(&self) -> bool {
        self.is_open() || matches!(self, Ty::Map | Ty::Node | Ty::Rel | Ty::Temporal)
    }

    /// The type of the elements, if it is a list.
    #[must_use]
    pub fn element(&self) -> Ty {
        match self {
            Ty::List(element) if **element != Ty::Null => (**element).clone(),
            _ => Ty::Any,
        }
    }

    /// What messages call it.
    pub fn name(&self) -> &'static str {
        match self {
            Ty::Any => "any value",
            Ty::Null => "null",
            Ty::Bool => "a boolean",
            Ty::Int => "an integer",
            Ty::Float => "a float",
            Ty::Number => "a number",
            Ty::Str => "a string",
            Ty::List(_) => "a list",
            Ty::Map => "a map",
            Ty::Node => "a node",
            Ty::Rel => "a relationship",
            Ty::Path => "a path",
            Ty::Temporal => "a date or duration",
        }
    }
}
