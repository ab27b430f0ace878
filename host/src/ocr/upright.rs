//! Straightens whole pages, by the few degrees of a skewed scan.

use crate::domain::raster::Raster;

use super::textbox::{Point, TextBox};

/// A rotation about the middle of a page that takes its skew away, onto a canvas that holds all of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Deskew {
    /// Radians clockwise of skew.
    pub(super) angle: f32,
    source: Point,
    /// Width and height of the canvas in pixels.
    pub(super) canvas: (u32, u32),
}

impl Deskew {
    /// The correction of a skew of `angle` radians clockwise; 0 leaves the page as it is.
    pub(super) fn new(width: u32, height: u32, angle: f32) -> Self {
        let source = (width as f32, height as f32);
        if angle == 0.0 {
            return Self { angle, source, canvas: (width, height) };
        }
        let (sin, cos) = (angle.sin().abs(), angle.cos().abs());
        let canvas = (
            (source.0 * cos + source.1 * sin).ceil().max(1.0) as u32,
            (source.0 * sin + source.1 * cos).ceil().max(1.0) as u32,
        );
        Self { angle, source, canvas }
    }

    /// Where a box of the skewed page lies on the canvas.
    pub(super) fn place(&self, found: &TextBox) -> TextBox {
        let (sin, cos) = (-self.angle).sin_cos();
        let (dx, dy) = (found.center.0 - self.source.0 / 2.0, found.center.1 - self.source.1 / 2.0);
        let center = (
            dx * cos - dy * sin + self.canvas.0 as f32 / 2.0,
            dx * sin + dy * cos + self.canvas.1 as f32 / 2.0,
        );
        TextBox { center, angle: found.angle - self.angle, ..*found }
    }

    /// The page without its skew; corners that were not on the page are white.
    pub(super) fn apply(&self, page: &Raster) -> Raster {
        let (sin, cos) = self.angle.sin_cos();
        let (width, height) = self.canvas;
        let stride = page.width as usize * 3;
        let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
        for row in 0..height {
            let dy = row as f32 + 0.5 - height as f32 / 2.0;
            for column in 0..width {
                let dx = column as f32 + 0.5 - width as f32 / 2.0;
                let x = dx * cos - dy * sin + self.source.0 / 2.0 - 0.5;
                let y = dx * sin + dy * cos + self.source.1 / 2.0 - 0.5;
                if x < -0.5 || y < -0.5 || x > self.source.0 - 0.5 || y > self.source.1 - 0.5 {
                    pixels.extend_from_slice(&[255; 3]);
                    continue;
                }
                let x = x.clamp(0.0, self.source.0 - 1.0);
                let y = y.clamp(0.0, self.source.1 - 1.0);
                let (x0, y0) = (x as usize, y as usize);
                let (fx, fy) = (x - x0 as f32, y - y0 as f32);
                let right = if x0 + 1 < page.width as usize { 3 } else { 0 };
                let down = if y0 + 1 < page.height as usize { stride } else { 0 };
                let at = y0 * stride + x0 * 3;
                pixels.extend((0..3).map(|channel| {
                    let pixel = |offset: usize| f32::from(page.pixels[at + channel + offset]);
                    let upper = pixel(0) + (pixel(right) - pixel(0)) * fx;
                    let lower = pixel(down) + (pixel(down + right) - pixel(down)) * fx;
                    (upper + (lower - upper) * fy).round() as u8
                }));
            }
        }
        Raster { width, height, pixels }
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::geometry::Rect;

    use super::*;

    #[test]
    fn a_box_lies_where_its_pixels_land() {
        let mut page = Raster { width: 200, height: 100, pixels: vec![255; 200 * 100 * 3] };
        let found = TextBox { center: (60.0, 40.0), width: 40.0, height: 6.0, angle: 0.1 };
        for y in 0..100 {
            for x in 0..200 {
                let (dx, dy) = (x as f32 + 0.5 - 60.0, y as f32 + 0.5 - 40.0);
                let (sin, cos) = 0.1f32.sin_cos();
                if (dx * cos + dy * sin).abs() < 20.0 && (dy * cos - dx * sin).abs() < 3.0 {
                    page.pixels[(y * 200 + x) * 3..][..3].fill(0);
                }
            }
        }
        let deskew = Deskew::new(200, 100, 0.1);
        let upright = deskew.apply(&page);
        assert_eq!((upright.width, upright.height), deskew.canvas);
        let Rect { x0, y0, x1, y1 } = deskew.place(&found).bounds();
        assert!((y1 - y0 - 6.0).abs() < 0.01, "the box is level");
        let dark: Vec<(u32, u32)> = (0..upright.height)
            .flat_map(|y| (0..upright.width).map(move |x| (x, y)))
            .filter(|(x, y)| upright.pixels[((y * upright.width + x) * 3) as usize] < 128)
            .collect();
        let left = dark.iter().map(|point| point.0).min().unwrap() as f32;
        let right = dark.iter().map(|point| point.0 + 1).max().unwrap() as f32;
        let top = dark.iter().map(|point| point.1).min().unwrap() as f32;
        let bottom = dark.iter().map(|point| point.1 + 1).max().unwrap() as f32;
        assert!((left - x0).abs() <= 1.0 && (right - x1).abs() <= 1.0, "{left}..{right} {x0}..{x1}");
        assert!((top - y0).abs() <= 1.0 && (bottom - y1).abs() <= 1.0, "{top}..{bottom} {y0}..{y1}");
    }
}
