//! Names of files as clients send them: kept for people, never used as a path.

/// Longest name that is kept, in bytes: what common file systems take.
const MAX_BYTES: usize = 255;

/// What a file is called whose name has nothing to show.
const UNNAMED: &str = "document";

/// A name that may be stored, logged and sent back in headers: the last component of a path in either spelling,
/// without control characters and without characters that change the direction of the text around them, at most
/// 255 bytes. Where it has to be cut, the extension stays.
pub fn sanitized(name: &str) -> String {
    let component = name.rsplit(['/', '\\']).find(|part| !part.trim().is_empty()).unwrap_or_default();
    let visible: String = component.chars().filter(|character| !is_hidden(*character)).collect();
    let trimmed = visible.trim();
    match trimmed {
        "" | "." | ".." => UNNAMED.to_owned(),
        name => shortened(name),
    }
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

fn shortened(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let room = MAX_BYTES - extension.len();
    let end = (0..=room).rev().find(|end| stem.is_char_boundary(*end)).unwrap_or(0);
    format!("{}{extension}", stem.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(sanitized(name), expected);
    }

    #[test]
    fn only_the_last_component_of_a_path_is_kept() {
        check("../../../etc/passwd.png", "passwd.png");
        check("..\\..\\windows\\evil.pdf", "evil.pdf");
        check("C:\\scans\\", "scans");
    }

    #[test]
    fn characters_that_hide_or_turn_text_are_dropped() {
        check("\u{202e}gnp.exe", "gnp.exe");
        check("a\nb.png", "ab.png");
        check("nul\0byte.pdf", "nulbyte.pdf");
        check("name.png\r\nX-Injected: 1", "name.pngX-Injected: 1");
    }

    #[test]
    fn names_in_any_script_stay_as_they_are() {
        check("ใบเสร็จรับเงิน ๒๕๖๗.png", "ใบเสร็จรับเงิน ๒๕๖๗.png");
        check("💸.pdf", "💸.pdf");
        check(" lead and trail .png ", "lead and trail .png");
    }

    #[test]
    fn a_name_with_nothing_to_show_gets_one() {
        for name in ["", ".", "..", "/", " \u{200b} ", "../.."] {
            check(name, "document");
        }
    }

    #[test]
    fn a_long_name_is_cut_before_its_extension() {
        let name = sanitized(&format!("{}.png", "ä".repeat(300)));
        assert!(name.len() <= 255 && name.len() >= 254 && name.ends_with("ä.png"), "{name}");
        assert_eq!(sanitized(&"x".repeat(300)).len(), 255);
    }
}
