//! Shrinks and stretches a page for the networks that look at all of it.

use rayon::prelude::*;

use crate::domain::raster::Raster;

/// Rows that one task makes: enough to share the rows it reads, few enough to spread over the cores.
const ROWS_PER_TASK: usize = 16;

/// Mean of each channel of the photographs the networks were trained on (ImageNet), as a share of white.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Their standard deviations.
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Order of the channels in a network's input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    Rgb,
    Bgr,
}

/// Part of a page, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
}

/// For one output row or column: the first input and the weights of it and those that follow.
struct Taps {
    first: usize,
    weights: Vec<f32>,
}

/// Brings a window of a page to `width × height` and to the networks' range: three planes of values that are about
/// normally distributed. A triangle filter as wide as the shrinking averages all pixels; parts of the window that
/// are not on the page take the colour of its edge. Runs on the current rayon pool.
pub(super) fn normalized_planes(
    page: &Raster,
    window: Window,
    (width, height): (usize, usize),
    channels: Channels,
) -> Vec<f32> {
    let columns = taps(window.left, window.width, width, page.width as usize);
    let rows = taps(window.top, window.height, height, page.height as usize);
    let mut interleaved = vec![0.0f32; width * height * 3];
    let task = ROWS_PER_TASK * width * 3;
    interleaved.par_chunks_mut(task.max(1)).zip(rows.par_chunks(ROWS_PER_TASK)).for_each(|(output, rows)| {
        resample_rows(page, &columns, rows, output);
    });
    let plane = width * height;
    let mut planes = vec![0.0f32; 3 * plane];
    if plane == 0 {
        return planes;
    }
    planes.par_chunks_mut(plane).enumerate().for_each(|(index, output)| {
        let source = match channels {
            Channels::Rgb => index,
            Channels::Bgr => 2 - index,
        };
        // Mean and deviation belong to the place in the input, not to the colour: so was the detector trained.
        let factor = 1.0 / (255.0 * DEVIATION[index]);
        let shift = MEAN[index] / DEVIATION[index];
        for (value, pixel) in output.iter_mut().zip(interleaved.chunks_exact(3)) {
            *value = pixel[source] * factor - shift;
        }
    });
    planes
}

/// Makes some rows of the output, each pixel three channels next to one another.
fn resample_rows(page: &Raster, columns: &[Taps], rows: &[Taps], output: &mut [f32]) {
    let Some(first) = rows.iter().map(|row| row.first).min() else { return };
    let last = rows.iter().map(|row| row.first + row.weights.len()).max().unwrap_or(first);
    let stride = page.width as usize * 3;
    let width = columns.len() * 3;
    let mut narrowed = vec![0.0f32; (last - first) * width];
    for (source, target) in
        page.pixels[first * stride..last * stride].chunks_exact(stride).zip(narrowed.chunks_exact_mut(width))
    {
        for (tap, value) in columns.iter().zip(target.chunks_exact_mut(3)) {
            let mut sum = [0.0f32; 3];
            for (pixel, weight) in source[tap.first * 3..].chunks_exact(3).zip(&tap.weights) {
                sum[0] += f32::from(pixel[0]) * weight;
                sum[1] += f32::from(pixel[1]) * weight;
                sum[2] += f32::from(pixel[2]) * weight;
            }
            value.copy_from_slice(&sum);
        }
    }
    for (row, target) in rows.iter().zip(output.chunks_exact_mut(width)) {
        for (index, weight) in row.weights.iter().enumerate() {
            let at = (row.first - first + index) * width;
            for (value, source) in target.iter_mut().zip(&narrowed[at..at + width]) {
                *value += source * weight;
            }
        }
    }
}

/// The filter's weights for each of `output` places that share `length` input places from `start` on; indices stay
/// within `0..available`.
fn taps(start: f32, length: f32, output: usize, available: usize) -> Vec<Taps> {
    let scale = length / output.max(1) as f32;
    let radius = scale.max(1.0);
    let last = available.saturating_sub(1) as f32;
    (0..output)
        .map(|index| {
            let center = start + (index as f32 + 0.5) * scale - 0.5;
            let from = (center - radius).ceil();
            let to = (center + radius).floor();
            let first = from.clamp(0.0, last) as usize;
            let mut weights = vec![0.0f32; to.clamp(0.0, last) as usize - first + 1];
            let mut position = from;
            while position <= to {
                let weight = (1.0 - (position - center).abs() / radius).max(0.0);
                weights[position.clamp(0.0, last) as usize - first] += weight;
                position += 1.0;
            }
            let sum: f32 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum.max(f32::MIN_POSITIVE));
            Taps { first, weights }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(page: &Raster) -> Window {
        Window { left: 0.0, top: 0.0, width: page.width as f32, height: page.height as f32 }
    }

    fn denormalized(value: f32, channel: usize) -> f32 {
        (value * DEVIATION[channel] + MEAN[channel]) * 255.0
    }

    #[test]
    fn the_same_size_copies_the_pixels_channel_by_channel() {
        let page = Raster { width: 3, height: 2, pixels: (0..18).map(|index| index * 10).collect() };
        let planes = normalized_planes(&page, whole(&page), (3, 2), Channels::Bgr);
        for pixel in 0..6 {
            for channel in 0..3 {
                let expected = f32::from(page.pixels[pixel * 3 + 2 - channel]);
                assert!((denormalized(planes[channel * 6 + pixel], channel) - expected).abs() < 0.01);
            }
        }
    }

    proptest! {
        #[test]
        fn a_plain_page_stays_plain_at_any_size(
            colour: [u8; 3],
            (from_width, from_height) in (1u32..40, 1u32..40),
            (to_width, to_height) in (1usize..60, 1usize..60),
            left in -20.0f32..20.0,
        ) {
            let pixels = colour.repeat((from_width * from_height) as usize);
            let page = Raster { width: from_width, height: from_height, pixels };
            let window = Window { left, ..whole(&page) };
            let planes = normalized_planes(&page, window, (to_width, to_height), Channels::Rgb);
            prop_assert_eq!(planes.len(), 3 * to_width * to_height);
            for (channel, plane) in planes.chunks_exact(to_width * to_height).enumerate() {
                for value in plane {
                    prop_assert!((denormalized(*value, channel) - f32::from(colour[channel])).abs() < 0.1);
                }
            }
        }
    }
}
