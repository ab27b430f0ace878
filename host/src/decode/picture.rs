//! Rasters made smaller, for people to look at.

use image::RgbImage;
use image::imageops::{self, FilterType};

use crate::domain::raster::Raster;

/// The raster made smaller, to a width in pixels of at least 1; one that is not wider stays as it is.
pub fn shrunk(raster: Raster, width: u32) -> Raster {
    let width = width.max(1);
    if raster.width <= width {
        return raster;
    }
    let scaled = u64::from(raster.height) * u64::from(width) / u64::from(raster.width.max(1));
    let height = u32::try_from(scaled).unwrap_or(u32::MAX).max(1);
    let (old_width, old_height) = (raster.width, raster.height);
    match RgbImage::from_raw(old_width, old_height, raster.pixels) {
        Some(image) => {
            let pixels = imageops::resize(&image, width, height, FilterType::Triangle).into_raw();
            Raster { width, height, pixels }
        }
        // Fewer pixels than its size promises: there is nothing to scale.
        None => Raster { width: 1, height: 1, pixels: vec![255; 3] },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raster_is_shrunk_in_proportion_and_never_enlarged() {
        let raster = Raster { width: 40, height: 20, pixels: vec![7; 40 * 20 * 3] };
        let small = shrunk(raster.clone(), 10);
        assert_eq!((small.width, small.height, small.pixels.len()), (10, 5, 150));
        assert!(small.pixels.iter().all(|sample| *sample == 7));
        assert_eq!(shrunk(raster.clone(), 80), raster);
        assert_eq!(shrunk(Raster { width: 900, height: 1, pixels: vec![0; 2700] }, 3).height, 1);
    }
}
