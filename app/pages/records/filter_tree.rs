//! A filter as a tree that one can point into: where a condition goes, and what is left when one is taken away. A place
//! is a path of positions from the top; the top itself is a list of what must all hold.

use aplomb_model::Filter;
use aplomb_model::query::Condition;

pub type At = Vec<usize>;

/// How a new condition joins what is there.
#[derive(Debug, Clone, PartialEq)]
pub enum Join {
    /// everything must hold, and this too
    All,
    /// instead of what stands at a place this may hold
    Or(At),
    /// what stands at a place, and this too
    And(At),
}

/// What must all hold; a filter of another form is one of them.
pub fn top(filter: Option<Filter>) -> Vec<Filter> {
    match filter {
        None => Vec::new(),
        Some(Filter::And { and }) => and,
        Some(other) => vec![other],
    }
}

fn whole(mut list: Vec<Filter>) -> Option<Filter> {
    match list.len() {
        0 => None,
        1 => match list.remove(0) {
            one @ Filter::Condition(_) => Some(Filter::And { and: vec![one] }),
            other => Some(Filter::And { and: vec![other] }),
        },
        _ => Some(Filter::And { and: list }),
    }
}

pub fn children(filter: &Filter) -> &[Filter] {
    match filter {
        Filter::And { and } => and,
        Filter::Or { or } => or,
        Filter::Not { not } => std::slice::from_ref(not),
        Filter::Condition(_) => &[],
    }
}

fn find<'f>(list: &'f mut [Filter], at: &[usize]) -> Option<&'f mut Filter> {
    let (first, rest) = at.split_first()?;
    let node = list.get_mut(*first)?;
    if rest.is_empty() {
        return Some(node);
    }
    match node {
        Filter::And { and } => find(and, rest),
        Filter::Or { or } => find(or, rest),
        Filter::Not { not } if rest[0] == 0 => {
            if rest.len() == 1 {
                Some(not)
            } else {
                find(std::slice::from_mut(&mut **not), rest)
            }
        }
        _ => None,
    }
}

/// The filter with one condition more.
pub fn add(filter: Option<Filter>, join: &Join, condition: Condition) -> Option<Filter> {
    let mut list = top(filter);
    let new = Filter::Condition(condition);
    match join {
        Join::All => list.push(new),
        Join::Or(at) => match find(&mut list, at) {
            Some(Filter::Or { or }) => or.push(new),
            Some(node) => *node = Filter::Or { or: vec![node.clone(), new] },
            None => list.push(new),
        },
        Join::And(at) => match find(&mut list, at) {
            Some(Filter::And { and }) => and.push(new),
            Some(node) => *node = Filter::And { and: vec![node.clone(), new] },
            None => list.push(new),
        },
    }
    whole(list)
}

/// The filter without what stands at a place; a group of one is that one.
pub fn remove(filter: Option<Filter>, at: &[usize]) -> Option<Filter> {
    fn without(list: Vec<Filter>, at: &[usize]) -> Vec<Filter> {
        let keep = |(place, node): (usize, Filter)| match at {
            [here] if *here == place => None,
            [here, rest @ ..] if *here == place => slimmed(node, rest),
            _ => Some(node),
        };
        list.into_iter().enumerate().filter_map(keep).collect()
    }
    fn slimmed(node: Filter, at: &[usize]) -> Option<Filter> {
        let alternatives = matches!(node, Filter::Or { .. });
        let list = match node {
            Filter::And { and: list } | Filter::Or { or: list } => without(list, at),
            _ => return None,
        };
        match list.len() {
            0 => None,
            1 => list.into_iter().next(),
            _ if alternatives => Some(Filter::Or { or: list }),
            _ => Some(Filter::And { and: list }),
        }
    }
    whole(without(top(filter), at))
}
