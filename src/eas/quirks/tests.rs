//! The built-in registry, and files in its place.

use super::*;
use std::collections::HashSet;

fn agent(agent: &str) -> Traits<'_> {
    Traits {
        agent,
        ..Traits::default()
    }
}

fn kind(kind: &str) -> Traits<'_> {
    Traits {
        kind,
        ..Traits::default()
    }
}

/// The text of every source file.
fn sources() -> String {
    fn gather(dir: &Path, all: &mut String) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                gather(&path, all);
            } else if path.extension().is_some_and(|e| e == "rs") {
                all.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut all = String::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    all
}

#[test]
fn every_built_in_entry_says_why_and_names_a_test_that_exists() {
    let registry = Registry::built_in();
    assert!(!registry.clients().is_empty());
    let sources = sources();
    for client in registry.clients() {
        let Client {
            name,
            why,
            source,
            tests,
            ..
        } = client;
        assert!(!client.does().is_empty(), "{name}");
        assert!(!why.is_empty() && !source.is_empty(), "{name}");
        assert!(!tests.is_empty(), "{name}");
        for test in tests {
            assert!(
                sources.contains(&format!("#[test]\nfn {test}()"))
                    || sources.contains(&format!("#[test]\n    fn {test}()")),
                "{name}: there is no test {test}"
            );
        }
    }
}

#[test]
fn clients_are_told_apart_by_what_they_say() {
    let book = Book::default();
    let check = |client: Traits<'_>, version, expect: &[Quirk]| {
        let known = book.known(client, version);
        let all = expect.iter().copied().fold(Quirks::default(), Quirks::with);
        assert_eq!(known.quirks, all, "{client:?} {version}");
        // And once more, from what is remembered.
        assert_eq!(book.known(client, version), known);
    };
    use Quirk::*;
    let v = Version::V14_0;
    check(agent(""), v, &[]);
    check(agent("Thunderbird ActiveSync"), v, &[]);
    check(agent("Outlook-iOS-Android/1.0"), v, &[]);
    check(kind("Outlook"), v, &[]);
    let desktop = [NoPolicy, MovedItemsKnown];
    check(
        agent("Outlook/16.0 (16.0.7167.6539; C2R; x86)"),
        v,
        &desktop,
    );
    check(kind("WindowsOutlook15"), v, &desktop);
    check(agent("MSFT-PPC/5.1.2301"), Version::V2_5, &[NoPolicy]);
    check(agent("MSFT-PPC/5.2.1235"), Version::V2_5, &[]);
    check(agent("MSFT-WP/7.10.8773"), v, &[NoPolicy, BirthdaysAt0]);
    check(agent("MSFT-WP/8.10.14157"), v, &[BirthdaysAt0]);
    check(agent("NokiaN800 MeeGo"), Version::V12_1, &[EmptySyncInFull]);
    check(agent("NokiaN800 MeeGo"), Version::V12_0, &[]);
    let stock = [EstimateOne, SyncOfNothing];
    check(
        agent("Android-EAS/0.1"),
        v,
        &[NoPolicy, EstimateOne, SyncOfNothing],
    );
    check(
        agent("Android/4.0.4-EAS-1.3"),
        v,
        &[stock[0], stock[1], BirthdaysAt8],
    );
    check(agent("Android/2.3.3-EAS-1.3"), v, &stock);
    check(
        agent("Android-Mail/2023.01.15"),
        v,
        &[SyncOfNothing, BirthdaysAt0],
    );
    check(kind("SAMSUNGGTI9515"), v, &[BirthdaysAt0]);
    check(agent("RIM-Q10-SQN100-3/10.2.0.1443"), v, &[BirthdaysAt11]);
    let apple = |agent| Traits {
        agent,
        kind: "iPhone",
        ..Traits::default()
    };
    check(
        apple("Apple-iPhone3C1/801.293"),
        v,
        &[EmptyPictureKept, BirthdaysAt0],
    );
    check(apple("Apple-iPhone11C8/2007.75"), v, &[EmptyPictureKept]);
    check(apple("Apple-iPhone5C2/1104.257"), v, &[EmptyPictureKept]);
    let nine = Traits {
        id: "Nine012345678901",
        kind: "Android",
        ..Traits::default()
    };
    check(nine, v, &[BirthdaysAt0]);
}

#[test]
fn every_quirk_has_a_client() {
    let registry = Registry::built_in();
    let does: HashSet<Quirk> = registry
        .clients()
        .iter()
        .flat_map(|c| c.does().to_vec())
        .collect();
    assert_eq!(does.len(), 9);
}

#[test]
fn all_that_a_match_gives_has_to_fit() {
    let registry = Registry::parse(
        "[[client]]\nname = \"x\"\nversions = \"14.1\"\ndoes = [\"no_policy\"]\n\
         match = [{ kind = \"a\", os = \"Android 4*\" }, { id = \"z?\" }]\n",
    )
    .unwrap();
    let check = |kind, os, id, expect| {
        let client = Traits {
            kind,
            os,
            id,
            ..Traits::default()
        };
        let quirks = registry.quirks(client, Version::V14_1);
        assert_eq!(quirks.has(Quirk::NoPolicy), expect, "{client:?}");
        assert_eq!(registry.quirks(client, Version::V14_0), Quirks::default());
    };
    check("a", "Android 4.4", "", true);
    check("a", "Android 5.0", "", false);
    check("b", "Android 4.4", "", false);
    check("b", "", "z1", true);
}

#[test]
fn a_file_that_nobody_understands_is_refused_with_its_line() {
    let refused = |text: &str, line: &str, says: &[&str]| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("quirks.toml");
        std::fs::write(&path, text).unwrap();
        let e = Registry::read(&path).unwrap_err().to_string();
        assert!(e.contains("quirks.toml") && e.contains(line), "{e}");
        says.iter().for_each(|s| assert!(e.contains(s), "{s}: {e}"));
    };
    let entry = |rest: &str| format!("[[client]]\nname = \"x\"\n{rest}\n");
    let ok = "match = [{ agent = \"*\" }]";
    refused(
        &entry(&format!("{ok}\ndoes = [\"no_polcy\"]")),
        "line 4",
        &["no_polcy", "no_policy", "empty_sync_in_full"],
    );
    refused(
        &entry("does = []\nmatch = [{ agnt = \"*\" }]"),
        "line 4",
        &["agnt", "agent"],
    );
    refused(
        &entry("does = []\nmatch = [{ }]"),
        "line 4",
        &["at least one"],
    );
    refused(
        &entry(&format!("{ok}\ndoes = []\nversions = \"14.1-2.5\"")),
        "line 5",
        &["14.1-2.5", "16.1"],
    );
    refused(
        &entry(&format!(
            "match = [{{ agent = \"{}\" }}]\ndoes = []",
            "x".repeat(200)
        )),
        "line 3",
        &["128 bytes"],
    );
    refused(&entry("does = []\nmatch = []"), "", &["between 1 and 32"]);
    let missing = Registry::read(Path::new("/nonexistent/quirks.toml")).unwrap_err();
    assert!(missing.to_string().contains("/nonexistent/quirks.toml"));
}

#[test]
fn a_file_is_read_again_and_a_bad_one_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("quirks.toml");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    let entry = |does: &str| {
        format!("[[client]]\nname = \"x\"\nmatch = [{{ agent = \"x*\" }}]\ndoes = [\"{does}\"]\n")
    };
    write(&entry("no_policy"));
    let book = Book::open(&path, Vec::new()).unwrap();
    let has = |quirk| book.known(agent("x1"), Version::V14_1).quirks.has(quirk);
    assert!(has(Quirk::NoPolicy));
    // What is built in counts no more.
    let outlook = book.known(agent("Outlook/16.0"), Version::V14_1);
    assert_eq!(outlook.quirks, Quirks::default());
    write(&entry("estimate_one"));
    assert!(book.reload().unwrap());
    assert!(has(Quirk::EstimateOne) && !has(Quirk::NoPolicy));
    write(&entry("nonsense"));
    assert!(book.reload().is_err());
    assert!(has(Quirk::EstimateOne));
    assert!(!Book::default().reload().unwrap());
}

#[test]
fn the_lowest_ceiling_that_fits_counts() {
    let glob = |text: &str| Glob::try_from(text.to_owned()).unwrap();
    let ceilings = vec![
        (glob("Android*"), Version::V14_1),
        (glob("*EAS-1.3"), Version::V12_1),
    ];
    let book = Book::of(Registry::default(), ceilings);
    let max = |agent_: &str| book.known(agent(agent_), Version::V2_5).version_max;
    assert_eq!(max("Android/4.0-EAS-1.3"), Some(Version::V12_1));
    assert_eq!(max("android/4.0-EAS-2.0"), Some(Version::V14_1));
    assert_eq!(max("Apple-iPhone"), None);
    assert_eq!(book.ceiling("x-EAS-1.3"), Some(Version::V12_1));
}
