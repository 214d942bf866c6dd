//! How deep brackets and operators nest at a token.

use super::MAX_NESTING;

/// What a bracket was opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bracket {
    Top,
    Paren,
    /// `reduce(`, where a bar separates the body.
    Reduce,
    /// `CALL (`, after which a brace opens a subquery.
    CallImports,
    List,
    Relationship,
    /// Braces of a map, a map projection or a quantifier.
    Map,
    /// Braces of a subquery.
    Block,
    /// `CASE ... END`.
    Case,
}

/// An open bracket with how deep the expression inside has grown so far.
#[derive(Debug, Clone, Copy)]
struct Level {
    bracket: Bracket,
    /// Operators that make the tree one deeper each, since the last separator.
    chain: usize,
    /// Prefix and postfix operators since the last operand boundary.
    run: usize,
}

impl Level {
    fn new(bracket: Bracket) -> Level {
        Level {
            bracket,
            chain: 0,
            run: 0,
        }
    }

    fn depth(&self) -> usize {
        1 + self.chain + self.run
    }
}

/// The limit is passed.
#[derive(Debug, Clone, Copy)]
pub(super) struct TooDeep;

/// The open brackets. The depth it counts is at least that of the tree being read.
#[derive(Debug)]
pub(super) struct Nesting {
    levels: Vec<Level>,
    /// The bracket that was closed last.
    closed: Bracket,
    /// The sum of the depths of all open levels but the innermost.
    depth: usize,
}

impl Nesting {
    pub(super) fn new() -> Nesting {
        Nesting {
            levels: vec![Level::new(Bracket::Top)],
            closed: Bracket::Top,
            depth: 0,
        }
    }

    /// The innermost open bracket.
    pub(super) fn bracket(&self) -> Bracket {
        self.levels
            .last()
            .map_or(Bracket::Top, |level| level.bracket)
    }

    /// The bracket that was closed last.
    pub(super) fn closed(&self) -> Bracket {
        self.closed
    }

    pub(super) fn open(&mut self, bracket: Bracket) -> Result<(), TooDeep> {
        if let Some(level) = self.levels.last() {
            self.depth += level.depth();
        }
        self.levels.push(Level::new(bracket));
        self.check_depth()
    }

    pub(super) fn close(&mut self) {
        if self.levels.len() > 1 {
            self.closed = self.bracket();
            self.levels.pop();
            if let Some(level) = self.levels.last_mut() {
                self.depth = self.depth.saturating_sub(level.depth());
                // The closed bracket may itself be called, indexed or tested further.
                level.run += 1;
            }
        }
    }

    /// A comma, clause word or the like: the tree does not grow deeper along it.
    pub(super) fn separate(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.chain = 0;
            level.run = 0;
        }
    }

    /// An operator whose operands are nested equally deep.
    pub(super) fn end_run(&mut self) {
        if let Some(level) = self.levels.last_mut() {
            level.run = 0;
        }
    }

    /// An operator that nests to the left.
    pub(super) fn grow_chain(&mut self) -> Result<(), TooDeep> {
        if let Some(level) = self.levels.last_mut() {
            level.chain += 1;
            level.run = 0;
        }
        self.check_depth()
    }

    /// A prefix or postfix operator.
    pub(super) fn grow_run(&mut self) -> Result<(), TooDeep> {
        if let Some(level) = self.levels.last_mut() {
            level.run += 1;
        }
        self.check_depth()
    }

    fn check_depth(&self) -> Result<(), TooDeep> {
        let depth = self.depth + self.levels.last().map_or(0, Level::depth);
        if depth <= MAX_NESTING {
            Ok(())
        } else {
            Err(TooDeep)
        }
    }
}
