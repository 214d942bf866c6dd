//! Lists: pages of items, and where the next page begins.

use serde::{Deserialize, Serialize};

/// The default length of a page.
const DEFAULT_LIMIT: usize = 100;

/// The longest page.
const MAX_LIMIT: usize = 1_000;

/// One page of a list.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ListDto<T> {
    pub(crate) items: Vec<T>,
    /// Hand it in as `cursor` for the next page; absent on the last.
    pub(crate) next_cursor: Option<String>,
}

/// Which page.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct PageParams {
    /// What the page before said.
    #[serde(default)]
    pub(crate) cursor: Option<String>,
    /// How many items.
    #[serde(default)]
    pub(crate) limit: Option<usize>,
}

impl PageParams {
    /// The length of the page.
    pub(crate) fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
    }

    /// Cuts a page out of a whole list; the cursor is the key of the page's last item. Items that
    /// come and go between two pages shift nothing.
    pub(crate) fn cut<T>(&self, items: Vec<T>, key: impl Fn(&T) -> String) -> ListDto<T> {
        let start = match &self.cursor {
            Some(cursor) => items
                .iter()
                .position(|item| key(item) == *cursor)
                .map_or(items.len(), |at| at + 1),
            None => 0,
        };
        let n_left = items.len() - start;
        let limit = self.limit();
        let page: Vec<T> = items.into_iter().skip(start).take(limit).collect();
        let next_cursor = (n_left > limit).then(|| page.last().map(&key)).flatten();
        ListDto {
            items: page,
            next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_repetition() {
        let mut seen = Vec::new();
        let mut params = PageParams {
            limit: Some(3),
            cursor: None,
        };
        loop {
            let page = params.cut((0..7).collect(), i32::to_string);
            seen.extend(page.items);
            match page.next_cursor {
                Some(cursor) => params.cursor = Some(cursor),
                None => break,
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    }
}
