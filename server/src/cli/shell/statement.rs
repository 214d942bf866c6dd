//! Text to statements: queries up to their `;`, and commands, which are lines.

use foothold_query::ast::Clause;
use foothold_query::parse::parse_query;
use foothold_query::token::{Dialect, Sign, Token, lex};

/// Whether a text is a command of the shell.
pub(super) fn is_command(text: &str) -> bool {
    text.trim_start().starts_with([':', '\\', '.'])
}

/// Whether the enter key ends what was typed.
pub(super) fn is_finished(text: &str) -> bool {
    if text.trim().is_empty() || is_command(text) {
        return true;
    }
    // An empty line ends everything, so that nobody is caught in a text that does not end.
    if text.ends_with('\n') || ends_statement(text) {
        return true;
    }
    !text.contains('\n') && is_whole(text)
}

/// Whether the last token is a `;`.
fn ends_statement(text: &str) -> bool {
    let lexed = lex(text, Dialect::Query);
    let last = lexed.tokens.last().map(|lexeme| lexeme.token);
    lexed.is_refused || last == Some(Token::Sign(Sign::Semicolon))
}

/// Whether a text is a query that returns something.
fn is_whole(text: &str) -> bool {
    let Ok(query) = parse_query(text).ok() else {
        return false;
    };
    let last = query.body.rest.last().map(|part| &part.query);
    let clauses = &last.unwrap_or(&query.body.first).clauses;
    matches!(clauses.last(), Some(Clause::Return(_) | Clause::Verb(_)))
}

/// Cuts lines into statements.
#[derive(Debug, Default)]
pub(super) struct Statements {
    pending: String,
}

impl Statements {
    /// Takes a line; gives back what it completes.
    pub(super) fn push(&mut self, line: &str) -> Vec<String> {
        if self.pending.trim().is_empty() && is_command(line) {
            self.pending.clear();
            return vec![line.trim().to_owned()];
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        let mut ready = Vec::new();
        let mut from = 0;
        for lexeme in lex(&self.pending, Dialect::Query).tokens {
            if lexeme.token == Token::Sign(Sign::Semicolon) {
                let text = self.pending.get(from..lexeme.start).unwrap_or("");
                if !text.trim().is_empty() {
                    ready.push(text.trim().to_owned());
                }
                from = lexeme.end;
            }
        }
        self.pending.drain(..from);
        ready
    }

    /// What is left when the text ends without a `;`.
    pub(super) fn finish(self) -> Option<String> {
        let text = self.pending.trim();
        let is_empty = lex(text, Dialect::Query).tokens.is_empty();
        (!text.is_empty() && !is_empty).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let mut statements = Statements::default();
        let mut all: Vec<String> = text
            .lines()
            .flat_map(|line| statements.push(line))
            .collect();
        all.extend(statements.finish());
        all
    }

    #[test]
    fn statements_end_with_a_semicolon_and_commands_with_their_line() {
        assert_eq!(cut("RETURN 1; RETURN 2;"), ["RETURN 1", "RETURN 2"]);
        assert_eq!(
            cut("MATCH (n)\nRETURN n;\n:format csv\nRETURN 3"),
            ["MATCH (n)\nRETURN n", ":format csv", "RETURN 3"]
        );
        assert_eq!(cut("RETURN ';' // ; no\n;"), ["RETURN ';' // ; no"]);
        assert!(cut("// only a comment").is_empty());
        assert!(cut("\n;;\n").is_empty());
    }

    #[test]
    fn the_enter_key_ends_what_is_whole() {
        assert!(is_finished("RETURN 1"));
        assert!(is_finished("ATTACK PATHS"));
        assert!(is_finished(":help"));
        assert!(is_finished("MATCH (n)\nRETURN n;"));
        assert!(is_finished("MATCH (n)\nRETURN\n"));
        assert!(!is_finished("MATCH (n)"));
        assert!(!is_finished("MATCH (n)\nRETURN n"));
        assert!(!is_finished("RETURN ';"));
    }
}
