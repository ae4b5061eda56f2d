//! Files that are broken or meant to do harm: a clear error, and nothing half done.

use aplomb_model::Code;

use super::*;

#[test]
fn files_that_are_no_tables_are_refused() {
    let house = House::new();
    let wide = format!("{}\n1,2\n", (0..10_000).map(|i| format!("h{i}")).collect::<Vec<_>>().join(","));
    let noise: Vec<u8> = (0..5_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let bomb = crate::read::book(&" ".repeat(32 << 20));
    assert!(bomb.len() < 100_000);
    for (name, bytes, code, says) in [
        ("empty.csv", &b""[..], Code::Invalid, "the file is empty"),
        ("blank.csv", b"\n\n\n", Code::Invalid, "the file is empty"),
        ("header.csv", b"Name,Email\n", Code::Invalid, "the file is empty"),
        ("wide.csv", wide.as_bytes(), Code::Invalid, "more than 2000 columns"),
        ("noise.csv", &noise, Code::UnsupportedMedia, "this is not a table"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n0000", Code::UnsupportedMedia, "a picture"),
        ("broken.xlsx", b"PK\x03\x04broken", Code::Invalid, "the workbook cannot be read"),
        ("bomb.xlsx", &bomb, Code::TooLarge, "would unpack to more than"),
        ("cards.vcf", b"no card\n", Code::Invalid, "no vCard"),
    ] {
        let mut reader = bytes;
        let error = house.imports.start(&house.admin(), "contact", name, &mut reader).expect_err(name);
        assert_eq!(error.code, code, "{name}: {error}");
        assert!(error.detail.contains(says), "{name}: {error}");
    }
    let left = house.imports.uploads.list().expect("a list");
    assert!(left.is_empty(), "refused uploads are removed: {left:?}");
    assert!(house.imports.list(&house.admin()).expect("a list").is_empty());
}

#[test]
fn an_import_that_cannot_be_read_hides_no_other() {
    let house = House::new();
    let [damaged, unread, whole] =
        ["a.csv", "b.csv", "c.csv"].map(|name| house.start("contact", name, b"Name,Email\nAda,ada@x.example\n").id);
    house.crm.put_doc(&house.admin(), "import", damaged.as_bytes(), Some(b"\x01{}".to_vec())).expect("damaged");
    house.crm.put_doc(&house.admin(), "import_run", unread.as_bytes(), Some(b"?".to_vec())).expect("damaged");
    let listed: Vec<Id> = house.imports.list(&house.admin()).expect("a list").iter().map(|view| view.id).collect();
    assert_eq!(listed, [whole]);
    assert_eq!(house.imports.get(&house.admin(), damaged).expect_err("damaged").code, Code::Internal);
}

/// Five gigabytes of contacts, made while they are read.
struct Endless {
    left: u64,
    given: u64,
}

impl std::io::Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = out.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        let line = b"Ann,Ash,ann@x.example\n";
        out[..n].iter_mut().enumerate().for_each(|(i, b)| *b = line[(self.given as usize + i) % line.len()]);
        self.left -= n as u64;
        self.given += n as u64;
        Ok(n)
    }
}

#[test]
fn a_file_that_is_too_large_is_given_up_at_the_limit() {
    let house = House::new();
    assert_eq!(house.imports.max_file, 1 << 30);
    let limit = 3 << 20;
    let small = Imports { max_file: limit, ..house.imports.clone() };
    let mut file = Endless { left: 5 << 30, given: 0 };
    let error = small.start(&house.admin(), "contact", "huge.csv", &mut file).expect_err("too large");
    assert_eq!(error.code, Code::TooLarge, "{error}");
    assert!(file.given <= limit + (1 << 20), "{} bytes were read", file.given);
    assert!(house.imports.uploads.list().expect("a list").is_empty());
}

#[test]
fn rows_that_are_broken_cost_only_themselves() {
    let house = House::new();
    let big = "y".repeat(1_100_000);
    let many = "z,".repeat(10_000);
    let file = format!(
        "First Name,Last Name,Email,Birthday\nAnn,Ash,ann@x.example,\nBig,{big},big@x.example,\n{many}\nNul,N\0l,nul@x.example,\n\
        Bo,Birch,bo@x.example,31.12.9999\nYo,Year,yo@x.example,01.01.0000\nMy,Myriad,my@x.example,01.01.10000\n\"Flo,Fir,flo@x.example,\n"
    );
    let done = house.import("contact", "a.csv", file.as_bytes());
    let errors = house.errors(done.id);
    assert_eq!((done.progress.created, done.progress.refused), (2, 6), "{} bytes", errors.len());
    for (start, reason) in [
        ("Big,", "Last Name: is larger than 1 MiB"),
        ("z,", "the row has more than 2000 cells"),
        ("Nul,", "Last Name: contains NUL characters"),
        ("Yo,", "Birthday: is not a date between year 1 and 9999"),
        ("My,", "Birthday: is not a date between year 1 and 9999"),
        ("\"\"\"Flo", "a quote is opened and never closed"),
    ] {
        let line = errors.lines().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("no row of {start}"));
        assert!(line.contains(reason), "{start} {}", &line[line.len().saturating_sub(200)..]);
    }
    let birthdays: Vec<String> = house.all("contact").iter().map(|c| at(c, "/birthday")).collect();
    assert_eq!(birthdays, ["", "9999-12-31"]);
}

#[test]
fn amounts_beyond_all_bounds_are_refused() {
    let house = House::new();
    let file = b"Deal Name,Amount\nA,1000000000000000000000000000000\nB,1e30\nC,12.50\nD,abc\n";
    let done = house.import("deal", "d.csv", file);
    assert_eq!((done.progress.created, done.progress.refused), (1, 3), "{}", house.errors(done.id));
    let errors = house.errors(done.id);
    assert_eq!(errors.lines().filter(|l| l.contains("Amount: ")).count(), 3, "{errors}");
}

#[test]
fn headers_twice_are_no_rows_and_no_clash() {
    let house = House::new();
    let file = b"First Name,Last Name,Email,Email\nAnn,Ash,a@x.example,b@x.example\nFirst Name,Last Name,Email,Email\nBo,Birch,c@x.example,\n";
    let view = house.start("contact", "a.csv", file);
    let headers: Vec<&str> = view.columns.iter().map(|c| c.header.as_str()).collect();
    assert_eq!(headers, ["First Name", "Last Name", "Email", "Email (2)"]);
    assert_eq!((view.rows, view.left_out[0].row, view.left_out[0].reason.as_str()), (2, 3, "the header again"));
    assert_eq!(house.commit(view.id).progress.created, 2);
    assert_eq!(at(&house.all("contact")[0], "/email/1"), "b@x.example");
}

#[test]
fn mixed_encodings_are_read_as_both() {
    let house = House::new();
    let mut file = "First Name,Last Name\nJörg,Müller\nŁukasz,Nowak\n".as_bytes().to_vec();
    file.extend(b"J\xfcrgen,Gro\xdf\n");
    let done = house.import("contact", "a.csv", &file);
    assert_eq!((done.progress.created, done.progress.refused), (3, 0));
    let titles: Vec<Json> = house.all("contact").iter().map(|c| c["title"].clone()).collect();
    assert_eq!(titles, ["Jörg Müller", "Łukasz Nowak", "Jürgen Groß"]);
}

#[test]
fn only_who_may_import_does() {
    let house = House::new();
    let ctx = house.ctx_of(house.user("Reader", "executive"));
    let mut reader = &b"Name\nA\n"[..];
    let error = house.imports.start(&ctx, "contact", "a.csv", &mut reader).expect_err("no right");
    assert_eq!(error.code, Code::Forbidden);
}
