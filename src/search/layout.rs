//! What of a record goes into the index, and how values become columns.
//!
//! Every object has an index of its own: an id term (to replace and remove), two columns with the halves of the id,
//! one JSON column per field and part (text folded; everything else an integer that sorts as the value does), and
//! its words: three fields by weight, one of keys (e-mails and what has digits) and one of short beginnings. Keys stay
//! out of the others, so that the dictionaries that are searched with typos hold a language's words only.
//! No filter needs an inverted index: columns are scanned.

use aplomb_model::query::{Kind, Part, Path, Scalar, scalars};
use aplomb_model::schema::{FieldType, Object, Schema as Declared, system};
use aplomb_model::{Field as Declaration, FieldCode, Id, Record, Value, fold};
use tantivy::schema::{BytesOptions, FAST, Field, IndexRecordOption, JsonObjectOptions, OwnedValue, Schema};
use tantivy::schema::{TextFieldIndexing, TextOptions};
use tantivy::tokenizer::RAW_TOKENIZER_NAME;
use tantivy::{TantivyDocument, Term};

use crate::tokens::{self, SEPARATOR, TOKENIZER};
use crate::types::{DocContext, OWNER, TEAM};

/// Changes whenever columns, encodings or tokens do: an index of another number is rebuilt.
pub(crate) const LAYOUT: u32 = 3;

/// Name of the JSON field that holds the columns.
const COLUMNS: &str = "f";
/// The folded title, for exact and prefix matches.
pub(crate) const TITLE: &str = "t";
/// Long text is compared by its first bytes only; search finds all of it.
pub(crate) const LONG_TEXT: usize = 1024;

#[derive(Clone, Copy)]
pub(crate) struct Fields {
    pub id: Field,
    high: Field,
    low: Field,
    columns: Field,
    /// by weight, lightest first
    pub text: [Field; 3],
    /// e-mails, words with digits, and phone numbers by their digits in both directions
    pub keys: Field,
    /// the first characters of every word, since many words share them
    pub starts: Field,
}

/// Longest beginnings in [`Fields::starts`], in characters: of words, and of keys.
pub(crate) const STARTS: usize = 3;
pub(crate) const KEY_STARTS: usize = 4;

/// How much a word counts in each of [`Fields::text`].
pub(crate) const WEIGHTS: [f32; 3] = [1.0, 1.8, 3.0];

pub(crate) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let words = |option, norms| {
        let indexing =
            TextFieldIndexing::default().set_tokenizer(TOKENIZER).set_index_option(option).set_fieldnorms(norms);
        TextOptions::default().set_indexing_options(indexing)
    };
    let text = || words(IndexRecordOption::WithFreqs, true);
    let plain = || words(IndexRecordOption::Basic, false);
    let fields = Fields {
        id: builder.add_bytes_field("id", BytesOptions::default().set_indexed()),
        high: builder.add_u64_field("hi", FAST),
        low: builder.add_u64_field("lo", FAST),
        columns: builder.add_json_field(COLUMNS, JsonObjectOptions::default().set_fast(RAW_TOKENIZER_NAME)),
        text: [
            builder.add_text_field("t1", text()),
            builder.add_text_field("t2", text()),
            builder.add_text_field("t3", text()),
        ],
        keys: builder.add_text_field("k", plain()),
        starts: builder.add_text_field("p", plain()),
    };
    (builder.build(), fields)
}

/// Full name of the column of a path of the object itself.
pub(crate) fn column(field: FieldCode, part: Option<Part>) -> String {
    format!("{COLUMNS}.{}", key(field, part))
}

pub(crate) fn title_column() -> String {
    format!("{COLUMNS}.{TITLE}")
}

fn key(field: FieldCode, part: Option<Part>) -> String {
    let part = match part {
        None => "",
        Some(Part::First) => "f",
        Some(Part::Last) => "l",
        Some(Part::Street) => "s",
        Some(Part::City) => "c",
        Some(Part::Region) => "r",
        Some(Part::PostalCode) => "p",
        Some(Part::Country) => "n",
        Some(Part::Currency) => "m",
    };
    format!("{}{part}", field.0)
}

/// Whether a column holds text (or ids) by dictionary rather than integers.
pub(crate) fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text | Kind::Key | Kind::Id)
}

/// Integers that order as the scalars do.
pub(crate) fn number(scalar: &Scalar) -> Option<i64> {
    Some(match scalar {
        Scalar::Bool(b) => i64::from(*b),
        Scalar::Int(n) => *n,
        Scalar::Number(n) => sortable(*n),
        _ => return None,
    })
}

/// IEEE 754 totalOrder as an integer.
pub(crate) fn sortable(n: f64) -> i64 {
    let bits = n.to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

pub(crate) fn from_sortable(n: i64) -> f64 {
    f64::from_bits((n ^ (((n >> 63) as u64) >> 1) as i64) as u64)
}

/// Dictionary text of a scalar. The empty text is spelt NUL, since dictionaries have no empty key.
pub(crate) fn text(scalar: &Scalar) -> Option<String> {
    Some(match scalar {
        Scalar::Text(s) | Scalar::Key(s) if s.is_empty() => "\0".to_owned(),
        Scalar::Text(s) | Scalar::Key(s) => s.clone(),
        Scalar::Id(id) => id_text(*id),
        _ => return None,
    })
}

/// The scalar of a dictionary text.
pub(crate) fn from_text(kind: Kind, text: &str) -> Scalar {
    let plain = if text == "\0" { "" } else { text };
    match kind {
        Kind::Id => Scalar::Id(id_from_text(text).unwrap_or(Id::NIL)),
        Kind::Key => Scalar::Key(plain.to_owned()),
        _ => Scalar::Text(plain.to_owned()),
    }
}

pub(crate) fn from_number(kind: Kind, n: i64) -> Scalar {
    match kind {
        Kind::Bool => Scalar::Bool(n != 0),
        Kind::Number => Scalar::Number(from_sortable(n)),
        _ => Scalar::Int(n),
    }
}

const DIGITS: &[u8; 64] = b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz";

/// 22 characters that sort as the ids do.
pub(crate) fn id_text(id: Id) -> String {
    let n = id.as_u128();
    (0..22).rev().map(|at| DIGITS[(n >> (6 * at) & 63) as usize] as char).collect()
}

pub(crate) fn id_from_text(text: &str) -> Option<Id> {
    if text.len() != 22 {
        return None;
    }
    let mut n = 0u128;
    for byte in text.bytes() {
        n = n << 6 | DIGITS.binary_search(&byte).ok()? as u128;
    }
    Some(Id::from_u128(n))
}

impl Fields {
    pub fn id_term(&self, id: Id) -> Term {
        Term::from_field_bytes(self.id, id.as_bytes())
    }

    pub fn document(&self, object: Option<&Object>, record: &Record, context: &DocContext) -> TantivyDocument {
        let mut doc = TantivyDocument::new();
        let id = record.id.as_u128();
        doc.add_bytes(self.id, record.id.as_bytes());
        doc.add_u64(self.high, (id >> 64) as u64);
        doc.add_u64(self.low, id as u64);
        let columns = OwnedValue::Object(columns(object, record, context));
        doc.add_field_value(self.columns, &columns);
        let mut found = Words::default();
        found.add(3, &context.title);
        found.add(1, &context.extra_text);
        for (code, value) in record.fields.iter() {
            let field = object.and_then(|o| o.by_code(code));
            let weight = field.map_or(0, |f| f.search.min(3));
            if weight > 0 && field.is_some_and(|f| object.is_some_and(|o| f.name != o.title)) {
                searched(value, |text| found.add(usize::from(weight), text));
            }
        }
        found.write(self, &mut doc);
        doc
    }
}

/// The words of a record, by the field they go to.
#[derive(Default)]
struct Words {
    text: [String; 3],
    keys: String,
    starts: Vec<String>,
}

impl Words {
    fn add(&mut self, weight: usize, text: &str) {
        for word in tokens::indexed_words(text) {
            let key = tokens::is_key(&word.text);
            self.start(&word.text, if key { KEY_STARTS } else { STARTS });
            append(if key { &mut self.keys } else { &mut self.text[weight - 1] }, &word.text);
        }
        if let Some(digits) = tokens::phone_digits(text) {
            self.start(&digits, KEY_STARTS);
            append(&mut self.keys, &digits);
            append(&mut self.keys, &tokens::turned(&digits));
        }
    }

    fn start(&mut self, word: &str, longest: usize) {
        let ends = word.char_indices().skip(1).map(|(at, _)| at).chain([word.len()]).take(longest);
        self.starts.extend(ends.map(|end| word[..end].to_owned()));
    }

    fn write(mut self, fields: &Fields, doc: &mut TantivyDocument) {
        self.starts.sort_unstable();
        self.starts.dedup();
        let mut starts = String::new();
        self.starts.iter().for_each(|start| append(&mut starts, start));
        let [light, middle, heavy] = fields.text;
        let all = [(light, &self.text[0]), (middle, &self.text[1]), (heavy, &self.text[2])];
        for (field, text) in all.into_iter().chain([(fields.keys, &self.keys), (fields.starts, &starts)]) {
            if !text.is_empty() {
                doc.add_text(field, text);
            }
        }
    }
}

fn append(to: &mut String, word: &str) {
    to.push_str(word);
    to.push(SEPARATOR);
}

/// The texts of a value that search goes by.
fn searched(value: &Value, mut each: impl FnMut(&str)) {
    match value {
        Value::Ref(_) | Value::Refs(_) | Value::Geo(_) | Value::Bool(_) => {}
        Value::Text(s) => each(s),
        Value::Texts(list) => list.iter().for_each(|s| each(s)),
        other => each(&other.text()),
    }
}

fn columns(object: Option<&Object>, record: &Record, context: &DocContext) -> Vec<(String, OwnedValue)> {
    let mut out = Vec::with_capacity(record.fields.len() + 10);
    for code in [system::CREATED_AT, system::UPDATED_AT, system::CREATED_BY, system::UPDATED_BY, system::VERSION] {
        let path = Path { steps: vec![], field: code, part: None, kind: Kind::Int, field_type: None };
        add(&mut out, key(code, None), path.own_scalars(record));
    }
    let people = [(OWNER, context.owner), (TEAM, context.team)];
    for (code, id) in people {
        add(&mut out, key(code, None), id.map(Scalar::Id).into_iter().collect());
    }
    if !context.title.is_empty() {
        add(&mut out, TITLE.to_owned(), vec![Scalar::Text(fold(&context.title))]);
    }
    for (code, value) in record.fields.iter() {
        let field = object.and_then(|o| o.by_code(code));
        let kind = field.map_or(Kind::Text, |f| Kind::of(f.kind));
        if kind == Kind::Opaque {
            add(&mut out, key(code, None), vec![Scalar::Bool(true)]);
            continue;
        }
        let long = field.is_some_and(|f| f.kind == FieldType::LongText);
        let mut whole = scalars(value, None, kind);
        if long {
            whole.iter_mut().for_each(shorten);
        }
        add(&mut out, key(code, None), whole);
        for part in field.map_or(&[][..], |f| Part::of_type(f.kind)) {
            let kind = if *part == Part::Currency { Kind::Key } else { Kind::Text };
            add(&mut out, key(code, Some(*part)), scalars(value, Some(*part), kind));
        }
    }
    out
}

fn shorten(scalar: &mut Scalar) {
    if let Scalar::Text(text) = scalar
        && text.len() > LONG_TEXT
    {
        let cut = (0..=LONG_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(cut);
    }
}

fn add(out: &mut Vec<(String, OwnedValue)>, key: String, scalars: Vec<Scalar>) {
    let value = |s: &Scalar| number(s).map(OwnedValue::I64).or_else(|| text(s).map(OwnedValue::Str));
    let mut values: Vec<OwnedValue> = scalars.iter().filter_map(value).collect();
    match values.len() {
        0 => {}
        1 => out.extend(values.pop().map(|v| (key, v))),
        _ => out.push((key, OwnedValue::Array(values))),
    }
}

/// What of the declarations decides how records are indexed. New fields do not change it, changed ones do.
pub(crate) fn fingerprint(schema: &Declared) -> Vec<(u16, u16, String)> {
    let of_field = |object: &Object, f: &Declaration| {
        let title = f.name == object.title;
        (object.code.0, f.code.0, format!("{:?}/{}/{title}", f.kind, f.search))
    };
    let all = schema.objects().flat_map(|o| o.fields.iter().map(move |f| of_field(o, f)));
    let mut all: Vec<_> = all.collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_keep_the_order_and_come_back() {
        let numbers = [f64::NEG_INFINITY, f64::MIN, -1.5, -1.0, -f64::MIN_POSITIVE, -0.0, 0.0, 1e-300, 1.0, 2.5, 1e300];
        for pair in numbers.windows(2) {
            assert!(sortable(pair[0]) < sortable(pair[1]), "{pair:?}");
        }
        for n in numbers {
            assert_eq!(from_sortable(sortable(n)).to_bits(), n.to_bits());
        }
        let ids = [0, 1, 63, 64, u128::MAX / 3, u128::MAX - 1, u128::MAX].map(Id::from_u128);
        for pair in ids.windows(2) {
            assert!(id_text(pair[0]) < id_text(pair[1]), "{pair:?}");
        }
        for id in ids {
            assert_eq!(id_from_text(&id_text(id)), Some(id));
        }
    }
}
