//! HEIC photographs, as phones take them.

use bytes::Bytes;
use heic_decoder::HeifError;

use super::{Error, Limits, catch, check_pixels, pixels};
use crate::domain::page::{PageSize, Unit};
use crate::domain::raster::Raster;

const FORMAT: &str = "HEIC";

/// A photograph whose header has been read.
pub(super) struct Heic {
    content: Bytes,
    size: PageSize,
}

impl Heic {
    /// Reads the header and checks the size.
    pub(super) fn open(content: Bytes, limits: Limits) -> Result<Self, Error> {
        catch(FORMAT, || {
            let info = heic_decoder::probe(&content).map_err(convert)?;
            for (width, height) in [(info.width, info.height), (info.coded_width, info.coded_height)] {
                let side = |pixels| u32::try_from(pixels).unwrap_or(u32::MAX);
                check_pixels(side(width), side(height), 1, &limits)?;
            }
            if info.width == 0 || info.height == 0 {
                return Err(Error::Damaged { format: FORMAT, reason: "it has no pixels".into() });
            }
            let size = PageSize { width: info.width as f32, height: info.height as f32, unit: Unit::Pixel };
            Ok(Self { content, size })
        })
    }

    /// Size of the upright picture in pixels.
    pub(super) fn size(&self) -> PageSize {
        self.size
    }

    /// Decodes the picture, which the file's own turns make upright.
    pub(super) fn raster(&self) -> Result<Raster, Error> {
        catch(FORMAT, || {
            let image = heic_decoder::decode(&self.content).map_err(convert)?;
            let rgba = image.to_rgba8().map_err(convert)?;
            let (Ok(width), Ok(height)) = (u32::try_from(rgba.width), u32::try_from(rgba.height)) else {
                return Err(Error::Damaged { format: FORMAT, reason: "its size makes no sense".into() });
            };
            Ok(Raster { width, height, pixels: pixels::on_white(rgba.data) })
        })
    }
}

fn convert(error: HeifError) -> Error {
    match error {
        HeifError::Unsupported(what) => Error::Unsupported(format!(
            "this kind of HEIC is not supported ({what}); save the picture as JPEG and upload that"
        )),
        error => Error::Damaged { format: FORMAT, reason: error.to_string() },
    }
}
