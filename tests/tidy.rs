//! The house rules as an ordinary test: layers, size of files and functions, forbidden words.
//!
//! The compiler keeps crates apart, not modules; this test keeps the modules apart. A rule that
//! cannot fail is worth nothing, so each one is tried on a bad snippet below.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test may panic"
)]

#[path = "tidy/source.rs"]
mod source;

use std::fs;
use std::path::{Path, PathBuf};

/// Module and what it may import besides `clock` and `limits`, which everything above layer 0 may.
/// The table of `src/lib.rs` says the same in words.
const LAYERS: &[(&str, &[&str])] = &[
    // 0
    ("clock", &[]),
    ("limits", &[]),
    ("spare", &[]),
    ("wbxml", &["spare"]),
    // 1
    ("pim", &[]),
    ("http", &[]),
    ("smtp", &[]),
    ("smime", &[]),
    ("work", &[]),
    // 2
    ("store", &["work"]),
    // 3
    ("mailbox", &["store", "pim", "work"]),
    ("auth", &["store", "mailbox", "work"]),
    ("queue", &["smtp", "store", "pim", "mailbox", "work"]),
    ("push", &["store"]),
    // 4
    (
        "eas",
        &[
            "wbxml", "http", "pim", "smime", "store", "work", "mailbox", "auth", "queue", "push",
        ],
    ),
    // Its tests furnish a house.
    ("discover", &["http", "store", "work", "mailbox", "auth"]),
    (
        "delivery",
        &["smtp", "pim", "store", "work", "mailbox", "auth", "queue"],
    ),
    ("import", &["pim", "store", "work", "mailbox", "auth"]),
    // Orders are about everything of layer 4 that an operator can see.
    (
        "admin",
        &[
            "pim", "smime", "store", "work", "mailbox", "auth", "queue", "eas", "delivery",
            "import",
        ],
    ),
    (
        "admin",
        &[
            "pim", "store", "work", "mailbox", "auth", "queue", "push", "import",
        ],
    ),
    (
        "demo",
        &["pim", "store", "work", "mailbox", "auth", "import"],
    ),
    // 5
    ("net", &["http", "smtp", "spare"]),
    // 6: the composition root and what feeds it see everything below.
    ("config", BELOW),
    ("appliance", BELOW),
    ("cli", BELOW),
];

const BELOW: &[&str] = &[
    "spare",
    "wbxml",
    "pim",
    "smime",
    "http",
    "smtp",
    "work",
    "store",
    "mailbox",
    "auth",
    "queue",
    "push",
    "eas",
    "discover",
    "delivery",
    "import",
    "admin",
    "demo",
    "net",
    "config",
    "appliance",
];

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 100;

/// Tables, which nobody reads from top to bottom.
const LONG_FILES: &[&str] = &["src/wbxml/tags.rs"];

/// Dispatch by a flat `match`, longer than a screen for a reason: path and name.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

/// What no file of ours may contain. Split, so that this file passes its own check.
const BANNED: &[&str] = &[
    concat!("to", "do!("),
    concat!("TO", "DO:"),
    concat!("FIX", "ME"),
    concat!("db", "g!("),
    concat!("unimple", "mented!("),
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
];

/// Paths that only one place may name: what, and the prefixes of the files that may.
const CONFINED: &[(&str, &[&str])] = &[
    ("unsafe", &["src/net/"]),
    ("monoio::", &["src/net/"]),
    (
        "fjall::",
        &["src/store/fjall.rs", "src/store/fjall/", "src/store/mod.rs"],
    ),
    ("SystemTime::now", &["src/clock.rs"]),
    ("Instant::now", &["src/clock.rs"]),
    ("Utc::now", &["src/clock.rs"]),
    ("Local::now", &["src/clock.rs"]),
    ("Timestamp::now", &["src/clock.rs"]),
    ("Zoned::now", &["src/clock.rs"]),
];

#[test]
fn modules_keep_to_their_layers() {
    report(
        rust_files("src")
            .iter()
            .flat_map(|file| layers(&file.path, &file.text))
            .collect(),
    );
}

#[test]
fn every_module_stands_in_the_layer_table_and_in_the_map() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut wrong = Vec::new();
    for module in declared(&lib) {
        if !LAYERS.iter().any(|(name, _)| *name == module) {
            wrong.push(format!(
                "src/lib.rs: module `{module}` is missing in LAYERS of tests/tidy.rs"
            ));
        }
        if !lib.contains(&format!("[`{module}`]")) {
            wrong.push(format!(
                "src/lib.rs: module `{module}` is missing in the map of layers"
            ));
        }
    }
    report(wrong);
}

#[test]
fn runtime_engine_clock_and_unsafe_stay_where_they_belong() {
    report(
        rust_files("src")
            .iter()
            .flat_map(|file| confined(&file.path, &file.text))
            .collect(),
    );
}

#[test]
fn files_begin_with_a_header_and_stay_small() {
    report(
        all_rust()
            .iter()
            .flat_map(|file| shape(&file.path, &file.text))
            .collect(),
    );
}

#[test]
fn functions_fit_a_screen() {
    report(
        all_rust()
            .iter()
            .flat_map(|file| long_functions(&file.path, &file.text))
            .collect(),
    );
}

#[test]
fn no_banned_words() {
    let mut files = all_rust();
    files.extend(others());
    report(
        files
            .iter()
            .flat_map(|file| banned(&file.path, &file.text))
            .collect(),
    );
}

#[test]
fn each_rule_can_fail() {
    let fails = |found: Vec<String>, what: &str| {
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(what), "{found:?}");
    };
    fails(
        layers("src/wbxml/reader.rs", "use crate::{limits, store::Store};"),
        "`store`",
    );
    fails(
        layers("src/store/mod.rs", "fn f() { super::eas::f() }"),
        "`eas`",
    );
    fails(
        layers(
            "src/pim/text/html.rs",
            "use super::super::super::store::Store;",
        ),
        "`store`",
    );
    fails(
        confined("src/eas/mod.rs", "use monoio::net::TcpStream;"),
        "monoio",
    );
    fails(confined("src/mailbox/mod.rs", "unsafe { f() }"), "unsafe");
    fails(
        confined("src/auth/mod.rs", "let t = std::time::Instant::now();"),
        "Instant::now",
    );
    fails(
        confined("src/mailbox/items.rs", "use fjall::Database;"),
        "fjall",
    );
    fails(shape("src/x.rs", "use std::fs;\n"), "begins with `//!`");
    fails(
        shape(
            "src/x.rs",
            &format!("//! x\n{}", "\n".repeat(FILE_LINES_MAX)),
        ),
        "lines",
    );
    let long = format!("fn long() {{\n{}}}", "f();\n".repeat(FUNCTION_LINES_MAX));
    fails(long_functions("src/x.rs", &long), "`long`");
    fails(
        banned("src/x.rs", &format!("// {}: later", concat!("FIX", "ME"))),
        "FIX",
    );
}

#[test]
fn what_is_not_code_is_not_judged() {
    assert_eq!(
        layers("src/wbxml/mod.rs", "//! see crate::store\n/* crate::eas */"),
        [""; 0]
    );
    assert_eq!(
        layers(
            "src/wbxml/mod.rs",
            "#[cfg(test)]\nmod tests {\n use crate::store::Store;\n}"
        ),
        [""; 0]
    );
    assert_eq!(
        confined(
            "src/eas/mod.rs",
            r##"let s = r#"unsafe "monoio::" "#; let c = '"';"##
        ),
        [""; 0]
    );
    assert_eq!(
        confined(
            "src/x.rs",
            "fn f<'a>(x: &'a str) { g(\"unsafe\\\" unsafe\") }"
        ),
        [""; 0]
    );
    assert_eq!(
        long_functions("src/x.rs", "trait T { fn f(&self); }\nfn g() {}"),
        [""; 0]
    );
}

// ---- the rules ---------------------------------------------------------------------------------

fn layers(path: &str, text: &str) -> Vec<String> {
    let Some(module) = module_of(path) else {
        return Vec::new();
    };
    let allowed = LAYERS
        .iter()
        .find(|(name, _)| *name == module)
        .map_or(&[][..], |(_, a)| a);
    let code = source::without_tests(&source::code_only(text));
    let known = |name: &str| LAYERS.iter().any(|(module, _)| *module == name);
    let mut used = source::crate_paths(&code);
    used.extend(source::super_paths(&code, depth_of(path)));
    used.iter()
        .filter(|(name, _)| known(name) && *name != module)
        .filter(|(name, _)| {
            !matches!(name.as_str(), "clock" | "limits") || module == "clock" || module == "limits"
        })
        .filter(|(name, _)| !allowed.contains(&name.as_str()))
        .map(|(name, line)| format!("{path}:{line}: `{module}` may not use `{name}`"))
        .collect()
}

fn confined(path: &str, text: &str) -> Vec<String> {
    let code = source::without_tests(&source::code_only(text));
    let mut wrong = Vec::new();
    for (needle, places) in CONFINED {
        if places.iter().any(|place| path.starts_with(place)) {
            continue;
        }
        wrong.extend(
            source::lines_naming(&code, needle)
                .iter()
                .map(|line| format!("{path}:{line}: `{needle}` belongs to {places:?}")),
        );
    }
    wrong
}

fn shape(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !text.starts_with("//!") {
        wrong.push(format!(
            "{path}:1: a file begins with `//!` and says what it is"
        ));
    }
    let lines = text.lines().count();
    if lines > FILE_LINES_MAX && !LONG_FILES.contains(&path) {
        wrong.push(format!("{path}: {lines} lines, {FILE_LINES_MAX} at most"));
    }
    wrong
}

fn long_functions(path: &str, text: &str) -> Vec<String> {
    source::functions(&source::code_only(text))
        .into_iter()
        .filter(|(_, _, lines)| *lines > FUNCTION_LINES_MAX)
        .filter(|(name, _, _)| !LONG_FUNCTIONS.contains(&(path, name.as_str())))
        .map(|(name, line, lines)| {
            format!("{path}:{line}: `{name}` has {lines} lines, {FUNCTION_LINES_MAX} at most")
        })
        .collect()
}

fn banned(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(i, line)| {
            let hit = BANNED.iter().find(|word| line.contains(**word));
            hit.map(|word| format!("{path}:{}: `{word}` does not belong into the tree", i + 1))
        })
        .collect()
}

// ---- the tree ----------------------------------------------------------------------------------

struct File {
    path: String,
    text: String,
}

fn report(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn module_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix("src/")?.split('/').next()?;
    let name = name.strip_suffix(".rs").unwrap_or(name);
    (!matches!(name, "lib" | "main")).then_some(name)
}

/// How many `super::` lead from the module of this file to the root of the crate.
fn depth_of(path: &str) -> usize {
    let parts = path.trim_start_matches("src/").split('/').count();
    if path.ends_with("/mod.rs") {
        parts - 1
    } else {
        parts
    }
}

fn declared(lib: &str) -> Vec<String> {
    let code = source::code_only(lib);
    code.lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect()
}

fn all_rust() -> Vec<File> {
    ["src", "loadtest", "bench", "tests"]
        .iter()
        .flat_map(|dir| rust_files(dir))
        .collect()
}

fn rust_files(dir: &str) -> Vec<File> {
    files(&root().join(dir), &|path| {
        path.extension().is_some_and(|e| e == "rs")
    })
}

/// What people read besides the code.
fn others() -> Vec<File> {
    let mut found = files(&root().join("packaging"), &|_| true);
    found.extend(files(&root().join(".ci"), &|_| true));
    for name in ["README.md", "CHANGELOG.md", "Cargo.toml", "deny.toml"] {
        if let Ok(text) = fs::read_to_string(root().join(name)) {
            found.push(File {
                path: name.to_owned(),
                text,
            });
        }
    }
    found
}

fn files(dir: &Path, wanted: &dyn Fn(&Path) -> bool) -> Vec<File> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(dir) else {
        return found;
    };
    for entry in entries.map(|e| e.unwrap().path()) {
        // Samples of other people's data are theirs.
        let skip = ["target", "fixtures", "corpus"];
        if entry.is_dir() && !skip.iter().any(|name| entry.ends_with(name)) {
            found.extend(files(&entry, wanted));
        } else if entry.is_file() && wanted(&entry) {
            let path = entry
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .into_owned();
            if let Ok(text) = fs::read_to_string(&entry) {
                found.push(File { path, text });
            }
        }
    }
    found
}
