//! Document formats, told apart by their first bytes: never by file name or declared type.

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
}

/// How many leading bytes [`sniff`] looks at: a PDF header may stand anywhere in the first KiB.
pub const SNIFF_BYTES: usize = 1024;

impl Format {
    /// Every format, in the order in which error messages list them.
    pub const ALL: [Self; 8] =
        [Self::Pdf, Self::Png, Self::Jpeg, Self::Webp, Self::Bmp, Self::Gif, Self::Tiff, Self::Jpeg2000];

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
        }
    }
}

/// Tells the format from the first bytes ([`SNIFF_BYTES`], or all of a shorter file); `None` for anything else.
pub fn sniff(head: &[u8]) -> Option<Format> {
    match head {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Format::Png),
        [0xff, 0xd8, 0xff, ..] => Some(Format::Jpeg),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::Webp),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Format::Gif),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
        [0, 0, 0, 12, b'j', b'P', b' ', b' ', ..] | [0xff, 0x4f, 0xff, 0x51, ..] => Some(Format::Jpeg2000),
        // The size field may be wrong in old files; the reserved words and a known header size are not.
        [b'B', b'M', _, _, _, _, 0, 0, 0, 0, _, _, _, _, 12 | 40 | 52 | 56 | 64 | 108 | 124, 0, 0, 0, ..] => {
            Some(Format::Bmp)
        }
        _ => {
            let head = head.get(..SNIFF_BYTES).unwrap_or(head);
            head.windows(5).any(|window| window == b"%PDF-").then_some(Format::Pdf)
        }
    }
}

/// The sentence that says why content is refused, and what is read.
pub fn unsupported(head: &[u8]) -> String {
    let known = Format::ALL.map(Format::name).join(", ");
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
        let mut head = vec![b' '; SNIFF_BYTES - 5];
        head.extend(b"%PDF-1.7");
        assert_eq!(sniff(&head), Some(Format::Pdf));
        head.insert(0, b' ');
        assert_eq!(sniff(&head), None);
    }

    #[test]
    fn containers_and_code_streams_of_jpeg_2000_are_one_format() {
        assert_eq!(sniff(b"\0\0\0\x0cjP  \r\n\x87\n"), Some(Format::Jpeg2000));
        assert_eq!(sniff(b"\xff\x4f\xff\x51\0\x29"), Some(Format::Jpeg2000));
    }

    #[test]
    fn text_that_begins_like_a_bitmap_is_none() {
        assert_eq!(sniff(b"BM is how this sentence begins, and it goes on"), None);
    }
}
