//! Tells kinds of text apart, and text from everything else.

use super::Format;

/// Headers that are in hardly any text but an e-mail message.
const MAIL_HEADERS: [&str; 8] = [
    "received",
    "return-path",
    "message-id",
    "mime-version",
    "dkim-signature",
    "delivered-to",
    "content-type",
    "x-mailer",
];

/// Headers of an e-mail message that letters and forms have too.
const LETTER_HEADERS: [&str; 5] = ["from", "to", "cc", "date", "subject"];

/// Elements that a web page or a piece of one begins with, whatever else is said.
const HTML_ELEMENTS: [&str; 16] = [
    "html", "head", "body", "title", "meta", "div", "p", "table", "span", "style", "h1", "h2", "ul", "ol",
    "center", "br",
];

/// Elements that a piece of a web page may begin with as well, and other XML just so: where it says that it is XML, it is.
const SHARED_ELEMENTS: [&str; 98] = [
    "a",
    "abbr",
    "address",
    "area",
    "article",
    "aside",
    "audio",
    "b",
    "base",
    "big",
    "blockquote",
    "button",
    "canvas",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "data",
    "datalist",
    "dd",
    "del",
    "details",
    "dfn",
    "dialog",
    "dir",
    "dl",
    "dt",
    "em",
    "embed",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "frame",
    "frameset",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "i",
    "iframe",
    "img",
    "input",
    "ins",
    "kbd",
    "label",
    "legend",
    "li",
    "link",
    "main",
    "map",
    "mark",
    "marquee",
    "menu",
    "meter",
    "nav",
    "nobr",
    "noscript",
    "object",
    "optgroup",
    "option",
    "output",
    "picture",
    "pre",
    "progress",
    "q",
    "s",
    "samp",
    "script",
    "search",
    "section",
    "select",
    "small",
    "source",
    "strike",
    "strong",
    "sub",
    "summary",
    "sup",
    "tbody",
    "td",
    "template",
    "textarea",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "tt",
    "u",
    "var",
    "video",
];

/// Lines that are compared to see whether a text is a table.
const TABLE_LINES: usize = 10;

/// Tells the kind of a text; `None` where it is none.
pub(super) fn sniff(head: &[u8], file_name: &str) -> Option<Format> {
    let text = decoded(head)?;
    let text = text.trim_start();
    if text.starts_with("{\\rtf") {
        return Some(Format::Rtf);
    }
    let extension = file_name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    if let Some(markup) = markup(text, extension.as_deref()) {
        return Some(markup);
    }
    if is_mail(text, extension.as_deref() == Some("eml")) {
        return Some(Format::Eml);
    }
    match extension.as_deref() {
        Some("csv" | "tsv" | "tab") => Some(Format::Csv),
        Some("txt" | "text" | "md" | "log") => Some(Format::Text),
        _ if is_table(text) => Some(Format::Csv),
        _ => Some(Format::Text),
    }
}

/// The text as far as it matters here: what is not ASCII may be wrong. `None` for bytes that no text has.
fn decoded(head: &[u8]) -> Option<String> {
    match head {
        [0xff, 0xfe, rest @ ..] => return utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => return utf16(rest, u16::from_be_bytes),
        _ => {}
    }
    let bytes = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let is_printable = |byte: &u8| *byte >= b' ' && *byte != 0x7f || b"\t\n\r\x0c\x1b\x1a".contains(byte);
    if bytes.is_empty() || !bytes.iter().all(is_printable) {
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        // A character may be cut at the end of what is looked at.
        Err(error) if error.error_len().is_none() => {
            String::from_utf8_lossy(bytes.get(..error.valid_up_to()).unwrap_or_default()).into_owned()
        }
        // A text in a code page has words, spaces and line ends among its letters.
        Err(_) => {
            let ascii = bytes.iter().filter(|byte| byte.is_ascii()).count();
            if ascii * 8 < bytes.len() {
                return None;
            }
            bytes.iter().map(|byte| if byte.is_ascii() { char::from(*byte) } else { '\u{fffd}' }).collect()
        }
    };
    Some(text)
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, _) = bytes.as_chunks::<2>();
    let text: String = char::decode_utf16(pairs.iter().map(|pair| unit(*pair)))
        .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    let is_text = |character: char| !character.is_control() || "\t\n\r\u{c}".contains(character);
    (!text.is_empty() && text.chars().all(is_text)).then_some(text)
}

/// A web page or another kind of XML.
fn markup(text: &str, extension: Option<&str>) -> Option<Format> {
    let text = text.to_ascii_lowercase();
    if text.starts_with("<!doctype html") {
        return Some(Format::Html);
    }
    let (root, attributes) = root_element(&text)?;
    let name = root.rsplit(':').next().unwrap_or(root);
    let has_namespace = root.contains(':') || attributes.contains("xmlns");
    let is_declared = text.starts_with("<?xml") || text.starts_with("<!doctype");
    let is_page = match extension {
        Some("html" | "htm" | "xhtml") => !has_namespace,
        Some("xml") => false,
        _ => !has_namespace && !is_declared && SHARED_ELEMENTS.contains(&name),
    };
    if is_page || HTML_ELEMENTS.contains(&name) {
        return Some(Format::Html);
    }
    // Elsewhere a letter in angle brackets is no element: it needs an end, or a declaration before it.
    (is_declared || text.contains("</") || text.contains("/>")).then_some(Format::Xml)
}

/// Name of the first element, behind declarations and comments, and what else is in its tag.
fn root_element(text: &str) -> Option<(&str, &str)> {
    let mut rest = text.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("<!--") {
            comment.split_once("-->")?.1
        } else if rest.starts_with("<?") || rest.starts_with("<!") {
            // The internal part of a document type may hold further angle brackets.
            match rest.find(['>', '[']).and_then(|at| rest.split_at_checked(at))? {
                (_, subset) if subset.starts_with('[') => subset.split_once("]>")?.1,
                (_, end) => end.get(1..)?,
            }
        } else {
            break;
        }
        .trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let end = name.find(|c: char| c.is_whitespace() || c == '>' || c == '/').unwrap_or(name.len());
    let (name, rest) = name.split_at_checked(end)?;
    let attributes = rest.split_once('>').map_or(rest, |(attributes, _)| attributes);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_').then_some((name, attributes))
}

/// Whether a text begins with the headers of an e-mail message.
fn is_mail(text: &str, is_named_so: bool) -> bool {
    let (mut mail, mut letter, mut lines) = (0, 0, 0);
    for line in text.lines().take(200) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) || (lines == 0 && line.starts_with("From ")) {
            continue;
        }
        let Some((name, _)) = line.split_once(':') else { return false };
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name {
            return false;
        }
        let name = name.to_ascii_lowercase();
        lines += 1;
        mail += usize::from(MAIL_HEADERS.contains(&name.as_str()));
        letter += usize::from(LETTER_HEADERS.contains(&name.as_str()));
    }
    let needed = if is_named_so { 1 } else { 3 };
    (mail > 0 || is_named_so) && mail + letter >= needed
}

/// Whether the first lines have the same number of separators.
fn is_table(text: &str) -> bool {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(TABLE_LINES).collect();
    if lines.len() < 3 {
        return false;
    }
    // The last line may be cut, and a quoted cell may hold a line end.
    let whole = lines.get(..lines.len() - 1).unwrap_or_default();
    [('\t', 1), (';', 1), (',', 2)].into_iter().any(|(separator, least)| {
        let mut counts = whole.iter().map(|line| line.matches(separator).count());
        let first = counts.next().unwrap_or_default();
        first >= least && counts.all(|count| count == first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &[u8], name: &str, expected: Option<Format>) {
        assert_eq!(sniff(text, name), expected, "{}", String::from_utf8_lossy(text));
    }

    #[test]
    fn markup_is_told_by_its_first_element() {
        check(b"<!DOCTYPE html><p>Hello", "", Some(Format::Html));
        check(b"<!-- saved -->\n<HTML><body>Hello", "", Some(Format::Html));
        check(b"<?xml version='1.0'?><html xmlns='http://www.w3.org/1999/xhtml'/>", "", Some(Format::Html));
        check(b"\xef\xbb\xbf<?xml version='1.0'?>\n<rsm:CrossIndustryInvoice/>", "a.html", Some(Format::Xml));
        check(b"<!DOCTYPE a [<!ENTITY b 'c>'>]><a>&b;</a>", "", Some(Format::Xml));
        check(b"<Invoice xmlns='urn:oasis'><ID>1</ID></Invoice>", "", Some(Format::Xml));
        check(b"<john@example.org> wrote", "", Some(Format::Text));
        let comment = format!("<?xml version='1.0'?><!--{}--><html/>", "-  ".repeat(5000));
        check(comment.as_bytes(), "", Some(Format::Html));
    }

    #[test]
    fn a_piece_of_a_web_page_is_one_unless_it_says_that_it_is_xml() {
        for piece in [
            "<h3>Total</h3>",
            "<form><input></form>",
            "<b>Total<br></b>",
            "<font size=2>a</font>",
            "<section/>",
        ] {
            check(piece.as_bytes(), "", Some(Format::Html));
        }
        check(b"<page><b>Total<br></page>", "a.html", Some(Format::Html));
        check(b"<form><total>1</total></form>", "form.xml", Some(Format::Xml));
        check(b"<?xml version='1.0'?><form><total>1</total></form>", "", Some(Format::Xml));
        check(b"<data xmlns='urn:a'><total>1</total></data>", "", Some(Format::Xml));
    }

    #[test]
    fn a_message_is_told_by_its_headers_and_a_letter_is_not_one() {
        let message =
            b"Return-Path: <a@example.org>\r\nFrom: a@example.org\r\nTo: b@example.org\r\n\r\nHello";
        check(message, "", Some(Format::Eml));
        check(b"From: Ann\nTo: Bob\nSubject: Tea\n\nAt five?", "", Some(Format::Text));
        check(b"From: Ann\nTo: Bob\nSubject: Tea\n\nAt five?", "tea.eml", Some(Format::Eml));
        check(b"Dear Bob,\nthe message-id: was lost", "tea.eml", Some(Format::Text));
    }

    #[test]
    fn a_table_is_told_by_its_separators_or_its_name() {
        check(b"a;b;c\n1;2;3\n4;5;6\n", "", Some(Format::Csv));
        check(b"name\nAnn\nBob\n", "names.csv", Some(Format::Csv));
        check(b"name\nAnn\nBob\n", "", Some(Format::Text));
        check(b"One, two, three.\nFour, five.\nSix.\nSeven, eight, nine.\n", "", Some(Format::Text));
    }

    #[test]
    fn text_in_a_code_page_and_in_utf_16_is_text() {
        check("ใบเสร็จ 58.40\n".as_bytes(), "", Some(Format::Text));
        check(b"Stra\xdfe 5, K\xf6ln\n", "", Some(Format::Text));
        check(b"\xff\xfeT\0o\0t\0a\0l\0", "", Some(Format::Text));
    }

    #[test]
    fn bytes_that_no_text_has_are_none() {
        check(b"MZ\x90\0\x03\0\0\0", "invoice.txt", None);
        check(b"total\0", "", None);
        check(&[0xc3; 40], "", None);
        check(b"", "", None);
    }
}
