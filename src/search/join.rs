//! The values of a path: a column of the object itself, or what references lead to. References are followed by id; what
//! they lead to is held as integers that compare across all segments, and kept while the records it is of stay the same.

use std::collections::HashMap;
use std::sync::Arc;

use aplomb_model::query::{Kind, Path};
use aplomb_model::schema::system;

use crate::bits::Bits;
use crate::columns::{Col, Segment};
use crate::cursor::Place;
use crate::error::SearchError;
use crate::filter::Views;
use crate::layout::{self, is_text};
use crate::shard::View;

/// Most values that a path may lead to: about 100 MB.
const MAX_JOINED: usize = 4_000_000;
/// Most bytes of different texts that a path may lead to.
const MAX_TEXT: usize = 64 << 20;

/// Where a query finds the values of a path.
pub(crate) struct Source {
    /// of the values themselves, or of the references that lead to them
    column: String,
    pub text: bool,
    join: Option<Arc<Join>>,
    /// of the join, when it can be met again
    name: Option<String>,
}

/// Where a join has the values behind a reference, by the reference's ordinal.
pub(crate) type Spans = Vec<(u32, u32)>;

/// What every record of an object that is referred to has at the end of the path.
pub(crate) struct Join {
    /// by id: a part of `keys`
    spans: HashMap<u128, (u32, u32)>,
    /// numbers as columns have them, or positions in `texts`
    keys: Vec<u64>,
    /// sorted
    texts: Arc<Vec<String>>,
    many: bool,
}

/// The values of one segment.
pub(crate) enum Values {
    None,
    Own(Arc<Col>),
    Over(Over),
}

pub(crate) struct Over {
    links: Arc<Col>,
    /// by the ordinal of a reference: a part of the keys of the join
    spans: Arc<Spans>,
    join: Arc<Join>,
    text: bool,
}

impl Source {
    /// Errors: [`SearchError::BadQuery`] for ids, for values that do not compare and for paths that lead to too much.
    pub fn new(path: &Path, views: Views) -> Result<Source, SearchError> {
        if path.kind == Kind::Opaque {
            return Err(SearchError::BadQuery("a field without comparable values"));
        }
        if path.field == system::ID {
            return Err(SearchError::BadQuery("ids"));
        }
        let text = is_text(path.kind);
        let Some(((field, target), rest)) = path.steps.split_first() else {
            return Ok(Source { column: layout::column(path.field, path.part), text, join: None, name: None });
        };
        let inner = Source::new(&Path { steps: rest.to_vec(), ..path.clone() }, views)?;
        let (column, view) = (layout::column(*field, None), views(*target));
        // A path that goes on depends on more than one view.
        let (join, name) = match view.filter(|_| rest.is_empty()) {
            Some(view) => {
                let name = format!("join {} {text}", inner.column);
                let join = view.core.join(&name, || Join::new(Some(&view), &inner))?;
                (join, Some(format!("{column} {} {name}", view.core.number())))
            }
            None => (Arc::new(Join::new(views(*target).as_deref(), &inner)?), None),
        };
        Ok(Source { column, text, join: Some(join), name })
    }

    pub fn open(&self, segment: &Segment) -> Result<Values, SearchError> {
        let Some(join) = &self.join else {
            return Ok(segment.column(&self.column, self.text)?.map_or(Values::None, Values::Own));
        };
        let Some(links) = segment.column(&self.column, true)? else { return Ok(Values::None) };
        let find = || {
            let mut spans = Spans::new();
            each_term(&links, |_, id| {
                let id = layout::id_from_text(id).map_or(0, |id| id.as_u128());
                spans.push(join.spans.get(&id).copied().unwrap_or_default());
            })?;
            Ok(spans)
        };
        let spans = match &self.name {
            Some(name) => segment.spans(name, find)?,
            None => Arc::new(find()?),
        };
        Ok(Values::Over(Over { links, spans, join: join.clone(), text: self.text }))
    }
}

impl Join {
    fn new(view: Option<&View>, inner: &Source) -> Result<Join, SearchError> {
        let mut join = Join { spans: HashMap::new(), keys: vec![], texts: Arc::default(), many: false };
        let Some(view) = view else { return Ok(join) };
        let opened = view.segments.iter().map(|s| inner.open(s)).collect::<Result<Vec<_>, _>>()?;
        let ranks = join.name_texts(&opened, inner, view)?;
        for ((segment, values), ranks) in view.segments.iter().zip(&opened).zip(&ranks) {
            let ids = segment.ids()?;
            let mut docs = Bits::all(segment.len());
            if let Some(alive) = &segment.alive {
                docs.and(alive);
            }
            docs.blocks(false, |block| {
                for doc in block {
                    let from = join.keys.len();
                    values.each(*doc, |key| join.keys.push(ranks.get(key as usize).copied().unwrap_or(key)));
                    let to = join.keys.len();
                    if to > from && to <= MAX_JOINED {
                        join.many |= to - from > 1;
                        join.spans.insert(ids.get(*doc), (from as u32, to as u32));
                    }
                    join.keys.truncate(MAX_JOINED + 1);
                }
            });
        }
        match join.keys.len() > MAX_JOINED {
            true => Err(SearchError::BadQuery("a path that leads to too many records")),
            false => Ok(join),
        }
    }

    /// About what it takes of memory.
    pub fn bytes(&self) -> u64 {
        let texts: usize = self.texts.iter().map(|text| text.len() + 24).sum();
        (self.spans.len() * 32 + self.keys.len() * 8 + texts) as u64
    }

    /// Positions of each segment's dictionary among all texts; empty where the values are such positions already, or
    /// numbers.
    fn name_texts(&mut self, opened: &[Values], inner: &Source, view: &View) -> Result<Vec<Vec<u64>>, SearchError> {
        let none = vec![vec![]; view.segments.len()];
        if let Some(join) = &inner.join {
            self.texts = join.texts.clone();
            return Ok(none);
        }
        if !inner.text {
            return Ok(none);
        }
        let (mut texts, mut bytes) = (Vec::new(), 0);
        for col in opened.iter().filter_map(Values::own) {
            each_term(col, |_, text| {
                bytes += text.len();
                if bytes <= MAX_TEXT {
                    texts.push(text.to_owned());
                }
            })?;
        }
        if bytes > MAX_TEXT {
            return Err(SearchError::BadQuery("a path that leads to too many different texts"));
        }
        texts.sort_unstable();
        texts.dedup();
        let mut all = Vec::new();
        for values in opened {
            let mut ranks = Vec::new();
            if let Some(col) = values.own() {
                each_term(col, |_, text| {
                    ranks.push(texts.binary_search_by(|t| t.as_str().cmp(text)).map_or(0, |at| at as u64));
                })?;
            }
            all.push(ranks);
        }
        self.texts = Arc::new(texts);
        Ok(all)
    }
}

/// The terms of a column's dictionary in order.
fn each_term(col: &Col, mut each: impl FnMut(u64, &str)) -> Result<(), SearchError> {
    let Some(text) = &col.text else { return Ok(()) };
    let mut stream = text.dictionary().stream()?;
    while stream.advance() {
        each(stream.term_ord(), std::str::from_utf8(stream.key()).unwrap_or_default());
    }
    Ok(())
}

impl Values {
    pub fn own(&self) -> Option<&Col> {
        match self {
            Values::Own(col) => Some(col),
            _ => None,
        }
    }

    /// Whether a document may have several.
    pub fn many(&self) -> bool {
        match self {
            Values::None => false,
            Values::Own(col) => col.values.get_cardinality().is_multivalue(),
            Values::Over(over) => over.join.many || over.links.values.get_cardinality().is_multivalue(),
        }
    }

    pub fn each(&self, doc: u32, mut each: impl FnMut(u64)) {
        match self {
            Values::None => {}
            Values::Own(col) => col.values.values_for_doc(doc).for_each(each),
            Values::Over(over) => {
                over.links.values.values_for_doc(doc).for_each(|ord| over.keys(ord).iter().for_each(|key| each(*key)));
            }
        }
    }

    /// The first value of each document.
    pub fn firsts(&self, docs: &[u32], out: &mut Vec<Option<u64>>) {
        match self {
            Values::None => {
                out.clear();
                out.resize(docs.len(), None);
            }
            Values::Own(col) => col.firsts(docs, out),
            Values::Over(over) if over.links.values.get_cardinality().is_multivalue() => {
                let first =
                    |doc: &u32| over.links.values.values_for_doc(*doc).find_map(|ord| over.keys(ord).first().copied());
                out.clear();
                out.extend(docs.iter().map(first));
            }
            Values::Over(over) => {
                over.links.firsts(docs, out);
                out.iter_mut().for_each(|v| *v = v.and_then(|ord| over.keys(ord).first().copied()));
            }
        }
    }

    /// What a value stands for in all segments.
    pub fn place(&self, value: u64) -> Result<Place, SearchError> {
        Ok(match self {
            Values::Own(col) if col.text.is_some() => Place::Text(col.text_of(value)?),
            Values::Over(over) if over.text => {
                Place::Text(over.join.texts.get(value as usize).cloned().unwrap_or_default())
            }
            _ => Place::Number(value),
        })
    }

    /// Twice the ordinal of a text plus two, or an odd number between two ordinals. Never 0, whose reverse is for
    /// missing values.
    pub fn between(&self, text: &str) -> Result<u64, SearchError> {
        use std::ops::Bound::{Excluded, Included, Unbounded};
        Ok(match self {
            Values::Own(col) => {
                let Some(column) = &col.text else { return Ok(0) };
                let terms = column.num_terms() as u64;
                let key = text.as_bytes();
                match column.dictionary().term_bounds_to_ord(Included(key), Included(key))?.1 {
                    Included(ord) => 2 * ord + 2,
                    Excluded(ord) => 2 * ord.min(terms) + 1,
                    Unbounded => 2 * terms + 1,
                }
            }
            Values::Over(over) => match over.join.texts.binary_search_by(|t| t.as_str().cmp(text)) {
                Ok(at) => 2 * at as u64 + 2,
                Err(at) => 2 * at as u64 + 1,
            },
            Values::None => 0,
        })
    }
}

impl Over {
    fn keys(&self, ord: u64) -> &[u64] {
        let (from, to) = self.spans.get(ord as usize).copied().unwrap_or_default();
        &self.join.keys[from as usize..to as usize]
    }
}
