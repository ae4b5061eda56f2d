//! An altered byte: `aplomb verify` notices it in every kind of file, and an index that is damaged is made again.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::files;
use crate::client::Client;
use crate::harness::Home;

/// Altered in every kind of file, as shares of its length in thousandths: the first byte, the last, some between.
const PLACES: [usize; 5] = [0, 130, 510, 870, 1_000];
/// Altered in the store.
const STORE_PLACES: usize = 24;

type Damage = fn(&Path);

/// A directory with records, an index of several segments and an upload, of a server that was stopped.
fn worked_with() -> (Home, String) {
    let home = Home::set_up();
    let key = home.token();
    let server = home.serve(true).ready();
    let client = Client::with_key(&server, &key);
    let rows: String = (0..300).map(|n| format!("Damage{n},d{n}@x.example,Company {n}\n")).collect();
    let path = client.upload("contact", "people.csv", &format!("Last name,E-mail,Company\n{rows}"));
    client.send("POST", &format!("{path}/commit"), &[], None).expect(202);
    let view = client.import_until(&path, &["done"]);
    let found = client.get(&format!("/api/v1/search?q=damage7&after={}", view["seq"])).expect(200).body;
    assert!(found["results"].as_array().is_some_and(|results| !results.is_empty()), "{found}");
    let file = client.form("/api/v1/files", &[], &[], ("damage.txt", &"damage ".repeat(20_000))).expect(201);
    let ticket = json!({"fields": {"subject": "Damage", "files": [file.body]}});
    client.post("/api/v1/records/ticket", ticket).expect(201);
    server.stop();
    let (fine, said) = home.verify();
    assert!(fine, "{said}");
    (home, key)
}

/// One file for each kind: a directory's files with the same ending are of one kind.
fn kinds(data: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    files(data, &mut all);
    let mut kinds: BTreeMap<(PathBuf, String), PathBuf> = BTreeMap::new();
    for path in all {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let ending = match path.parent() {
            Some(dir) if dir.ends_with("index") => name.rsplit(['.', '-']).next().unwrap_or_default().to_owned(),
            Some(dir) if dir.ends_with("uploads") || dir.ends_with("files") => String::new(),
            _ => name,
        };
        let size = |path: &PathBuf| fs::metadata(path).map_or(0, |about| about.len());
        let kind = (path.parent().unwrap_or(data).to_path_buf(), ending);
        let best = kinds.entry(kind).or_insert_with(|| path.clone());
        if size(&path) > size(best) {
            *best = path;
        }
    }
    kinds.into_values().collect()
}

fn alter(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("writable");
}

/// Puts the directory back as it was in `pristine`.
fn put_back(pristine: &Path, data: &Path) {
    fs::remove_dir_all(data).expect("the data");
    let copied = Command::new("cp").arg("-a").arg(pristine).arg(data).status();
    assert!(copied.is_ok_and(|status| status.success()));
}

#[test]
fn an_altered_byte_is_noticed_in_every_kind_of_file() {
    let (home, _) = worked_with();
    let pristine = home.path().join("pristine");
    fs::rename(home.data(), &pristine).expect("a copy");
    fs::create_dir(home.data()).expect("the data");
    let kinds = kinds(&pristine);
    assert!(kinds.len() >= 12, "{kinds:?}");
    let mut missed = Vec::new();
    for kind in kinds.iter().filter(|kind| !kind.ends_with("store.redb")) {
        let within = kind.strip_prefix(&pristine).expect("a file of the directory");
        let last = fs::metadata(kind).expect("a file").len() as usize - 1;
        for place in PLACES {
            put_back(&pristine, &home.data());
            alter(&home.data().join(within), last * place / 1_000);
            let (fine, said) = home.verify();
            if fine {
                missed.push(format!("{} at {} of {last}: {said}", within.display(), last * place / 1_000));
            }
        }
    }
    assert!(missed.is_empty(), "altered and not noticed:\n{}", missed.join("\n"));
}

/// The store has free pages, in which nothing lies. An altered byte is noticed, or was in one of them: then everything
/// reads as before.
#[test]
fn an_altered_byte_of_the_store_is_noticed_or_means_nothing() {
    let (home, _) = worked_with();
    let pristine = home.path().join("pristine");
    fs::rename(home.data(), &pristine).expect("a copy");
    fs::create_dir(home.data()).expect("the data");
    put_back(&pristine, &home.data());
    let before = exported(&home);
    let whole = fs::read(pristine.join("store.redb")).expect("the store");
    let written: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] != 0).collect();
    let mut noticed = 0;
    for n in 0..STORE_PLACES {
        put_back(&pristine, &home.data());
        let at = written[n * 7_919 * 131 % written.len()];
        alter(&home.data().join("store.redb"), at);
        let (fine, _) = home.verify();
        noticed += usize::from(!fine);
        assert!(!fine || exported(&home) == before, "byte {at} was altered, not noticed, and changed what is read");
    }
    println!("{noticed} of {STORE_PLACES} altered bytes of the store were in use, and noticed");
    assert!(noticed * 3 > STORE_PLACES, "only {noticed} of {STORE_PLACES} noticed");
}

fn exported(home: &Home) -> Vec<u8> {
    let path = home.path().join("export");
    let done = home.command("export").args(["--object", "contact", "--format", "jsonl", "-o"]).arg(&path).output();
    let done = done.expect("aplomb runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let bytes = fs::read(&path).expect("the export");
    fs::remove_file(&path).expect("the export");
    bytes
}

#[test]
fn a_damaged_index_is_made_again() {
    let (home, key) = worked_with();
    let mut segments = Vec::new();
    files(&home.data().join("index"), &mut segments);
    assert!(segments.len() > 5, "{segments:?}");
    let pristine = home.path().join("pristine");
    fs::rename(home.data(), &pristine).expect("a copy");
    let damages: [(&str, Damage); 4] = [
        ("the last byte of every file", |path| alter(path, fs::metadata(path).expect("a file").len() as usize - 1)),
        ("the first byte of every file", |path| alter(path, 0)),
        ("every file cut in half", |path| {
            let bytes = fs::read(path).expect("a file");
            fs::write(path, &bytes[..bytes.len() / 2]).expect("writable");
        }),
        ("every file gone", |path| fs::remove_file(path).expect("a file")),
    ];
    fs::create_dir(home.data()).expect("the data");
    for (what, damage) in damages {
        put_back(&pristine, &home.data());
        segments.iter().for_each(|path| damage(path));
        let server = home.serve(true).ready();
        let client = Client::with_key(&server, &key);
        let found = client.get("/api/v1/search?q=damage7&after=1").expect(200).body;
        let started = std::time::Instant::now();
        let mut results = found;
        while results["results"].as_array().is_none_or(Vec::is_empty) {
            assert!(started.elapsed().as_secs() < 30, "{what}: {results}");
            std::thread::sleep(std::time::Duration::from_millis(20));
            results = client.get("/api/v1/search?q=damage7").expect(200).body;
        }
        let page = client.post("/api/v1/records/contact/query", json!({"aggregates": [{"op": "count", "as": "n"}]}));
        assert_eq!(page.expect(200).body["groups"][0]["values"]["n"], 300, "{what}");
        server.stop();
        let (fine, said) = home.verify();
        assert!(fine, "{what}: {said}");
    }
}
