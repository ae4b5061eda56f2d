use aplomb_model::query::{Kind, Pred, SortKey};
use aplomb_model::schema::FieldType;
use aplomb_model::{FieldCode, Id, PersonName, Record, Timestamp, Value};

use super::world::*;
use crate::*;

fn person(n: u128, first: &str, last: &str, rest: &[(u16, Value)]) -> Record {
    let name = Value::Name(PersonName { first: first.into(), last: last.into() });
    Record {
        object: PERSON,
        id: Id::from_u128(n << 64 | n),
        version: 1,
        created_at: Timestamp::from_micros(0),
        created_by: Id::NIL,
        updated_at: Timestamp::from_seconds(n as i64),
        updated_by: Id::NIL,
        trashed_at: None,
        fields: [(1, name)].into_iter().chain(rest.to_vec()).map(|(c, v)| (FieldCode(c), v)).collect(),
    }
}

fn texts(list: &[&str]) -> Value {
    Value::Texts(list.iter().map(|s| s.to_string()).collect())
}

fn index(dir: &std::path::Path) -> Index {
    let (index, _) = open(dir);
    let text = |s: &str| Value::Text(s.into());
    let people = [
        person(1, "Anna", "Müller", &[(2, text("anna.mueller@example.com")), (3, text("met in Zürich"))]),
        person(2, "Anna", "Müllerson", &[(2, text("am@other.org"))]),
        person(3, "Bernd", "Schmidt", &[(3, text("knows Anna Müller from school")), (13, texts(&["+49 30 123-456"]))]),
        person(4, "Christopher", "Featherstone", &[(3, text("東京都港区のお客様"))]),
        person(5, "Dora", "Katz", &[(3, text(&format!("{} needle", "hay ".repeat(2000))))]),
    ];
    fill(&index, &people, 2);
    index
}

fn find(index: &Index, text: &str) -> Vec<u64> {
    let q = TextQuery {
        text: text.into(),
        objects: vec![(PERSON, Pred::Const(true)), (FIRM, Pred::Const(true))],
        limit: 10,
        cursor: None,
        count_up_to: 100,
    };
    let page = index.text(&q).unwrap();
    assert_eq!(page.total.count, page.hits.len() as u64);
    page.hits.iter().map(|h| h.id.as_u128() as u64).collect()
}

#[test]
fn words_are_found_and_ranked() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    for (text, expect) in [
        ("anna müller", &[1, 2, 3][..]),
        ("ANNA MULLER", &[1, 2, 3]),
        ("mull", &[2, 1, 3]),
        ("anna.mueller@example.com", &[1]),
        ("mueller", &[1, 2, 3]),
        ("Anna Mueller", &[1, 2, 3]),
        ("mülle", &[1, 2, 3]),
        ("a", &[1, 2, 3]),
        ("fe", &[4]),
        ("anna m", &[1, 2, 3]),
        ("様", &[4]),
        ("030 123456", &[3]),
        ("0049 (30) 123-456", &[3]),
        ("49301", &[3]),
        ("1234", &[]),
        ("other", &[2]),
        ("am@oth", &[2]),
        ("schmitd", &[3]),
        ("fetherston", &[4]),
        ("feathrestnoe", &[4]),
        ("chris", &[4]),
        ("30123", &[]),
        ("4930123456", &[3]),
        ("京", &[4]),
        ("東京", &[4]),
        ("needle", &[5]),
        ("hay needle", &[5]),
        ("zzz", &[]),
        ("anna zzz", &[]),
        ("", &[]),
        ("!?", &[]),
    ] {
        let mut found = find(&index, text);
        let mut expect = expect.to_vec();
        if matches!(text, "mull" | "mülle" | "a" | "anna m") {
            found.sort();
            expect.sort();
        }
        assert_eq!(found, expect, "{text}");
    }
}

#[test]
fn rights_and_pages_hold_in_text_search() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let id = |n: u128| Id::from_u128(n << 64 | n);
    let only = |ids: Vec<Id>| {
        let path = aplomb_model::query::Path {
            steps: vec![],
            field: aplomb_model::schema::system::ID,
            part: None,
            kind: Kind::Id,
            field_type: None,
        };
        let check = aplomb_model::query::Check::In(ids.into_iter().map(aplomb_model::query::Scalar::Id).collect());
        Pred::Test(aplomb_model::query::Test { path, check })
    };
    let q = |rights: Pred, limit, cursor| TextQuery {
        text: "anna".into(),
        objects: vec![(PERSON, rights)],
        limit,
        cursor,
        count_up_to: 100,
    };
    let page = index.text(&q(only(vec![id(2), id(4)]), 10, None)).unwrap();
    assert_eq!(page.hits.iter().map(|h| h.id).collect::<Vec<_>>(), [id(2)]);
    let (mut seen, mut cursor) = (vec![], None);
    loop {
        let page = index.text(&q(Pred::Const(true), 1, cursor)).unwrap();
        seen.extend(page.hits.iter().map(|h| h.id));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    let whole = index.text(&q(Pred::Const(true), 10, None)).unwrap();
    assert_eq!(seen, whole.hits.iter().map(|h| h.id).collect::<Vec<_>>());
    assert_eq!(seen.len(), 3);
}

#[test]
fn lists_take_words_as_well() {
    let dir = tempfile::tempdir().unwrap();
    let index = index(dir.path());
    let q = |sort: &[SortKey], text: &str| ListQuery {
        text: Some(text.into()),
        ..list(&Pred::Const(true), sort, 10, None)
    };
    let ids = |q: &ListQuery| index.list(q).unwrap().ids.iter().map(|i| i.as_u128() as u64).collect::<Vec<_>>();
    let by_name = [SortKey { path: path(1, None, Kind::Text, FieldType::PersonName), descending: true }];
    assert_eq!(ids(&q(&by_name, "anna")), [3, 2, 1]);
    assert_eq!(ids(&q(&by_name, "schmitd")), [3]);
    assert_eq!(ids(&q(&[], "anna muller")), [1, 2, 3]);
    assert_eq!(ids(&q(&[], " ")), [5, 4, 3, 2, 1]);
}
