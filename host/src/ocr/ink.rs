//! Where a line's picture has ink: the white columns between words, and the edges of words.

use super::crop::LINE_HEIGHT;

/// Share of the way from the emptiest to the fullest columns from which on a column has ink: blur and specks on paper
/// stay below, thin strokes above.
const INK: f32 = 0.4;
/// Least difference between the fullest and the emptiest columns, in the picture's range from −1 to 1, that is ink on
/// paper and not all the one or the other.
const MIN_RANGE: f32 = 0.2;
/// Shares of the columns that may be emptier than the emptiest and fuller than the fullest: specks, rules.
const TAIL: f32 = 0.1;
/// Fewest columns that tell paper from ink.
const MIN_COLUMNS: usize = 4;
/// Columns with ink in a row up to which the row is taken for empty: the rules of a table and the edges of a box run
/// through all rows.
const RULE: usize = 4;
/// Most empty rows inside of a line: under a dot or an accent.
const MAX_BLANK_ROWS: usize = 3;
/// Rows left around the ink.
const MARGIN_ROWS: usize = 1;
/// Share of the picture's height below which what was found is no line of text but a part of one.
const MIN_ROWS: f32 = 0.35;

/// The columns of a line's picture that have ink, and the rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ink {
    columns: Vec<bool>,
    /// Where the line's ink begins and ends, as shares of the picture's height.
    pub(super) rows: (f32, f32),
}

impl Ink {
    /// Finds the ink among the first `content` columns of a picture of [`LINE_HEIGHT`] rows of `width` columns, three
    /// planes; whether dark on light or light on dark. `None` where paper and ink cannot be told apart.
    pub(super) fn find(image: &[f32], width: usize, content: usize) -> Option<Self> {
        let content = content.min(width);
        if content < MIN_COLUMNS || image.len() < 3 * LINE_HEIGHT * width {
            return None;
        }
        // Green is the most like what an eye sees, and one plane is enough.
        let plane = &image[LINE_HEIGHT * width..2 * LINE_HEIGHT * width];
        let paper = median(plane, width, content);
        let mut contrast = vec![0.0f32; content];
        for row in plane.chunks_exact(width) {
            for (contrast, value) in contrast.iter_mut().zip(row) {
                *contrast = contrast.max((value - paper).abs());
            }
        }
        let mut sorted = contrast.clone();
        sorted.sort_by(f32::total_cmp);
        let tail = (content as f32 * TAIL) as usize;
        let (empty, full) = (sorted[tail], sorted[content - 1 - tail]);
        if full - empty < MIN_RANGE {
            return None;
        }
        let least = empty + INK * (full - empty);
        let is_ink = |value: &&f32| (**value - paper).abs() >= least;
        let counts: Vec<usize> =
            plane.chunks_exact(width).map(|row| row[..content].iter().filter(is_ink).count()).collect();
        let columns = contrast.into_iter().map(|contrast| contrast >= least).collect();
        Some(Self { columns, rows: rows(&counts) })
    }

    /// The longest run of columns without ink between two columns: where it begins and ends.
    pub(super) fn gap(&self, from: f32, to: f32) -> (f32, f32) {
        let to = (to.max(0.0) as usize).min(self.columns.len());
        let from = (from.max(0.0) as usize).min(to);
        let (mut best, mut start) = ((from, from), from);
        for column in from..to {
            if self.columns[column] {
                start = column + 1;
            } else if column + 1 - start > best.1 - best.0 {
                best = (start, column + 1);
            }
        }
        (best.0 as f32, best.1 as f32)
    }

    /// Where the ink between two columns begins and ends; `None` where there is none.
    pub(super) fn extent(&self, from: f32, to: f32) -> Option<(f32, f32)> {
        let to = (to.max(0.0).ceil() as usize).min(self.columns.len());
        let from = (from.max(0.0) as usize).min(to);
        let inside = &self.columns[from..to];
        let first = inside.iter().position(|ink| *ink)?;
        let last = inside.iter().rposition(|ink| *ink)?;
        Some(((from + first) as f32, (from + last + 1) as f32))
    }
}

/// Where the ink of the line in the middle of a picture begins and ends, as shares of the height, from the number of
/// columns with ink in each row; all of the height where that is unclear.
fn rows(counts: &[usize]) -> (f32, f32) {
    let height = counts.len();
    // The fullest row of the middle half is in the line; what is beyond white rows belongs to its neighbours.
    let Some(middle) = (height / 4..height * 3 / 4).max_by_key(|&row| counts[row]) else { return (0.0, 1.0) };
    let reach = |rows: &mut dyn Iterator<Item = usize>| {
        let mut last = middle;
        for row in rows {
            if counts[row] > RULE {
                last = row;
            } else if row.abs_diff(last) > MAX_BLANK_ROWS {
                break;
            }
        }
        last
    };
    let top = reach(&mut (0..middle).rev()).saturating_sub(MARGIN_ROWS);
    let bottom = (reach(&mut (middle + 1..height)) + 1 + MARGIN_ROWS).min(height);
    if ((bottom - top) as f32) < MIN_ROWS * height as f32 {
        return (0.0, 1.0);
    }
    (top as f32 / height as f32, bottom as f32 / height as f32)
}

/// The paper's value: the median over the picture, of which ink is the smaller part. A histogram is exact enough.
fn median(plane: &[f32], width: usize, content: usize) -> f32 {
    const BINS: usize = 128;
    let mut bins = [0usize; BINS];
    for value in plane.chunks_exact(width).flat_map(|row| &row[..content]) {
        bins[(((value + 1.0) * (BINS / 2) as f32) as usize).min(BINS - 1)] += 1;
    }
    let half = LINE_HEIGHT * content / 2;
    let mut passed = 0;
    let bin = bins.iter().position(|count| {
        passed += count;
        passed > half
    });
    (bin.unwrap_or(BINS - 1) as f32 + 0.5) / (BINS / 2) as f32 - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with strokes in some columns, as wide as the text is long: `#` ink, `.` paper.
    fn picture(columns: &str, paper: f32, ink: f32) -> Vec<f32> {
        let row: Vec<f32> = columns.chars().map(|column| if column == '#' { ink } else { paper }).collect();
        let blank = vec![paper; columns.len()];
        let plane: Vec<f32> = (0..LINE_HEIGHT)
            .flat_map(|y| if (10..30).contains(&y) { row.clone() } else { blank.clone() })
            .collect();
        plane.repeat(3)
    }

    #[test]
    fn the_widest_gap_is_found_in_dark_and_in_light_text() {
        let columns = "..##.##....##.#..";
        for (paper, ink) in [(0.9, -0.8), (-0.7, 0.6), (0.4, 0.0)] {
            let ink = Ink::find(&picture(columns, paper, ink), columns.len(), columns.len()).unwrap();
            assert_eq!(ink.gap(2.0, 15.0), (7.0, 11.0));
            assert_eq!(ink.extent(0.0, 9.0), Some((2.0, 7.0)));
            assert_eq!(ink.extent(7.5, 10.5), None);
        }
    }

    #[test]
    fn rows_reach_from_a_lines_ink_to_its_dots_and_not_to_its_neighbours() {
        let mut counts = [0; LINE_HEIGHT];
        counts[..3].fill(90);
        counts[10..12].fill(6);
        counts[14..34].fill(80);
        counts[40..].fill(2);
        assert_eq!(rows(&counts), (9.0 / 48.0, 35.0 / 48.0));
        assert_eq!(rows(&[80; LINE_HEIGHT]), (0.0, 1.0));
        assert_eq!(rows(&[0; LINE_HEIGHT]), (0.0, 1.0));
    }

    #[test]
    fn plain_paper_has_no_ink_to_be_found() {
        assert_eq!(Ink::find(&picture("................", 0.9, 0.9), 16, 16), None);
        assert_eq!(Ink::find(&[], 0, 0), None);
    }
}
