//! How wide the columns of a table are.

use super::{COLUMN_GAP, metrics};

/// Least width of a column that gives room to others: a short word.
const MIN_WIDTH: f32 = 30.0;

/// Most columns that stand side by side; further ones follow below, as they do when a wide sheet is printed.
const MAX_COLUMNS: usize = 200;

/// A column of a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Column {
    /// Index of its cells in the rows.
    pub(super) index: usize,
    /// Left edge, from that of the table.
    pub(super) x: f32,
    /// Width of its text.
    pub(super) width: f32,
}

/// The columns of a table that is at most `room` points wide, in groups that stand one below the other. Columns without
/// text take no room.
pub(super) fn groups(rows: &[&[String]], room: f32) -> Vec<Vec<Column>> {
    let widths = natural_widths(rows);
    let used: Vec<(usize, f32)> = widths.into_iter().enumerate().filter(|(_, width)| *width > 0.0).collect();
    used.chunks(MAX_COLUMNS).map(|group| group_columns(group, room)).collect()
}

/// The width of the widest line of each column.
fn natural_widths(rows: &[&[String]]) -> Vec<f32> {
    let mut widths: Vec<f32> = Vec::new();
    for row in rows {
        if widths.len() < row.len() {
            widths.resize(row.len(), 0.0);
        }
        for (widest, cell) in widths.iter_mut().zip(*row) {
            for line in cell.lines() {
                *widest = widest.max(metrics::width(line.trim()));
            }
        }
    }
    widths
}

fn group_columns(natural: &[(usize, f32)], room: f32) -> Vec<Column> {
    let gaps = COLUMN_GAP * natural.len().saturating_sub(1) as f32;
    let widths: Vec<f32> = natural.iter().map(|(_, width)| *width).collect();
    let limit = widest(&widths, (room - gaps).max(MIN_WIDTH * widths.len() as f32));
    let mut x = 0.0;
    natural
        .iter()
        .map(|(index, width)| {
            // A little more, since adding widths up in another order may give a little more.
            let column = Column { index: *index, x, width: width.min(limit) + 0.1 };
            x += column.width + COLUMN_GAP;
            column
        })
        .collect()
}

/// The width to which wide columns have to be cut for all to fit into `room`: narrow ones keep theirs.
fn widest(widths: &[f32], room: f32) -> f32 {
    let mut sorted = widths.to_vec();
    sorted.sort_by(f32::total_cmp);
    let mut left = room;
    for (index, width) in sorted.iter().enumerate() {
        let share = left / (sorted.len() - index) as f32;
        if *width > share {
            return share;
        }
        left -= width;
    }
    f32::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_columns_give_way_and_narrow_ones_keep_their_width() {
        assert_eq!(widest(&[10.0, 500.0, 20.0, 300.0], 230.0), 100.0);
        assert_eq!(widest(&[10.0, 20.0], 30.0), f32::MAX);
    }

    #[test]
    fn columns_without_text_take_no_room() {
        let row = ["a".to_owned(), String::new(), "b".to_owned()];
        let groups = groups(&[&row], 500.0);
        let indices: Vec<usize> = groups.iter().flatten().map(|column| column.index).collect();
        assert_eq!(indices, [0, 2]);
        assert!(groups[0][1].x < 30.0, "{groups:?}");
    }

    #[test]
    fn what_no_page_is_wide_enough_for_stands_below() {
        let row = vec!["cell".to_owned(); 450];
        let groups = groups(&[&row], 10_000.0);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [200, 200, 50]);
    }
}
