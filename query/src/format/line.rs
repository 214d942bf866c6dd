//! Lines of a laid-out text, and the comments of the source woven between them.

use super::WIDTH;
use crate::token::{Comment, Dialect, Keyword, Sign, Token, comments, lex};

/// One line of the result.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// The text, indented.
    pub(super) text: String,
    /// The byte of the source where what the line says ends; `None` for an empty line.
    pub(super) end: Option<u32>,
}

impl Line {
    pub(super) fn new(text: impl Into<String>, end: u32) -> Line {
        Line {
            text: text.into(),
            end: Some(end),
        }
    }

    pub(super) fn blank() -> Line {
        Line {
            text: String::new(),
            end: None,
        }
    }

    pub(super) fn indented(mut self, indent: usize) -> Line {
        if !self.text.is_empty() {
            self.text.insert_str(0, &" ".repeat(indent));
        }
        self
    }

    /// How far a comment above this line stands in.
    fn comment_indent(&self) -> usize {
        let indent = self.text.len() - self.text.trim_start_matches(' ').len();
        // What stands before a closing brace belongs to what the braces hold.
        if self.text.trim_start() == "}" {
            indent + 2
        } else {
            indent
        }
    }
}

/// What is laid out: a text with its comments, or nothing for a tree alone.
#[derive(Debug)]
pub(super) struct Source<'s> {
    text: &'s str,
    comments: Vec<Comment<'s>>,
    /// Where each token ends, in order.
    ends: Vec<usize>,
}

impl<'s> Source<'s> {
    pub(super) const NONE: Source<'static> = Source {
        text: "",
        comments: Vec::new(),
        ends: Vec::new(),
    };

    pub(super) fn new(text: &'s str, dialect: Dialect) -> Source<'s> {
        let tokens = lex(text, dialect).tokens;
        Source {
            text,
            comments: comments(text),
            ends: tokens.iter().map(|lexeme| lexeme.end).collect(),
        }
    }

    /// Whether a comment stands between the ends of two parts.
    pub(super) fn has_comment_between(&self, first: u32, last: u32) -> bool {
        let (first, last) = (self.token_end(first), self.token_end(last));
        let next = self
            .comments
            .partition_point(|comment| comment.start < first);
        self.comments
            .get(next)
            .is_some_and(|comment| comment.start < last)
    }

    /// The end of the last token of a part. The span of a part whose last piece was left out
    /// reaches up to the token after it.
    fn token_end(&self, end: u32) -> usize {
        let end = end as usize;
        let after = self.ends.partition_point(|token| *token <= end);
        match after.checked_sub(1).and_then(|at| self.ends.get(at)) {
            Some(token) => *token,
            None => end,
        }
    }

    /// Joins lines, each comment at the end of the line it followed in the source, or above the
    /// line that it stood in or before.
    pub(super) fn weave(&self, lines: Vec<Line>) -> String {
        let lines: Vec<Line> = lines.into_iter().flat_map(wrap).collect();
        // Parts may be printed in another order than they were written in.
        let mut anchors: Vec<(usize, usize)> = lines
            .iter()
            .enumerate()
            .filter_map(|(at, line)| line.end.map(|end| (self.token_end(end), at)))
            .collect();
        anchors.sort_unstable();
        let mut above: Vec<Vec<Comment<'_>>> = vec![Vec::new(); lines.len() + 1];
        let mut behind: Vec<Vec<Comment<'_>>> = vec![Vec::new(); lines.len()];
        let mut last_behind: Option<(usize, usize)> = None;
        for comment in &self.comments {
            let next = anchors.partition_point(|(end, _)| *end <= comment.start);
            let previous = next.checked_sub(1).and_then(|at| anchors.get(at).copied());
            if let Some((end, line)) = previous {
                let from = match last_behind {
                    Some((other, from)) if other == line => from,
                    _ => end,
                };
                // What stands behind an opening brace belongs to what the brace holds.
                let opens = lines.get(line).is_some_and(|line| line.text.ends_with('{'));
                if opens && let Some(comments) = above.get_mut(line + 1) {
                    comments.push(*comment);
                    continue;
                }
                if self.text.get(from..comment.start).is_some_and(is_tail) {
                    if let Some(comments) = behind.get_mut(line) {
                        comments.push(*comment);
                    }
                    last_behind = Some((line, comment.start + comment.text.len()));
                    continue;
                }
            }
            let line = anchors.get(next).map_or(lines.len(), |(_, line)| *line);
            if let Some(comments) = above.get_mut(line) {
                comments.push(*comment);
            }
        }
        let mut out: Vec<String> = Vec::new();
        for (line, (above, behind)) in lines.iter().zip(above.iter().zip(&behind)) {
            write_above(&mut out, above, line.comment_indent(), self.text);
            let mut text = line.text.clone();
            for comment in behind {
                text.push(' ');
                text.push_str(comment.text);
            }
            out.push(text);
        }
        let rest = above.last().map_or(&[][..], Vec::as_slice);
        write_above(&mut out, rest, 0, self.text);
        out.join("\n")
    }
}

/// Breaks a line that is too long where its outermost lists and conditions have a joint.
fn wrap(line: Line) -> Vec<Line> {
    if line.text.len() <= WIDTH {
        return vec![line];
    }
    let indent = line.text.len() - line.text.trim_start_matches(' ').len() + 4;
    let joints = joints(&line.text);
    let mut lines = Vec::new();
    let mut from = 0;
    let mut room = WIDTH;
    while line.text.len() - from > room {
        let fitting = joints
            .iter()
            .filter(|(at, _)| *at > from && *at - from <= room);
        // Outside as few brackets as possible, then as far on as possible.
        let best = fitting.min_by_key(|(at, depth)| (*depth, usize::MAX - at));
        let next = best.or_else(|| joints.iter().find(|(at, _)| *at > from));
        let Some((at, _)) = next else {
            break;
        };
        lines.push(line.text.get(from..*at).unwrap_or("").trim_end().to_owned());
        from = *at;
        room = WIDTH - indent.min(WIDTH / 2);
    }
    lines.push(line.text.get(from..).unwrap_or("").to_owned());
    let lines = lines.into_iter().enumerate().map(|(at, text)| {
        let text = if at == 0 {
            text
        } else {
            format!("{:indent$}{text}", "")
        };
        Line {
            text,
            end: line.end,
        }
    });
    lines.collect()
}

/// Where a line may be broken: before which byte, inside how many brackets.
fn joints(text: &str) -> Vec<(usize, usize)> {
    let mut joints = Vec::new();
    let mut depth = 0_usize;
    let mut after_comma = None;
    for (at, lexeme) in lex(text, Dialect::Query).tokens.into_iter().enumerate() {
        // No space stands behind the comma of a quantifier.
        if after_comma.is_some_and(|end| end < lexeme.start) {
            joints.push((lexeme.start, depth));
        }
        after_comma = None;
        // A word of a name with hyphens (`code-and-ci`) has none before it.
        let is_apart = matches!(lexeme.token, Token::Sign(_))
            || text
                .get(..lexeme.start)
                .is_some_and(|before| before.ends_with(' '));
        if at > 0 && is_apart && starts_joint(lexeme.token) {
            joints.push((lexeme.start, depth));
        }
        match lexeme.token {
            Token::Sign(
                Sign::LParen | Sign::LBracket | Sign::LBrace | Sign::LeftOpen | Sign::LeftArrowOpen,
            ) => depth += 1,
            Token::Sign(
                Sign::RParen
                | Sign::RBracket
                | Sign::RBrace
                | Sign::RightClose
                | Sign::RightArrowClose,
            ) => depth = depth.saturating_sub(1),
            Token::Sign(Sign::Comma) => after_comma = Some(lexeme.end),
            _ => {}
        }
    }
    joints
}

/// Whether a line may be broken before this token.
fn starts_joint(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Sign(Sign::LeftOpen | Sign::LeftArrowOpen)
            | Token::Keyword(
                Keyword::And
                    | Keyword::Or
                    | Keyword::Xor
                    | Keyword::When
                    | Keyword::Else
                    | Keyword::Where
                    | Keyword::Match
                    | Keyword::Return
            )
    )
}

fn write_above(out: &mut Vec<String>, comments: &[Comment<'_>], indent: usize, source: &str) {
    for comment in comments {
        out.push(format!("{:indent$}{}", "", comment.text));
        if is_set_off(comment, source) {
            out.push(String::new());
        }
    }
}

/// Whether nothing that another line says stands between the end of a line and a comment: only
/// the signs and words that end a part.
fn is_tail(between: &str) -> bool {
    const WORDS: [&str; 15] = [
        "STEPS", "PER", "SOURCE", "TARGET", "PAIR", "ROWS", "AND", "OR", "ASC", "DESC", "ATTACK",
        "PATHS", "CHOKE", "POINTS", "WHERE",
    ];
    !between.contains('\n')
        && between
            .split(|c: char| c.is_whitespace() || ",;)}]".contains(c))
            .filter(|word| !word.is_empty())
            .all(|word| WORDS.iter().any(|tail| word.eq_ignore_ascii_case(tail)))
}

/// Whether a blank line separates a comment from what follows it.
fn is_set_off(comment: &Comment<'_>, source: &str) -> bool {
    let rest = source
        .get(comment.start + comment.text.len()..)
        .unwrap_or("");
    let blank = rest.len() - rest.trim_start().len();
    let n_breaks = rest
        .get(..blank)
        .map_or(0, |blank| blank.matches('\n').count());
    n_breaks > 1 && blank < rest.len()
}
