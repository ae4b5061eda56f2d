//! The state of a list, which is its URL: search text, filter, sort and place.

use aplomb_model::query::Condition;
use aplomb_model::{Filter, Object, Sort};
use leptos_router::params::ParamsMap;

use crate::api::ListQuery;
use crate::state::nav;

pub const PAGE_ROWS: u32 = 50;
const DEFAULT_SORT: &str = "-updatedAt";

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListUrl {
    pub q: String,
    pub filter: String,
    pub sort: String,
    pub cursor: String,
    /// counted from 1
    pub page: usize,
}

impl ListUrl {
    pub fn read(query: &ParamsMap) -> ListUrl {
        let text = |name: &str| query.get(name).unwrap_or_default();
        let page = text("page").parse().unwrap_or(1).max(1);
        ListUrl { q: text("q"), filter: text("filter"), sort: text("sort"), cursor: text("cursor"), page }
    }

    pub fn write(&self, object: &str) -> String {
        let page = if self.page > 1 { self.page.to_string() } else { String::new() };
        nav::with_query(
            &nav::list_url(object),
            &[
                ("q", &self.q),
                ("filter", &self.filter),
                ("sort", &self.sort),
                ("cursor", &self.cursor),
                ("page", &page),
            ],
        )
    }

    /// The first page of the same list.
    fn first(&self) -> ListUrl {
        ListUrl { cursor: String::new(), page: 1, ..self.clone() }
    }

    pub fn with_q(&self, q: &str) -> ListUrl {
        ListUrl { q: q.to_owned(), ..self.first() }
    }

    pub fn with_conditions(&self, conditions: &[Condition]) -> ListUrl {
        let and = conditions.iter().cloned().map(Filter::Condition).collect();
        let filter = Filter::And { and };
        let filter =
            if conditions.is_empty() { String::new() } else { serde_json::to_string(&filter).unwrap_or_default() };
        ListUrl { filter, ..self.first() }
    }

    pub fn without_filter(&self) -> ListUrl {
        ListUrl { filter: String::new(), q: String::new(), ..self.first() }
    }

    /// Sorted by `field`: upwards first, then downwards, then as if nothing was said.
    pub fn sorted_by(&self, field: &str) -> ListUrl {
        let sort = match self.order(field) {
            None => field.to_owned(),
            Some(false) => format!("-{field}"),
            Some(true) => String::new(),
        };
        ListUrl { sort, ..self.first() }
    }

    /// Whether the list is sorted by `field`, and whether downwards.
    pub fn order(&self, field: &str) -> Option<bool> {
        let sort = Sort::parse(self.effective_sort().split(',').next()?);
        (sort.field == field).then_some(sort.descending)
    }

    /// With a search text and no wish, the best hit comes first.
    fn effective_sort(&self) -> &str {
        match (self.sort.as_str(), self.q.as_str()) {
            ("", "") => DEFAULT_SORT,
            (sort, _) => sort,
        }
    }

    pub fn is_narrowed(&self) -> bool {
        !self.q.is_empty() || !self.filter.is_empty()
    }

    /// The conditions that all must hold; `None` when the filter is of another form.
    pub fn conditions(&self) -> Option<Vec<Condition>> {
        if self.filter.is_empty() {
            return Some(Vec::new());
        }
        match serde_json::from_str(&self.filter).ok()? {
            Filter::Condition(one) => Some(vec![one]),
            Filter::And { and } => {
                and.into_iter().map(|f| if let Filter::Condition(c) = f { Some(c) } else { None }).collect()
            }
            _ => None,
        }
    }

    pub fn query(&self, object: &Object) -> ListQuery {
        let mut fields: Vec<&str> = object.list.iter().map(String::as_str).collect();
        if !fields.contains(&object.title.as_str()) {
            fields.push(&object.title);
        }
        ListQuery {
            object: object.name.clone(),
            filter: self.filter.clone(),
            sort: self.effective_sort().to_owned(),
            fields: fields.join(","),
            q: self.q.clone(),
            cursor: self.cursor.clone(),
            limit: PAGE_ROWS,
        }
    }
}
