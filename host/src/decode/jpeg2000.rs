//! JPEG 2000 pictures, as JP2 files and bare code streams.

use bytes::Bytes;
use hayro_jpeg2000::{ColorSpace, DecodeSettings, DecoderContext, Image};

use super::{Error, Limits, catch, check_pixels, pixels};
use crate::domain::page::{PageSize, Unit};
use crate::domain::raster::Raster;

const FORMAT: &str = "JPEG 2000";

/// A picture whose header has been read.
pub(super) struct Jpeg2000 {
    content: Bytes,
    width: u32,
    height: u32,
}

impl Jpeg2000 {
    /// Reads the header and checks the size.
    pub(super) fn open(content: Bytes, limits: Limits) -> Result<Self, Error> {
        let (width, height) = catch(FORMAT, || {
            let image = parse(&content)?;
            Ok((image.width(), image.height()))
        })?;
        if width == 0 || height == 0 {
            return Err(Error::Damaged { format: FORMAT, reason: "it has no pixels".into() });
        }
        check_pixels(width, height, 1, &limits)?;
        Ok(Self { content, width, height })
    }

    /// Size of the picture in pixels.
    pub(super) fn size(&self) -> PageSize {
        PageSize { width: self.width as f32, height: self.height as f32, unit: Unit::Pixel }
    }

    /// Decodes the picture.
    pub(super) fn raster(&self) -> Result<Raster, Error> {
        catch(FORMAT, || {
            let image = parse(&self.content)?;
            let mut context = DecoderContext::default();
            let samples = image.decode(&mut context).map_err(damaged)?.data_u8();
            let colours = usize::from(image.color_space().num_channels());
            let channels = colours + usize::from(image.has_alpha());
            let expected = self.width as usize * self.height as usize * channels;
            if channels == 0 || samples.len() != expected {
                return Err(damaged("its channels differ in size"));
            }
            let pixels = match (image.color_space(), channels) {
                (ColorSpace::CMYK, 4) => pixels::cmyk_to_rgb(samples),
                (_, 1) => samples.iter().flat_map(|&grey| [grey; 3]).collect(),
                (_, 2) => {
                    let rgba: Vec<u8> = samples
                        .as_chunks::<2>()
                        .0
                        .iter()
                        .flat_map(|&[grey, alpha]| [grey, grey, grey, alpha])
                        .collect();
                    pixels::on_white(rgba)
                }
                (_, 3) => samples,
                (_, 4) if image.has_alpha() => pixels::on_white(samples),
                (_, 4) => pixels::cmyk_to_rgb(samples),
                _ => {
                    return Err(Error::Unsupported(format!(
                        "a JPEG 2000 picture of {channels} channels is not supported"
                    )));
                }
            };
            Ok(Raster { width: self.width, height: self.height, pixels })
        })
    }
}

fn parse(content: &[u8]) -> Result<Image<'_>, Error> {
    Image::new(content, &DecodeSettings::default()).map_err(damaged)
}

fn damaged(reason: impl std::fmt::Display) -> Error {
    Error::Damaged { format: FORMAT, reason: reason.to_string() }
}
