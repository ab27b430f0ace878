//! Cuts a line out of a page as the networks of this kind want it: grey, of their height, with its own black and
//! white.

use crate::domain::raster::Raster;

use super::super::textbox::TextBox;

/// Most samples per side that are averaged into one pixel where a line is shrunk.
const MAX_SAMPLES: usize = 4;
/// Share of the darkest valleys along the line below its black, and of the lightest peaks above its white: half of
/// the strokes and half of the gaps are beyond them.
const BEYOND: f32 = 0.25;

/// Samples the box from the page into `height` rows of `width` grey values from −1 (black) to 1 (white).
pub(super) fn grey_line(page: &Raster, found: &TextBox, width: usize, height: usize) -> Vec<f32> {
    let mut values = sample(page, found, width, height);
    let (black, white) = levels(&values, width, height);
    let half = if white > black { (white - black) / 2.0 } else { 1.0 };
    values.iter_mut().for_each(|value| *value = ((*value - black) / half - 1.0).clamp(-1.0, 1.0));
    values
}

/// Grey values from 0 to 255.
fn sample(page: &Raster, found: &TextBox, width: usize, height: usize) -> Vec<f32> {
    let (sin, cos) = found.angle.sin_cos();
    let (step_x, step_y) = (found.width / width as f32, found.height / height as f32);
    let count = |step: f32| (step.round() as usize).clamp(1, MAX_SAMPLES);
    let (count_x, count_y) = (count(step_x), count(step_y));
    let (sub_x, sub_y) = (step_x / count_x as f32, step_y / count_y as f32);
    // Pixel centres lie at half coordinates.
    let (left, top) = (found.point(0.0, 0.0).0 - 0.5, found.point(0.0, 0.0).1 - 0.5);
    let mut values = Vec::with_capacity(width * height);
    for row in 0..height {
        for column in 0..width {
            let mut sum = 0.0;
            for sample_y in 0..count_y {
                let v = row as f32 * step_y + (sample_y as f32 + 0.5) * sub_y;
                for sample_x in 0..count_x {
                    let u = column as f32 * step_x + (sample_x as f32 + 0.5) * sub_x;
                    sum += grey(page, left + u * cos - v * sin, top + u * sin + v * cos);
                }
            }
            values.push(sum / (count_x * count_y) as f32);
        }
    }
    values
}

/// The grey value at a point, between pixels; points outside of the page take the value of its edge.
fn grey(page: &Raster, x: f32, y: f32) -> f32 {
    let (max_x, max_y) = ((page.width.max(1) - 1) as f32, (page.height.max(1) - 1) as f32);
    let (x, y) = (x.clamp(0.0, max_x), y.clamp(0.0, max_y));
    let (x0, y0) = (x as usize, y as usize);
    let (fx, fy) = (x - x0 as f32, y - y0 as f32);
    let stride = page.width as usize * 3;
    let right = if x0 as f32 + 1.0 > max_x { 0 } else { 3 };
    let down = if y0 as f32 + 1.0 > max_y { 0 } else { stride };
    let at = y0 * stride + x0 * 3;
    let pixel = |offset: usize| match page.pixels.get(at + offset..at + offset + 3) {
        // The usual weights of red, green and blue in brightness (ITU-R BT.601).
        Some(&[red, green, blue]) => {
            0.299 * f32::from(red) + 0.587 * f32::from(green) + 0.114 * f32::from(blue)
        }
        _ => 255.0,
    };
    let upper = pixel(0) + (pixel(right) - pixel(0)) * fx;
    let lower = pixel(down) + (pixel(down + right) - pixel(down)) * fx;
    upper + (lower - upper) * fy
}

/// Black and white of a line: taken from the valleys and the peaks of brightness along its middle row, where every
/// stroke makes a valley and every gap a peak, however much paper there is.
fn levels(values: &[f32], width: usize, height: usize) -> (f32, f32) {
    let middle = values.chunks_exact(width.max(1)).nth(height / 2).unwrap_or_default();
    let (mut valleys, mut peaks) = (Vec::new(), Vec::new());
    for triple in middle.windows(3) {
        let &[before, value, after] = triple else { continue };
        if (value < before && value <= after) || (value <= before && value < after) {
            valleys.push(value);
        }
        if (value > before && value >= after) || (value >= before && value > after) {
            peaks.push(value);
        }
    }
    (share(&mut valleys, BEYOND).unwrap_or(0.0), share(&mut peaks, 1.0 - BEYOND).unwrap_or(255.0))
}

/// The value at a share of the sorted values.
fn share(values: &mut [f32], share: f32) -> Option<f32> {
    values.sort_by(f32::total_cmp);
    values.get((values.len() as f32 * share) as usize).copied()
}

#[cfg(test)]
mod tests {
    use crate::domain::geometry::Rect;

    use super::*;

    #[test]
    fn faint_print_on_grey_paper_is_brought_to_black_and_white() {
        let shade = |x: u32| if x % 10 < 4 { 90 } else { 160 };
        let pixels = (0..40 * 400).flat_map(|at| [shade(at % 400) as u8; 3]).collect();
        let page = Raster { width: 400, height: 40, pixels };
        let line = grey_line(&page, &TextBox::upright(Rect::new(0.0, 0.0, 400.0, 40.0)), 400, 40);
        assert!((line[20 * 400 + 52] + 1.0).abs() < 0.02, "{}", line[20 * 400 + 52]);
        assert!((line[20 * 400 + 57] - 1.0).abs() < 0.02, "{}", line[20 * 400 + 57]);
    }

    #[test]
    fn an_empty_line_and_one_off_the_page_have_values_in_range() {
        let page = Raster { width: 2, height: 2, pixels: vec![255; 12] };
        for rect in [Rect::new(0.0, 0.0, 2.0, 2.0), Rect::new(-90.0, -9.0, -50.0, 9.0)] {
            let line = grey_line(&page, &TextBox::upright(rect), 30, 36);
            assert!(line.len() == 30 * 36 && line.iter().all(|value| (-1.0..=1.0).contains(value)));
        }
    }
}
