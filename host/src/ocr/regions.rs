//! From the detector's probability map to boxes around lines of text.
//!
//! Post-processing of differentiable binarization (Liao et al. 2020) as PP-OCR uses it: threshold, dilation,
//! connected regions, smallest rectangle, mean probability inside, expansion. The map's training target is shrunk
//! text; the expansion undoes the shrinking.

use super::textbox::{Point, TextBox};

/// Probability above which a pixel is text.
const PIXEL_THRESHOLD: f32 = 0.3;
/// Mean probability above which a region is text.
const BOX_THRESHOLD: f32 = 0.5;
/// Expansion as a share of area over perimeter.
const UNCLIP_RATIO: f32 = 1.6;
/// Shortest side of a region before its expansion, in pixels of the map; anything smaller is noise.
const MIN_SIDE: f32 = 3.0;
/// Most boxes that one page may have: far above a page full of small print, and a bound on noise.
const MAX_BOXES: usize = 4000;

/// Probability that a pixel is text, row-major.
pub(super) struct ProbabilityMap {
    pub(super) width: usize,
    pub(super) height: usize,
    /// `width * height` values from 0 to 1.
    pub(super) values: Vec<f32>,
}

/// A stretch of text pixels in one row: columns `from..to`.
#[derive(Clone, Copy)]
struct Run {
    row: u32,
    from: u32,
    to: u32,
}

impl ProbabilityMap {
    /// Boxes around the lines of text, in pixels of the map, from top to bottom.
    pub(super) fn boxes(&self) -> Vec<TextBox> {
        let runs = self.runs();
        let mut found: Vec<TextBox> =
            regions(&runs).iter().filter_map(|region| self.region_box(region)).take(MAX_BOXES).collect();
        found.sort_by(|a, b| a.center.1.total_cmp(&b.center.1));
        found
    }

    /// Runs of pixels above the threshold after a dilation by a 2 × 2 square (to the right and down), which joins
    /// regions that almost touch. Their left and lower ends lie on pixel edges of the map before the dilation.
    fn runs(&self) -> Vec<Run> {
        let mut runs = Vec::new();
        let blank = vec![0.0; self.width];
        let mut above: &[f32] = &blank;
        for (row, values) in self.values.chunks_exact(self.width.max(1)).enumerate() {
            let mut start = None;
            let mut before = false;
            for (column, (&value, &value_above)) in values.iter().zip(above).enumerate() {
                let here = value > PIXEL_THRESHOLD || value_above > PIXEL_THRESHOLD;
                match (here || before, start) {
                    (true, None) => start = Some(column),
                    (false, Some(from)) => {
                        runs.push(Run { row: row as u32, from: from as u32, to: column as u32 });
                        start = None;
                    }
                    _ => {}
                }
                before = here;
            }
            if let Some(from) = start {
                runs.push(Run { row: row as u32, from: from as u32, to: self.width as u32 });
            }
            above = values;
        }
        runs
    }

    /// The box of one region; `None` where it is too small or not probable enough.
    fn region_box(&self, region: &[Run]) -> Option<TextBox> {
        let mut points: Vec<Point> = region
            .iter()
            .flat_map(|run| [(run.from as f32, run.row as f32), ((run.to - 1) as f32, run.row as f32)])
            .collect();
        let found = TextBox::around(&mut points)?;
        if found.width.min(found.height) < MIN_SIDE || self.mean_inside(&found) < BOX_THRESHOLD {
            return None;
        }
        let distance = found.width * found.height * UNCLIP_RATIO / (2.0 * (found.width + found.height));
        let expanded = found.expanded(distance);
        (expanded.width.min(expanded.height) >= MIN_SIDE + 2.0).then_some(expanded)
    }

    /// Mean probability of the pixels inside a box.
    fn mean_inside(&self, found: &TextBox) -> f32 {
        let corners = found.corners();
        let bounds = found.bounds();
        let top = bounds.y0.max(0.0) as usize;
        let bottom = (bounds.y1.max(0.0) as usize + 1).min(self.height);
        let (mut sum, mut count) = (0.0f64, 0usize);
        for row in top..bottom {
            let Some((left, right)) = span(&corners, row as f32) else { continue };
            let from = (left.max(0.0).round() as usize).min(self.width);
            let to = (right.max(0.0).round() as usize + 1).min(self.width);
            let Some(values) = self.values.get(row * self.width + from..row * self.width + to.max(from))
            else {
                continue;
            };
            sum += f64::from(values.iter().sum::<f32>());
            count += values.len();
        }
        if count == 0 { 0.0 } else { (sum / count as f64) as f32 }
    }
}

/// Where the horizontal line at `y` cuts a convex polygon.
fn span(corners: &[Point; 4], y: f32) -> Option<(f32, f32)> {
    let (mut left, mut right) = (f32::INFINITY, f32::NEG_INFINITY);
    for (&(x0, y0), &(x1, y1)) in corners.iter().zip(corners.iter().cycle().skip(1)) {
        // Half a pixel of tolerance keeps the first and last row of an upright box.
        if y < y0.min(y1) - 0.5 || y > y0.max(y1) + 0.5 {
            continue;
        }
        let ends = if (y1 - y0).abs() < 1.0 {
            [x0, x1]
        } else {
            let x = x0 + (x1 - x0) * ((y - y0) / (y1 - y0)).clamp(0.0, 1.0);
            [x, x]
        };
        left = left.min(ends[0]).min(ends[1]);
        right = right.max(ends[0]).max(ends[1]);
    }
    (left <= right).then_some((left, right))
}

/// Groups runs that touch, corners included, into regions.
fn regions(runs: &[Run]) -> Vec<Vec<Run>> {
    let mut parents: Vec<usize> = (0..runs.len()).collect();
    let mut above = 0;
    for (index, run) in runs.iter().enumerate() {
        while above < index && runs[above].row + 1 < run.row {
            above += 1;
        }
        let mut candidate = above;
        while candidate < index && runs[candidate].row < run.row {
            let other = runs[candidate];
            if other.from > run.to {
                break;
            }
            if other.row + 1 == run.row && run.from <= other.to {
                let (a, b) = (root(&mut parents, candidate), root(&mut parents, index));
                parents[a.max(b)] = a.min(b);
            }
            // A run that ends left of this one cannot touch a later run of this row either.
            if other.to < run.from && candidate == above {
                above += 1;
            }
            candidate += 1;
        }
    }
    let mut slots = vec![usize::MAX; runs.len()];
    let mut regions: Vec<Vec<Run>> = Vec::new();
    for (index, run) in runs.iter().enumerate() {
        let root = root(&mut parents, index);
        if slots[root] == usize::MAX {
            slots[root] = regions.len();
            regions.push(Vec::new());
        }
        regions[slots[root]].push(*run);
    }
    regions
}

/// The representative of a set, with path halving.
fn root(parents: &mut [usize], mut index: usize) -> usize {
    while parents[index] != index {
        parents[index] = parents[parents[index]];
        index = parents[index];
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(width: usize, height: usize, text: impl Fn(usize, usize) -> f32) -> ProbabilityMap {
        let values =
            (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| text(x, y)).collect();
        ProbabilityMap { width, height, values }
    }

    #[test]
    fn an_empty_map_has_no_boxes() {
        assert!(map(64, 64, |_, _| 0.0).boxes().is_empty());
        assert!(ProbabilityMap { width: 0, height: 0, values: Vec::new() }.boxes().is_empty());
    }

    #[test]
    fn two_lines_give_two_boxes_expanded_by_the_unclip_distance() {
        let text = |x: usize, y: usize| {
            f32::from(u8::from((20..80).contains(&x) && ((20..28).contains(&y) || (60..68).contains(&y))))
        };
        let boxes = map(128, 96, text).boxes();
        assert_eq!(boxes.len(), 2);
        let distance = 60.0 * 8.0 * 1.6 / (2.0 * 68.0);
        let first = boxes[0].bounds();
        assert!((first.x0 - (20.0 - distance)).abs() < 0.1, "{first:?}");
        assert!((first.x1 - (80.0 + distance)).abs() < 0.1, "{first:?}");
        assert!((first.y0 - (20.0 - distance)).abs() < 0.1, "{first:?}");
        assert!((first.y1 - (28.0 + distance)).abs() < 0.1, "{first:?}");
        assert!((boxes[1].center.1 - 64.0).abs() < 0.1);
    }

    #[test]
    fn regions_one_pixel_apart_are_joined() {
        let text = |x: usize, y: usize| {
            f32::from(u8::from((20..80).contains(&x) && x != 50 && (20..28).contains(&y)))
        };
        assert_eq!(map(128, 64, text).boxes().len(), 1);
        let text = |x: usize, y: usize| {
            f32::from(u8::from((20..80).contains(&x) && !(50..52).contains(&x) && (20..28).contains(&y)))
        };
        assert_eq!(map(128, 64, text).boxes().len(), 2);
    }

    #[test]
    fn faint_and_tiny_regions_are_dropped() {
        assert!(
            map(64, 64, |x, y| if x > 10 && x < 50 && y > 20 && y < 30 { 0.4 } else { 0.0 })
                .boxes()
                .is_empty()
        );
        assert!(map(64, 64, |x, y| if x > 10 && x < 50 && y == 20 { 1.0 } else { 0.0 }).boxes().is_empty());
    }

    #[test]
    fn a_slanted_line_gives_a_box_at_its_angle() {
        let made = TextBox { center: (100.0, 60.0), width: 120.0, height: 12.0, angle: 0.2 };
        let (sin, cos) = made.angle.sin_cos();
        let text = |x: usize, y: usize| {
            let (dx, dy) = (x as f32 - made.center.0, y as f32 - made.center.1);
            let inside = (dx * cos + dy * sin).abs() <= 60.0 && (dy * cos - dx * sin).abs() <= 6.0;
            f32::from(u8::from(inside))
        };
        let boxes = map(200, 120, text).boxes();
        assert_eq!(boxes.len(), 1);
        assert!((boxes[0].angle - 0.2).abs() < 0.02, "{:?}", boxes[0]);
    }

    #[test]
    fn a_ring_and_its_filling_are_two_regions() {
        let text = |x: usize, y: usize| {
            let distance = (x as f32 - 50.0).hypot(y as f32 - 50.0);
            f32::from(u8::from(distance < 12.0 || (30.0..40.0).contains(&distance)))
        };
        assert_eq!(regions(&map(100, 100, text).runs()).len(), 2);
    }
}
