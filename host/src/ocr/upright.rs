//! Turns whole pages: by quarters, and by the few degrees of a skewed scan.

use crate::domain::geometry::Turn;
use crate::domain::raster::Raster;

use super::textbox::{Point, TextBox};

/// The page turned clockwise.
pub(super) fn turned(page: &Raster, turn: Turn) -> Raster {
    let (width, height) = (page.width as usize, page.height as usize);
    let pixel = |x: usize, y: usize| {
        let at = (y * width + x) * 3;
        [page.pixels[at], page.pixels[at + 1], page.pixels[at + 2]]
    };
    let (new_width, new_height) = if turn.swaps_sides() { (height, width) } else { (width, height) };
    let mut pixels = Vec::with_capacity(page.pixels.len());
    for y in 0..new_height {
        for x in 0..new_width {
            pixels.extend_from_slice(&match turn {
                Turn::None => pixel(x, y),
                Turn::Clockwise90 => pixel(y, height - 1 - x),
                Turn::Half => pixel(width - 1 - x, height - 1 - y),
                Turn::Clockwise270 => pixel(width - 1 - y, x),
            });
        }
    }
    Raster { width: new_width as u32, height: new_height as u32, pixels }
}

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
        if self.angle == 0.0 {
            return page.clone();
        }
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

    fn numbered(width: u32, height: u32) -> Raster {
        let pixels = (0..width * height).flat_map(|index| [index as u8; 3]).collect();
        Raster { width, height, pixels }
    }

    fn first_channel(page: &Raster) -> Vec<u8> {
        page.pixels.chunks_exact(3).map(|pixel| pixel[0]).collect()
    }

    #[test]
    fn a_quarter_turn_clockwise_puts_the_left_edge_on_top() {
        let page = turned(&numbered(3, 2), Turn::Clockwise90);
        assert_eq!((page.width, page.height), (2, 3));
        assert_eq!(first_channel(&page), [3, 0, 4, 1, 5, 2]);
    }

    #[test]
    fn turning_there_and_back_gives_the_same_page() {
        let page = numbered(5, 4);
        assert_eq!(turned(&turned(&page, Turn::Clockwise90), Turn::Clockwise270), page);
        assert_eq!(turned(&turned(&page, Turn::Half), Turn::Half), page);
        assert_eq!(turned(&page, Turn::None), page);
    }

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
