//! A decoded picture of a page.

use std::borrow::Cow;

use super::geometry::Turn;

/// Bytes of a pixel.
const PIXEL: usize = 3;

/// Rows that change places with columns at a time: pieces long enough to be moved fast, of which a strip across the
/// widest page is small beside the page.
const STRIP: usize = 64;

/// Pixels of a page: 8-bit RGB, row-major, no padding.
#[derive(Clone, PartialEq, Eq)]
pub struct Raster {
    /// Width in pixels, at least 1.
    pub width: u32,
    /// Height in pixels, at least 1.
    pub height: u32,
    /// `width * height * 3` bytes.
    pub pixels: Vec<u8>,
}

impl Raster {
    /// The picture turned clockwise. It is turned where it lies: a page of a fine scan has a hundred megabytes, and
    /// nobody wants it twice. Fewer pixels than the size promises are left as they are.
    pub fn turned(mut self, turn: Turn) -> Self {
        let (width, height) = (self.width as usize, self.height as usize);
        if self.pixels.len() != width * height * PIXEL || self.pixels.is_empty() {
            return self;
        }
        match turn {
            Turn::None => return self,
            Turn::Half => {
                self.pixels.as_chunks_mut::<PIXEL>().0.reverse();
                return self;
            }
            Turn::Clockwise90 | Turn::Clockwise270 => transpose(&mut self.pixels, width),
        }
        let mut turned = Self { width: self.height, height: self.width, pixels: self.pixels };
        if turn == Turn::Clockwise90 {
            return turned.mirrored();
        }
        let mut rows: Vec<&mut [u8]> = turned.pixels.chunks_exact_mut(height * PIXEL).collect();
        let (upper, lower) = rows.split_at_mut(width / 2);
        for (above, below) in upper.iter_mut().zip(lower.iter_mut().rev()) {
            above.swap_with_slice(below);
        }
        turned
    }

    /// The picture with left and right changed.
    pub fn mirrored(mut self) -> Self {
        for row in self.pixels.chunks_exact_mut((self.width as usize * PIXEL).max(1)) {
            row.as_chunks_mut::<PIXEL>().0.reverse();
        }
        self
    }
}

/// Makes columns of the rows of a picture, within its own memory and a strip's.
///
/// The rows of a strip are transposed by themselves, which leaves pieces of `STRIP` pixels, each in one column; these
/// pieces are a matrix whose transposition moves each once, along the cycles of the permutation. Rows that make no whole
/// strip are put to the ends of the new rows afterwards.
fn transpose(pixels: &mut [u8], width: usize) {
    let height = pixels.len() / PIXEL / width;
    let strips = height / STRIP;
    let mut strip = Vec::new();
    let mut transpose_strip = |rows: &mut [u8]| {
        strip.clear();
        strip.extend_from_slice(rows);
        let count = rows.len() / PIXEL / width;
        for (column, piece) in rows.chunks_exact_mut(count * PIXEL).enumerate() {
            for (row, pixel) in piece.chunks_exact_mut(PIXEL).enumerate() {
                let from = (row * width + column) * PIXEL;
                pixel.copy_from_slice(&strip[from..from + PIXEL]);
            }
        }
    };
    let (whole, rest) = pixels.split_at_mut(strips * STRIP * width * PIXEL);
    whole.chunks_exact_mut(STRIP * width * PIXEL).for_each(&mut transpose_strip);
    if !rest.is_empty() {
        transpose_strip(rest);
    }
    transpose_pieces(whole, strips, width);
    let (old, added) = (strips * STRIP * PIXEL, rest.len() / width);
    if added == 0 {
        return;
    }
    let rest = rest.to_vec();
    for (column, end) in rest.chunks_exact(added).enumerate().rev() {
        let to = column * (old + added);
        pixels.copy_within(column * old..(column + 1) * old, to);
        pixels[to + old..to + old + added].copy_from_slice(end);
    }
}

/// Transposes a matrix of pieces of `STRIP` pixels in place.
fn transpose_pieces(pieces: &mut [u8], rows: usize, columns: usize) {
    let (pieces, _) = pieces.as_chunks_mut::<{ STRIP * PIXEL }>();
    let mut is_placed = vec![false; pieces.len()];
    for start in 0..pieces.len() {
        if is_placed[start] {
            continue;
        }
        let first = pieces[start];
        let mut place = start;
        loop {
            is_placed[place] = true;
            // What belongs here, at row `place / rows` and column `place % rows` of the new matrix.
            let from = place % rows * columns + place / rows;
            if from == start {
                break;
            }
            pieces[place] = pieces[from];
            place = from;
        }
        pieces[place] = first;
    }
}

impl<'a> From<&'a Raster> for Cow<'a, Raster> {
    fn from(raster: &'a Raster) -> Self {
        Cow::Borrowed(raster)
    }
}

impl From<Raster> for Cow<'_, Raster> {
    fn from(raster: Raster) -> Self {
        Cow::Owned(raster)
    }
}

impl std::fmt::Debug for Raster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Raster({} x {})", self.width, self.height)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbered(width: u32, height: u32) -> Raster {
        let pixels =
            (0..width * height).flat_map(|index| [index as u8, (index >> 8) as u8, (index >> 16) as u8]);
        Raster { width, height, pixels: pixels.collect() }
    }

    fn pixel(page: &Raster, x: u32, y: u32) -> &[u8] {
        &page.pixels[(y * page.width + x) as usize * PIXEL..][..PIXEL]
    }

    #[test]
    fn a_quarter_turn_clockwise_puts_the_left_edge_on_top() {
        let page = numbered(3, 2).turned(Turn::Clockwise90);
        assert_eq!((page.width, page.height), (2, 3));
        let first: Vec<u8> = page.pixels.chunks_exact(PIXEL).map(|pixel| pixel[0]).collect();
        assert_eq!(first, [3, 0, 4, 1, 5, 2]);
    }

    proptest! {
        #[test]
        fn every_pixel_lands_where_the_turn_takes_it(width in 1u32..300, height in 1u32..300) {
            let page = numbered(width, height);
            let quarter = page.clone().turned(Turn::Clockwise90);
            let half = page.clone().turned(Turn::Half);
            let three_quarters = page.clone().turned(Turn::Clockwise270);
            let mirrored = page.clone().mirrored();
            prop_assert_eq!((quarter.width, quarter.height), (height, width));
            prop_assert_eq!((half.width, half.height), (width, height));
            prop_assert_eq!((three_quarters.width, three_quarters.height), (height, width));
            for y in 0..height {
                for x in 0..width {
                    let here = pixel(&page, x, y);
                    prop_assert_eq!(here, pixel(&quarter, height - 1 - y, x));
                    prop_assert_eq!(here, pixel(&half, width - 1 - x, height - 1 - y));
                    prop_assert_eq!(here, pixel(&three_quarters, y, width - 1 - x));
                    prop_assert_eq!(here, pixel(&mirrored, width - 1 - x, y));
                }
            }
            prop_assert_eq!(page.clone().turned(Turn::None), page);
        }
    }

    #[test]
    fn a_picture_with_too_few_pixels_is_left_alone() {
        let broken = Raster { width: 7, height: 9, pixels: vec![1; 5] };
        assert_eq!(broken.clone().turned(Turn::Clockwise90), broken);
    }
}
