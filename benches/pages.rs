//! What encryption costs the store: redb on the vault's page device against redb on the plain file, on the
//! same disk, in rounds that alternate so that a noisy machine disturbs both alike.
//!
//! `cargo bench -p aplomb-vault --bench pages -- [--dir DIR] [--rounds 5] [--records 100000]`
#![allow(clippy::disallowed_methods, reason = "a benchmark measures wall time")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use aplomb_vault::{DataKey, PageDevice};
use redb::backends::FileBackend;
use redb::{Database, ReadableDatabase, StorageBackend, TableDefinition};

const TABLE: TableDefinition<u64, &[u8]> = TableDefinition::new("records");
const VALUE: usize = 1000;
const BATCH: u64 = 5000;
const COMMITS: u64 = 300;
const READS: u64 = 50_000;
const WRITE_CACHE: usize = 256 << 20;
/// Far smaller than the file, so that most reads go to the device.
const SMALL_CACHE: usize = 4 << 20;

struct Arguments {
    dir: PathBuf,
    rounds: usize,
    records: u64,
}

/// Seconds per phase: bulk write, median of the single commits, random reads.
type Times = [f64; 3];

fn main() {
    let a = arguments();
    fs::create_dir_all(&a.dir).expect("work directory");
    let key = DataKey::generate().expect("randomness").page_keys();
    let plain = |path: &Path| {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).expect("file");
        FileBackend::new(file).expect("backend")
    };
    let sealed = |path: &Path| PageDevice::open(path, &key).expect("page device");
    let mut rounds: [Vec<Times>; 2] = [Vec::new(), Vec::new()];
    for n in 0..a.rounds {
        for side in [n % 2, 1 - n % 2] {
            let times = if side == 0 { round(&a, &plain) } else { round(&a, &sealed) };
            eprintln!("round {n} {}: {times:.6?}", ["plain", "sealed"][side]);
            rounds[side].push(times);
        }
    }
    println!("| page device against a plain file | ratio | at most | plain | encrypted |\n|---|---|---|---|---|");
    for (phase, (name, limit)) in
        [("bulk write", 1.3), ("single durable commit, p50", 1.2), ("random read, small cache", 1.5)].iter().enumerate()
    {
        let [plain, sealed] = &rounds;
        let ratio = median(plain.iter().zip(sealed).map(|(p, s)| s[phase] / p[phase]).collect());
        let [plain, sealed] = [plain, sealed].map(|r| median(r.iter().map(|t| t[phase]).collect()) * 1e3);
        println!("| {name} | {ratio:.2} | {limit} | {plain:.3} ms | {sealed:.3} ms |");
    }
}

fn arguments() -> Arguments {
    let mut a = Arguments { dir: std::env::temp_dir().join("aplomb-pages"), rounds: 5, records: 100_000 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            "--dir" => a.dir = next().into(),
            "--rounds" => a.rounds = next().parse().expect("a number"),
            "--records" => a.records = next().parse().expect("a number"),
            _ => {}
        }
    }
    a
}

fn round<B: StorageBackend>(a: &Arguments, open: &dyn Fn(&Path) -> B) -> Times {
    let path = a.dir.join("pages.redb");
    let _ = fs::remove_file(&path);
    let mut random = Xorshift(42);
    let db = Database::builder().set_cache_size(WRITE_CACHE).create_with_backend(open(&path)).expect("a new store");
    let bulk = bulk(&db, a.records, &mut random);
    let commit = commits(&db, &mut random);
    drop(db);
    let db = Database::builder().set_cache_size(SMALL_CACHE).create_with_backend(open(&path)).expect("the store");
    let read = reads(&db, a.records);
    drop(db);
    fs::remove_file(&path).expect("the store is removed");
    [bulk, commit, read]
}

fn bulk(db: &Database, records: u64, random: &mut Xorshift) -> f64 {
    let started = Instant::now();
    for first in (0..records).step_by(BATCH as usize) {
        put(db, first..(first + BATCH).min(records), random);
    }
    started.elapsed().as_secs_f64()
}

fn commits(db: &Database, random: &mut Xorshift) -> f64 {
    let commit = |n| {
        let started = Instant::now();
        put(db, n..n + 1, random);
        started.elapsed().as_secs_f64()
    };
    median((0..COMMITS).map(|n| 1 << 40 | n).map(commit).collect())
}

fn reads(db: &Database, records: u64) -> f64 {
    let mut random = Xorshift(7);
    let transaction = db.begin_read().expect("a snapshot");
    let table = transaction.open_table(TABLE).expect("the table");
    let mut sum = 0u64;
    let started = Instant::now();
    for _ in 0..READS {
        let value = table.get(scatter(random.next() % records)).expect("a read").expect("every key was written");
        sum += u64::from(value.value()[VALUE / 2]);
    }
    let time = started.elapsed().as_secs_f64();
    assert_ne!(sum, 0);
    time
}

fn put(db: &Database, keys: std::ops::Range<u64>, random: &mut Xorshift) {
    let transaction = db.begin_write().expect("a transaction");
    {
        let mut table = transaction.open_table(TABLE).expect("the table");
        let mut value = [0; VALUE];
        for key in keys {
            value.as_chunks_mut::<8>().0.iter_mut().for_each(|word| *word = random.next().to_le_bytes());
            table.insert(scatter(key), &value[..]).expect("an insert");
        }
    }
    transaction.commit().expect("a durable commit");
}

/// Keys that grow in sixteen places of the tree, as the entries of several tables and indexes do.
fn scatter(key: u64) -> u64 {
    (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60 << 60) | key
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
