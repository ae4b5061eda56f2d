//! Every file format of `learn`. `APLOMB_FUZZ_FORMAT` names one of `FORMATS`; without it the first byte chooses.
#![no_main]

#[path = "../entry.rs"]
mod entry;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let named = std::env::var("APLOMB_FUZZ_FORMAT").ok();
    let wanted = named.and_then(|name| entry::FORMATS.iter().find(|(have, _)| *have == name));
    match (wanted, data) {
        (Some((_, use_it)), data) => use_it(data),
        (None, [first, rest @ ..]) => entry::FORMATS[usize::from(*first) % entry::FORMATS.len()].1(rest),
        (None, []) => {}
    }
});
