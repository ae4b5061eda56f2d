//! Builds the user interface into the binary, so that `cargo run` is all that a fresh machine needs: the app crate to
//! WASM, its JavaScript bindings, the files of `assets/ui`, names that carry the content's hash, and compressed copies
//! that the server only has to hand out. What comes out lies in `OUT_DIR/ui` and is embedded by `src/embedded.rs`.
//!
//! Files under `static/` of the output never change under their name; everything else is asked for again.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, error, fs, process};

use sha2::{Digest, Sha256};

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;

const TARGET: &str = "wasm32-unknown-unknown";
const SKIP: &str = "APLOMB_SKIP_UI";
/// Where files lie whose name contains their hash.
const STATIC: &str = "static";

fn main() {
    if let Err(error) = run() {
        eprintln!("cannot build the user interface: {error}");
        eprintln!("(set {SKIP}=1 to build the server without it)");
        process::exit(1);
    }
}

fn run() -> Result<()> {
    for path in ["app", "src/model", "assets", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    println!("cargo::rerun-if-env-changed={SKIP}");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(variable("OUT_DIR")?);
    let release = variable("PROFILE")? == "release";
    let mut ui = Ui::default();
    if env::var_os(SKIP).is_some_and(|value| value != "0" && !value.is_empty()) {
        ui.add("index.html", PLACEHOLDER.into());
    } else {
        let wasm = compile_app(&root, release)?;
        bind(&wasm, &out.join("bindings"), release)?;
        ui.assemble(&root.join("assets"), &out.join("bindings"))?;
    }
    ui.write(&out.join("ui"), release)
}

const PLACEHOLDER: &str = "<!doctype html>
<html lang=\"en\"><meta charset=\"utf-8\"><title>Aplomb</title>
<h1>Aplomb</h1>
<p>The user interface was left out of this build (APLOMB_SKIP_UI). The API works as usual.</p>
</html>
";

fn variable(name: &str) -> Result<String> {
    env::var(name).map_err(|error| format!("{name}: {error}").into())
}

/// Compiles `aplomb-app` and returns the path of its WASM file.
fn compile_app(root: &Path, release: bool) -> Result<PathBuf> {
    ensure_target(root)?;
    let profile = if release { "ui" } else { "ui-dev" };
    let target_dir = match env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root.join(dir).join("ui"),
        None => root.join("target/ui"),
    };
    let mut cargo = Command::new(variable("CARGO")?);
    cargo.current_dir(root);
    cargo.args(["build", "--package", "aplomb-app", "--lib", "--locked", "--target", TARGET, "--profile", profile]);
    cargo.arg("--target-dir").arg(&target_dir);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_outer_build) {
            cargo.env_remove(name);
        }
    }
    if release {
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(root));
    }
    let status = cargo.status().map_err(|error| format!("cargo does not start: {error}"))?;
    if !status.success() {
        return Err(
            format!("`cargo build -p aplomb-app --target {TARGET} --profile {profile}` failed ({status})").into()
        );
    }
    Ok(target_dir.join(TARGET).join(profile).join("aplomb_app.wasm"))
}

/// Compiler flags (in Cargo's encoding): those of `.cargo/config.toml`, which a variable would replace, and such that
/// keep the builder's folders out of panic messages, so that the WASM file and its hash are the same on every machine.
fn flags(root: &Path) -> String {
    let home = env::var("CARGO_HOME").or_else(|_| env::var("HOME").map(|home| format!("{home}/.cargo")));
    let mut flags = vec!["--cfg=erase_components".to_owned(), format!("--remap-path-prefix={}=aplomb", root.display())];
    flags.extend(home.map(|home| format!("--remap-path-prefix={home}=cargo")));
    flags.join("\u{1f}")
}

/// Variables that describe the build of the server, or wrap its compiler (clippy), and must not reach the app's build.
fn is_of_outer_build(name: &str) -> bool {
    const NAMES: [&str; 14] = [
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_PRIMARY_PACKAGE",
        "RUSTFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
        "CLIPPY_ARGS",
        "OUT_DIR",
        "TARGET",
        "HOST",
        "NUM_JOBS",
        "OPT_LEVEL",
        "PROFILE",
        "DEBUG",
    ];
    const PREFIXES: [&str; 5] = ["CARGO_PKG_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_MANIFEST_", "DEP_"];
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Adds the standard library of the WASM target through rustup where the toolchain has none.
fn ensure_target(root: &Path) -> Result<()> {
    if has_target()? {
        return Ok(());
    }
    let advice = format!("the Rust target {TARGET} is missing and `rustup target add {TARGET}`");
    let status = Command::new("rustup").args(["target", "add", TARGET]).current_dir(root).status();
    match status {
        Err(error) => Err(format!("{advice} does not start: {error}").into()),
        Ok(status) if !status.success() => Err(format!("{advice} failed ({status})").into()),
        Ok(_) if has_target()? => Ok(()),
        Ok(_) => Err(format!("{advice} added it to another toolchain than the one that builds").into()),
    }
}

fn has_target() -> Result<bool> {
    let output = Command::new(variable("RUSTC")?).args(["--print", "target-libdir", "--target", TARGET]).output()?;
    let dir = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(dir.trim()).is_dir())
}

/// Makes `app.js` and `app_bg.wasm` in `into`.
fn bind(wasm: &Path, into: &Path, release: bool) -> Result<()> {
    empty(into)?;
    let mut bindgen = wasm_bindgen_cli_support::Bindgen::new();
    bindgen.input_path(wasm).out_name("app").typescript(false);
    bindgen.remove_producers_section(true).remove_name_section(release);
    bindgen.web(true).and_then(|bindgen| bindgen.generate(into)).map_err(|error| format!("wasm-bindgen: {error:#}"))?;
    Ok(())
}

fn empty(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(dir)
}

/// The files of the interface by the path under which they are served.
#[derive(Default)]
struct Ui {
    files: BTreeMap<String, Vec<u8>>,
    /// What stands for a hashed file in the files that refer to it, and its URL. Longer names come first.
    names: Vec<(String, String)>,
}

impl Ui {
    fn add(&mut self, path: &str, bytes: Vec<u8>) {
        self.files.insert(path.to_owned(), bytes);
    }

    /// Adds a file under a name with its hash, and returns its URL.
    fn add_hashed(&mut self, stem: &str, extension: &str, bytes: Vec<u8>) -> String {
        let path = format!("{STATIC}/{stem}-{}.{extension}", hash(&bytes));
        self.add(&path, bytes);
        format!("/{path}")
    }

    fn name(&mut self, placeholder: String, url: String) {
        self.names.push((placeholder, url));
        self.names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }

    fn resolve(&self, text: &[u8], path: &str) -> Result<Vec<u8>> {
        let text = std::str::from_utf8(text).map_err(|error| format!("{path}: {error}"))?;
        let text = self.names.iter().fold(text.to_owned(), |text, (name, url)| text.replace(name, url));
        if let Some((_, rest)) = text.split_once("{{") {
            let name = rest.split("}}").next().unwrap_or_default();
            return Err(format!("{path}: there is nothing for the placeholder {{{{{name}}}}}").into());
        }
        Ok(text.into_bytes())
    }

    /// Puts the bindings and the assets together, each file before those that refer to it.
    fn assemble(&mut self, assets: &Path, bindings: &Path) -> Result<()> {
        self.add_bindings(bindings)?;
        let mut sources = BTreeMap::new();
        collect(&assets.join("ui"), "", &mut sources)?;
        for shared in ["fonts", "icons", "styles"] {
            collect(&assets.join(shared), shared, &mut sources)?;
        }
        let fonts: Vec<String> = sources.keys().filter(|path| extension(path).starts_with("woff")).cloned().collect();
        for path in fonts {
            let bytes = sources.remove(&path).unwrap_or_default();
            let stem = Path::new(&path).file_stem().and_then(OsStr::to_str).unwrap_or("font");
            let url = self.add_hashed(stem, extension(&path), bytes);
            self.name(format!("/{path}"), url);
        }
        self.add_styles(&mut sources)?;
        let loader = sources.remove("loader.js").ok_or("assets/ui/loader.js is missing")?;
        let loader = self.resolve(&loader, "loader.js")?;
        let url = self.add_hashed("loader", "js", loader);
        self.name("{{loader}}".to_owned(), url);
        let index = sources.remove("index.html").ok_or("assets/ui/index.html is missing")?;
        let index = self.resolve(&index, "index.html")?;
        self.add("index.html", index);
        self.files.extend(sources);
        Ok(())
    }

    fn add_bindings(&mut self, dir: &Path) -> Result<()> {
        let wasm = fs::read(dir.join("app_bg.wasm"))?;
        let wasm = self.add_hashed("app", "wasm", wasm);
        let mut snippets = BTreeMap::new();
        collect(&dir.join("snippets"), "", &mut snippets)?;
        let mut js = fs::read_to_string(dir.join("app.js"))?;
        if !snippets.is_empty() {
            let all: Vec<u8> = snippets.values().flatten().copied().collect();
            let folder = format!("snippets-{}", hash(&all));
            js = js.replace("./snippets/", &format!("./{folder}/"));
            for (path, bytes) in snippets {
                self.add(&format!("{STATIC}/{folder}/{path}"), bytes);
            }
        }
        let js = self.add_hashed("app", "js", js.into_bytes());
        self.name("{{wasm}}".to_owned(), wasm);
        self.name("{{js}}".to_owned(), js);
        Ok(())
    }

    /// All style sheets in the order of their names, as one file.
    fn add_styles(&mut self, sources: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
        let paths: Vec<String> = sources.keys().filter(|path| extension(path) == "css").cloned().collect();
        let mut css = Vec::new();
        for path in paths {
            css.extend(self.resolve(&sources.remove(&path).unwrap_or_default(), &path)?);
            css.push(b'\n');
        }
        let url = self.add_hashed("app", "css", css);
        self.name("{{css}}".to_owned(), url);
        Ok(())
    }

    /// Writes every file, and beside it the compressed copies that are smaller.
    fn write(&self, dir: &Path, release: bool) -> Result<()> {
        empty(dir)?;
        for (path, bytes) in &self.files {
            let file = dir.join(path);
            if let Some(parent) = file.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&file, bytes)?;
            if !is_compressible(path) {
                continue;
            }
            for (suffix, packed) in [("br", brotli(bytes, release)?), ("gz", gzip(bytes, release)?)] {
                if packed.len() < bytes.len() {
                    fs::write(dir.join(format!("{path}.{suffix}")), packed)?;
                }
            }
        }
        Ok(())
    }
}

/// Reads all files below `dir` (none when it does not exist) under `prefix/relative/path`; hidden files are left out.
fn collect(dir: &Path, prefix: &str, into: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(format!("{}: {error}", dir.display()).into()),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| format!("{name:?} is not UTF-8"))?;
        if name.starts_with('.') {
            continue;
        }
        let path = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &path, into)?;
        } else {
            into.insert(path, fs::read(entry.path())?);
        }
    }
    Ok(())
}

fn extension(path: &str) -> &str {
    Path::new(path).extension().and_then(OsStr::to_str).unwrap_or_default()
}

fn is_compressible(path: &str) -> bool {
    matches!(extension(path), "html" | "js" | "css" | "wasm" | "svg" | "json" | "txt" | "webmanifest" | "ico" | "md")
}

/// The first 64 bits of SHA-256 as hexadecimal digits.
fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn brotli(bytes: &[u8], release: bool) -> io::Result<Vec<u8>> {
    let quality = if release { 11 } else { 4 };
    let params = brotli::enc::BrotliEncoderParams { quality, size_hint: bytes.len(), ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &params)?;
    Ok(packed)
}

fn gzip(bytes: &[u8], release: bool) -> io::Result<Vec<u8>> {
    let level = if release { flate2::Compression::best() } else { flate2::Compression::fast() };
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes)?;
    encoder.finish()
}
