//! Cuts lines of text out of a page and brings them to the recogniser's size.

use crate::domain::raster::Raster;

use super::textbox::TextBox;

/// Height in pixels of the recogniser's input.
pub(super) const LINE_HEIGHT: usize = 48;

/// Most samples per side that are averaged into one pixel where a line is shrunk: beyond that, text is far larger
/// than the recogniser needs.
const MAX_SAMPLES: usize = 4;

/// Width in pixels of a box brought to the recogniser's height, at least 1.
pub(super) fn line_width(found: &TextBox) -> usize {
    ((LINE_HEIGHT as f32 * found.width / found.height.max(1.0)).ceil() as usize).max(1)
}

/// Samples the box from the page into the first `content_width` columns of an image of `width` columns: three planes
/// (blue, green, red) of [`LINE_HEIGHT`] rows, each value from −1 (black) to 1 (white).
///
/// The other columns are mid-grey, as in training. Points outside of the page take the colour of its edge.
pub(super) fn line_image(page: &Raster, found: &TextBox, content_width: usize, width: usize) -> Vec<f32> {
    let content_width = content_width.clamp(1, width.max(1));
    let plane = LINE_HEIGHT * width;
    let mut values = vec![0.0f32; 3 * plane];
    let (sin, cos) = found.angle.sin_cos();
    let (step_x, step_y) = (found.width / content_width as f32, found.height / LINE_HEIGHT as f32);
    let samples_x = samples(step_x);
    let samples_y = samples(step_y);
    let (sub_x, sub_y) = (step_x / samples_x as f32, step_y / samples_y as f32);
    let count = (samples_x * samples_y) as f32;
    // Pixel centres lie at half coordinates, hence the last half.
    let (left, top) = (found.point(0.0, 0.0).0 - 0.5, found.point(0.0, 0.0).1 - 0.5);
    let (max_x, max_y) = ((page.width - 1) as f32, (page.height - 1) as f32);
    let stride = page.width as usize * 3;
    for row in 0..LINE_HEIGHT {
        for column in 0..content_width {
            let mut sum = [0.0f32; 3];
            for sample_y in 0..samples_y {
                let v = row as f32 * step_y + (sample_y as f32 + 0.5) * sub_y;
                for sample_x in 0..samples_x {
                    let u = column as f32 * step_x + (sample_x as f32 + 0.5) * sub_x;
                    let x = (left + u * cos - v * sin).clamp(0.0, max_x);
                    let y = (top + u * sin + v * cos).clamp(0.0, max_y);
                    let (x0, y0) = (x as usize, y as usize);
                    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
                    let right = if x0 as f32 + 1.0 > max_x { 0 } else { 3 };
                    let down = if y0 as f32 + 1.0 > max_y { 0 } else { stride };
                    let at = y0 * stride + x0 * 3;
                    for (channel, sum) in sum.iter_mut().enumerate() {
                        let pixel = |offset: usize| f32::from(page.pixels[at + channel + offset]);
                        let upper = pixel(0) + (pixel(right) - pixel(0)) * fx;
                        let lower = pixel(down) + (pixel(down + right) - pixel(down)) * fx;
                        *sum += upper + (lower - upper) * fy;
                    }
                }
            }
            let at = row * width + column;
            for (channel, sum) in sum.iter().enumerate() {
                values[(2 - channel) * plane + at] = sum / count / 127.5 - 1.0;
            }
        }
    }
    values
}

/// Samples per output pixel for a step of that many input pixels.
fn samples(step: f32) -> usize {
    (step.round() as usize).clamp(1, MAX_SAMPLES)
}

#[cfg(test)]
mod tests {
    use crate::domain::geometry::Rect;

    use super::*;

    /// Red grows to the right, green grows down.
    fn ramp(width: u32, height: u32) -> Raster {
        let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x as u8, y as u8, 9])).collect();
        Raster { width, height, pixels }
    }

    fn value(image: &[f32], channel: usize, x: usize, y: usize) -> f32 {
        let width = image.len() / 3 / LINE_HEIGHT;
        (image[channel * LINE_HEIGHT * width + y * width + x] + 1.0) * 127.5
    }

    #[test]
    fn an_upright_box_at_the_same_scale_is_copied_in_blue_green_red_order() {
        let page = ramp(200, 100);
        let found = TextBox::upright(Rect::new(20.0, 10.0, 120.0, 58.0));
        let image = line_image(&page, &found, line_width(&found), 128);
        for (x, y) in [(0, 0), (50, 20), (99, 47)] {
            assert!((value(&image, 0, x, y) - 9.0).abs() < 0.01);
            assert!((value(&image, 1, x, y) - (y as f32 + 10.0)).abs() < 0.01);
            assert!((value(&image, 2, x, y) - (x as f32 + 20.0)).abs() < 0.01);
        }
        assert!((value(&image, 2, 100, 20) - 127.5).abs() < 0.01, "padding is mid-grey");
    }

    #[test]
    fn a_box_that_is_shrunk_is_averaged() {
        let pixels = (0..96 * 96).flat_map(|index| [if index % 2 == 0 { 0 } else { 255 }; 3]).collect();
        let page = Raster { width: 96, height: 96, pixels };
        let image = line_image(&page, &TextBox::upright(Rect::new(0.0, 0.0, 96.0, 96.0)), 48, 48);
        for x in 4..44 {
            assert!((value(&image, 0, x, 24) - 127.5).abs() < 1.0, "{}", value(&image, 0, x, 24));
        }
    }

    #[test]
    fn text_that_runs_down_the_page_is_laid_level() {
        let page = ramp(100, 200);
        let down = TextBox::upright(Rect::new(20.0, 50.0, 68.0, 150.0)).turned(1);
        let image = line_image(&page, &down, line_width(&down), 112);
        assert!((value(&image, 1, 10, 24) - 60.0).abs() < 0.1, "along the line, the page's rows grow");
        assert!((value(&image, 2, 10, 10) - 57.0).abs() < 0.1, "down the line, the page's columns shrink");
    }

    #[test]
    fn a_box_beyond_the_page_takes_the_colour_of_the_edge() {
        let page = Raster { width: 1, height: 1, pixels: vec![40, 50, 60] };
        let image = line_image(&page, &TextBox::upright(Rect::new(-50.0, -9.0, 50.0, 9.0)), 64, 64);
        assert!((value(&image, 2, 0, 0) - 40.0).abs() < 0.01);
        assert!((value(&image, 0, 63, 47) - 60.0).abs() < 0.01);
    }
}
