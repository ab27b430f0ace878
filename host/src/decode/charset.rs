//! Bytes into text, in whatever encoding they are.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

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

/// Decodes XML: by its byte order mark, by what it declares, else as UTF-8, which is the rule for what declares nothing.
pub(super) fn xml(bytes: &[u8]) -> String {
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return encoding.decode(bytes).0.into_owned();
    }
    let declared = declared_encoding(bytes).and_then(|label| Encoding::for_label(label.as_bytes()));
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
    let declared = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    match declared {
        Some(encoding) if Encoding::for_bom(bytes).is_none() => encoding.decode(bytes).0.into_owned(),
        _ => text(bytes),
    }
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
    }
}
