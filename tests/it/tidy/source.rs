//! Reads the repository for the rules: its files, its modules, and code without comments and strings.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use regex::Regex;

/// A file that git knows or would add.
pub struct SourceFile {
    /// Path below the repository, with `/`.
    pub path: String,
    /// Content; `None` where it is not text.
    pub text: Option<String>,
    /// Size on disk.
    pub size_bytes: u64,
}

impl SourceFile {
    /// Text of a Rust file.
    pub fn rust(&self) -> Option<&str> {
        self.text.as_deref().filter(|_| self.path.ends_with(".rs"))
    }

    /// Module of the product's crate: `ocr` for `host/src/ocr.rs` and all below `host/src/ocr/`.
    pub fn host_module(&self) -> Option<&str> {
        let below = self.path.strip_prefix("host/src/")?;
        Some(below.split('/').next().unwrap_or(below).trim_end_matches(".rs"))
    }
}

/// Every file of the repository, sorted by path; read once.
pub fn files() -> &'static [SourceFile] {
    static FILES: LazyLock<Vec<SourceFile>> = LazyLock::new(read_all);
    &FILES
}

fn read_all() -> Vec<SourceFile> {
    let root = support::repository();
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(&root)
        .output()
        .expect("git lists the repository's files");
    assert!(listing.status.success(), "git: {}", String::from_utf8_lossy(&listing.stderr));
    let names = String::from_utf8(listing.stdout).expect("file names are UTF-8");
    let mut files: Vec<SourceFile> =
        names.split('\0').filter(|name| !name.is_empty()).filter_map(|name| read(&root, name)).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    assert!(files.len() > 20, "the repository has only {} files", files.len());
    files
}

/// `None` for a file that was deleted and is still in git's index.
fn read(root: &Path, name: &str) -> Option<SourceFile> {
    let path: PathBuf = root.join(name);
    let bytes = std::fs::read(&path).ok()?;
    let size_bytes = bytes.len() as u64;
    Some(SourceFile { path: name.to_owned(), text: String::from_utf8(bytes).ok(), size_bytes })
}

/// Rust code with comments and the content of strings and characters blanked; lines stay where they were.
pub fn code_only(text: &str) -> String {
    let token = Regex::new(concat!(
        r"(?s)//[^\n]*",                    // line comment
        r"|/\*.*?\*/",                      // block comment
        r##"|\bb?r#"(?:.*?)"#"##,           // raw string with one #
        r#"|\bb?r"[^"]*""#,                 // raw string
        r#"|b?"(?:\\.|[^"\\])*""#,          // string
        r"|b?'(?:\\[^\n]{1,9}?|[^'\\\n])'", // character, but not a lifetime
    ))
    .expect("the pattern is valid");
    token
        .replace_all(text, |found: &regex::Captures<'_>| {
            let lines = found[0].matches('\n').count();
            format!(" {}", "\n".repeat(lines))
        })
        .into_owned()
}

/// Code without its unit tests, which may use what the module itself may not.
pub fn without_unit_tests(code: &str) -> &str {
    code.split("#[cfg(test)]").next().unwrap_or(code)
}

/// The paths below `crate::` that code names, as `a::b`; groups in braces are taken apart.
pub fn crate_paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let is_whole_word =
            !code[..start].ends_with(|before: char| before.is_alphanumeric() || before == '_');
        if is_whole_word && !code[..start].ends_with('$') {
            expand(&code[start + "crate::".len()..], "", &mut paths);
        }
    }
    paths
}

/// Adds the paths of one use tree; returns what follows it.
fn expand<'a>(code: &'a str, prefix: &str, paths: &mut Vec<String>) -> &'a str {
    let code = code.trim_start();
    if let Some(mut rest) = code.strip_prefix('{') {
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                return rest;
            }
            if let Some(after) = rest.strip_prefix('}') {
                return after;
            }
            rest = match rest.strip_prefix(',') {
                Some(after) => after,
                None => {
                    let after = expand(rest, prefix, paths);
                    // Skips what is no path at all, such as `as name`.
                    let end = after.find([',', '}']).unwrap_or(after.len());
                    &after[end..]
                }
            };
        }
    }
    let end =
        code.find(|next: char| !next.is_alphanumeric() && next != '_' && next != '*').unwrap_or(code.len());
    let path = if prefix.is_empty() { code[..end].to_owned() } else { format!("{prefix}::{}", &code[..end]) };
    match code[end..].strip_prefix("::") {
        Some(rest) => expand(rest, &path, paths),
        None => {
            paths.push(path);
            &code[end..]
        }
    }
}

#[test]
fn comments_and_strings_are_no_code() {
    let code =
        code_only("let a = \"crate::x // no\"; // crate::y\n/* crate::z\n */ let c = '\"'; let d: &'a str;");
    assert_eq!(code, "let a =  ;  \n \n let c =  ; let d: &'a str;");
}

#[test]
fn use_trees_are_taken_apart() {
    let paths =
        crate_paths("use crate::{a, b::{self, C as D}, c::*};\nlet x = crate::d::e(1); use subcrate::f;");
    assert_eq!(paths, ["a", "b::self", "b::C", "c::*", "d::e"]);
}
