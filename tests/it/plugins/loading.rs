//! Which components are taken, what is said of those that are not, and the cache of compiled code.

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::json;
use support::{guest, replaced};

use super::{call, engine, engine_with_cache, load};

#[tokio::test]
async fn a_report_says_what_a_component_needs_and_who_it_is() {
    let report = engine(|_| {}).check(guest("witness")).await;
    insta::assert_json_snapshot!(report, { ".sizeBytes" => "[size]", ".digest" => "[digest]" });
}

#[tokio::test]
async fn a_report_says_what_is_wrong_and_how_to_mend_it() {
    let engine = engine(|settings| settings.component_mib = 1);
    let good = guest("witness");
    let bad = [
        ("too large", vec![0; (1 << 20) + 1]),
        ("core module", b"\0asm\x01\0\0\0".to_vec()),
        ("not WebAssembly", b"%PDF-1.7".to_vec()),
        ("truncated", good[..12].to_vec()),
        ("empty component", b"\0asm\x0d\0\x01\0".to_vec()),
        ("another interface", replaced(&good, "ocriva:extract/config@1", "wasi:clocks-ab/config@1")),
        ("another version", replaced(&good, "@1.3.0", "@2.0.0")),
        ("bad name", replaced(&guest("misbehaving"), "misbehaving", "Misbehaving")),
    ];
    let mut said = String::new();
    for (case, bytes) in bad {
        let report = engine.check(bytes).await;
        assert!(!report.problems.is_empty(), "{case}");
        for problem in report.problems {
            said += &format!("{case}: {}\n  {}\n", problem.problem, problem.remedy);
        }
    }
    insta::assert_snapshot!(said);
}

#[tokio::test]
async fn a_component_of_an_earlier_minor_version_still_links_and_runs() {
    let engine = engine(|_| {});
    for version in ["1.0.0", "1.1.0", "1.2.0"] {
        let older = replaced(&guest("lines"), "@1.3.0", &format!("@{version}"));
        let report = engine.check(older.clone()).await;
        assert_eq!((report.problems, report.api_version.as_deref()), (Vec::new(), Some(version)));
        let plugin = engine.load(Cow::Owned(older)).await.expect("it is taken");
        assert_eq!(call(&engine, &plugin, json!({})).await.result.unwrap().fields.len(), 4);
    }
}

#[tokio::test]
async fn compiled_code_is_kept_and_used_again() {
    let folder = tempfile::tempdir().unwrap();
    load(&engine_with_cache(folder.path(), |_| {}), "lines").await;
    let [kept] = cached(folder.path()).try_into().expect("one file is kept");
    let before = fs::metadata(&kept).unwrap().modified().unwrap();
    let engine = engine_with_cache(folder.path(), |_| {});
    let plugin = load(&engine, "lines").await;
    assert_eq!(call(&engine, &plugin, json!({})).await.result.unwrap().fields.len(), 4);
    assert_eq!(fs::metadata(&kept).unwrap().modified().unwrap(), before);
}

#[tokio::test]
async fn damaged_compiled_code_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    load(&engine_with_cache(folder.path(), |_| {}), "lines").await;
    let [kept] = cached(folder.path()).try_into().expect("one file is kept");
    let intact = fs::read(&kept).unwrap();
    let mut flipped = intact.clone();
    flipped[intact.len() / 2] ^= 1;
    for damaged in [flipped, intact[..100].to_vec(), Vec::new()] {
        fs::write(&kept, damaged).unwrap();
        let engine = engine_with_cache(folder.path(), |_| {});
        let plugin = load(&engine, "lines").await;
        assert_eq!(call(&engine, &plugin, json!({})).await.result.unwrap().fields.len(), 4);
        assert!(fs::read(&kept).unwrap() == intact, "the file is as it was");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn compiled_code_lies_in_a_folder_of_its_own_that_nobody_else_may_enter() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    load(&engine_with_cache(folder.path(), |_| {}), "lines").await;
    let mode = fs::metadata(folder.path().join("plugins")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

fn cached(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("plugins")).expect("the cache exists");
    entries.map(|entry| entry.expect("an entry can be read").path()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is done to a component, it is taken or refused: nothing panics, and nothing hangs.
    #[test]
    fn a_mangled_component_is_refused_or_taken(
        kept in 0.0..2.0_f64,
        changes in prop::collection::vec((0.0..1.0_f64, any::<u8>()), 0..8),
    ) {
        let intact = guest("lines");
        let mut bytes = intact.clone();
        bytes.truncate((intact.len() as f64 * kept) as usize);
        for (place, value) in changes {
            let place = (bytes.len() as f64 * place) as usize;
            if let Some(byte) = bytes.get_mut(place) {
                *byte = value;
            }
        }
        let is_intact = bytes == intact;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = engine_with_cache(CACHE.path(), |settings| settings.cpu_ms = 100);
        let loaded = runtime.block_on(engine.load(Cow::Owned(bytes)));
        if let Err(refusal) = loaded {
            prop_assert!(!is_intact, "{refusal}");
        }
    }
}

/// Where the mangled components' code goes; a new one each time the tests run.
static CACHE: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());
