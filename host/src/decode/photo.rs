//! Single pictures: PNG, JPEG, WebP, BMP and GIF. Of an animation only the first frame is read.

use std::io::Cursor;

use bytes::Bytes;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageFormat, ImageReader};

use super::{Error, Limits, catch, check_pixels, pixels};
use crate::domain::format::Format;
use crate::domain::geometry::Turn;
use crate::domain::page::{PageSize, Unit};
use crate::domain::raster::Raster;

/// A picture whose header has been read.
pub(super) struct Photo {
    content: Bytes,
    format: Format,
    limits: Limits,
    size: PageSize,
}

impl Photo {
    /// Reads the header and checks the size.
    pub(super) fn open(content: Bytes, format: Format, limits: Limits) -> Result<Self, Error> {
        let size = catch(format.name(), || {
            let mut decoder = decoder(&content, format, &limits)?;
            let (width, height) = decoder.dimensions();
            let (width, height) =
                if swaps_sides(orientation(&mut decoder)) { (height, width) } else { (width, height) };
            Ok(PageSize { width: width as f32, height: height as f32, unit: Unit::Pixel })
        })?;
        Ok(Self { content, format, limits, size })
    }

    /// Size of the upright picture in pixels.
    pub(super) fn size(&self) -> PageSize {
        self.size
    }

    /// The file where it is a JPEG in grey or RGB that is not mirrored, and the turn that makes it upright.
    pub(super) fn jpeg(&self) -> Option<(Bytes, Turn)> {
        let mut decoder = decoder(&self.content, self.format, &self.limits).ok()?;
        // Of CMYK, programs differ in what no ink is.
        let has_plain_colors =
            matches!(decoder.original_color_type(), ExtendedColorType::L8 | ExtendedColorType::Rgb8);
        let turn = match orientation(&mut decoder) {
            Orientation::NoTransforms => Turn::None,
            Orientation::Rotate90 => Turn::Clockwise90,
            Orientation::Rotate180 => Turn::Half,
            Orientation::Rotate270 => Turn::Clockwise270,
            Orientation::FlipHorizontal
            | Orientation::FlipVertical
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH => return None,
        };
        (self.format == Format::Jpeg && has_plain_colors).then(|| (self.content.clone(), turn))
    }

    /// Decodes the picture and turns it upright.
    pub(super) fn raster(&self) -> Result<Raster, Error> {
        catch(self.format.name(), || {
            let mut decoder = decoder(&self.content, self.format, &self.limits)?;
            let orientation = orientation(&mut decoder);
            let image = DynamicImage::from_decoder(decoder)
                .map_err(|error| convert(error, self.format, &self.limits))?;
            Ok(pixels::oriented(pixels::raster(image), orientation))
        })
    }
}

/// A decoder that has read the header, within limits.
fn decoder<'a>(content: &'a Bytes, format: Format, limits: &Limits) -> Result<impl ImageDecoder + 'a, Error> {
    let reader = || ImageReader::with_format(Cursor::new(content.as_ref()), library_format(format));
    // Decoders need room for one more copy in their own sample format, which has at most 8 bytes a pixel, and for their
    // tables.
    let mut library_limits = image::Limits::no_limits();
    library_limits.max_alloc = Some(limits.max_pixels.saturating_mul(8).saturating_add(16 << 20));
    let mut limited = reader();
    limited.limits(library_limits);
    let decoder = match limited.into_decoder() {
        Ok(decoder) => decoder,
        Err(error) => {
            // Some decoders refuse a large header themselves, without saying how large it is.
            let mut unlimited = reader();
            unlimited.no_limits();
            if let (ImageError::Limits(_), Ok((width, height))) = (&error, unlimited.into_dimensions()) {
                check_pixels(width, height, 1, limits)?;
            }
            return Err(convert(error, format, limits));
        }
    };
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(Error::Damaged { format: format.name(), reason: "it has no pixels".into() });
    }
    check_pixels(width, height, 1, limits)?;
    Ok(decoder)
}

fn library_format(format: Format) -> ImageFormat {
    match format {
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Webp => ImageFormat::WebP,
        Format::Bmp => ImageFormat::Bmp,
        Format::Gif => ImageFormat::Gif,
        _ => ImageFormat::Png,
    }
}

/// The orientation that the file states; a damaged statement counts as none.
fn orientation(decoder: &mut impl ImageDecoder) -> Orientation {
    decoder.orientation().unwrap_or(Orientation::NoTransforms)
}

/// Whether width and height change places when the picture is turned upright.
pub(super) fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

fn convert(error: ImageError, format: Format, limits: &Limits) -> Error {
    let format = format.name();
    match error {
        ImageError::Limits(_) => Error::LimitExceeded {
            what: "pixels or more on page 1".into(),
            found: limits.max_pixels.saturating_add(1),
            limit: limits.max_pixels,
            setting: "decode.max_megapixels",
        },
        ImageError::Unsupported(error) => {
            Error::Unsupported(format!("this kind of {format} is not supported: {error}"))
        }
        error => Error::Damaged { format, reason: error.to_string() },
    }
}
