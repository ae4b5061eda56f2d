//! What other programs and people call our fields: `assets/import/headers.toml`, read once.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Default)]
pub struct Synonyms {
    lines: Vec<Line>,
    ignored: HashSet<String>,
    prefixes: HashMap<String, String>,
}

/// The names of one field.
pub struct Line {
    /// `None`: every object
    objects: Option<Vec<String>>,
    pub path: String,
    pub headers: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    fields: Vec<FileLine>,
    ignored: String,
    prefixes: HashMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileLine {
    objects: String,
    path: String,
    headers: String,
}

static ALL: LazyLock<Synonyms> = LazyLock::new(|| {
    // the file is part of the program; a test reads it
    let file: File = toml::from_str(include_str!("../../../assets/import/headers.toml")).unwrap_or_default();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let line = |line: FileLine| Line {
        objects: (line.objects != "*").then(|| words(&line.objects)),
        path: line.path,
        headers: words(&line.headers),
    };
    Synonyms {
        lines: file.fields.into_iter().map(line).collect(),
        ignored: words(&file.ignored).into_iter().collect(),
        prefixes: file.prefixes,
    }
});

impl Synonyms {
    pub fn get() -> &'static Synonyms {
        &ALL
    }

    pub fn of(&self, object: &str) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |l| l.objects.as_ref().is_none_or(|all| all.iter().any(|o| o == object)))
    }

    /// Headers of what we keep ourselves or what means nothing here.
    pub fn ignores(&self, header: &str) -> bool {
        self.ignored.contains(header)
    }

    /// Pipedrive puts the object before every header of its file.
    pub fn without_prefix<'h>(&self, object: &str, header: &'h str) -> Option<&'h str> {
        header.strip_prefix(self.prefixes.get(object)?.as_str()).filter(|rest| !rest.is_empty())
    }
}

impl Line {
    /// The place of a header in the line.
    pub fn rank(&self, header: &str) -> Option<usize> {
        self.headers.iter().position(|h| h == header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::words::key;

    #[test]
    fn the_file_is_read_and_folded() {
        let all = Synonyms::get();
        assert!(all.lines.len() > 80 && all.ignored.len() > 20 && all.prefixes.len() == 5);
        for header in all.lines.iter().flat_map(|l| &l.headers).chain(&all.ignored) {
            assert_eq!(*header, key(header), "headers are written folded");
        }
        let path =
            |object: &str, header: &str| all.of(object).find(|l| l.rank(header).is_some()).map(|l| l.path.as_str());
        assert_eq!(path("contact", "vorname"), Some("name.first"));
        assert_eq!(path("lead", "company"), Some("companyName"));
        assert_eq!(path("deal", "createdate"), Some("createdAt"));
        assert_eq!(all.without_prefix("contact", "personname"), Some("name"));
    }
}
