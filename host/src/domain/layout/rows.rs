//! Finds what stands on one row.

use std::collections::HashMap;

use crate::domain::geometry::Rect;

/// Part of the lower of two boxes that must be beside the other for both to stand on one row.
const MIN_OVERLAP: f32 = 0.5;

/// Most of a box, as part of the narrower, that may stand over or under its neighbour on the row.
const MAX_COVER: f32 = 0.5;

/// A row of boxes.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// The box around all of them.
    pub(super) bbox: Rect,
    /// Indices of the boxes, from left to right.
    pub(super) items: Vec<usize>,
}

/// Groups boxes into rows, from top to bottom.
///
/// A row is followed from left to right, each box compared with its neighbour rather than with the whole row: text that
/// is slightly askew drifts by more than a line across the page, but not from one piece to the next.
pub(super) fn rows(boxes: &[Rect], items: &[usize], line_height: f32) -> Vec<Row> {
    let mut sorted: Vec<usize> = items.to_vec();
    let at = |item: usize| boxes.get(item).copied().unwrap_or_default();
    sorted.sort_by(|&a, &b| at(a).x0.total_cmp(&at(b).x0).then(at(a).y0.total_cmp(&at(b).y0)));
    let mut rows: Vec<Row> = Vec::new();
    // Rows by the height at which they end, in lines.
    let mut ends: HashMap<i64, Vec<usize>> = HashMap::new();
    let shelf = |bbox: &Rect| (bbox.center().1 / line_height).floor() as i64;
    for item in sorted {
        let bbox = at(item);
        // The neighbour overlaps, so its middle is not farther away than the larger box is high.
        let reach = ((bbox.height() / line_height).ceil() as i64).clamp(1, 8);
        let neighbour = (shelf(&bbox) - reach..=shelf(&bbox) + reach)
            .filter_map(|shelf| ends.get(&shelf))
            .flatten()
            .filter_map(|&row| {
                let last = at(*rows.get(row)?.items.last()?);
                let overlap = side_by_side(&last, &bbox)?;
                Some((row, overlap, last))
            })
            .max_by(|(_, a, last_a), (_, b, last_b)| a.total_cmp(b).then(last_a.x1.total_cmp(&last_b.x1)));
        match neighbour {
            Some((row, _, last)) => {
                if let Some(rows_here) = ends.get_mut(&shelf(&last)) {
                    rows_here.retain(|&other| other != row);
                }
                ends.entry(shelf(&bbox)).or_default().push(row);
                if let Some(row) = rows.get_mut(row) {
                    row.bbox = row.bbox.union(&bbox);
                    row.items.push(item);
                }
            }
            None => {
                ends.entry(shelf(&bbox)).or_default().push(rows.len());
                rows.push(Row { bbox, items: vec![item] });
            }
        }
    }
    // By the middle of the rows' own boxes: the box around a slanted row says little.
    let middle = |row: &Row| {
        row.items.iter().map(|&item| at(item).center().1).sum::<f32>() / row.items.len().max(1) as f32
    };
    let mut keyed: Vec<(f32, Row)> = rows.into_iter().map(|row| (middle(&row), row)).collect();
    keyed.sort_by(|(a, row_a), (b, row_b)| a.total_cmp(b).then(row_a.bbox.x0.total_cmp(&row_b.bbox.x0)));
    keyed.into_iter().map(|(_, row)| row).collect()
}

/// How well two boxes fit on one row (up to 1), `None` where they do not.
fn side_by_side(left: &Rect, right: &Rect) -> Option<f32> {
    let lower = left.height().min(right.height()).max(f32::MIN_POSITIVE);
    let overlap = (left.y1.min(right.y1) - left.y0.max(right.y0)) / lower;
    let narrower = left.width().min(right.width());
    let cover = left.x1.min(right.x1) - left.x0.max(right.x0);
    (overlap >= MIN_OVERLAP && cover <= MAX_COVER * narrower).then(|| {
        // Of two that fit, the one of the same height and nearer.
        let taller = left.height().max(right.height()).max(f32::MIN_POSITIVE);
        overlap.min(1.0) * (lower / taller).sqrt()
    })
}
