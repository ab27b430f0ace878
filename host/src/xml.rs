//! Outside XML into a tree, within limits. Document types are refused, so no entity is ever expanded and nothing is
//! fetched. What costs a parser more than its size is counted before it runs: it compares the attributes of an element
//! with one another, and copies the namespaces in scope for each element that adds one.

use roxmltree::{Document, ParsingOptions};

/// Most nodes, attributes not counted: about 150 MB of memory. An invoice of ten thousand lines has about half a million.
pub const MAX_NODES: u32 = 2_000_000;

/// Most attributes of one element, declarations of namespaces included. Office files have up to about 60.
const MAX_ATTRIBUTES: usize = 512;

/// Most attributes of all elements.
const MAX_ALL_ATTRIBUTES: u64 = 2 * MAX_NODES as u64;

/// Most namespaces in scope of one element: each of its names is looked up among them.
const MAX_SCOPE: usize = 1000;

/// Most namespaces in scope, summed up over the elements that declare some; each takes two bytes, and is compared with
/// the element's own.
const MAX_SCOPES: u64 = 50_000_000;

/// Why XML is not read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It has a document type declaration.
    #[error("a document type declaration (DTD) is not read; remove the declaration")]
    DocumentType,
    /// It has more elements, attributes or namespaces than are read.
    #[error("it has more than {limit} {what}")]
    TooLarge {
        /// `nodes`, `attributes in one element`, …
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// It is not well-formed.
    #[error(transparent)]
    Malformed(roxmltree::Error),
}

/// Parses XML.
///
/// # Errors
/// What is not well-formed, has a document type, or is too large.
pub fn parse(text: &str) -> Result<Document<'_>, Error> {
    check(text.as_bytes())?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => Error::TooLarge { what: "nodes", limit: u64::from(MAX_NODES) },
        roxmltree::Error::DtdDetected => Error::DocumentType,
        error => Error::Malformed(error),
    })
}

/// What the start tag of an element holds.
struct Tag {
    attributes: usize,
    /// Attributes that declare a namespace.
    namespaces: usize,
    is_empty: bool,
    /// Bytes up to its end.
    length: usize,
}

/// Counts attributes and namespaces. Of what is not well-formed it sees as much as the parser does before it stops.
fn check(text: &[u8]) -> Result<(), Error> {
    let (mut attributes, mut scopes) = (0_u64, 0_u64);
    // Namespaces in scope, for each open element.
    let mut open: Vec<usize> = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'<') {
        rest = rest.get(at..).unwrap_or_default();
        let length = match rest {
            [b'<', b'!', b'-', b'-', ..] => length_to(rest, "<!--".len(), b"-->"),
            [b'<', b'!', b'[', ..] => length_to(rest, "<![CDATA[".len(), b"]]>"),
            [b'<', b'?', ..] => length_to(rest, "<?".len(), b"?>"),
            // The parser refuses what is declared here.
            [b'<', b'!', ..] => return Ok(()),
            [b'<', b'/', ..] => {
                open.pop();
                length_to(rest, "</".len(), b">")
            }
            _ => {
                let tag = tag(rest)?;
                attributes += tag.attributes as u64;
                if attributes > MAX_ALL_ATTRIBUTES {
                    return Err(Error::TooLarge { what: "attributes", limit: MAX_ALL_ATTRIBUTES });
                }
                let scope = open.last().copied().unwrap_or_default() + tag.namespaces;
                scopes += (scope * tag.namespaces) as u64;
                if scope > MAX_SCOPE {
                    let limit = MAX_SCOPE as u64;
                    return Err(Error::TooLarge { what: "namespaces in scope of one element", limit });
                }
                if scopes > MAX_SCOPES {
                    return Err(Error::TooLarge { what: "namespaces in scope", limit: MAX_SCOPES });
                }
                if !tag.is_empty {
                    open.push(scope);
                }
                tag.length
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// Bytes up to and with the end of something that begins with a mark of some bytes; all of them where it does not end.
fn length_to(text: &[u8], mark: usize, end: &[u8]) -> usize {
    let inside = text.get(mark..).unwrap_or_default();
    let found = inside.windows(end.len()).position(|window| window == end);
    found.map_or(text.len(), |at| mark + at + end.len())
}

fn tag(text: &[u8]) -> Result<Tag, Error> {
    let mut tag = Tag { attributes: 0, namespaces: 0, is_empty: false, length: text.len() };
    let mut quote = None;
    let mut name_start = 0;
    for (index, byte) in text.iter().enumerate().skip(1) {
        match (quote, *byte) {
            (Some(open), byte) => {
                if byte == open {
                    (quote, name_start) = (None, index + 1);
                }
            }
            (None, b'"' | b'\'') => quote = Some(*byte),
            (None, b'=') => {
                tag.attributes += 1;
                if tag.attributes > MAX_ATTRIBUTES {
                    let limit = MAX_ATTRIBUTES as u64;
                    return Err(Error::TooLarge { what: "attributes in one element", limit });
                }
                let name = text.get(name_start..index).unwrap_or_default();
                tag.namespaces += usize::from(name.starts_with(b"xmlns"));
            }
            (None, b'>') => {
                tag.is_empty = text.get(index - 1) == Some(&b'/');
                tag.length = index + 1;
                break;
            }
            (None, byte) if byte.is_ascii_whitespace() => {
                // Space may stand between a name and its sign of equality.
                if text.get(index + 1).is_some_and(|next| *next != b'=' && !next.is_ascii_whitespace()) {
                    name_start = index + 1;
                }
            }
            (None, _) => {}
        }
    }
    Ok(tag)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[track_caller]
    fn check_refused(text: &str, expected: &str) {
        let since = Instant::now();
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(since.elapsed() < Duration::from_secs(5), "{:?}", since.elapsed());
    }

    #[test]
    fn an_element_of_very_many_attributes_is_refused_at_once() {
        let attributes: String = (0..200_000).map(|index| format!(" a{index}=''")).collect();
        check_refused(&format!("<a{attributes}/>"), "attributes in one element");
    }

    #[test]
    fn namespaces_that_pile_up_are_refused_at_once() {
        let open: String = (0..60_000).map(|index| format!("<a xmlns:n{index} = 'u{index}'>")).collect();
        check_refused(&format!("{open}{}", "</a>".repeat(60_000)), "namespaces in scope");
    }

    #[test]
    fn what_only_looks_like_attributes_is_not_counted() {
        let equals = "=".repeat(1000);
        let text =
            format!("<?a {equals}?><a b='{equals}>'><!-- <{equals} --><![CDATA[<{equals}]]>{equals}<c/></a>");
        assert!(parse(&text).is_ok());
    }

    #[test]
    fn a_document_type_is_refused_wherever_its_elements_are() {
        check_refused("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "DTD");
    }
}
