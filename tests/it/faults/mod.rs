//! Kills the program, takes its disk away, reads its disk and its memory as a thief would, damages its files.

mod core;
mod crash;
mod damage;
mod disk;
mod sealed;

use std::fs;
use std::path::{Path, PathBuf};

/// All files below `dir`.
fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, out) } else { out.push(path) }
    }
}

/// Which of `needles` stand in `haystack`, in whatever case, as UTF-8 or as UTF-16.
fn found_in<'n>(haystack: &[u8], needles: &[&'n str]) -> Vec<&'n str> {
    let wide = |text: &[u8]| text.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>();
    let forms: Vec<(&str, Vec<u8>)> = needles
        .iter()
        .flat_map(|needle| {
            let lower = needle.to_ascii_lowercase().into_bytes();
            [(*needle, wide(&lower)), (*needle, lower)]
        })
        .collect();
    let mut first = [false; 256];
    for (_, form) in &forms {
        first[usize::from(form[0])] = true;
        first[usize::from(form[0].to_ascii_uppercase())] = true;
    }
    let mut found = Vec::new();
    for at in (0..haystack.len()).filter(|at| first[usize::from(haystack[*at])]) {
        for (needle, form) in &forms {
            let part = haystack.get(at..at + form.len());
            if part.is_some_and(|part| part.eq_ignore_ascii_case(form)) && !found.contains(needle) {
                found.push(*needle);
            }
        }
    }
    found
}

#[test]
fn needles_are_found() {
    let haystack = b"..nEEdle..w\0i\0D\0e\0..";
    assert_eq!(found_in(haystack, &["Needle", "wide", "nowhere"]), ["Needle", "wide"]);
    assert!(found_in(b"needl", &["needle"]).is_empty());
}
