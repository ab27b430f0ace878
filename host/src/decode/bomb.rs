//! Finds compressed data that would inflate to more than fits into memory, before a library inflates it.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::Error;

/// Deflate inflates to at most this many times its size (258 bytes from two bits).
const MAX_DEFLATE_RATIO: u64 = 1032;

/// Layers of compression that are followed. No producer uses more than two.
const MAX_LAYERS: usize = 6;

/// Most bytes between the keyword `stream` and its data: a line end.
const LINE_END: [&[u8]; 3] = [b"\r\n", b"\n", b"\r"];

/// Measures the compressed streams of a PDF file.
///
/// Works on the bytes of the file, not on its objects, because the objects themselves may be in compressed streams.
/// Only streams that could go over the limit are inflated, and those only up to it, with a small buffer.
///
/// # Errors
/// [`Error::LimitExceeded`] where one stream alone inflates to more than `limit` bytes.
pub(super) fn check_streams(file: &[u8], limit: u64) -> Result<(), Error> {
    for data in streams(file) {
        if exceeds(data, limit) {
            return Err(Error::LimitExceeded {
                what: "bytes or more after decompression".into(),
                found: limit.saturating_add(1),
                limit,
                setting: "decode.max_inflated_mib",
            });
        }
    }
    Ok(())
}

/// The data of each stream: from the keyword `stream` to the next `endstream`, or to the end of the file.
fn streams(file: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = file;
    std::iter::from_fn(move || {
        let start = find(rest, b"stream")? + b"stream".len();
        let data = &rest[start..];
        let data = LINE_END.into_iter().find_map(|end| data.strip_prefix(end)).unwrap_or(data);
        let length = find(data, b"endstream").unwrap_or(data.len());
        let (data, after) = data.split_at(length);
        rest = after.strip_prefix(b"endstream").unwrap_or(after);
        Some(data)
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    // Searching for one byte is vectorised; comparing windows is not.
    while let Some(offset) = haystack.get(from..)?.iter().position(|&byte| byte == first) {
        let at = from + offset;
        if haystack.get(at..)?.starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

/// Whether data inflates to more than `limit` bytes, layer by layer.
fn exceeds(data: &[u8], limit: u64) -> bool {
    let mut reach = data.len() as u64;
    for layers in 1..=MAX_LAYERS {
        if !starts_layer(data, layers - 1) {
            return false;
        }
        reach = reach.saturating_mul(MAX_DEFLATE_RATIO);
        if reach > limit && counts_over(data, layers, limit) {
            return true;
        }
    }
    true
}

/// Whether what is inside `layers` layers looks like another one.
fn starts_layer(data: &[u8], layers: usize) -> bool {
    let mut header = [0_u8; 2];
    inflate(data, layers).read_exact(&mut header).is_ok() && is_zlib_header(header)
}

/// RFC 1950, section 2.2.
fn is_zlib_header([method, flags]: [u8; 2]) -> bool {
    method & 0x0f == 8
        && method >> 4 <= 7
        && flags & 0x20 == 0
        && u16::from_be_bytes([method, flags]).is_multiple_of(31)
}

/// Whether more than `limit` bytes are inside `layers` layers.
fn counts_over(data: &[u8], layers: usize, limit: u64) -> bool {
    let mut reader = inflate(data, layers).take(limit.saturating_add(1));
    let mut buffer = vec![0_u8; 64 << 10];
    let mut count = 0_u64;
    // Damaged data ends where it is damaged.
    while let Ok(length) = reader.read(&mut buffer)
        && length > 0
    {
        count += length as u64;
    }
    count > limit
}

fn inflate(data: &[u8], layers: usize) -> Box<dyn Read + '_> {
    (0..layers).fold(Box::new(data) as Box<dyn Read>, |inner, _| Box::new(ZlibDecoder::new(inner)))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::ZlibEncoder;

    use super::*;

    fn deflate(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn pdf(stream: &[u8]) -> Vec<u8> {
        [b"1 0 obj\n<</Length 1>>\nstream\r\n", stream, b"\nendstream\nendobj"].concat()
    }

    #[test]
    fn a_stream_over_the_limit_is_refused_and_one_at_the_limit_is_not() {
        let file = pdf(&deflate(&vec![0; 100_000]));
        assert!(check_streams(&file, 100_000).is_ok());
        assert!(matches!(check_streams(&file, 99_999), Err(Error::LimitExceeded { .. })));
    }

    #[test]
    fn compression_within_compression_is_followed() {
        let file = pdf(&deflate(&deflate(&deflate(&vec![0; 10_000_000]))));
        assert!(file.len() < 300, "the bomb must be small: {}", file.len());
        assert!(check_streams(&file, 9_000_000).is_err());
        assert!(check_streams(&file, 10_000_000).is_ok());
    }

    #[test]
    fn a_stream_without_an_end_is_measured_to_the_end_of_the_file() {
        let file = [b"stream\n".to_vec(), deflate(&vec![0; 100_000])].concat();
        assert!(check_streams(&file, 10_000).is_err());
    }

    #[test]
    fn data_that_is_not_compressed_is_left_alone() {
        assert!(check_streams(&pdf(&vec![b'x'; 5000]), 10).is_ok());
    }
}
