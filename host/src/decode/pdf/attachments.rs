//! Files that a PDF carries: of them only XML is read, since it may be the document in a form for machines.

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, Object, Stream, String as Text};

use super::super::bomb;

/// Most files that are looked at.
const MAX_FILES: usize = 100;

/// How deep the tree of names is followed; with thousands of names it has three levels.
const MAX_DEPTH: usize = 16;

/// Names of the XML files that a PDF carries, each once.
pub(super) fn xml_names(file: &Pdf) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in specifications(file).iter().filter_map(name) {
        if name.to_ascii_lowercase().ends_with(".xml") && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The first file of a name that a PDF carries; `None` for a damaged one, or one of more than `max_bytes`.
pub(super) fn xml_file(file: &Pdf, wanted: &str, max_bytes: u64) -> Option<Vec<u8>> {
    let specifications = specifications(file);
    let mut named =
        specifications.iter().filter(|specification| name(specification).as_deref() == Some(wanted));
    let streams = named.find_map(|specification| specification.get::<Dict>("EF"))?;
    let stream = ["F", "UF"].into_iter().find_map(|key| streams.get::<Stream>(key))?;
    bomb::decoded_length(&stream, max_bytes).ok()?;
    Some(stream.decoded_data().ok()?.into_owned())
}

fn specifications(file: &Pdf) -> Vec<Dict<'_>> {
    let Some(catalog) = file.xref().get::<Dict>(file.xref().root_id()) else { return Vec::new() };
    let mut specifications = Vec::new();
    // PDF/A-3 lists them here, in the order in which they matter; all PDF files may have them in the tree.
    if let Some(associated) = catalog.get::<Array>("AF") {
        specifications.extend(associated.iter::<Dict>().take(MAX_FILES));
    }
    if let Some(tree) = catalog.get::<Dict>("Names").and_then(|names| names.get::<Dict>("EmbeddedFiles")) {
        collect(&tree, 0, &mut specifications);
    }
    specifications
}

fn name(specification: &Dict) -> Option<String> {
    let name = ["UF", "F"].into_iter().find_map(|key| specification.get::<Text>(key))?;
    Some(decoded(name.as_bytes()))
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
