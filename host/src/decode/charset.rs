//! Bytes into text, in whatever encoding they are.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};

/// Decodes a text that does not say how it is encoded. Damaged characters become U+FFFD.
pub(super) fn text(bytes: &[u8]) -> String {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(None, Utf8Detection::Allow).decode(bytes).0.into_owned()
}

/// Decodes a text that is said to be in an encoding, unless it plainly is not.
pub(super) fn labelled(bytes: &[u8], label: Option<&str>) -> String {
    let encoding = label.and_then(|label| Encoding::for_label(label.trim().as_bytes()));
    match encoding.filter(|_| Encoding::for_bom(bytes).is_none()) {
        Some(encoding) if encoding == encoding_rs::UTF_8 && std::str::from_utf8(bytes).is_err() => {
            text(bytes)
        }
        Some(encoding) => encoding.decode(bytes).0.into_owned(),
        None => text(bytes),
    }
}

/// Decodes XML: by its byte order mark, by what it declares, else as UTF-8, which is the rule for what declares nothing.
/// White space before the declaration, which must not be there, is left out.
pub(super) fn xml(bytes: &[u8]) -> String {
    let mut text = decoded_xml(bytes);
    let space = text.len() - text.trim_start().len();
    text.drain(..space);
    text
}

fn decoded_xml(bytes: &[u8]) -> String {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    match bytes {
        [b'<', 0, ..] => return UTF_16LE.decode(bytes).0.into_owned(),
        [0, b'<', ..] => return UTF_16BE.decode(bytes).0.into_owned(),
        _ => {}
    }
    let declared = declared_encoding(bytes).and_then(|label| one_byte_encoding(&label));
    match (std::str::from_utf8(bytes), declared) {
        (Ok(text), None) => text.to_owned(),
        (Err(_), None) => self::text(bytes),
        (_, Some(encoding)) => encoding.decode(bytes).0.into_owned(),
    }
}

/// Decodes a web page: by its byte order mark, by what its first bytes declare, else by what it looks like.
pub(super) fn html(bytes: &[u8]) -> String {
    /// Where a declaration has to stand.
    const HEAD: usize = 1024;
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let label = head.split_once("charset=").map(|(_, rest)| {
        let rest = rest.trim_start_matches(['"', '\'', ' ']);
        rest.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:".contains(c)))
            .next()
            .unwrap_or_default()
            .to_owned()
    });
    let declared = label.and_then(|label| one_byte_encoding(&label));
    match declared {
        Some(encoding) if Encoding::for_bom(bytes).is_none() => encoding.decode(bytes).0.into_owned(),
        _ => text(bytes),
    }
}

/// The encoding of a name in a text that could be read up to that name: in UTF-16 it could not, and whoever writes so
/// has copied a text that was.
fn one_byte_encoding(label: &str) -> Option<&'static Encoding> {
    Encoding::for_label(label.as_bytes()).filter(|encoding| ![UTF_16LE, UTF_16BE].contains(encoding))
}

/// The encoding in an XML declaration.
fn declared_encoding(bytes: &[u8]) -> Option<String> {
    /// Longest declaration.
    const HEAD: usize = 200;
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let head = String::from_utf8_lossy(head);
    let declaration = head.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0.to_owned();
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Some(value.get(1..)?.split_once(quote)?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_page_is_guessed_from_the_text() {
        let (thai, ..) = encoding_rs::WINDOWS_874.encode("ใบเสร็จรับเงิน ยอดรวม 58.40 บาท ขอบคุณที่ใช้บริการ");
        assert!(text(&thai).contains("ยอดรวม 58.40 บาท"), "{}", text(&thai));
        assert_eq!(text(b"Stra\xdfe in K\xf6ln, f\xfcnf H\xe4user"), "Straße in Köln, fünf Häuser");
        assert_eq!(text(b"\xff\xfeT\0o\0"), "To");
    }

    #[test]
    fn xml_is_decoded_as_it_declares() {
        let declared = b"<?xml version=\"1.0\" encoding='ISO-8859-1'?><a>\xe9</a>";
        assert!(xml(declared).ends_with("<a>é</a>"));
        assert_eq!(xml("<a>é</a>".as_bytes()), "<a>é</a>");
        assert_eq!(xml(b"<\0a\0/\0>\0"), "<a/>");
        assert_eq!(xml(b" \r\n<?xml version='1.0'?><a/>"), "<?xml version='1.0'?><a/>");
    }

    #[test]
    fn an_encoding_that_the_text_cannot_be_in_is_not_believed() {
        let copied = "<?xml version=\"1.0\" encoding=\"utf-16\"?><a>é</a>";
        assert_eq!(xml(copied.as_bytes()), copied);
        assert_eq!(html("<meta charset=utf-16><p>é".as_bytes()), "<meta charset=utf-16><p>é");
    }
}
