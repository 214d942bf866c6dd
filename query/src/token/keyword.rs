//! The words of the language.

macro_rules! keywords {
    ($($variant:ident $text:literal $scope:ident;)*) => {
        /// A keyword. Two-word heads are one keyword.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "`Keyword::text` says each")]
        pub enum Keyword { $($variant,)* }

        impl Keyword {
            /// Every keyword.
            pub const ALL: &'static [Keyword] = &[$(Keyword::$variant,)*];

            /// The keyword in upper case.
            pub fn text(self) -> &'static str {
                match self { $(Keyword::$variant => $text,)* }
            }

            pub(super) fn scope(self) -> Scope {
                match self { $(Keyword::$variant => Scope::$scope,)* }
            }

            fn from_upper(word: &str) -> Option<Keyword> {
                match word { $($text => Some(Keyword::$variant),)* _ => None }
            }
        }
    };
}

/// Where a word is a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Everywhere, and never a variable.
    Reserved,
    /// Everywhere; a variable may have the name.
    Soft,
    /// In definitions only; a variable may have the name.
    Definition,
    /// Only where `context` says so.
    Context,
}

keywords! {
    Match "MATCH" Reserved;
    Where "WHERE" Reserved;
    Return "RETURN" Reserved;
    With "WITH" Reserved;
    Unwind "UNWIND" Reserved;
    Union "UNION" Reserved;
    And "AND" Reserved;
    Or "OR" Reserved;
    Xor "XOR" Reserved;
    Not "NOT" Reserved;
    In "IN" Reserved;
    Is "IS" Reserved;
    As "AS" Reserved;
    Null "NULL" Reserved;
    True "TRUE" Reserved;
    False "FALSE" Reserved;
    Case "CASE" Reserved;
    When "WHEN" Reserved;
    Then "THEN" Reserved;
    Else "ELSE" Reserved;
    Distinct "DISTINCT" Reserved;

    Optional "OPTIONAL" Soft;
    Call "CALL" Soft;
    End "END" Soft;
    Order "ORDER" Soft;
    By "BY" Soft;
    Asc "ASC" Soft;
    Ascending "ASCENDING" Soft;
    Desc "DESC" Soft;
    Descending "DESCENDING" Soft;
    Skip "SKIP" Soft;
    Offset "OFFSET" Soft;
    Limit "LIMIT" Soft;
    Starts "STARTS" Soft;
    Ends "ENDS" Soft;
    Contains "CONTAINS" Soft;
    All "ALL" Soft;
    Any "ANY" Soft;
    NoneOf "NONE" Soft;
    Single "SINGLE" Soft;
    Shortest "SHORTEST" Soft;
    Cheapest "CHEAPEST" Soft;
    Walk "WALK" Soft;
    Trail "TRAIL" Soft;
    Acyclic "ACYCLIC" Soft;
    Simple "SIMPLE" Soft;
    Group "GROUP" Soft;
    Groups "GROUPS" Soft;
    Explain "EXPLAIN" Soft;
    Profile "PROFILE" Soft;
    At "AT" Soft;
    Diff "DIFF" Soft;
    From "FROM" Soft;
    To "TO" Soft;
    Via "VIA" Soft;
    Of "OF" Soft;
    Avoiding "AVOIDING" Soft;
    Rules "RULES" Soft;
    Techniques "TECHNIQUES" Soft;
    Within "WITHIN" Soft;
    Steps "STEPS" Soft;
    Likelihood "LIKELIHOOD" Soft;
    Confidence "CONFIDENCE" Soft;
    Top "TOP" Soft;
    Per "PER" Soft;
    Source "SOURCE" Soft;
    Target "TARGET" Soft;
    Pair "PAIR" Soft;
    Sampled "SAMPLED" Soft;
    Budget "BUDGET" Soft;
    Until "UNTIL" Soft;
    Yield "YIELD" Soft;
    Attacker "ATTACKER" Soft;
    Add "ADD" Soft;
    Set "SET" Soft;
    Remove "REMOVE" Soft;
    Upgrade "UPGRADE" Soft;
    Apply "APPLY" Soft;

    Rule "RULE" Definition;
    Policy "POLICY" Definition;
    Import "IMPORT" Definition;
    Kinds "KINDS" Definition;
    Id "ID" Definition;
    Family "FAMILY" Definition;
    Technique "TECHNIQUE" Definition;
    Given "GIVEN" Definition;
    Gain "GAIN" Definition;
    Guard "GUARD" Definition;
    Fix "FIX" Definition;
    Owner "OWNER" Definition;
    Explanation "EXPLANATION" Definition;
    Remediation "REMEDIATION" Definition;
    Severity "SEVERITY" Definition;
    Controls "CONTROLS" Definition;
    Description "DESCRIPTION" Definition;
    Expect "EXPECT" Definition;
    Rows "ROWS" Definition;
    Start "START" Definition;
    Skill "SKILL" Definition;

    Cost "COST" Context;
    Exists "EXISTS" Context;
    Count "COUNT" Context;
    Collect "COLLECT" Context;
    Reduce "REDUCE" Context;
    ShortestPath "SHORTESTPATH" Context;
    AllShortestPaths "ALLSHORTESTPATHS" Context;
    AttackPaths "ATTACK PATHS" Context;
    ExploitabilityOf "EXPLOITABILITY OF" Context;
    BlastRadius "BLAST RADIUS" Context;
    ChokePoints "CHOKE POINTS" Context;
    FixPlan "FIX PLAN" Context;
    WhyNot "WHY NOT" Context;
    WhatIf "WHAT IF" Context;
    NoRows "NO ROWS" Context;
    AtMost "AT MOST" Context;
    AtLeast "AT LEAST" Context;
}

/// Longer than every single word of the table.
const LONGEST: usize = 16;

impl Keyword {
    /// The keyword that `word` spells, in any case.
    pub(super) fn from_word(word: &str) -> Option<Keyword> {
        let mut upper = [0u8; LONGEST];
        let letters = upper.get_mut(..word.len())?;
        letters.copy_from_slice(word.as_bytes());
        letters.make_ascii_uppercase();
        Keyword::from_upper(std::str::from_utf8(letters).ok()?)
    }

    /// Whether no variable may have this name.
    pub fn is_reserved(self) -> bool {
        self.scope() == Scope::Reserved
    }

    /// Whether a clause of a query starts with this word.
    pub fn starts_clause(self) -> bool {
        matches!(
            self,
            Keyword::Match
                | Keyword::Optional
                | Keyword::Unwind
                | Keyword::With
                | Keyword::Return
                | Keyword::Call
        ) || self.is_verb()
    }

    /// Whether this is the head of one of the six verbs.
    pub fn is_verb(self) -> bool {
        matches!(
            self,
            Keyword::AttackPaths
                | Keyword::ExploitabilityOf
                | Keyword::BlastRadius
                | Keyword::ChokePoints
                | Keyword::FixPlan
                | Keyword::WhyNot
        )
    }

    /// Whether a variable may have this name.
    pub fn is_soft(self) -> bool {
        matches!(self.scope(), Scope::Soft | Scope::Definition)
    }

    /// Whether a definition starts with this word.
    pub fn starts_definition(self) -> bool {
        matches!(
            self,
            Keyword::Rule | Keyword::Policy | Keyword::Attacker | Keyword::Group | Keyword::Import
        )
    }
}
