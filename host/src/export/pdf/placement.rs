//! Where the upright page, on which words have their boxes, lies on the page as it is displayed.

use krilla::geom::Transform;

use crate::domain::extraction::PageRecord;
use crate::domain::geometry::{Rect, Turn};
use crate::domain::page::PageSize;

/// Where the words of a page lie as it is displayed.
#[derive(Debug, Clone, Copy)]
pub(super) struct WordPlaces {
    upright_to_displayed: Placement,
    /// The turn that takes the page back to how it is displayed.
    back: Turn,
}

/// An affine map: `x' = a x + c y + e`, `y' = b x + d y + f`, y pointing down.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placement {
    a: f64,
    b: f64,
    c: f64,
    d: f64,
    e: f64,
    f: f64,
}

impl WordPlaces {
    /// The places on a page of this displayed size.
    pub(super) fn new(record: &PageRecord, displayed: PageSize) -> Self {
        let back = match record.rotation {
            Turn::None => Turn::None,
            Turn::Clockwise90 => Turn::Clockwise270,
            Turn::Half => Turn::Half,
            Turn::Clockwise270 => Turn::Clockwise90,
        };
        Self { upright_to_displayed: Placement::of_upright_page(record, displayed, back), back }
    }

    /// The map for what stands in a box of the upright page and is written from its left end, `drop` below its middle.
    ///
    /// The middle of the box lies where it is on the skewed page, but the box itself is level: readers of PDF take the
    /// letters of a leaning word apart.
    pub(super) fn place(&self, bbox: Rect, drop: f32) -> Placement {
        let (x, y) = bbox.center();
        let (middle_x, middle_y) = self.upright_to_displayed.map(f64::from(x), f64::from(y));
        let axes = Placement::turned(self.back, 0.0, 0.0);
        let (start_x, start_y) = axes.map(-f64::from(bbox.width()) / 2.0, f64::from(drop));
        Placement { e: middle_x + start_x, f: middle_y + start_y, ..axes }
    }
}

impl Placement {
    /// The map from the upright page to the displayed one: back from the canvas on which the skew was taken away,
    /// then back from the turn. The inverse of how OCR makes a page upright.
    fn of_upright_page(record: &PageRecord, displayed: PageSize, back: Turn) -> Self {
        let (width, height) = (f64::from(displayed.width), f64::from(displayed.height));
        let (turned_width, turned_height) =
            if record.rotation.swaps_sides() { (height, width) } else { (width, height) };
        let (sin, cos) = f64::from(record.skew).to_radians().sin_cos();
        let (center_x, center_y) = (f64::from(record.width) / 2.0, f64::from(record.height) / 2.0);
        let skewed = Self {
            a: cos,
            b: sin,
            c: -sin,
            d: cos,
            e: turned_width / 2.0 - cos * center_x + sin * center_y,
            f: turned_height / 2.0 - sin * center_x - cos * center_y,
        };
        skewed.then(&Self::turned(back, turned_width, turned_height))
    }

    /// The same map of what is first stretched along its own x axis.
    pub(super) fn stretched(self, factor: f64) -> Self {
        Self { a: self.a * factor, b: self.b * factor, ..self }
    }

    fn map(&self, x: f64, y: f64) -> (f64, f64) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// The map from a page of this size to the same page turned clockwise.
    pub(super) fn turned(turn: Turn, width: f64, height: f64) -> Self {
        let (a, b, c, d, e, f) = match turn {
            Turn::None => (1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
            Turn::Clockwise90 => (0.0, 1.0, -1.0, 0.0, height, 0.0),
            Turn::Half => (-1.0, 0.0, 0.0, -1.0, width, height),
            Turn::Clockwise270 => (0.0, -1.0, 1.0, 0.0, 0.0, width),
        };
        Self { a, b, c, d, e, f }
    }

    /// This map, and then another one.
    fn then(&self, next: &Self) -> Self {
        Self {
            a: next.a * self.a + next.c * self.b,
            b: next.b * self.a + next.d * self.b,
            c: next.a * self.c + next.c * self.d,
            d: next.b * self.c + next.d * self.d,
            e: next.a * self.e + next.c * self.f + next.e,
            f: next.b * self.e + next.d * self.f + next.f,
        }
    }
}

impl From<Placement> for Transform {
    fn from(placement: Placement) -> Self {
        let Placement { a, b, c, d, e, f } = placement;
        Self::from_row(a as f32, b as f32, c as f32, d as f32, e as f32, f as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::page::{TextSource, Unit};

    fn record(width: f32, height: f32, rotation: Turn, skew: f32) -> PageRecord {
        let (unit, source) = (Unit::Pixel, TextSource::Ocr);
        PageRecord { page: 1, width, height, unit, rotation, skew, source, lines: Vec::new() }
    }

    fn rounded((x, y): (f64, f64)) -> (f64, f64) {
        (x.round(), y.round())
    }

    #[test]
    fn the_corner_of_a_turned_page_lies_where_it_was_before() {
        let displayed = PageSize { width: 300.0, height: 200.0, unit: Unit::Pixel };
        for (turn, (width, height), expected) in [
            (Turn::None, (300.0, 200.0), (10.0, 20.0)),
            (Turn::Clockwise90, (200.0, 300.0), (20.0, 190.0)),
            (Turn::Half, (300.0, 200.0), (290.0, 180.0)),
            (Turn::Clockwise270, (200.0, 300.0), (280.0, 10.0)),
        ] {
            let places = WordPlaces::new(&record(width, height, turn, 0.0), displayed);
            assert_eq!(rounded(places.upright_to_displayed.map(10.0, 20.0)), expected, "{turn:?}");
        }
    }

    #[test]
    fn words_of_a_skewed_page_are_level_and_their_lines_lean() {
        let displayed = PageSize { width: 1000.0, height: 1000.0, unit: Unit::Pixel };
        let places = WordPlaces::new(&record(1100.0, 1100.0, Turn::None, 30.0), displayed);
        let word = |x: f32| places.place(Rect::new(x - 10.0, 545.0, x + 10.0, 555.0), 0.0);
        assert_eq!(rounded(word(550.0).map(10.0, 0.0)), (500.0, 500.0));
        assert_eq!(rounded(word(650.0).map(10.0, 0.0)), (587.0, 550.0));
        assert_eq!(rounded(word(650.0).map(20.0, 0.0)), (597.0, 550.0));
    }
}
