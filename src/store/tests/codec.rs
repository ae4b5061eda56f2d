//! Every stored form ever released can be read: the fixtures are never changed, only added to.

use aplomb_model::value::{FileRef, Link};
use aplomb_model::{Address, Date, FieldCode, Geo, Money, ObjectCode, PersonName, Value};

use super::*;
use crate::codec::{self, Back, Head, HistoryRow, LogBody, LogItem};
use crate::layout::Layout;
use crate::{ChangeKind, DocChange, Job};

/// One value of every kind.
fn record() -> Record {
    let link = |n| Link { object: ObjectCode(2), id: id(n) };
    let address = Address {
        street: "Main St 1".into(),
        city: "Köln".into(),
        region: "NW".into(),
        postal_code: "50667".into(),
        country: "DE".into(),
    };
    let file = FileRef { id: id(5), name: "a.pdf".into(), size: 12_345, media_type: "application/pdf".into() };
    let values = [
        Value::Text("text".into()),
        Value::Number(-2.5),
        Value::Bool(true),
        Value::Money(Money::new(-125_050, "EUR".parse().unwrap())),
        Value::Date(Date::new(2025, 12, 31).unwrap()),
        Value::Time(at(1)),
        Value::Texts(vec!["a".into(), "ß".into()]),
        Value::Ref(link(3)),
        Value::Refs(vec![link(3), link(4)]),
        Value::Name(PersonName { first: "Ada".into(), last: "Lovelace".into() }),
        Value::Address(address),
        Value::Geo(Geo { lat: 50.9, lon: -6.25 }),
        Value::Files(vec![file]),
    ];
    Record {
        version: 300,
        created_by: id(8),
        updated_at: at(77),
        updated_by: id(9),
        trashed_at: Some(at(99)),
        fields: (1..).map(|n| FieldCode(n * 100)).zip(values).collect(),
        ..contact(1, 0).build()
    }
}

fn log_body() -> LogBody {
    let back = Back {
        updated_at: at(1),
        updated_by: id(9),
        trashed_at: None,
        changes: vec![(FieldCode(4), Some(Value::Text("a".into())), None)],
        personal: vec![FieldCode(1000)],
        sealed: vec![1, 2, 3],
    };
    let kinds =
        [ChangeKind::Created, ChangeKind::Updated, ChangeKind::Trashed, ChangeKind::Restored, ChangeKind::Purged];
    let items = kinds.map(|kind| LogItem {
        object: ObjectCode(1),
        id: id(1),
        version: 2,
        kind,
        state: [5; 16],
        back: (kind == ChangeKind::Updated).then(|| back.clone()),
    });
    LogBody {
        at: at(0),
        actor: id(9),
        reason: Reason { kind: "import:1".into(), text: "why".into() },
        request: "req".into(),
        items: items.into(),
        docs: vec![DocChange { kind: "role".into(), key: vec![1], before: None, after: Some(vec![2]) }],
    }
}

fn job() -> Job {
    Job {
        id: id(1),
        kind: "mail".into(),
        due: at(5),
        payload: vec![1, 2],
        attempts: 3,
        created_at: at(0),
        last_error: Some("busy".into()),
    }
}

/// The stored form of format 1 as hexadecimal, and what it means.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let text: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn what_format_1_wrote_is_read_and_still_written() {
    let (record, body, job) = (record(), log_body(), job());
    let head = Head { seq: 7, chain: [3; 32] };
    let history = HistoryRow { at: at(3), items: vec![0, 300] };
    let layout = Layout::of(&aplomb_testkit::contact());
    let row = codec::log_row(&codec::encode_log(&body).unwrap(), &head.chain);
    let written = [
        ("record", codec::encode_record(&record).unwrap(), include_str!("../fixtures/record.1.hex")),
        ("log", row, include_str!("../fixtures/log.1.hex")),
        ("head", head.encode().unwrap(), include_str!("../fixtures/head.1.hex")),
        ("history", codec::encode_history(&history).unwrap(), include_str!("../fixtures/history.1.hex")),
        ("job", codec::encode_job(&job).unwrap(), include_str!("../fixtures/job.1.hex")),
        ("layout", layout.encode().unwrap(), include_str!("../fixtures/layout.1.hex")),
    ];
    for (name, bytes, fixture) in &written {
        assert_eq!(hex(bytes), hex(&unhex(fixture)), "{name}");
    }
    let fixture = |n: usize| unhex(written[n].2);
    assert_eq!(codec::decode_record(record.object, record.id, &fixture(0)), Ok(record));
    assert_eq!(codec::decode_version(&fixture(0)), Ok(300));
    assert_eq!(codec::decode_log(&fixture(1)), Ok(body));
    assert_eq!(Head::decode(&fixture(2)), Ok(head));
    assert_eq!(codec::decode_history(&fixture(3)), Ok(history));
    assert_eq!(codec::decode_job(&fixture(4)), Ok(job));
    assert_eq!(Layout::decode(&fixture(5)), Ok(layout));
}

#[test]
fn damaged_rows_are_errors() {
    let good = codec::encode_record(&record()).unwrap();
    let mut longer = good.clone();
    longer.push(0);
    let mut newer = good.clone();
    newer[0] = 9;
    for bytes in [&good[..good.len() - 1], &longer, &newer, &[], &[1]] {
        let read = codec::decode_record(ObjectCode(1), id(1), bytes);
        assert!(matches!(read, Err(StoreError::Corrupt { .. })), "{} bytes", bytes.len());
    }
    for bytes in [&[][..], &[1], &[1; 20], &[9; 80]] {
        assert!(codec::decode_log(bytes).is_err());
        assert!(Head::decode(bytes).is_err());
        assert!(codec::decode_job(bytes).is_err());
    }
}
