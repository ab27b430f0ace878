//! Signatures beside the files of the operator's folder.

use std::fs;

use ocriva::plugins::Registry;
use ocriva::plugins::signature::SigningKey;
use support::guest;

use super::engine;

/// What becomes of the guest `lines` in a folder, with this signature beside it.
async fn taken(trusted: &[String], is_required: bool, signature: Option<String>) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lines.wasm"), guest("lines")).unwrap();
    if let Some(signature) = signature {
        fs::write(folder.path().join("lines.wasm.sig"), signature).unwrap();
    }
    let engine = engine(|settings| {
        settings.trusted_keys = trusted.to_vec();
        settings.require_signature = is_required;
    });
    let registry = Registry::open(engine, &[], folder.path()).unwrap();
    let found = registry.get("lines", None).await;
    found.map(|plugin| plugin.description.name.clone()).map_err(|error| error.to_string())
}

#[tokio::test]
async fn a_file_is_taken_with_the_signature_of_a_trusted_key() {
    let (_, key) = SigningKey::generate().unwrap();
    let good = key.sign(&guest("lines"));
    assert_eq!(taken(&[key.public_key()], true, Some(good)).await, Ok("lines".to_owned()));
}

#[tokio::test]
async fn a_file_without_one_is_refused_where_one_is_required_and_a_bad_one_always() {
    let (_, key) = SigningKey::generate().unwrap();
    let trusted = [key.public_key()];
    assert_eq!(taken(&trusted, false, None).await, Ok("lines".to_owned()));
    let unsigned = taken(&trusted, true, None).await.unwrap_err();
    assert!(unsigned.contains("is not signed (setting `plugins.require_signature`)"), "{unsigned}");
    let of_another_file = key.sign(b"another");
    let bad = taken(&trusted, false, Some(of_another_file)).await.unwrap_err();
    assert!(bad.contains("is not by a trusted key"), "{bad}");
}
