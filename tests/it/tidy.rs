//! The repository's rules as tests: who may use whom, how files are named and sized, and what never goes in.
//!
//! The README says why the rules are there. A rule that stands in the way is changed there and here at once.

use std::collections::BTreeSet;

use regex::Regex;

mod source;

use source::{SourceFile, code_only, crate_paths, files, without_unit_tests};

/// Modules that know only themselves, `domain`, `xml`, `clock`, `telemetry` and their own section of the settings.
const LAYERS: [(&str, &[&str]); 8] = [
    ("store", &["Storage"]),
    ("mail", &["Mail"]),
    ("blobs", &["Storage"]),
    ("decode", &["Decode"]),
    ("einvoice", &[]),
    ("barcode", &[]),
    ("ocr", &["Ocr", "OcrMode"]),
    ("plugins", &["Plugins"]),
];

/// What only one module may name, as a pattern in its code.
const OWNED: &[(&str, &str)] = &[
    ("api", r"\b(axum|axum_extra|tower_http|utoipa_axum|StatusCode)\b"),
    ("api", r"\bgovernor\b"),
    ("store", r"\bsqlx\b"),
    ("blobs", r"\bobject_store\b"),
    ("domain", r"\b(strsim|unicode_normalization)\b"),
    ("mail", r"\blettre\b"),
    ("plugins", r"\b(semver|wasmtime|wasmtime_wasi|wasmparser)\b"),
    ("barcode", r"\brxing\b"),
    ("ocr", r"\btract_\w+\b"),
    ("outbound|webhooks|cli", r"\breqwest\b"),
    ("cli", r"\b(ocriva_plugin_build|wit_component)\b"),
    ("clock|memory|plugins", r"\blibc\b"),
    (
        "telemetry",
        r"\b(opentelemetry\w*|tracing_opentelemetry|tracing_subscriber|metrics_exporter_prometheus)\b",
    ),
    ("decode", r"\bhayro\w*\b"),
    ("decode", r"(^|[^:\w.])(image|tiff)::"),
    ("decode", r"\b(csv::Reader|zip::ZipArchive|zip::read)"),
    ("decode|einvoice|xml", r"\broxmltree\b"),
    ("decode", r"\b(calamine|chardetng|encoding_rs|heic_decoder|html5ever|mail_parser)\b"),
    ("export", r"\b(krilla|quick_xml|rust_xlsxwriter|csv::Writer|zip::ZipWriter|zip::write)\b"),
    ("config", r"\benv::(var|vars|var_os|vars_os|set_var)\b"),
    ("clock", r"\b(SystemTime::now|Zoned::now|Timestamp::now|Utc::now)\b"),
    ("clock", r"\b(now_v7|new_v4)\b"),
    ("clock", r"\b(getrandom|OsRng|thread_rng)\b"),
];

/// Statements on tenants' tables that name no tenant, each with the reason.
const WITHOUT_TENANT: &[(&str, &str)] = &[
    ("dispatcher::", "gives every organization its turn"),
    ("runs::", "of the worker: the document's id came with the job, and the attempt fences"),
    ("events::SWEEP", "removes what is old, whose ever it is"),
    ("documents::WAITING", "counts for the limit of all that waits"),
    (
        "sending::",
        "of the sender, that serves all tenants: the delivery's id came with it, and the attempt fences",
    ),
    ("load::", "counts what there is to do, for those who run the server"),
    ("watching::", "of those who wait, each of whom was let in before"),
    ("refresh_tokens::", "a login is found by its secret, and tells the tenant"),
    ("retention::EXPIRED", "finds the files of every organization that have been kept long enough"),
    ("upkeep::SWEEP", "removes what is old, whose ever it is"),
    ("invitations::ACCEPT", "an invitation is found by its secret, and tells the tenant"),
    ("plugins::CHANGE", "notes the generation of a plugin that was found by its owner"),
    ("tokens::TOUCH", "notes the use of a token that was found by its secret"),
];

/// What lies at the top of the repository.
const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "clients",
    "clippy.toml",
    "deny.toml",
    "fuzz",
    "host",
    "migrations",
    "plugin-sdk",
    "plugins",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "tests",
    "wit",
    "xtask",
    ".gitattributes",
];

const MAX_LINES: usize = 1000;
const MAX_FILE_BYTES: u64 = 1_000_000;

#[test]
fn domain_uses_no_other_module() {
    expect_none(uses_of("domain", |path| first(path) != "domain"));
}

#[test]
fn layers_do_not_use_one_another() {
    let layers = LAYERS.map(|(layer, _)| layer);
    for layer in layers {
        expect_none(uses_of(layer, |path| first(path) != layer && layers.contains(&first(path))));
        expect_none(uses_of(layer, |path| {
            ["api", "worker", "pipeline", "ingest", "app"].contains(&first(path))
        }));
    }
}

#[test]
fn a_layer_reads_only_its_own_settings() {
    for (layer, sections) in LAYERS {
        expect_none(uses_of(layer, |path| {
            path.strip_prefix("config::")
                .is_some_and(|name| name != "self" && !sections.contains(&first(name)))
        }));
    }
}

#[test]
fn api_and_worker_do_not_use_each_other() {
    expect_none(uses_of("api", |path| first(path) == "worker"));
    expect_none(uses_of("worker", |path| first(path) == "api"));
}

#[test]
fn a_library_is_named_by_one_module_only() {
    let mut found = Vec::new();
    for (owner, pattern) in OWNED.iter().copied() {
        let pattern = Regex::new(pattern).expect("the pattern is valid");
        let is_owner = |file: &&SourceFile| {
            file.host_module().is_some_and(|module| owner.split('|').any(|one| one == module))
        };
        for file in host_files().filter(|file| !is_owner(file)) {
            let code = code_only(file.rust().unwrap_or_default());
            for (number, line) in without_unit_tests(&code).lines().enumerate() {
                if pattern.is_match(line) {
                    found.push(format!(
                        "{}:{}: only `{owner}` may name `{}`",
                        file.path,
                        number + 1,
                        line.trim()
                    ));
                }
            }
        }
    }
    expect_none(found);
}

#[test]
fn modules_are_named_for_what_they_hold() {
    let vague = ["mod", "utils", "util", "common", "helpers", "helper", "types", "misc"];
    expect_none(files().iter().filter(|file| file.path.ends_with(".rs")).filter_map(|file| {
        let name = file.path.rsplit('/').next()?.trim_end_matches(".rs");
        vague.contains(&name).then(|| format!("{}: name the module for what it holds", file.path))
    }));
}

#[test]
fn every_module_says_what_it_is_for() {
    expect_none(files().iter().filter_map(|file| {
        let first_line = file.rust()?.lines().find(|line| !line.trim().is_empty())?;
        (!first_line.starts_with("//! "))
            .then(|| format!("{}: begins without `//! what it is for`", file.path))
    }));
}

#[test]
fn no_source_file_is_longer_than_a_thousand_lines() {
    let sources = [".rs", ".ts", ".tsx", ".js", ".py", ".css", ".wit"];
    expect_none(files().iter().filter(|file| sources.iter().any(|end| file.path.ends_with(end))).filter_map(
        |file| {
            let lines = file.text.as_deref()?.lines().count();
            (lines > MAX_LINES).then(|| format!("{}: {lines} lines, at most {MAX_LINES}", file.path))
        },
    ));
}

#[test]
fn nothing_is_left_to_do() {
    // The words are put together here, so that this file does not hold them.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["X", "XX"]].map(|halves| halves.concat());
    let macros = [["to", "do!("], ["unimple", "mented!("], ["db", "g!("]].map(|halves| halves.concat());
    let mark = Regex::new(&format!(r"\b({})\b", marks.join("|"))).expect("the pattern is valid");
    expect_none(texts().flat_map(|(path, text)| {
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| mark.is_match(line) || macros.iter().any(|name| line.contains(name.as_str())))
            .map(|(number, line)| format!("{path}:{}: `{}`", number + 1, line.trim()))
            .collect::<Vec<_>>()
    }));
}

#[test]
fn tests_state_facts_and_always_run() {
    let pattern = Regex::new(r"fn test_|#\[ignore|#\[should_panic").expect("the pattern is valid");
    expect_none(files().iter().filter_map(|file| Some((file, code_only(file.rust()?)))).flat_map(
        |(file, code)| {
            let lines = code.lines().enumerate();
            lines
                .filter(|(_, line)| pattern.is_match(line))
                .map(|(number, line)| format!("{}:{}: `{}`", file.path, number + 1, line.trim()))
                .collect::<Vec<_>>()
        },
    ));
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |engine: &str| -> BTreeSet<String> {
        let folder = format!("migrations/{engine}/");
        files().iter().filter_map(|file| file.path.strip_prefix(&folder).map(str::to_owned)).collect()
    };
    let sqlite = names("sqlite");
    assert_eq!(sqlite, names("postgres"));
    let pattern = Regex::new(r"^\d{4}_[a-z0-9_]+\.sql$").expect("the pattern is valid");
    expect_none(
        sqlite.iter().filter(|name| !pattern.is_match(name)).map(|name| format!("{name}: not NNNN_name.sql")),
    );
}

#[test]
fn statements_on_tenant_data_name_the_tenant() {
    let table = Regex::new(r"(?s)create table (\w+) \(\n(.*?)\n\)").expect("the pattern is valid");
    let group = Regex::new(r#"statements! \{\s*"(\w+)";"#).expect("the pattern is valid");
    let statement = Regex::new(r#"\b([A-Z][A-Z0-9_]*) = "((?:[^"\\]|\\.)*)""#).expect("the pattern is valid");
    let used = Regex::new(r"\b(?:from|join|into|update) (\w+)").expect("the pattern is valid");
    let migrations: String =
        texts().filter(|(path, _)| path.starts_with("migrations/sqlite/")).map(|(_, sql)| sql).collect();
    let tenants: BTreeSet<&str> = table
        .captures_iter(&migrations)
        .filter(|found| found[2].contains("organization_id"))
        .map(|found| found.extract::<2>().1[0])
        .collect();
    assert!(tenants.contains("documents"), "{tenants:?}");
    let mut found = Vec::new();
    for file in host_files().filter(|file| file.host_module() == Some("store")) {
        let text = file.rust().unwrap_or_default();
        let Some(group) = group.captures(text).map(|group| group[1].to_owned()) else { continue };
        for (_, [name, sql]) in statement.captures_iter(text).map(|found| found.extract()) {
            let name = format!("{group}::{name}");
            let is_tenant_data = used.captures_iter(sql).any(|table| tenants.contains(&table[1]));
            let is_excused = WITHOUT_TENANT.iter().any(|(excused, _)| name.starts_with(excused));
            if is_tenant_data && !sql.contains("organization_id") && !is_excused {
                found.push(format!("{}: `{name}` names no `organization_id`", file.path));
            }
        }
    }
    expect_none(found);
}

#[test]
fn versions_of_dependencies_are_in_the_root_manifest_only() {
    expect_none(texts().filter(|(path, _)| path.ends_with("/Cargo.toml")).flat_map(|(path, text)| {
        let manifest: toml::Table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
        let tables = sections.iter().filter_map(|section| manifest.get(*section)?.as_table());
        tables
            .flatten()
            .filter(|(_, value)| value.get("workspace").and_then(toml::Value::as_bool) != Some(true))
            .map(|(name, _)| format!("{path}: `{name}` does not say `workspace = true`"))
            .collect::<Vec<_>>()
    }));
}

#[test]
fn every_crate_is_linted() {
    expect_none(texts().filter(|(path, _)| path.ends_with("/Cargo.toml")).filter_map(|(path, text)| {
        let manifest: toml::Table = text.parse().ok()?;
        let is_linted = manifest.get("lints").is_some_and(|lints| {
            lints.get("workspace").is_some_and(|inherits| inherits.as_bool() == Some(true))
                || path == "tests/Cargo.toml"
        });
        (!is_linted).then(|| format!("{path}: says nothing of `lints.workspace`"))
    }));
}

#[test]
fn the_top_of_the_repository_holds_only_what_is_known() {
    let top: BTreeSet<String> =
        files().iter().filter_map(|file| file.path.split('/').next().map(str::to_owned)).collect();
    expect_none(
        top.iter()
            .filter(|name| !TOP_LEVEL.contains(&name.as_str()))
            .map(|name| format!("{name}: not known")),
    );
}

#[test]
fn binaries_are_small_fixtures() {
    let is_document = |path: &str| path.starts_with("plugins/") && path.contains("/tests/");
    let may_be_binary =
        |path: &str| path.contains("/fixtures/") || path.starts_with("host/console/") || is_document(path);
    expect_none(files().iter().filter_map(|file| {
        if file.text.is_none() && !may_be_binary(&file.path) {
            return Some(format!("{}: a binary outside of `fixtures/` and of plugins' `tests/`", file.path));
        }
        (file.size_bytes > MAX_FILE_BYTES).then(|| format!("{}: {} bytes", file.path, file.size_bytes))
    }));
}

#[test]
fn every_fixture_has_its_licence_in_the_notice() {
    let notice = std::fs::read_to_string(support::fixture_path("NOTICE.md")).expect("the notice can be read");
    expect_none(files().iter().filter_map(|file| {
        let name = file.path.strip_prefix("tests/fixtures/").filter(|name| *name != "NOTICE.md")?;
        (!notice.contains(&format!("`{name}`"))).then(|| format!("{}: not in NOTICE.md", file.path))
    }));
}

#[test]
fn nothing_of_one_machine_or_one_person_is_in_the_repository() {
    let secrets =
        ["-----BEGIN [A-Z ]*PRIVATE", r"\bAKIA[0-9A-Z]{16}\b", r"\bocr_[0-9A-Za-z]{8,}_[0-9A-Za-z]{32,}"];
    let paths = [r"(^|[\s\x22'=(`:])/(work|root|home|Users)/\w"];
    let hosts = [r"\bpypi\.org|pythonhosted\.org|registry\.npmjs\.org|static\.crates\.io|deb\.debian\.org"];
    let all: Vec<&str> = secrets.iter().chain(&paths).chain(&hosts).copied().collect();
    let pattern = Regex::new(&all.join("|")).expect("the pattern is valid");
    let this_file = file!().rsplit('/').next().unwrap_or_default();
    expect_none(texts().filter(|(path, _)| !path.ends_with(this_file)).flat_map(|(path, text)| {
        let lines = text.lines().enumerate();
        lines
            .filter(|(_, line)| pattern.is_match(line))
            .map(|(number, line)| format!("{path}:{}: `{}`", number + 1, line.trim()))
            .collect::<Vec<_>>()
    }));
}

/// Rust files of the product's crate.
fn host_files() -> impl Iterator<Item = &'static SourceFile> {
    files().iter().filter(|file| file.host_module().is_some() && file.rust().is_some())
}

/// Path and content of the files that people write: all text but lock files and the licence.
fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_written =
        |path: &str| !path.ends_with(".lock") && !path.ends_with("package-lock.json") && path != "LICENSE";
    files()
        .iter()
        .filter(move |file| is_written(&file.path))
        .filter_map(|file| Some((file.path.as_str(), file.text.as_deref()?)))
}

/// Where a module names a path below `crate::` that is not allowed there, its unit tests aside.
fn uses_of(module: &str, is_wrong: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    for file in host_files().filter(|file| file.host_module() == Some(module)) {
        let code = code_only(file.rust().unwrap_or_default());
        for path in crate_paths(without_unit_tests(&code)).iter().filter(|path| is_wrong(path)) {
            found.push(format!("{}: uses `crate::{path}`", file.path));
        }
    }
    found
}

fn first(path: &str) -> &str {
    path.split("::").next().unwrap_or(path)
}

#[track_caller]
fn expect_none(violations: impl IntoIterator<Item = String>) {
    let violations: Vec<String> = violations.into_iter().collect();
    assert!(violations.is_empty(), "{} found:\n{}", violations.len(), violations.join("\n"));
}
