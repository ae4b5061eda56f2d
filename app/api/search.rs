//! Search over everything the session may see, and looking records up for a reference.

use serde::Deserialize;

use super::{Abort, Call, Failure, ListQuery, Person, Result, list, users};

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Hit {
    pub object: String,
    pub id: String,
    #[serde(deserialize_with = "super::or_empty")]
    pub title: String,
    pub subtitle: Option<String>,
    pub snippet: Option<Snippet>,
}

/// A piece of text and where the words that were looked for lie in it, in bytes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Snippet {
    Marked {
        text: String,
        #[serde(default)]
        marks: Vec<Mark>,
    },
    Plain(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct Mark {
    pub start: usize,
    pub end: usize,
}

impl Snippet {
    /// Pieces of the text and whether each is marked; positions that do not fit the text are left out.
    pub fn pieces(&self) -> Vec<(String, bool)> {
        let (text, marks) = match self {
            Snippet::Plain(text) => return vec![(text.clone(), false)],
            Snippet::Marked { text, marks } => (text, marks),
        };
        let mut pieces = Vec::new();
        let mut at = 0;
        for mark in marks {
            if let (Some(before), Some(marked)) = (text.get(at..mark.start), text.get(mark.start..mark.end)) {
                pieces.push((before.to_owned(), false));
                pieces.push((marked.to_owned(), true));
                at = mark.end;
            }
        }
        pieces.push((text.get(at..).unwrap_or_default().to_owned(), false));
        pieces.retain(|(piece, _)| !piece.is_empty());
        pieces
    }
}

/// `object` may be empty: every object.
pub async fn search(q: &str, object: &str, limit: u32, abort: &Abort) -> Result<Vec<Hit>> {
    let call = Call::get("/search").query("q", q).query("object", object).query("limit", limit.to_string());
    let answer = call.after_writes().abort(abort).send().await?;
    super::list_of(answer.json, "results")
}

/// Records of one object by name, the latest ones when `q` is empty.
pub async fn look_up(object: &str, title: &str, q: &str, abort: &Abort) -> Result<Vec<Hit>> {
    if object == "user" {
        return look_up_user(q).await;
    }
    if !q.trim().is_empty() {
        return search(q, object, 8, abort).await;
    }
    let query =
        ListQuery { object: object.to_owned(), sort: "-updatedAt".to_owned(), limit: 8, ..ListQuery::default() };
    let page = list(query, abort).await?;
    let hit = |record: super::Record| Hit {
        title: record.fields.get(title).map(crate::state::format::plain).unwrap_or_default(),
        object: record.object,
        id: record.id,
        ..Hit::default()
    };
    Ok(page.records.into_iter().map(hit).collect())
}

async fn look_up_user(q: &str) -> Result<Vec<Hit>> {
    let wanted = aplomb_model::fold(q);
    let fits = |p: &Person| aplomb_model::fold(&format!("{} {}", p.name, p.email)).contains(&wanted);
    let users = users().await.map_err(|e: Failure| e)?;
    let people = users.into_iter().map(|u| Person { id: u.id, name: u.name, email: u.email }).filter(fits).take(20);
    let hit =
        |p: Person| Hit { object: "user".to_owned(), id: p.id, title: p.name, subtitle: Some(p.email), snippet: None };
    Ok(people.map(hit).collect())
}
