//! What the integration tests share: the repository's files and the program under test.
//!
//! A failure here stops the test that asked, with a message that says what to type.

use std::path::{Path, PathBuf};

pub mod api;
pub mod clock;
pub mod contract;
pub mod database;
pub mod mail;
pub mod postgres;
pub mod receiver;
pub mod s3;
pub mod server;
pub mod store;

/// The repository's folder.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in a workspace").to_owned()
}

/// Path of a document in `tests/fixtures`, whose `NOTICE.md` says what each of them is.
pub fn fixture_path(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    assert!(path.is_file(), "there is no fixture `{name}`");
    path
}

/// Content of a document in `tests/fixtures`.
pub fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(fixture_path(name)).expect("a fixture can be read")
}

/// An ill-behaved guest of `tests/guests`, as a component.
pub fn guest(name: &str) -> Vec<u8> {
    let path = repository().join(".build/guests").join(format!("{name}.wasm"));
    std::fs::read(&path)
        .unwrap_or_else(|_| panic!("`{}` is missing: type `cargo xtask setup`", path.display()))
}

/// The guest `lines` under another name, of five letters, and another version, of five characters such as `1.3.0`.
pub fn lines_guest(name: &str, version: &str) -> Vec<u8> {
    replaced(&guest("lines"), "lines1.2.0Each line", &format!("{name}{version}Each line"))
}

/// The same, which gives answers that the host does not take.
pub fn broken_guest(name: &str, version: &str) -> Vec<u8> {
    replaced(&lines_guest(name, version), "confidencevalue", "confidencxvalue")
}

/// Replaces a text in a component by one of the same length, wherever it stands.
pub fn replaced(component: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len(), "`{from}` and `{to}` differ in length");
    let mut bytes = component.to_vec();
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|&start| bytes[start..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "`{from}` is not there");
    for place in places {
        bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

/// The program `ocriva` of the same build as the running test.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    // Cargo puts tests into `deps`, beside the programs.
    let folder = test.parent().and_then(Path::parent).expect("a test is in cargo's build folder");
    let program = folder.join(format!("ocriva{}", std::env::consts::EXE_SUFFIX));
    assert!(program.is_file(), "`{}` is missing: type `cargo build --workspace --bins`", program.display());
    program
}
