//! How many cells the tables of one document may have, empty ones included: those cost memory and no text.

use super::{Error, Limits};

/// Bytes of text for which a cell may be there: a table with more cells is a few of them far apart.
const TEXT_PER_CELL: u64 = 2;

/// Most columns of a table: as many as a sheet of any program has.
pub(super) const MAX_COLUMNS: usize = 16_384;

/// Cells that there is room for.
pub(super) struct Grid {
    left: u64,
    limit: u64,
}

impl Grid {
    /// Room for the cells of one document.
    pub(super) fn new(limits: &Limits) -> Self {
        let limit = limits.max_text_bytes / TEXT_PER_CELL;
        Self { left: limit, limit }
    }

    /// Takes room for cells.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] where there is not enough.
    pub(super) fn take(&mut self, cells: u64) -> Result<(), Error> {
        if self.try_take(cells) {
            return Ok(());
        }
        Err(Error::LimitExceeded {
            what: "cells or more".into(),
            found: (self.limit - self.left).saturating_add(cells),
            limit: self.limit,
            setting: "decode.max_text_mib",
        })
    }

    /// Takes room for cells, if there is enough.
    pub(super) fn try_take(&mut self, cells: u64) -> bool {
        let left = self.left.checked_sub(cells);
        self.left = left.unwrap_or(self.left);
        left.is_some()
    }

    /// Takes room for at most so many cells that only keep others in their columns: how many there is room for.
    pub(super) fn padding(&mut self, cells: usize) -> usize {
        let padding = self.left.min(cells as u64);
        self.left -= padding;
        padding as usize
    }
}

/// The error for a row of too many columns.
pub(super) fn too_wide(format: &'static str, columns: usize) -> Error {
    Error::Damaged {
        format,
        reason: format!("a row has {columns} values, at most {MAX_COLUMNS} are possible"),
    }
}
