//! Rich Text Format: paragraphs and tables. Pictures, objects and fields' instructions are left out.
//!
//! Read here rather than by a crate, since those at hand know neither code pages (Thai, Cyrillic and all else that is not
//! Latin-1 would be wrong) nor tables.

use std::collections::HashMap;

use encoding_rs::{
    BIG5, EUC_KR, Encoding, GBK, MACINTOSH, SHIFT_JIS, WINDOWS_874, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
    WINDOWS_1253, WINDOWS_1254, WINDOWS_1255, WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

use super::{Error, Limits, flow};
use crate::domain::flow::{Flow, Paper};

const FORMAT: &str = "RTF";

/// Most open groups: no program writes more than some dozens.
const MAX_GROUPS: usize = 1000;

/// How many bytes of markup, pictures not counted, there may be for a byte of text.
const MARKUP_PER_TEXT: u64 = 8;

/// Groups whose text is not the document's.
const HIDDEN: [&str; 27] = [
    "colortbl",
    "stylesheet",
    "info",
    "pict",
    "object",
    "objdata",
    "themedata",
    "datastore",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "generator",
    "xmlnstbl",
    "fldinst",
    "sp",
    "filetbl",
    "revtbl",
    "latentstyles",
    "mmathPr",
    "nonshppict",
    "bkmkstart",
    "bkmkend",
    "annotation",
    "atnid",
    "atnauthor",
    "pgdsctbl",
    "colorschememapping",
];

/// Groups that readers may leave out and that hold text all the same.
const SHOWN: [&str; 2] = ["shpinst", "shppict"];

/// Reads a document.
pub(super) fn read(content: &[u8], limits: &Limits) -> Result<Flow, Error> {
    let mut reader = Reader::new(limits);
    let mut rest = content;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' => reader.open_group()?,
            b'}' => {
                reader.close_group();
                // What follows the document is not part of it.
                if reader.groups.is_empty() {
                    break;
                }
            }
            b'\\' => rest = reader.control(rest)?,
            b'\r' | b'\n' => {}
            byte => reader.byte(byte)?,
        }
    }
    Ok(reader.finish())
}

/// What ends with the group in which it is said.
#[derive(Clone)]
struct Group {
    is_hidden: bool,
    /// Whether its letters are hidden or deleted, which cells and paragraphs around them are not.
    is_unseen: bool,
    is_font_table: bool,
    encoding: &'static Encoding,
    /// Bytes that stand for a Unicode character to readers that know none.
    substitutes: usize,
}

struct Reader<'a> {
    limits: &'a Limits,
    groups: Vec<Group>,
    usual_encoding: &'static Encoding,
    fonts: HashMap<i32, &'static Encoding>,
    /// The font that the font table is telling about.
    font: i32,
    flow: Flow,
    text: String,
    /// Bytes in the current encoding that are not decoded yet.
    bytes: Vec<u8>,
    /// First half of a character beyond the basic plane.
    surrogate: Option<u16>,
    /// Substitutes that are still to be left out.
    skipped: usize,
    /// Whether the next control word names a group that readers may leave out.
    is_optional: bool,
    in_table: bool,
    cells: Vec<String>,
    rows: Vec<Vec<String>>,
    read_bytes: u64,
}

impl<'a> Reader<'a> {
    fn new(limits: &'a Limits) -> Self {
        Self {
            limits,
            groups: Vec::new(),
            usual_encoding: WINDOWS_1252,
            fonts: HashMap::new(),
            font: 0,
            flow: Flow::new(Paper::Sheets),
            text: String::new(),
            bytes: Vec::new(),
            surrogate: None,
            skipped: 0,
            is_optional: false,
            in_table: false,
            cells: Vec::new(),
            rows: Vec::new(),
            read_bytes: 0,
        }
    }

    fn open_group(&mut self) -> Result<(), Error> {
        self.decode();
        self.skipped = 0;
        if self.groups.len() >= MAX_GROUPS {
            return Err(Error::Damaged {
                format: FORMAT,
                reason: format!("its groups are nested more than {MAX_GROUPS} deep"),
            });
        }
        let usual = Group {
            is_hidden: false,
            is_unseen: false,
            is_font_table: false,
            encoding: self.usual_encoding,
            substitutes: 1,
        };
        let group = self.groups.last().cloned().unwrap_or(usual);
        self.groups.push(group);
        Ok(())
    }

    fn close_group(&mut self) {
        self.decode();
        self.skipped = 0;
        self.is_optional = false;
        self.groups.pop();
    }

    fn is_hidden(&self) -> bool {
        self.groups.last().is_none_or(|group| group.is_hidden || group.is_font_table)
    }

    fn is_unseen(&self) -> bool {
        self.groups.last().is_some_and(|group| group.is_unseen)
    }

    /// A byte of text.
    fn byte(&mut self, byte: u8) -> Result<(), Error> {
        self.is_optional = false;
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(());
        }
        if self.is_hidden() || self.is_unseen() {
            return Ok(());
        }
        self.read_bytes += 1;
        flow::check_text(self.read_bytes / MARKUP_PER_TEXT, self.limits)?;
        self.bytes.push(byte);
        Ok(())
    }

    /// Decodes the bytes that have been collected.
    fn decode(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let encoding = self.groups.last().map_or(self.usual_encoding, |group| group.encoding);
        let (text, _) = encoding.decode_without_bom_handling(&self.bytes);
        self.text.push_str(&text);
        self.bytes.clear();
    }

    /// Reads what follows a backslash: the rest behind it.
    fn control<'c>(&mut self, rest: &'c [u8]) -> Result<&'c [u8], Error> {
        let Some((&first, after)) = rest.split_first() else { return Ok(rest) };
        if first.is_ascii_alphabetic() {
            return self.control_word(rest);
        }
        match first {
            b'\'' => {
                let (digits, after) = after.split_at_checked(2).unwrap_or((after, &[]));
                let code =
                    std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
                if let Some(code) = code {
                    self.byte(code)?;
                }
                return Ok(after);
            }
            b'*' => self.is_optional = true,
            b'~' => self.push('\u{a0}'),
            b'_' => self.push('-'),
            b'\r' | b'\n' => self.end_paragraph(),
            b'{' | b'}' | b'\\' => self.byte(first)?,
            _ => {}
        }
        Ok(after)
    }

    fn control_word<'c>(&mut self, rest: &'c [u8]) -> Result<&'c [u8], Error> {
        let letters = rest.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (name, after) = rest.split_at_checked(letters).unwrap_or((rest, &[]));
        let digits = after
            .iter()
            .enumerate()
            .take_while(|(at, byte)| byte.is_ascii_digit() || (*at == 0 && **byte == b'-'))
            .count();
        let (number, after) = after.split_at_checked(digits).unwrap_or((after, &[]));
        let after = after.strip_prefix(b" ").unwrap_or(after);
        let name = std::str::from_utf8(name).unwrap_or_default();
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<i32>().ok());
        if name == "bin" {
            let length = usize::try_from(number.unwrap_or_default()).unwrap_or_default();
            return Ok(after.get(length..).unwrap_or_default());
        }
        self.word(name, number);
        Ok(after)
    }

    fn word(&mut self, name: &str, number: Option<i32>) {
        if name != "u" {
            self.skipped = 0;
        }
        let is_left_out = std::mem::take(&mut self.is_optional) && !SHOWN.contains(&name);
        if is_left_out || HIDDEN.contains(&name) {
            self.decode();
            if let Some(group) = self.groups.last_mut() {
                group.is_hidden = true;
            }
            return;
        }
        match (name, number) {
            ("fonttbl", _) => {
                if let Some(group) = self.groups.last_mut() {
                    group.is_font_table = true;
                }
            }
            ("v" | "deleted", number) => self.set_unseen(number != Some(0)),
            ("plain", _) => self.set_unseen(false),
            ("ansicpg", Some(page)) => self.set_code_page(page),
            ("f", Some(font)) => self.set_font(font),
            ("fcharset", Some(charset)) => {
                if let Some(encoding) = charset_encoding(charset) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            ("uc", Some(count)) => {
                if let Some(group) = self.groups.last_mut() {
                    group.substitutes = usize::try_from(count).unwrap_or_default();
                }
            }
            ("u", Some(unit)) => self.unicode(unit),
            ("par" | "sect", _) => self.end_paragraph(),
            ("line", _) => self.push('\n'),
            ("tab", _) => self.push('\t'),
            ("page", _) => {
                self.end_paragraph();
                self.end_table();
                self.flow.page_break();
            }
            ("pard", _) => self.in_table = false,
            ("intbl", _) => self.in_table = true,
            ("cell" | "nestcell", _) => self.end_cell(),
            ("row" | "nestrow", _) => self.end_row(),
            ("emdash", _) => self.push('—'),
            ("endash", _) => self.push('–'),
            ("bullet", _) => self.push('•'),
            ("lquote" | "rquote", _) => self.push('\''),
            ("ldblquote" | "rdblquote", _) => self.push('"'),
            _ => {}
        }
    }

    fn set_unseen(&mut self, is_unseen: bool) {
        self.decode();
        if let Some(group) = self.groups.last_mut() {
            group.is_unseen = is_unseen;
        }
    }

    fn set_code_page(&mut self, page: i32) {
        let encoding = match page {
            10_000 => Some(MACINTOSH),
            932 => Some(SHIFT_JIS),
            936 => Some(GBK),
            949 => Some(EUC_KR),
            950 => Some(BIG5),
            page => Encoding::for_label(format!("windows-{page}").as_bytes()),
        };
        if let Some(encoding) = encoding {
            self.usual_encoding = encoding;
            for group in &mut self.groups {
                group.encoding = encoding;
            }
        }
    }

    fn set_font(&mut self, font: i32) {
        self.decode();
        self.font = font;
        let encoding = self.fonts.get(&font).copied().unwrap_or(self.usual_encoding);
        if let Some(group) = self.groups.last_mut() {
            group.encoding = encoding;
        }
    }

    /// A UTF-16 unit, as a number with a sign.
    fn unicode(&mut self, unit: i32) {
        self.skipped = self.groups.last().map_or(1, |group| group.substitutes);
        // Negative numbers stand for those above 32767.
        let unit = (unit & 0xffff) as u16;
        let character = match self.surrogate.take() {
            Some(high) => char::decode_utf16([high, unit]).next().and_then(Result::ok),
            None if (0xd800..=0xdbff).contains(&unit) => {
                self.surrogate = Some(unit);
                return;
            }
            None => char::from_u32(u32::from(unit)),
        };
        self.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
    }

    fn push(&mut self, character: char) {
        self.decode();
        if !self.is_hidden() && !self.is_unseen() {
            self.text.push(character);
        }
    }

    fn end_paragraph(&mut self) {
        self.decode();
        if self.is_hidden() {
            return;
        }
        if self.in_table {
            self.text.push('\n');
            return;
        }
        self.end_table();
        self.flow.text(std::mem::take(&mut self.text));
    }

    fn end_cell(&mut self) {
        self.decode();
        if !self.is_hidden() {
            self.cells.push(std::mem::take(&mut self.text).trim().to_owned());
        }
    }

    fn end_row(&mut self) {
        self.decode();
        if !self.is_hidden() && !self.cells.is_empty() {
            self.rows.push(std::mem::take(&mut self.cells));
        }
    }

    fn end_table(&mut self) {
        self.end_row();
        self.flow.table(std::mem::take(&mut self.rows));
    }

    fn finish(mut self) -> Flow {
        self.decode();
        // A file that was cut may end within a table.
        self.in_table = false;
        let text = std::mem::take(&mut self.text);
        if !self.cells.is_empty() {
            self.rows.push(std::mem::take(&mut self.cells));
        }
        self.flow.table(std::mem::take(&mut self.rows));
        if !text.trim().is_empty() {
            self.flow.text(text);
        }
        self.flow
    }
}

/// The encoding of a font's character set; `None` where the set is the usual one.
fn charset_encoding(charset: i32) -> Option<&'static Encoding> {
    Some(match charset {
        0 => WINDOWS_1252,
        77 => MACINTOSH,
        128 => SHIFT_JIS,
        129 => EUC_KR,
        134 => GBK,
        136 => BIG5,
        161 => WINDOWS_1253,
        162 => WINDOWS_1254,
        163 => WINDOWS_1258,
        177 => WINDOWS_1255,
        178 => WINDOWS_1256,
        186 => WINDOWS_1257,
        204 => WINDOWS_1251,
        222 => WINDOWS_874,
        238 => WINDOWS_1250,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::Block;

    fn blocks(document: &str) -> Vec<Block> {
        let limits = Limits::from(&crate::config::Config::default().decode);
        read(document.as_bytes(), &limits).unwrap().blocks
    }

    fn text(text: &str) -> Block {
        Block::Text(text.to_owned())
    }

    #[test]
    fn letters_are_decoded_by_the_font_and_by_number() {
        let document = r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset222 Cordia;}{\f2\fcharset204 Arial;}}
\f0 Stra\'dfe \u8364? {\f1 \'c3\'c7\'c1} {\f2\'c8} \u-10179?\u-8704?\par}";
        assert_eq!(blocks(document), [text("Straße € รวม И 😀")]);
    }

    #[test]
    fn cells_and_rows_become_a_table() {
        let document = r"{\rtf1 Before\par\trowd\cellx1\cellx2\pard\intbl Item\cell Price\cell\row
\trowd\pard\intbl Tea\par green\cell 1.50\cell\row\pard After\par}";
        let rows = [["Item", "Price"], ["Tea\ngreen", "1.50"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec()).to_vec();
        assert_eq!(blocks(document), [text("Before"), Block::Table(rows), text("After")]);
    }

    #[test]
    fn pictures_styles_and_binary_data_are_left_out() {
        let document =
            r"{\rtf1{\stylesheet{\s1 heading;}}{\*\unknown text}{\pict 0102}\bin3 }}}Shown\{\}\\\par}";
        assert_eq!(blocks(document), [text(r"Shown{}\")]);
    }

    #[test]
    fn a_bottomless_document_is_refused() {
        let limits = Limits::from(&crate::config::Config::default().decode);
        let document = format!("{{\\rtf1{}", "{".repeat(50_000));
        assert!(matches!(read(document.as_bytes(), &limits), Err(Error::Damaged { .. })));
    }
}
