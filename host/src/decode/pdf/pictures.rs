//! How many samples a picture decodes to: as its dictionary says, or as its data says where that is more.

use std::io::Read;

use flate2::read::ZlibDecoder;
use hayro_interpret::hayro_syntax::Filter;
use hayro_interpret::hayro_syntax::object::{Array, Dict, Stream};

/// Columns of a fax that states none.
const DEFAULT_FAX_COLUMNS: u64 = 1728;

/// Most bytes that are inflated to see the header of a picture.
const HEADER_BYTES: u64 = 1 << 20;

/// Keys of the masks of a picture that are pictures themselves.
const MASKS: [&[u8]; 2] = [b"SMask", b"Mask"];

/// Samples of a picture whose dictionary states the given size; [`u64::MAX`] where that cannot be found out.
///
/// JBIG2 and JPEG 2000 carry sizes of their own, which decoders believe, and a fax has as many columns as its decoder is
/// told. Other pictures are decoded to the size in the dictionary.
pub(super) fn samples(stream: &Stream<'_>, width: u32, height: u32) -> u64 {
    let stated = area(width, height);
    let filters = stream.filters();
    let own = match filters.last() {
        Some(Filter::CcittFaxDecode) => fax_columns(stream.dict()).saturating_mul(u64::from(height)),
        Some(Filter::JpxDecode) => header(stream, &filters).map_or(u64::MAX, |data| {
            let settings = hayro_jpeg2000::DecodeSettings::default();
            // What has no readable header is not decoded at all.
            hayro_jpeg2000::Image::new(&data, &settings)
                .map_or(0, |image| area(image.width(), image.height()))
        }),
        Some(Filter::Jbig2Decode) => header(stream, &filters).map_or(u64::MAX, |data| {
            let settings = hayro_jbig2::DecodeSettings { strict: false };
            hayro_jbig2::Page::new_embedded(&data, None, &settings)
                .map_or(0, |page| area(page.width(), page.height()))
        }),
        _ => 0,
    };
    stated.max(own)
}

/// Whether a picture lets what is behind it show, and the samples of the masks that say where.
pub(super) fn masks(stream: &Stream<'_>) -> (bool, u64) {
    let dict = stream.dict();
    let has_mask = MASKS.into_iter().chain([&b"SMaskInData"[..]]).any(|key| dict.contains_key(key));
    let masks = MASKS.into_iter().filter_map(|key| dict.get::<Stream<'_>>(key)).map(|mask| {
        let side = |key: &[u8]| mask.dict().get::<u32>(key).unwrap_or(0);
        samples(&mask, side(b"Width"), side(b"Height"))
    });
    (has_mask, masks.fold(0, u64::saturating_add))
}

fn area(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}

fn fax_columns(dict: &Dict<'_>) -> u64 {
    let columns = |parameters: Dict<'_>| parameters.get::<u32>(&b"Columns"[..]).map(u64::from);
    let keys = [&b"DecodeParms"[..], b"DP"];
    let alone = keys.into_iter().filter_map(|key| dict.get::<Dict<'_>>(key)).filter_map(columns);
    let listed = keys.into_iter().filter_map(|key| dict.get::<Array<'_>>(key));
    let listed =
        listed.flat_map(|parameters| parameters.iter::<Dict<'_>>().filter_map(columns).collect::<Vec<_>>());
    alone.chain(listed).max().unwrap_or(DEFAULT_FAX_COLUMNS)
}

/// The data that the last filter sees, or enough of it; `None` for a chain of filters that no producer writes.
fn header(stream: &Stream<'_>, filters: &[Filter]) -> Option<Vec<u8>> {
    let data = stream.raw_data();
    match filters {
        [_] => Some(data.into_owned()),
        [Filter::FlateDecode, _] => {
            let mut inflated = Vec::new();
            // Damaged data ends where it is damaged.
            let _ = ZlibDecoder::new(data.as_ref()).take(HEADER_BYTES).read_to_end(&mut inflated);
            Some(inflated)
        }
        _ => None,
    }
}
