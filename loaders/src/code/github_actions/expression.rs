//! The language between `${{` and `}}`.

/// How deep an expression may nest; deeper ones count as not readable.
const MAX_DEPTH: usize = 40;
/// The longest expression that is read; GitHub takes no longer ones.
const MAX_BYTES: usize = 21_000;
/// The most words and marks of an expression that is read.
const MAX_TOKENS: usize = 2_000;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A place in a context, in lower case: `github`, `event`, `issue`, `title`. What is not known
    /// before the run is `*`.
    Path(Vec<String>),
    /// `!a`.
    Not(Box<Expr>),
    /// `a && b`.
    And(Box<Expr>, Box<Expr>),
    /// `a || b`.
    Or(Box<Expr>, Box<Expr>),
    /// `a == b`.
    Equal(Box<Expr>, Box<Expr>),
    /// `a < b` and the like.
    Order(Box<Expr>, Box<Expr>),
    /// `name(..)`, the name in lower case, and what is taken out of the result.
    Call(String, Vec<Expr>),
}

impl Expr {
    /// Reads an expression; `None` where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES {
            return None;
        }
        let tokens = tokens(text)?;
        if tokens.len() > MAX_TOKENS {
            return None;
        }
        let mut reader = Reader { tokens, at: 0 };
        let expr = reader.or(0)?;
        (reader.at == reader.tokens.len()).then_some(expr)
    }

    /// Hands every place in a context that occurs to `each`.
    pub(super) fn paths<'e>(&'e self, each: &mut dyn FnMut(&'e [String])) {
        match self {
            Expr::Path(path) => each(path),
            Expr::Not(inner) => inner.paths(each),
            Expr::And(a, b) | Expr::Or(a, b) | Expr::Equal(a, b) | Expr::Order(a, b) => {
                a.paths(each);
                b.paths(each);
            }
            Expr::Call(_, arguments) => arguments.iter().for_each(|inner| inner.paths(each)),
            Expr::Text(_) | Expr::Number(_) | Expr::Bool(_) | Expr::Null => {}
        }
    }
}

/// A part of a text with expressions in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'t> {
    /// As it stands there.
    Plain(&'t str),
    /// What stands between `${{` and `}}`.
    Filled(&'t str),
}

/// The parts of a text in order.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("${{") {
        let Some(end) = end_of(behind) else {
            break;
        };
        let (Some(inside), Some(after)) = (behind.get(..end), behind.get(end + 2..)) else {
            break;
        };
        if !before.is_empty() {
            found.push(Piece::Plain(before));
        }
        found.push(Piece::Filled(inside.trim()));
        rest = after;
    }
    if !rest.is_empty() {
        found.push(Piece::Plain(rest));
    }
    found
}

/// Where the `}}` stands that is in no text.
fn end_of(text: &str) -> Option<usize> {
    let mut is_text = false;
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'\'' => is_text = !is_text,
            b'}' if !is_text && bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
    }
    None
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Text(String),
    Number(f64),
    Name(String),
    Mark(&'static str),
}

/// Marks, the longer ones first.
const MARKS: [&str; 16] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "(", ")", "[", "]", ",", ".", "*",
];

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix('\'') {
            let (text, after) = quoted(behind)?;
            found.push(Token::Text(text));
            rest = after;
        } else if first.is_ascii_digit() || first == '-' && !rest.starts_with("--") {
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (number, after) = rest.split_at_checked(end)?;
            let number = match number.strip_prefix("0x") {
                Some(digits) => u32::from_str_radix(digits, 16).ok().map(f64::from),
                None => number.parse().ok(),
            };
            found.push(Token::Number(number?));
            rest = after;
        } else if first.is_alphabetic() || first == '_' {
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end)?;
            found.push(Token::Name(name.to_lowercase()));
            rest = after;
        } else {
            let mark = MARKS.iter().find(|mark| rest.starts_with(**mark))?;
            found.push(Token::Mark(mark));
            rest = rest.get(mark.len()..)?;
        }
        rest = rest.trim_start();
    }
    Some(found)
}

/// The text whose opening quote is behind, and what follows it; a doubled quote stands for one.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('\'')?;
        out.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                out.push('\'');
                rest = more;
            }
            None => return Some((out, after)),
        }
    }
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn take(&mut self, mark: &str) -> bool {
        let is_there = matches!(self.tokens.get(self.at), Some(Token::Mark(own)) if *own == mark);
        self.at += usize::from(is_there);
        is_there
    }

    fn or(&mut self, depth: usize) -> Option<Expr> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut left = self.and(depth)?;
        while self.take("||") {
            left = Expr::Or(Box::new(left), Box::new(self.and(depth)?));
        }
        Some(left)
    }

    fn and(&mut self, depth: usize) -> Option<Expr> {
        let mut left = self.comparison(depth)?;
        while self.take("&&") {
            left = Expr::And(Box::new(left), Box::new(self.comparison(depth)?));
        }
        Some(left)
    }

    fn comparison(&mut self, depth: usize) -> Option<Expr> {
        let left = self.not(depth)?;
        if self.take("==") {
            Some(Expr::Equal(Box::new(left), Box::new(self.not(depth)?)))
        } else if self.take("!=") {
            let equal = Expr::Equal(Box::new(left), Box::new(self.not(depth)?));
            Some(Expr::Not(Box::new(equal)))
        } else if ["<=", ">=", "<", ">"].iter().any(|mark| self.take(mark)) {
            Some(Expr::Order(Box::new(left), Box::new(self.not(depth)?)))
        } else {
            Some(left)
        }
    }

    fn not(&mut self, depth: usize) -> Option<Expr> {
        let mut n_marks = 0_usize;
        while self.take("!") {
            n_marks += 1;
        }
        let mut expr = self.place(depth)?;
        // Two of them say whether there is anything.
        for _ in 0..n_marks.min(2 + n_marks % 2) {
            expr = Expr::Not(Box::new(expr));
        }
        Some(expr)
    }

    fn place(&mut self, depth: usize) -> Option<Expr> {
        let mut expr = self.primary(depth)?;
        loop {
            let segment = if self.take(".") {
                match self.tokens.get(self.at)? {
                    Token::Name(name) => {
                        let name = name.clone();
                        self.at += 1;
                        name
                    }
                    Token::Mark("*") => {
                        self.at += 1;
                        "*".to_owned()
                    }
                    _ => return None,
                }
            } else if self.take("[") {
                let inner = if self.take("*") {
                    Expr::Null
                } else {
                    self.or(depth + 1)?
                };
                if !self.take("]") {
                    return None;
                }
                match inner {
                    Expr::Text(text) => text.to_lowercase(),
                    _ => "*".to_owned(),
                }
            } else {
                return Some(expr);
            };
            // What is taken out of a result is no cleaner than the result.
            if let Expr::Path(path) = &mut expr {
                path.push(segment);
            }
        }
    }

    fn primary(&mut self, depth: usize) -> Option<Expr> {
        if self.take("(") {
            let inner = self.or(depth + 1)?;
            return self.take(")").then_some(inner);
        }
        let token = self.tokens.get(self.at)?.clone();
        self.at += 1;
        match token {
            Token::Text(text) => Some(Expr::Text(text)),
            Token::Number(number) => Some(Expr::Number(number)),
            Token::Name(name) if self.take("(") => {
                let mut arguments = Vec::new();
                while !self.take(")") {
                    if !arguments.is_empty() && !self.take(",") {
                        return None;
                    }
                    arguments.push(self.or(depth + 1)?);
                }
                Some(Expr::Call(name, arguments))
            }
            Token::Name(name) => Some(match name.as_str() {
                "true" => Expr::Bool(true),
                "false" => Expr::Bool(false),
                "null" => Expr::Null,
                _ => Expr::Path(vec![name]),
            }),
            Token::Mark(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn paths(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        let expr = Expr::parse(text).unwrap();
        expr.paths(&mut |path| found.push(path.join(".")));
        found
    }

    #[test]
    fn places_in_contexts() {
        for (text, expected) in [
            (
                "github.event.issue.title",
                &["github.event.issue.title"][..],
            ),
            (
                "github['event'].Issue['title']",
                &["github.event.issue.title"],
            ),
            (
                "github.event.commits[0].message",
                &["github.event.commits.*.message"],
            ),
            (
                "github.event.pages.*.page_name",
                &["github.event.pages.*.page_name"],
            ),
            (
                "format('{0} it''s', env.A) || inputs.b",
                &["env.a", "inputs.b"],
            ),
            ("fromJSON(needs.a.outputs.m)[0].x", &["needs.a.outputs.m"]),
            ("!(a.b != c.d && 1 <= -2.5e3)", &["a.b", "c.d"]),
            ("matrix.go-version", &["matrix.go-version"]),
        ] {
            assert_eq!(paths(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression() {
        let deep = format!("{}a{}", "(".repeat(100), ")".repeat(100));
        for text in [
            "", "a b", "'open", "a &&", "(a", "a..b", "f(a b)", "\"a\"", "$", &deep,
        ] {
            assert_eq!(Expr::parse(text), None, "{text}");
        }
        for long in ["!".repeat(1_500) + "a", "a||".repeat(900) + "a"] {
            assert!(Expr::parse(&long).is_some());
        }
        assert_eq!(Expr::parse(&("a||".repeat(5_000) + "a")), None);
    }

    #[test]
    fn parts_of_a_text() {
        let filled = |text| {
            let found = pieces(text).into_iter();
            found
                .map(|piece| match piece {
                    Piece::Plain(text) => format!("p {text}"),
                    Piece::Filled(text) => format!("f {text}"),
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(filled("a ${{ b }}c${{d}}"), ["p a ", "f b", "p c", "f d"]);
        assert_eq!(
            filled("${{ format('}}{0}', a) }}"),
            ["f format('}}{0}', a)"]
        );
        assert_eq!(filled("echo ${{ never"), ["p echo ${{ never"]);
        assert!(filled("").is_empty());
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "[a-z.*()\\[\\]'!&|=<>, 0-9${}é-]{0,60}") {
            let _ = Expr::parse(&text);
            let joined: String = pieces(&text)
                .iter()
                .map(|piece| match piece {
                    Piece::Plain(text) => (*text).to_owned(),
                    Piece::Filled(text) => format!("${{{{{text}}}}}"),
                })
                .collect();
            prop_assert!(joined.len() <= text.len());
        }
    }
}
