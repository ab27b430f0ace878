//! The map of a page in which areas that may be bar codes are looked for: how strong the edges of each block of pixels
//! are, and whether they run in one direction.

use super::luma::{Area, Luma};

/// Width and height of a block in pixels.
pub(super) const BLOCK: usize = 8;

/// Mean square of the difference between neighbouring pixels above which a block is more than paper and noise.
const ENERGY: f32 = 150.0;

/// The structure tensor of a block: sums of the products of the differences across and down.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tensor {
    xx: f32,
    yy: f32,
    xy: f32,
}

impl Tensor {
    fn plus(self, other: Self) -> Self {
        Self { xx: self.xx + other.xx, yy: self.yy + other.yy, xy: self.xy + other.xy }
    }

    /// Strength of the edges.
    pub(super) fn energy(&self) -> f32 {
        self.xx + self.yy
    }

    /// How much the edges run in one direction: 0 not at all, 1 all of them.
    pub(super) fn coherence(&self) -> f32 {
        let (across, along) = self.doubled();
        (across * across + along * along).sqrt() / self.energy().max(f32::EPSILON)
    }

    /// The direction across the edges as a vector of twice its angle, which has no sign to be confused by.
    pub(super) fn doubled(&self) -> (f32, f32) {
        (self.xx - self.yy, 2.0 * self.xy)
    }
}

/// Blocks of a page.
pub(super) struct Map {
    pub(super) columns: usize,
    pub(super) rows: usize,
    /// Each block's own tensor.
    own: Vec<Tensor>,
}

/// Blocks that hang together.
pub(super) struct Region {
    /// Columns and rows of its blocks.
    pub(super) blocks: Vec<(usize, usize)>,
}

impl Map {
    pub(super) fn new(page: &Luma) -> Self {
        let (columns, rows) = (page.width / BLOCK, page.height / BLOCK);
        let mut own = vec![Tensor::default(); columns * rows];
        if columns == 0 {
            return Self { columns, rows, own };
        }
        for (blocks, y) in own.chunks_exact_mut(columns).zip((0..).step_by(BLOCK)) {
            // The last row of pixels has none below it, and is compared with itself.
            let lines: Vec<&[u8]> = page.rows(y, BLOCK + 1).collect();
            for (index, line) in lines.iter().take(BLOCK).enumerate() {
                let below = lines.get(index + 1).unwrap_or(line);
                for (x, (here, under)) in line.windows(2).zip(below.windows(2)).enumerate() {
                    let (&[here, right], &[under, diagonal]) = (here, under) else { continue };
                    let Some(block) = blocks.get_mut(x / BLOCK) else { break };
                    let [here, right, under, diagonal] = [here, right, under, diagonal].map(f32::from);
                    let dx = (right + diagonal - here - under) / 2.0;
                    let dy = (under + diagonal - here - right) / 2.0;
                    block.xx += dx * dx;
                    block.yy += dy * dy;
                    block.xy += dx * dy;
                }
            }
        }
        Self { columns, rows, own }
    }

    /// A block's own tensor.
    pub(super) fn tensor(&self, column: usize, row: usize) -> Tensor {
        match column < self.columns {
            true => self.own.get(row * self.columns + column).copied().unwrap_or_default(),
            false => Tensor::default(),
        }
    }

    /// A block's tensor and those of the blocks around it.
    pub(super) fn surroundings(&self, column: usize, row: usize) -> Tensor {
        let near = |middle: usize| middle.saturating_sub(1)..=middle + 1;
        let around = near(row).flat_map(|row| near(column).map(move |column| (column, row)));
        around.fold(Tensor::default(), |sum, (column, row)| sum.plus(self.tensor(column, row)))
    }

    /// Whether there is anything to see in a block.
    pub(super) fn is_busy(&self, column: usize, row: usize) -> bool {
        self.tensor(column, row).energy() > ENERGY * (BLOCK * BLOCK) as f32
    }

    /// Whether there is anything to see in a block and those around it: the inside of a wide bar is not busy itself.
    pub(super) fn is_busy_around(&self, column: usize, row: usize) -> bool {
        self.surroundings(column, row).energy() > ENERGY * (9 * BLOCK * BLOCK) as f32
    }

    /// The blocks for which `belongs` has a value, as regions in which neighbours `fit` each other.
    pub(super) fn regions<T: Copy>(
        &self,
        belongs: impl Fn(usize, usize) -> Option<T>,
        fit: impl Fn(T, T) -> bool,
    ) -> Vec<Region> {
        let all = (0..self.rows).flat_map(|row| (0..self.columns).map(move |column| (column, row)));
        let mut left: Vec<Option<T>> = all.clone().map(|(column, row)| belongs(column, row)).collect();
        let mut regions = Vec::new();
        for start in all {
            let Some(value) = left.get_mut(start.1 * self.columns + start.0).and_then(Option::take) else {
                continue;
            };
            let mut blocks = Vec::new();
            let mut open = vec![(start, value)];
            while let Some(((column, row), value)) = open.pop() {
                blocks.push((column, row));
                for other_row in row.saturating_sub(1)..(row + 2).min(self.rows) {
                    for other_column in column.saturating_sub(1)..(column + 2).min(self.columns) {
                        let slot = left.get_mut(other_row * self.columns + other_column);
                        let fitting = slot.and_then(|slot| slot.take_if(|other| fit(value, *other)));
                        if let Some(other) = fitting {
                            open.push(((other_column, other_row), other));
                        }
                    }
                }
            }
            regions.push(Region { blocks });
        }
        regions
    }
}

impl Region {
    /// The pixels of its blocks and `margin` around them, inside of the page.
    pub(super) fn area(&self, page: &Luma, margin: usize) -> Area {
        let first = |values: &mut dyn Iterator<Item = usize>| values.min().unwrap_or_default() * BLOCK;
        let columns = || self.blocks.iter().map(|block| block.0);
        let rows = || self.blocks.iter().map(|block| block.1);
        let end = |values: &mut dyn Iterator<Item = usize>| (values.max().unwrap_or_default() + 1) * BLOCK;
        let x = first(&mut columns()).saturating_sub(margin);
        let y = first(&mut rows()).saturating_sub(margin);
        let right = (end(&mut columns()) + margin).min(page.width);
        let bottom = (end(&mut rows()) + margin).min(page.height);
        Area { x, y, width: right - x, height: bottom - y }
    }

    /// Share of the pixels of its blocks that are darker than the middle between its darkest and its lightest.
    pub(super) fn darkness(&self, page: &Luma) -> f32 {
        let pixels = || {
            self.blocks.iter().flat_map(|&(column, row)| {
                let columns = column * BLOCK..(column + 1) * BLOCK;
                page.rows(row * BLOCK, BLOCK)
                    .flat_map(move |line| line.get(columns.clone()).unwrap_or_default())
                    .copied()
            })
        };
        let (low, high) =
            pixels().fold((u8::MAX, u8::MIN), |(low, high), pixel| (low.min(pixel), high.max(pixel)));
        let middle = low.midpoint(high);
        let dark = pixels().filter(|pixel| *pixel < middle).count();
        dark as f32 / (self.blocks.len() * BLOCK * BLOCK).max(1) as f32
    }

    /// Width and height of the box around its blocks, in blocks, and the share of the box that they fill.
    pub(super) fn shape(&self) -> (usize, usize, f32) {
        let span = |values: &mut dyn Iterator<Item = usize>| {
            let (least, most) =
                values.fold((usize::MAX, 0), |(least, most), value| (least.min(value), most.max(value)));
            most.saturating_sub(least) + 1
        };
        let width = span(&mut self.blocks.iter().map(|block| block.0));
        let height = span(&mut self.blocks.iter().map(|block| block.1));
        (width, height, self.blocks.len() as f32 / (width * height) as f32)
    }
}
