//! The table of codes.

use std::fmt;

/// Whether a diagnostic keeps a query from running.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The query is refused.
    Error,
    /// The query runs; its answer may not be what was meant.
    Warning,
}

impl Severity {
    /// The word used in text and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($variant:ident $severity:ident $name:literal $status:literal $doc:literal;)*) => {
        /// A stable code. The name never changes once released; the words beside it may.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $doc] $variant,)*
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The dotted name, `query.syntax`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The GQLSTATUS that drivers know: five characters, the first two are the class.
            pub fn gqlstatus(self) -> &'static str {
                match self { $(Code::$variant => $status,)* }
            }

            /// When this happens.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $doc,)* }
            }

            /// The usual severity.
            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)* }
            }
        }
    };
}

// GQLSTATUS classes: 00 success, 01 warning, 02 no data, 22 data exception, 42 syntax error or
// access rule violation. 42001 is invalid syntax, 42002 an invalid reference.
codes! {
    // Refused by the lexer and the parser.
    Syntax Error "query.syntax" "42001" "the text does not follow the grammar";
    Empty Error "query.empty" "42001" "the text holds no query";
    UnexpectedCharacter Error "query.unexpected_character" "42001" "a character has no meaning in the language";
    UnterminatedString Error "query.unterminated_string" "42001" "a string or quoted name does not end";
    UnterminatedComment Error "query.unterminated_comment" "42001" "a comment does not end";
    InvalidEscape Error "query.invalid_escape" "42001" "an escape sequence in a string is unknown or incomplete";
    InvalidNumber Error "query.invalid_number" "42001" "a number literal is malformed";
    IntegerOverflow Error "query.integer_overflow" "22003" "a whole number does not fit 64 bits";
    FloatOverflow Error "query.float_overflow" "22003" "a number with a fraction or exponent is too large";
    InvalidUnicode Error "query.invalid_unicode" "42001" "a character looks like another one that the language uses";
    TooLong Error "query.too_long" "42001" "the text is longer than the limit";
    TooDeep Error "query.too_deep" "42001" "brackets or operators are nested deeper than the limit";
    UnclosedBracket Error "query.unclosed_bracket" "42001" "a bracket is not closed";
    ReadOnly Error "query.read_only" "42001" "the clause would change stored data, which the language cannot do";
    UnknownProcedure Error "query.unknown_procedure" "42001" "the language has no procedures";
    ClauseOrder Error "query.clause_order" "42001" "a clause stands where it cannot";
    MissingAlias Error "query.missing_alias" "42001" "an expression in `WITH` needs a name";
    DuplicatePart Error "query.duplicate_part" "42001" "a part of a clause or definition is given twice";
    MissingPart Error "query.missing_part" "42001" "a required part of a clause or definition is missing";
    UnknownCapability Error "query.unknown_capability" "42002" "the word is no capability of an attacker";
    UnknownSeverity Error "query.unknown_severity" "42002" "the word is no severity";
    InvalidQuantifier Error "query.invalid_quantifier" "42001" "a quantifier's bounds are out of order or too large";
    InvalidPattern Error "query.invalid_pattern" "42001" "a pattern is not allowed at this place or in this form";
    UnboundedWalk Error "query.unbounded_walk" "42001" "an unbounded `WALK` without a selector has no end";
    // Refused by name and type resolution.
    UnknownVariable Error "query.unknown_variable" "42002" "a name stands for nothing here";
    VariableKind Error "query.variable_kind" "42002" "one name stands for two kinds of thing";
    VariableBound Error "query.variable_bound" "42002" "a name that is taken is bound again";
    UnknownFunction Error "query.unknown_function" "42002" "the language has no function of that name";
    ArgumentCount Error "query.argument_count" "42001" "a function is called with too many or too few arguments";
    TypeMismatch Error "query.type_mismatch" "22G03" "a value is of a type that cannot be used here";
    Aggregation Error "query.aggregation" "42001" "an aggregate function stands where it cannot";
    AmbiguousAggregation Error "query.ambiguous_aggregation" "42001" "an expression mixes an aggregate with something that is not grouped by";
    DuplicateColumn Error "query.duplicate_column" "42001" "two columns have one name";
    UnionColumns Error "query.union_columns" "42001" "the parts of a `UNION` have different columns";
    NothingInScope Error "query.nothing_in_scope" "42001" "`*` stands where no name is known";
    NotConstant Error "query.not_constant" "42001" "a count depends on a row";
    NegativeCount Error "query.negative_count" "22003" "a count is negative";
    ParameterPattern Error "query.parameter_pattern" "42001" "a parameter stands for the properties of a pattern";
    MissingParameter Error "query.missing_parameter" "42002" "a parameter was not given";
    UnknownColumn Error "query.unknown_column" "42002" "a verb has no column of that name";
    TooLarge Error "query.too_large" "42001" "a query has more clauses, or a pattern more parts, than the limit";
    ImportRefused Error "query.import_refused" "42002" "a file imports one that is not there or lies outside the folder of rules";
    NotSupported Error "query.not_supported" "42001" "the combination is not part of the language";
    // Found while the query runs.
    ArgumentType Error "query.argument_type" "22G03" "a value met while running has a type that cannot be used here";
    ArgumentValue Error "query.argument_value" "22N00" "a value met while running cannot be used here";
    OutOfRange Error "query.out_of_range" "22003" "a number met while running is out of range";
    DivisionByZero Error "query.division_by_zero" "22012" "an integer is divided by zero";
    InvalidRegex Error "query.invalid_regex" "2201B" "a regular expression is malformed or too large";
    InvalidTemporal Error "query.invalid_temporal" "22007" "a text is no date, instant or duration";
    NegativeCost Error "query.negative_cost" "22003" "the cost of a step is negative, infinite or no number";
    // Suspicious, but the query runs.
    UnknownLabel Warning "query.unknown_label" "01N50" "no node of the graph has the label";
    UnknownKind Warning "query.unknown_kind" "01N51" "no relationship of the graph has the kind";
    UnknownProperty Warning "query.unknown_property" "01N52" "nothing in the graph has the property";
    NoChange Warning "query.no_change" "01N53" "a change of `WHAT IF` changes nothing";
    NameOfKind Warning "query.name_of_kind" "01N54" "a variable has the name of a label or kind, and no colon";
    NullComparison Warning "query.null_comparison" "01N55" "a comparison with null is never true";
    TypeComparison Warning "query.type_comparison" "01N56" "values of two types are compared, which is never true";
    EmptyEnd Warning "query.empty_end" "01N58" "no node is one of the ends that a verb asks about";
    CutComparison Warning "query.cut_comparison" "01N59" "answers are compared as a limit left them";
    NotProven Warning "query.not_proven" "01N60" "an answer holds, but is not known to be the best";
    Unfixable Warning "query.unfixable" "01N61" "a target stays in reach whatever is fixed";
    LowerBound Warning "query.lower_bound" "01N62" "a likelihood is a lower bound of what it stands for";
    SuspectOperator Warning "query.suspect_operator" "01N57" "an operator means something else here than in other languages";
    MixedUnion Error "query.mixed_union" "42001" "`UNION` and `UNION ALL` are mixed in one query";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_dotted() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            let (area, rest) = code.name().split_once('.').expect("a dotted name");
            assert_eq!(area, "query");
            assert!(rest.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
            assert_eq!(code.gqlstatus().len(), 5, "{code}");
            assert!(!code.meaning().ends_with('.'), "{code}");
        }
    }
}
