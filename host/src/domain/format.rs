//! Document formats, told apart by their content: never by declared type, and by file name only where content leaves it
//! open which kind of text it is.

mod package;
mod text;

use serde::{Deserialize, Serialize};

/// A format that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Document Format.
    Pdf,
    /// Portable Network Graphics.
    Png,
    /// JPEG, any colour space.
    Jpeg,
    /// WebP, lossy or lossless.
    Webp,
    /// Windows bitmap.
    Bmp,
    /// GIF; of an animation the first frame.
    Gif,
    /// TIFF, one or more pages.
    Tiff,
    /// JPEG 2000, as a JP2 file or a bare code stream.
    Jpeg2000,
    /// HEIF with HEVC inside, as phones take photographs.
    Heic,
    /// Word document.
    Docx,
    /// Excel workbook.
    Xlsx,
    /// PowerPoint presentation.
    Pptx,
    /// OpenDocument text.
    Odt,
    /// OpenDocument spreadsheet.
    Ods,
    /// Rich Text Format.
    Rtf,
    /// Web page.
    Html,
    /// E-mail message with its attachments.
    Eml,
    /// XML: electronic invoices, and anything else as a list of its values.
    Xml,
    /// Values separated by commas, semicolons or tabs.
    Csv,
    /// Plain text in any usual encoding.
    Text,
    /// Container of office files from before 2007 and of encrypted ones.
    Compound,
    /// Archive of documents: taken apart where several documents may be uploaded.
    Zip,
}

/// How many leading bytes [`sniff`] looks at: enough to see past the first, small parts of an office file.
pub const SNIFF_BYTES: usize = 64 * 1024;

/// A PDF header may stand anywhere in so many first bytes.
const PDF_HEADER_BYTES: usize = 1024;

/// Brands of HEIF files whose pictures are coded with HEVC.
const HEIC_BRANDS: [&[u8]; 6] = [b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"];

impl Format {
    /// Every format that becomes a document, in the order in which error messages list them.
    pub const READABLE: [Self; 20] = [
        Self::Pdf,
        Self::Png,
        Self::Jpeg,
        Self::Webp,
        Self::Bmp,
        Self::Gif,
        Self::Tiff,
        Self::Jpeg2000,
        Self::Heic,
        Self::Docx,
        Self::Xlsx,
        Self::Pptx,
        Self::Odt,
        Self::Ods,
        Self::Rtf,
        Self::Html,
        Self::Eml,
        Self::Xml,
        Self::Csv,
        Self::Text,
    ];

    /// The usual name, as in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pdf => "PDF",
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Webp => "WebP",
            Self::Bmp => "BMP",
            Self::Gif => "GIF",
            Self::Tiff => "TIFF",
            Self::Jpeg2000 => "JPEG 2000",
            Self::Heic => "HEIC",
            Self::Docx => "DOCX",
            Self::Xlsx => "XLSX",
            Self::Pptx => "PPTX",
            Self::Odt => "ODT",
            Self::Ods => "ODS",
            Self::Rtf => "RTF",
            Self::Html => "HTML",
            Self::Eml => "EML",
            Self::Xml => "XML",
            Self::Csv => "CSV",
            Self::Text => "plain text",
            Self::Compound => "OLE",
            Self::Zip => "ZIP",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Bmp => "image/bmp",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Jpeg2000 => "image/jp2",
            Self::Heic => "image/heic",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Pptx => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            Self::Odt => "application/vnd.oasis.opendocument.text",
            Self::Ods => "application/vnd.oasis.opendocument.spreadsheet",
            Self::Rtf => "application/rtf",
            Self::Html => "text/html",
            Self::Eml => "message/rfc822",
            Self::Xml => "application/xml",
            Self::Csv => "text/csv",
            Self::Text => "text/plain",
            Self::Compound => "application/x-ole-storage",
            Self::Zip => "application/zip",
        }
    }

    /// Whether a document of this format is one or more pictures.
    pub fn is_picture(self) -> bool {
        match self {
            Self::Png
            | Self::Jpeg
            | Self::Webp
            | Self::Bmp
            | Self::Gif
            | Self::Tiff
            | Self::Jpeg2000
            | Self::Heic => true,
            Self::Pdf
            | Self::Docx
            | Self::Xlsx
            | Self::Pptx
            | Self::Odt
            | Self::Ods
            | Self::Rtf
            | Self::Html
            | Self::Eml
            | Self::Xml
            | Self::Csv
            | Self::Text
            | Self::Compound
            | Self::Zip => false,
        }
    }
}

/// Tells the format from the first bytes ([`SNIFF_BYTES`], or all of a shorter file); `None` for anything else. The
/// name, which may be empty, decides only between kinds of text that the content leaves open, such as a table of one
/// column.
pub fn sniff(head: &[u8], file_name: &str) -> Option<Format> {
    match head {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => return Some(Format::Png),
        [0xff, 0xd8, 0xff, ..] => return Some(Format::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => return Some(Format::Webp),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => return Some(Format::Gif),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => return Some(Format::Tiff),
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => {
            return Some(Format::Jpeg2000);
        }
        // The size field may be wrong in old files; the reserved words and a known header size are not.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, _, _, _, _, 12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0, ..] => {
            return Some(Format::Bmp);
        }
        [_, _, _, _, b'f', b't', b'y', b'p', rest @ ..]
            if HEIC_BRANDS.iter().any(|brand| rest.starts_with(brand)) =>
        {
            return Some(Format::Heic);
        }
        [0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1, ..] => return Some(Format::Compound),
        _ => {}
    }
    let head = head.get(..SNIFF_BYTES).unwrap_or(head);
    // Before PDF, whose header may stand further on: an archive may begin with a PDF that is not compressed.
    if let Some(package) = package::sniff(head) {
        return Some(package);
    }
    let first = head.get(..PDF_HEADER_BYTES).unwrap_or(head);
    if first.windows(5).any(|window| window == b"%PDF-") {
        return Some(Format::Pdf);
    }
    text::sniff(head, file_name)
}

/// The sentence that says why content is refused, and what is read.
pub fn unsupported(head: &[u8]) -> String {
    let known = Format::READABLE.map(Format::name).join(", ");
    if head.is_empty() {
        return format!("file is empty; formats that can be read: {known}");
    }
    format!("content is not a format that can be read; these are: {known}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pdf_may_begin_with_up_to_a_kibibyte_of_something_else() {
        let mut head = vec![0; PDF_HEADER_BYTES - 5];
        head.extend(b"%PDF-1.7");
        assert_eq!(sniff(&head, ""), Some(Format::Pdf));
        head.insert(0, 0);
        assert_eq!(sniff(&head, ""), None);
    }

    #[test]
    fn an_archive_that_begins_with_a_pdf_as_it_is_is_an_archive() {
        let mut head = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\x08\0\0\0\x08\0\0\0\x05\0\0\0".to_vec();
        head.extend(b"a.pdf%PDF-1.7");
        assert_eq!(sniff(&head, ""), Some(Format::Zip));
    }

    #[test]
    fn containers_and_code_streams_of_jpeg_2000_are_one_format() {
        assert_eq!(sniff(b"\0\0\0\x0cjP  \r\n\x87\n", ""), Some(Format::Jpeg2000));
        assert_eq!(sniff(b"\xff\x4f\xff\x51\0\x29", ""), Some(Format::Jpeg2000));
    }

    #[test]
    fn text_that_begins_like_a_bitmap_is_text() {
        assert_eq!(sniff(b"BM is how this sentence begins, and it goes on", ""), Some(Format::Text));
    }

    #[test]
    fn a_film_in_the_same_container_is_not_a_photograph() {
        assert_eq!(sniff(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", ""), Some(Format::Heic));
        assert_eq!(sniff(b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", ""), None);
    }
}
