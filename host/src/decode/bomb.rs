//! Finds compressed data that would decode to more than fits into memory, before a library decodes it.
//!
//! Twice: the bytes of a file before it is opened, since opening it decodes streams already, and later each stream as
//! the library sees it, with its own dictionary, length and decryption.

use std::cell::Cell;
use std::io::{BufReader, ErrorKind, Read};
use std::rc::Rc;

use flate2::bufread::DeflateDecoder;
use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::object::Stream;

use super::Error;

/// Deflate inflates to at most this many times its size (258 bytes from two bits).
const MAX_DEFLATE_RATIO: u64 = 1032;

/// LZW decodes a code of 12 bits to at most the 3838 bytes of its longest entry.
const MAX_LZW_RATIO: u64 = 2560;

/// Run lengths decode two bytes to at most 128.
const MAX_RUN_RATIO: u64 = 64;

/// Base 85 decodes a `z` to four zeros.
const MAX_BASE85_RATIO: u64 = 4;

/// Layers of compression that are followed. No producer uses more than two.
const MAX_LAYERS: usize = 6;

/// How many times the limit all streams of a file are decoded to in order to measure them: a file of scans has hundreds
/// of megabytes of samples, page by page.
const MAX_WORK: u64 = 16;

/// Most bytes between the keyword `stream` and its data: a line end.
const LINE_END: [&[u8]; 3] = [b"\r\n", b"\n", b"\r"];

/// Bytes before the keyword `stream` in which its dictionary says that it holds objects.
const DICTIONARY_BYTES: usize = 4096;

/// How much is read ahead of what is inflated.
const BUFFER_BYTES: usize = 32 << 10;

/// Measures the compressed streams of a PDF file.
///
/// Works on the bytes of the file, not on its objects, because the objects themselves may be in compressed streams. Where
/// a stream ends is for its compression to say: a length may lie, and `endstream` may stand in the data. Only streams
/// that could go over the limit are decoded, and those only up to it, with a small buffer.
///
/// # Errors
/// [`Error::LimitExceeded`] where one stream alone decodes to more than `limit` bytes, those that hold objects together
/// do, since they are all kept, or all streams to many times as much.
pub(super) fn check_streams(file: &[u8], limit: u64) -> Result<(), Error> {
    let named = Named::of(file);
    let mut work = limit.saturating_mul(MAX_WORK);
    let mut objects = 0_u64;
    for (start, data) in streams(file) {
        let text = unwrapped(data);
        let count = longest(data, named, limit).max(longest(&text, named, limit));
        if count > limit {
            return Err(exceeded(limit));
        }
        let done = count.saturating_add(text.len() as u64);
        work = work.checked_sub(done).ok_or_else(|| exceeded(limit.saturating_mul(MAX_WORK)))?;
        let dictionary = file.get(start.saturating_sub(DICTIONARY_BYTES)..start).unwrap_or_default();
        if find(dictionary, b"ObjStm").is_some() {
            objects = objects.saturating_add(count);
        }
        if objects > limit {
            return Err(exceeded(limit));
        }
    }
    Ok(())
}

/// Refuses a stream that decodes to more than `limit` bytes, up to its picture where it is one.
///
/// # Errors
/// Those of [`decoded_length`].
pub(super) fn check_stream(stream: &Stream<'_>, limit: u64) -> Result<(), Error> {
    let filters = filters(stream);
    let ratio = filters.iter().fold(1_u64, |ratio, filter| ratio.saturating_mul(expansion(*filter)));
    if !filters.is_empty() && (stream.raw_data().len() as u64).saturating_mul(ratio) > limit {
        decoded_length(stream, limit)?;
    }
    Ok(())
}

/// Bytes that a stream decodes to, up to its picture where it is one.
///
/// # Errors
/// [`Error::LimitExceeded`] for more than `limit`, and for what could be more and cannot be measured: a chain of filters
/// that no producer writes, or damage in a stream so long that what follows it could be too much.
pub(super) fn decoded_length(stream: &Stream<'_>, limit: u64) -> Result<u64, Error> {
    let filters = filters(stream);
    let ratio = filters.iter().fold(1_u64, |ratio, filter| ratio.saturating_mul(expansion(*filter)));
    let mut data = stream.raw_data();
    let mut filters = filters.as_slice();
    while let [first @ (Filter::AsciiHexDecode | Filter::Ascii85Decode), further @ ..] = filters {
        data = if *first == Filter::AsciiHexDecode { hex(&data) } else { base85(&data) }.into();
        filters = further;
    }
    let layers = filters.iter().take_while(|filter| **filter == Filter::FlateDecode).count();
    let read = Rc::new(Cell::new(0));
    let inflated = || inflate(Counted { data: &data, read: Rc::clone(&read) }, layers);
    let (count, is_whole) = match filters.get(layers..).unwrap_or_default() {
        [] => count(inflated(), limit),
        [Filter::RunLengthDecode] => (count_runs(inflated(), limit), true),
        [Filter::LzwDecode] => (count_codes(inflated, limit), true),
        // Nobody writes anything else.
        _ if (data.len() as u64).saturating_mul(ratio) <= limit => (data.len() as u64 * ratio, true),
        _ => return Err(exceeded(limit)),
    };
    let left = (data.len() as u64).saturating_sub(read.get().saturating_sub(BUFFER_BYTES as u64));
    if count > limit || !is_whole && left.saturating_mul(ratio) > limit {
        return Err(exceeded(limit));
    }
    Ok(count)
}

/// The filters of a stream up to that of its picture.
fn filters(stream: &Stream<'_>) -> Vec<Filter> {
    use Filter::{CcittFaxDecode, Crypt, DctDecode, Jbig2Decode, JpxDecode};
    let is_picture = |filter: &Filter| matches!(filter, CcittFaxDecode | DctDecode | Jbig2Decode | JpxDecode);
    stream
        .filters()
        .into_iter()
        .filter(|filter| *filter != Crypt)
        .take_while(|filter| !is_picture(filter))
        .collect()
}

/// The error for data that decodes to more than `limit` bytes.
pub(super) fn exceeded(limit: u64) -> Error {
    Error::LimitExceeded {
        what: "bytes or more after decompression".into(),
        found: limit.saturating_add(1),
        limit,
        setting: "decode.max_inflated_mib",
    }
}

/// How many times longer a filter's result is, at most.
fn expansion(filter: Filter) -> u64 {
    match filter {
        Filter::FlateDecode => MAX_DEFLATE_RATIO,
        Filter::LzwDecode => MAX_LZW_RATIO,
        Filter::RunLengthDecode => MAX_RUN_RATIO,
        Filter::Ascii85Decode => MAX_BASE85_RATIO,
        _ => 1,
    }
}

/// Filters that a file names, which its streams may therefore have: what they encode cannot be told from other data.
#[derive(Debug, Clone, Copy, Default)]
struct Named {
    lzw: bool,
    runs: bool,
}

impl Named {
    fn of(file: &[u8]) -> Self {
        /// Longest name that matters.
        const LONGEST: usize = b"/RunLengthDecode".len() * 3;
        let mut named = Self::default();
        let mut rest = file;
        while let Some(at) = rest.iter().position(|byte| *byte == b'/') {
            rest = rest.get(at + 1..).unwrap_or_default();
            let name = spelled_out(rest.get(..LONGEST).unwrap_or(rest));
            named.lzw |= name.starts_with(b"LZW");
            named.runs |= name.starts_with(b"RunLength") || name.starts_with(b"RL");
        }
        named
    }
}

/// A name in which any letter may be written as a number.
fn spelled_out(name: &[u8]) -> Vec<u8> {
    let mut letters = Vec::new();
    let mut rest = name;
    while let [first, further @ ..] = rest {
        rest = further;
        match (*first, further) {
            (b'#', [high, low, after @ ..]) => {
                letters.extend(hex(&[*high, *low]));
                rest = after;
            }
            (byte, _) if byte.is_ascii_alphanumeric() => letters.push(byte),
            _ => break,
        }
    }
    letters
}

/// The place of each keyword `stream` with all that follows it.
fn streams(file: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + find(file.get(from..)?, b"stream")?;
            from = start + b"stream".len();
            let data = file.get(from..)?;
            // What follows the keyword is a line end, and before it stands no `end`.
            let data = LINE_END.into_iter().find_map(|end| data.strip_prefix(end));
            if let Some(data) = data.filter(|_| !file.get(..start).is_some_and(|head| head.ends_with(b"end")))
            {
                return Some((start, data));
            }
        }
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

/// What is inside of data that is written as text; nothing where it is not.
fn unwrapped(data: &[u8]) -> Vec<u8> {
    let mut unwrapped = Vec::new();
    for _ in 0..MAX_LAYERS {
        let wrapped = if unwrapped.is_empty() { data } else { &unwrapped };
        match wrapped.get(..64).unwrap_or(wrapped) {
            head if head.iter().all(|byte| byte.is_ascii_hexdigit() || is_space(*byte)) => {
                unwrapped = hex(wrapped);
            }
            head if head.iter().all(|byte| matches!(byte, b'!'..=b'u' | b'z' | b'~') || is_space(*byte)) => {
                unwrapped = base85(wrapped);
            }
            _ => break,
        }
        if unwrapped.is_empty() {
            break;
        }
    }
    unwrapped
}

/// The most bytes that data decodes to by any chain of filters that it looks like, layer by layer; fewer where they
/// cannot be more than `limit`.
fn longest(data: &[u8], named: Named, limit: u64) -> u64 {
    let mut longest = 0;
    let mut reach = data.len() as u64;
    for layers in 0..=MAX_LAYERS {
        let inflated = || inflate(data, layers);
        let counts = [
            // Deflated data may do without a header, even where others have one.
            (MAX_DEFLATE_RATIO, true),
            (MAX_LZW_RATIO, named.lzw),
            (MAX_RUN_RATIO, named.runs),
        ];
        for (ratio, is_possible) in counts {
            if !is_possible || reach.saturating_mul(ratio) <= limit || longest > limit {
                continue;
            }
            let count = match ratio {
                MAX_DEFLATE_RATIO => count(inflate(data, layers + 1), limit).0,
                MAX_LZW_RATIO => count_codes(inflated, limit),
                _ => count_runs(inflated(), limit),
            };
            longest = longest.max(count);
        }
        if !starts_layer(inflated()) || longest > limit {
            return longest;
        }
        reach = reach.saturating_mul(MAX_DEFLATE_RATIO);
    }
    u64::MAX
}

/// Whether data looks like one more layer.
fn starts_layer(mut data: Box<dyn Read + '_>) -> bool {
    let mut header = [0_u8; 2];
    data.read_exact(&mut header).is_ok() && is_zlib_header(header)
}

/// RFC 1950, section 2.2.
fn is_zlib_header([method, flags]: [u8; 2]) -> bool {
    method & 0x0f == 8
        && method >> 4 <= 7
        && flags & 0x20 == 0
        && u16::from_be_bytes([method, flags]).is_multiple_of(31)
}

/// Data that counts how much of it is read.
struct Counted<'a> {
    data: &'a [u8],
    read: Rc<Cell<u64>>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.data.read(buffer)?;
        self.read.set(self.read.get() + length as u64);
        Ok(length)
    }
}

/// What is inside some layers of deflated data, each with a header or without. Checksums do not matter.
fn inflate<'a>(data: impl Read + 'a, layers: usize) -> Box<dyn Read + 'a> {
    (0..layers).fold(Box::new(data), |mut inner: Box<dyn Read + 'a>, _| {
        let mut header = Vec::new();
        // Damaged data ends where it is damaged.
        let _ = inner.by_ref().take(2).read_to_end(&mut header);
        if matches!(header[..], [method, flags] if is_zlib_header([method, flags])) {
            header.clear();
        }
        let whole = BufReader::with_capacity(BUFFER_BYTES, inner);
        Box::new(DeflateDecoder::new(BufReader::with_capacity(
            BUFFER_BYTES,
            std::io::Cursor::new(header).chain(whole),
        )))
    })
}

/// Counts bytes, to just over `limit`, and tells whether they end where they are meant to, or where the file does.
fn count(data: impl Read, limit: u64) -> (u64, bool) {
    let mut data = data.take(limit.saturating_add(1));
    let mut buffer = vec![0_u8; 64 << 10];
    let mut count = 0_u64;
    loop {
        match data.read(&mut buffer) {
            Ok(0) => return (count, true),
            Ok(length) => count += length as u64,
            Err(error) => return (count, error.kind() == ErrorKind::UnexpectedEof),
        }
    }
}

/// Counts the bytes that run lengths decode to, to just over `limit`.
fn count_runs(data: impl Read, limit: u64) -> u64 {
    let mut bytes = BufReader::new(data).bytes().map_while(Result::ok);
    let mut count = 0_u64;
    while let Some(length) = bytes.next()
        && length != 128
        && count <= limit
    {
        match length {
            0..128 => {
                let copied = usize::from(length) + 1;
                count += bytes.by_ref().take(copied).count() as u64;
            }
            _ => {
                bytes.next();
                count += 257 - u64::from(length);
            }
        }
    }
    count
}

/// Counts the bytes that LZW codes decode to, to just over `limit`: the more of the two ways in which their width grows.
fn count_codes<R: Read>(data: impl Fn() -> R, limit: u64) -> u64 {
    let counts = [0, 1].map(|early| {
        let mut bytes = BufReader::new(data()).bytes().map_while(Result::ok);
        count_codes_of(&mut bytes, early, limit)
    });
    counts.into_iter().max().unwrap_or_default()
}

fn count_codes_of(bytes: &mut impl Iterator<Item = u8>, early: usize, limit: u64) -> u64 {
    const CLEAR: usize = 256;
    const END: usize = 257;
    const MAX_ENTRIES: usize = 4096;
    // Of an entry of the table only the length matters.
    let fresh = || [vec![1_u64; 256], vec![0; 2]].concat();
    let (mut lengths, mut previous) = (fresh(), None);
    let (mut bits, mut held, mut count) = (0_u32, 0_u32, 0_u64);
    while count <= limit {
        let width = match lengths.len() + early {
            2048.. => 12,
            1024.. => 11,
            512.. => 10,
            _ => 9,
        };
        while held < width {
            let Some(byte) = bytes.next() else { return count };
            bits = bits << 8 | u32::from(byte);
            held += 8;
        }
        held -= width;
        let code = (bits >> held) as usize & ((1 << width) - 1);
        bits &= (1 << held) - 1;
        match code {
            CLEAR => (lengths, previous) = (fresh(), None),
            END => return count,
            code => {
                let next = previous.map(|length: u64| length + 1);
                let length = match lengths.get(code) {
                    Some(length) => *length,
                    None => match next.filter(|_| code == lengths.len()) {
                        Some(next) => next,
                        None => return count,
                    },
                };
                if let Some(next) = next
                    && lengths.len() < MAX_ENTRIES
                {
                    lengths.push(next);
                }
                count += length;
                previous = Some(length);
            }
        }
    }
    count
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' | 0)
}

/// Decodes hexadecimal digits, up to what is none.
fn hex(data: &[u8]) -> Vec<u8> {
    let digits =
        data.iter().filter(|byte| !is_space(**byte)).map_while(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::new();
    let mut high = None;
    for digit in digits {
        match high.take() {
            None => high = Some(digit),
            Some(high) => bytes.push((high << 4 | digit) as u8),
        }
    }
    bytes.extend(high.map(|high| (high << 4) as u8));
    bytes
}

/// Decodes base 85, up to what is none.
fn base85(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut group = Vec::with_capacity(5);
    for byte in data.iter().filter(|byte| !is_space(**byte)) {
        match byte {
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            b'z' if group.is_empty() => bytes.extend([0; 4]),
            _ => break,
        }
        if group.len() == 5 {
            bytes.extend(base85_group(&group));
            group.clear();
        }
    }
    if group.len() > 1 {
        let length = group.len() - 1;
        group.resize(5, 84);
        bytes.extend(base85_group(&group).into_iter().take(length));
    }
    bytes
}

fn base85_group(digits: &[u32]) -> [u8; 4] {
    digits.iter().fold(0_u32, |value, digit| value.wrapping_mul(85).wrapping_add(*digit)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};

    use super::*;

    fn deflate(data: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(data).unwrap();
        encoder.finish().unwrap()
    }

    fn pdf(stream: &[u8]) -> Vec<u8> {
        pdf_with("", stream)
    }

    fn pdf_with(entries: &str, stream: &[u8]) -> Vec<u8> {
        let head = format!("1 0 obj\n<</Length 1 {entries}>>\nstream\r\n");
        [head.as_bytes(), stream, b"\nendstream\nendobj"].concat()
    }

    #[track_caller]
    fn check_refused(file: &[u8]) {
        assert!(matches!(check_streams(file, 90_000), Err(Error::LimitExceeded { .. })));
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
    fn compression_written_as_text_is_followed() {
        let bomb = deflate(&vec![0; 100_000]);
        let digits: String = bomb.iter().map(|byte| format!("{byte:02x}\n")).collect();
        check_refused(&pdf(format!("{digits}>").as_bytes()));
        let mut text = String::new();
        for group in bomb.chunks(4) {
            let mut bytes = [0; 4];
            bytes[..group.len()].copy_from_slice(group);
            let mut value = u32::from_be_bytes(bytes);
            let mut digits = [0; 5].map(|_: u32| {
                let digit = char::from(b'!' + (value % 85) as u8);
                value /= 85;
                digit
            });
            digits.reverse();
            text.extend(digits);
        }
        check_refused(&pdf(format!("{text}~>").as_bytes()));
    }

    #[test]
    fn an_end_within_the_data_ends_nothing() {
        // A stored block that holds the keyword, then the bomb.
        let word = b"endstream endobj";
        let stored = [&[0x78, 0x9c, 0, word.len() as u8, 0, !(word.len() as u8), 0xff][..], word].concat();
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(&vec![0; 100_000]).unwrap();
        check_refused(&pdf(&[stored, raw.finish().unwrap()].concat()));
    }

    #[test]
    fn deflated_data_needs_no_header() {
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::best());
        raw.write_all(&vec![0; 100_000]).unwrap();
        check_refused(&pdf(&raw.finish().unwrap()));
    }

    #[test]
    fn lzw_and_run_lengths_are_measured_where_the_file_names_them() {
        // A code of the longest entry so far, and then the next one, which is longer by a byte.
        let codes = [256, 0].into_iter().chain(258..4095);
        let (mut bits, mut held, mut data) = (0_u32, 0_u32, Vec::new());
        for (index, code) in codes.enumerate() {
            let width = match 256 + index {
                2047.. => 12,
                1023.. => 11,
                511.. => 10,
                _ => 9,
            };
            bits = bits << width | code;
            held += width;
            while held >= 8 {
                held -= 8;
                data.push((bits >> held) as u8);
                bits &= (1 << held) - 1;
            }
        }
        data.push((bits << (8 - held)) as u8);
        check_refused(&pdf_with("/Filter/L#5aWDecode", &data));
        check_refused(&pdf_with("/Filter/RunLengthDecode", &[0x81, b'x'].repeat(1000)));
        assert!(check_streams(&pdf(&[0x81, b'x'].repeat(1000)), 90_000).is_ok());
    }

    #[test]
    fn streams_of_objects_are_counted_together_since_all_are_kept() {
        let file = pdf_with("/Type/ObjStm", &deflate(&vec![0; 50_000])).repeat(2);
        check_refused(&file);
        assert!(check_streams(&pdf(&deflate(&vec![0; 50_000])).repeat(2), 90_000).is_ok());
    }

    #[test]
    fn data_that_is_not_compressed_is_left_alone() {
        assert!(check_streams(&pdf(&vec![b'x'; 5000]), 6000).is_ok());
        assert!(check_streams(&pdf(&vec![0xff; 5000]), 10).is_ok());
    }
}
