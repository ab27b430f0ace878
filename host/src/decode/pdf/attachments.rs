//! Files that a PDF carries: of them only XML is read, since it may be the document in a form for machines.

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, Object, Stream, String as Text};

/// Most files that are looked at.
const MAX_FILES: usize = 100;

/// How deep the tree of names is followed; with thousands of names it has three levels.
const MAX_DEPTH: usize = 16;

/// The XML files that a PDF carries, by name, each of at most `max_bytes`.
pub(super) fn xml_files(file: &Pdf, max_bytes: u64) -> Vec<(String, Vec<u8>)> {
    let Some(catalog) = file.xref().get::<Dict>(file.xref().root_id()) else { return Vec::new() };
    let mut specifications = Vec::new();
    // PDF/A-3 lists them here, in the order in which they matter; all PDF files may have them in the tree.
    if let Some(associated) = catalog.get::<Array>("AF") {
        specifications.extend(associated.iter::<Dict>().take(MAX_FILES));
    }
    if let Some(tree) = catalog.get::<Dict>("Names").and_then(|names| names.get::<Dict>("EmbeddedFiles")) {
        collect(&tree, 0, &mut specifications);
    }
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for specification in specifications {
        let Some((name, content)) = xml_file(&specification, max_bytes) else { continue };
        if !files.iter().any(|(known, _)| *known == name) {
            files.push((name, content));
        }
    }
    files
}

/// Collects the file specifications in a tree of names.
fn collect<'a>(node: &Dict<'a>, depth: usize, found: &mut Vec<Dict<'a>>) {
    if depth > MAX_DEPTH {
        return;
    }
    if let Some(names) = node.get::<Array>("Names") {
        // Names and specifications take turns.
        let specifications = names.iter::<Object>().filter_map(Object::into_dict);
        found.extend(specifications.take(MAX_FILES.saturating_sub(found.len())));
    }
    if let Some(kids) = node.get::<Array>("Kids") {
        for kid in kids.iter::<Dict>() {
            if found.len() >= MAX_FILES {
                return;
            }
            collect(&kid, depth + 1, found);
        }
    }
}

fn xml_file(specification: &Dict, max_bytes: u64) -> Option<(String, Vec<u8>)> {
    let name = ["UF", "F"].into_iter().find_map(|key| specification.get::<Text>(key))?;
    let name = decoded(name.as_bytes());
    let streams = specification.get::<Dict>("EF")?;
    let stream = ["F", "UF"].into_iter().find_map(|key| streams.get::<Stream>(key))?;
    if !name.to_ascii_lowercase().ends_with(".xml") {
        return None;
    }
    let content = stream.decoded_data().ok()?;
    (content.len() as u64 <= max_bytes).then(|| (name, content.into_owned()))
}

/// A text string: UTF-16 with a byte order mark, or one byte a letter.
fn decoded(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, units @ ..] => {
            let (pairs, _) = units.as_chunks::<2>();
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        bytes => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}
