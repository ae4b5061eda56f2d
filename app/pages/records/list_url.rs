//! The state of a list, which is its URL: search text, filter, sort, groups, columns, and whether it is a table or a
//! board.

use aplomb_model::{Filter, Sort};

use crate::api::ListQuery;
use crate::kit::Wanted;
use crate::state::{Query, nav};

const DEFAULT_SORT: &str = "-updatedAt";

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ListUrl {
    pub q: String,
    pub filter: String,
    pub sort: String,
    /// names of fields; empty for the usual ones
    pub columns: String,
    /// `board`, else a table
    pub view: String,
    /// the field whose values make groups of rows, or the swim-lanes of a board
    pub group: String,
}

impl ListUrl {
    pub fn read(query: &Query) -> ListUrl {
        let text = |name: &str| query.get(name).unwrap_or_default();
        let (q, filter, sort) = (text("q"), text("filter"), text("sort"));
        ListUrl { q, filter, sort, columns: text("columns"), view: text("view"), group: text("group") }
    }

    /// What stands behind the `?` of its address.
    pub fn query_text(&self) -> String {
        self.write("").split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default()
    }

    pub fn write(&self, object: &str) -> String {
        let query = [
            ("view", &*self.view),
            ("group", &self.group),
            ("q", &self.q),
            ("filter", &self.filter),
            ("sort", &self.sort),
            ("columns", &self.columns),
        ];
        nav::with_query(&nav::list_url(object), &query)
    }

    pub fn with_q(&self, q: &str) -> ListUrl {
        ListUrl { q: q.to_owned(), ..self.clone() }
    }

    pub fn with_filter(&self, filter: Option<&Filter>) -> ListUrl {
        let filter = filter.and_then(|filter| serde_json::to_string(filter).ok()).unwrap_or_default();
        ListUrl { filter, ..self.clone() }
    }

    pub fn without_filter(&self) -> ListUrl {
        ListUrl { filter: String::new(), q: String::new(), ..self.clone() }
    }

    /// Sorted by `field`: upwards first, then downwards, then as if nothing was said. With `too`, what the list is sorted
    /// by already stays in front.
    pub fn sorted_by(&self, field: &str, too: bool) -> ListUrl {
        let next = match self.order(field) {
            None => Some(field.to_owned()),
            Some((_, false)) => Some(format!("-{field}")),
            Some((_, true)) => None,
        };
        let own = |part: &&str| Sort::parse(part).field == field;
        let given: Vec<&str> = self.sort.split(',').filter(|part| !part.is_empty()).collect();
        let parts: Vec<String> = if too {
            let at = given.iter().position(own);
            let mut parts: Vec<String> = given.iter().map(|part| (*part).to_owned()).collect();
            match (at, next) {
                (Some(at), Some(next)) => parts[at] = next,
                (Some(at), None) => drop(parts.remove(at)),
                (None, next) => parts.extend(next),
            }
            parts
        } else {
            next.into_iter().collect()
        };
        ListUrl { sort: parts.join(","), ..self.clone() }
    }

    /// Where `field` stands among what the list is sorted by, counted from 1, and whether downwards.
    pub fn order(&self, field: &str) -> Option<(usize, bool)> {
        let sorts = self.effective_sort().split(',').map(Sort::parse);
        sorts.enumerate().find(|(_, sort)| sort.field == field).map(|(at, sort)| (at + 1, sort.descending))
    }

    /// How many fields the list is sorted by on purpose.
    pub fn sort_count(&self) -> usize {
        self.sort.split(',').filter(|part| !part.is_empty()).count()
    }

    /// With a search text and no wish, the best hit comes first.
    pub fn effective_sort(&self) -> &str {
        match (self.sort.as_str(), self.q.as_str()) {
            ("", "") => DEFAULT_SORT,
            (sort, _) => sort,
        }
    }

    pub fn is_narrowed(&self) -> bool {
        !self.q.is_empty() || !self.filter.is_empty()
    }

    /// The filter, unless there is none or it cannot be read.
    pub fn read_filter(&self) -> Option<Filter> {
        serde_json::from_str(&self.filter).ok()
    }

    /// What is asked of the server for these rows.
    pub fn query(&self, object: &str, fields: &str, wanted: &Wanted) -> ListQuery {
        ListQuery {
            object: object.to_owned(),
            filter: self.filter.clone(),
            sort: self.effective_sort().to_owned(),
            fields: fields.to_owned(),
            q: self.q.clone(),
            cursor: wanted.cursor.clone(),
            offset: wanted.offset,
            limit: wanted.limit as u32,
            exact: wanted.exact,
        }
    }
}
