//! From decoded samples to the one kind of raster that is read: 8-bit RGB on white.

use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageEncoder as _};

use super::Error;
use crate::domain::geometry::Turn;
use crate::domain::raster::Raster;

/// Makes a raster of a decoded image: greys become RGB, 16 bits become 8, transparent parts show white paper.
pub(super) fn raster(image: DynamicImage) -> Raster {
    let (width, height) = (image.width(), image.height());
    let pixels = if image.color().has_alpha() {
        on_white(image.into_rgba8().into_raw())
    } else {
        image.into_rgb8().into_raw()
    };
    Raster { width, height, pixels }
}

/// Encodes a raster as PNG.
pub(super) fn png(raster: &Raster) -> Result<Vec<u8>, Error> {
    let mut file = Vec::new();
    let encoder = PngEncoder::new(&mut file);
    let written = encoder.write_image(&raster.pixels, raster.width, raster.height, ExtendedColorType::Rgb8);
    written.map_err(|error| Error::Damaged { format: "PNG", reason: error.to_string() })?;
    Ok(file)
}

/// Turns and mirrors a picture as its file says that it should be.
pub(super) fn oriented(raster: Raster, orientation: Orientation) -> Raster {
    match orientation {
        Orientation::NoTransforms => raster,
        Orientation::Rotate90 => raster.turned(Turn::Clockwise90),
        Orientation::Rotate180 => raster.turned(Turn::Half),
        Orientation::Rotate270 => raster.turned(Turn::Clockwise270),
        Orientation::FlipHorizontal => raster.mirrored(),
        Orientation::FlipVertical => raster.turned(Turn::Half).mirrored(),
        Orientation::Rotate90FlipH => raster.turned(Turn::Clockwise90).mirrored(),
        Orientation::Rotate270FlipH => raster.turned(Turn::Clockwise270).mirrored(),
    }
}

/// Composes RGBA samples (not premultiplied) on white.
pub(super) fn on_white(rgba: Vec<u8>) -> Vec<u8> {
    to_rgb(rgba, |[red, green, blue, alpha]| [red, green, blue].map(|sample| over_white(sample, alpha)))
}

/// Converts CMYK samples (0: no ink) to RGB.
pub(super) fn cmyk_to_rgb(cmyk: Vec<u8>) -> Vec<u8> {
    to_rgb(cmyk, |[cyan, magenta, yellow, black]| {
        [cyan, magenta, yellow].map(|ink| scale(255 - ink, 255 - black))
    })
}

/// Makes RGB of samples of four channels in the memory that these have.
fn to_rgb(mut samples: Vec<u8>, convert: impl Fn([u8; 4]) -> [u8; 3]) -> Vec<u8> {
    let count = samples.len() / 4;
    for index in 0..count {
        let from = index * 4;
        let pixel = convert([samples[from], samples[from + 1], samples[from + 2], samples[from + 3]]);
        samples[index * 3..][..3].copy_from_slice(&pixel);
    }
    samples.truncate(count * 3);
    samples.shrink_to_fit();
    samples
}

/// Converts full-range YCbCr samples to RGB (ITU-R BT.601, as in JFIF).
pub(super) fn ycbcr_to_rgb(ycbcr: &[u8]) -> Vec<u8> {
    let (pixels, _) = ycbcr.as_chunks::<3>();
    let mut rgb = Vec::with_capacity(pixels.len() * 3);
    for &[luma, blue, red] in pixels {
        let (luma, blue, red) = (f32::from(luma), f32::from(blue) - 128.0, f32::from(red) - 128.0);
        let sample = |value: f32| value.round().clamp(0.0, 255.0) as u8;
        rgb.extend([
            sample(luma + 1.402 * red),
            sample(luma - 0.344_136 * blue - 0.714_136 * red),
            sample(luma + 1.772 * blue),
        ]);
    }
    rgb
}

fn over_white(sample: u8, alpha: u8) -> u8 {
    scale(sample, alpha) + (255 - alpha)
}

/// `sample * factor / 255`, rounded.
fn scale(sample: u8, factor: u8) -> u8 {
    ((u32::from(sample) * u32::from(factor) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transparent_pixels_become_white_and_opaque_ones_stay() {
        assert_eq!(
            on_white(vec![10, 20, 30, 0, 10, 20, 30, 255, 0, 0, 0, 128]),
            [255, 255, 255, 10, 20, 30, 127, 127, 127]
        );
    }

    #[test]
    fn ink_is_subtracted_from_white() {
        assert_eq!(
            cmyk_to_rgb(vec![0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 255]),
            [255, 255, 255, 0, 255, 255, 0, 0, 0]
        );
    }

    #[test]
    fn every_orientation_shows_what_the_image_library_makes_of_it() {
        let samples: Vec<u8> = (0..3 * 2 * 3).collect();
        for stated in 1..=8 {
            let orientation = Orientation::from_exif(stated).unwrap();
            let mut image =
                DynamicImage::ImageRgb8(image::RgbImage::from_raw(3, 2, samples.clone()).unwrap());
            image.apply_orientation(orientation);
            let ours = oriented(Raster { width: 3, height: 2, pixels: samples.clone() }, orientation);
            assert_eq!(ours, raster(image), "{orientation:?}");
        }
    }

    #[test]
    fn sixteen_bits_become_eight() {
        let image = image::ImageBuffer::from_raw(2, 1, vec![0_u16, 65535]).unwrap();
        assert_eq!(raster(DynamicImage::ImageLuma16(image)).pixels, [0, 0, 0, 255, 255, 255]);
    }
}
