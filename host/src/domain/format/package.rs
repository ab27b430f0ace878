//! Tells office files from archives of documents: all of them are ZIP files.

use super::Format;

/// Signature of a local file header.
const HEADER: &[u8] = b"PK\x03\x04";

/// Signature of the end of an archive without files.
const EMPTY: &[u8] = b"PK\x05\x06";

/// Length of a local file header without its name.
const HEADER_BYTES: usize = 30;

/// Bit of the flags that says that sizes stand behind the data.
const SIZES_FOLLOW: u16 = 1 << 3;

/// First parts of an office file: an archive that begins with anything else is an archive.
const FIRST_PARTS: [&str; 8] =
    ["[Content_Types].xml", "_rels/", "docProps/", "word/", "xl/", "ppt/", "customXml/", "mimetype"];

/// Tells the kind of a ZIP file; `None` where it is none.
pub(super) fn sniff(head: &[u8]) -> Option<Format> {
    if !head.starts_with(HEADER) {
        return head.starts_with(EMPTY).then_some(Format::Zip);
    }
    let mut parts = Parts { rest: head };
    let Some(first) = parts.next() else { return Some(Format::Zip) };
    if !FIRST_PARTS.iter().any(|part| first.name.starts_with(part)) {
        return Some(Format::Zip);
    }
    if first.name == "mimetype" {
        return Some(match first.data {
            b"application/vnd.oasis.opendocument.text" => Format::Odt,
            b"application/vnd.oasis.opendocument.spreadsheet" => Format::Ods,
            _ => Format::Zip,
        });
    }
    let kind = std::iter::once(first).chain(parts).find_map(|part| {
        let kinds = [("word/", Format::Docx), ("xl/", Format::Xlsx), ("ppt/", Format::Pptx)];
        kinds.into_iter().find(|(folder, _)| part.name.starts_with(folder)).map(|(_, format)| format)
    });
    Some(kind.unwrap_or(Format::Zip))
}

/// A file of an archive.
struct Part<'a> {
    name: &'a str,
    /// As stored; empty where its length is not known beforehand.
    data: &'a [u8],
}

/// The files of an archive in the order in which they lie in it, as far as its first bytes go.
struct Parts<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let header = self.rest.get(..HEADER_BYTES).filter(|header| header.starts_with(HEADER))?;
        let short = |at: usize| Some(u16::from_le_bytes(header.get(at..at + 2)?.try_into().ok()?));
        let size = u32::from_le_bytes(header.get(18..22)?.try_into().ok()?) as usize;
        let name_end = HEADER_BYTES + usize::from(short(26)?);
        let data_start = name_end + usize::from(short(28)?);
        let name = std::str::from_utf8(self.rest.get(HEADER_BYTES..name_end)?).unwrap_or_default();
        let after_name = self.rest.get(data_start..).unwrap_or_default();
        let (data, rest) = if short(6)? & SIZES_FOLLOW == 0 {
            after_name.split_at_checked(size).unwrap_or((after_name, &[]))
        } else {
            let next = after_name.windows(HEADER.len()).position(|window| window == HEADER);
            (&[] as &[u8], next.and_then(|next| after_name.get(next..)).unwrap_or_default())
        };
        self.rest = rest;
        Some(Part { name, data })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (name, data) in files {
            bytes.extend(HEADER);
            bytes.extend([20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            bytes.extend((data.len() as u32).to_le_bytes());
            bytes.extend((data.len() as u32).to_le_bytes());
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend([0, 0]);
            bytes.extend(name.bytes());
            bytes.extend(*data);
        }
        bytes
    }

    #[track_caller]
    fn check(files: &[(&str, &[u8])], expected: Format) {
        assert_eq!(sniff(&archive(files)), Some(expected));
    }

    #[test]
    fn office_files_are_told_by_the_folder_of_their_parts() {
        check(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"")], Format::Docx);
        check(&[("_rels/.rels", b""), ("docProps/app.xml", b""), ("xl/workbook.xml", b"")], Format::Xlsx);
        check(&[("[Content_Types].xml", b""), ("ppt/presentation.xml", b"")], Format::Pptx);
        check(&[("mimetype", b"application/vnd.oasis.opendocument.text")], Format::Odt);
    }

    #[test]
    fn an_archive_with_an_office_file_in_it_is_an_archive() {
        let inner = archive(&[("[Content_Types].xml", b""), ("word/document.xml", b"")]);
        check(&[("letter.docx", &inner), ("word/other.xml", b"")], Format::Zip);
    }
}
