//! Pearce's one-array version of Tarjan's search (*A space-efficient algorithm for finding strongly
//! connected components*, IPL 116, 2016), without recursion.

use super::{Linked, Numbers};
use crate::budget::{Budget, CHECK_EVERY, Stop};
use crate::search::view::Topology;

struct Visit {
    state: u32,
    cursor: u32,
    and_cursor: u32,
    is_root: bool,
}

impl Visit {
    fn new(state: u32) -> Self {
        Self {
            state,
            cursor: 0,
            and_cursor: 0,
            is_root: true,
        }
    }
}

/// Numbers the components of everything that the roots lead to and that has no number yet.
pub(super) fn depth_first<T: Topology>(
    linked: &Linked<'_, T>,
    numbers: &mut Numbers,
    roots: impl IntoIterator<Item = u32>,
    budget: &Budget,
) -> Result<(), Stop> {
    let Numbers {
        of_state: index,
        next_component,
    } = numbers;
    let graph = linked.graph;
    let mut next_index = 1u32;
    let mut path: Vec<Visit> = Vec::new();
    let mut waiting: Vec<u32> = Vec::new();
    let mut n_expanded = 0;
    for root in roots {
        if index[root as usize] != 0 {
            continue;
        }
        index[root as usize] = next_index;
        next_index += 1;
        path.push(Visit::new(root));
        while let Some(visit) = path.last_mut() {
            let state = visit.state as usize;
            // The lowest index that the links looked at so far lead back to.
            let before = index[state];
            let mut own = before;
            let mut is_unvisited = |gain: u32| {
                n_expanded += 1;
                let of_gain = index[gain as usize];
                own = own.min(if of_gain == 0 { own } else { of_gain });
                of_gain == 0
            };
            let mut unvisited = graph.find_out(visit.state, &mut visit.cursor, &mut is_unvisited);
            if unvisited.is_none() && linked.has_and {
                unvisited = find_and_out(graph, visit, is_unvisited);
            }
            visit.is_root &= own == before;
            index[state] = own;
            if let Some(gain) = unvisited {
                index[gain as usize] = next_index;
                next_index += 1;
                path.push(Visit::new(gain));
                continue;
            }
            let is_root = visit.is_root;
            path.pop();
            if is_root {
                next_index -= 1;
                while let Some(&top) = waiting.last() {
                    if index[top as usize] < own {
                        break;
                    }
                    waiting.pop();
                    index[top as usize] = *next_component;
                    next_index -= 1;
                }
                index[state] = *next_component;
                *next_component -= 1;
            } else {
                waiting.push(state as u32);
            }
            if let Some(parent) = path.last_mut() {
                let done = index[state];
                if done < index[parent.state as usize] {
                    index[parent.state as usize] = done;
                    parent.is_root = false;
                }
            }
        }
        if n_expanded >= CHECK_EVERY {
            budget.expand(n_expanded)?;
            n_expanded = 0;
        }
    }
    budget.expand(n_expanded)?;
    Ok(())
}

/// The next wanted gain of an AND step whose main premise the state is.
fn find_and_out<T: Topology>(
    graph: &T,
    visit: &mut Visit,
    mut wanted: impl FnMut(u32) -> bool,
) -> Option<u32> {
    let mut place = 0;
    let mut found = None;
    graph.each_and_out(visit.state, |and| {
        if and.premises[0] == visit.state {
            if found.is_none() && place == visit.and_cursor {
                visit.and_cursor += 1;
                found = wanted(and.gain).then_some(and.gain);
            }
            place += 1;
        }
    });
    found
}
