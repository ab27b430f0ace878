//! Rectangles at an angle: the geometry of detected text.

use crate::domain::geometry::Rect;

/// A point as `(x, y)`, `y` down.
pub(super) type Point = (f32, f32);

/// A rectangle that may lie at an angle.
///
/// The `width` axis points along the reading direction, `(cos angle, sin angle)`; the angle is from −45 to 45
/// degrees for boxes from [`TextBox::around`], so that a line of text on an upright page is wider than high.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct TextBox {
    /// The middle.
    pub(super) center: Point,
    /// Length along the reading direction.
    pub(super) width: f32,
    /// Length across it.
    pub(super) height: f32,
    /// Radians, clockwise on a page whose `y` points down.
    pub(super) angle: f32,
}

impl TextBox {
    /// The smallest rectangle, at any angle, around the points; `None` where there are none.
    ///
    /// One side of the smallest rectangle lies on an edge of the convex hull (Freeman and Shapira 1975), so each
    /// edge is tried.
    pub(super) fn around(points: &mut Vec<Point>) -> Option<Self> {
        let hull = convex_hull(points);
        let first = *hull.first()?;
        let mut best: Option<(f32, Self)> = None;
        let edges = hull.iter().zip(hull.iter().cycle().skip(1));
        for (&from, &to) in edges {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length < f32::EPSILON {
                continue;
            }
            let (x, y) = ((to.0 - from.0) / length, (to.1 - from.1) / length);
            let mut along = (f32::INFINITY, f32::NEG_INFINITY);
            let mut across = (f32::INFINITY, f32::NEG_INFINITY);
            for point in &hull {
                let u = point.0 * x + point.1 * y;
                let v = point.1 * x - point.0 * y;
                along = (along.0.min(u), along.1.max(u));
                across = (across.0.min(v), across.1.max(v));
            }
            let (width, height) = (along.1 - along.0, across.1 - across.0);
            let area = width * height;
            if best.as_ref().is_some_and(|(smallest, _)| area >= *smallest) {
                continue;
            }
            let (u, v) = ((along.0 + along.1) / 2.0, (across.0 + across.1) / 2.0);
            let center = (u * x - v * y, u * y + v * x);
            best = Some((area, Self { center, width, height, angle: y.atan2(x) }.normalized()));
        }
        let single = Self { center: first, width: 0.0, height: 0.0, angle: 0.0 };
        Some(best.map_or(single, |(_, found)| found))
    }

    /// An upright rectangle.
    pub(super) fn upright(rect: Rect) -> Self {
        Self { center: rect.center(), width: rect.width(), height: rect.height(), angle: 0.0 }
    }

    /// The same rectangle with its angle between −45 and 45 degrees.
    fn normalized(self) -> Self {
        use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};
        let quarters = ((self.angle + FRAC_PI_4) / FRAC_PI_2).floor();
        let angle = self.angle - quarters * FRAC_PI_2;
        match quarters as i32 % 2 {
            0 => Self { angle, ..self },
            _ => Self { angle, width: self.height, height: self.width, ..self },
        }
    }

    /// Moves each side outwards by `distance`.
    pub(super) fn expanded(self, distance: f32) -> Self {
        Self { width: self.width + 2.0 * distance, height: self.height + 2.0 * distance, ..self }
    }

    /// The box on a page that is stretched by `x` and `y`. A rectangle at an angle would become a parallelogram;
    /// this keeps its axis and its area.
    pub(super) fn scaled(self, x: f32, y: f32) -> Self {
        let (sin, cos) = self.angle.sin_cos();
        let (dx, dy) = (cos * x, sin * y);
        let stretch = dx.hypot(dy);
        Self {
            center: (self.center.0 * x, self.center.1 * y),
            width: self.width * stretch,
            height: self.height * x * y / stretch,
            angle: dy.atan2(dx),
        }
    }

    /// The same place with the reading direction turned by a quarter, counter-clockwise for `-1` and clockwise for
    /// `1`: for text that runs up or down the page.
    pub(super) fn turned(self, quarters: i8) -> Self {
        let angle = self.angle + f32::from(quarters) * std::f32::consts::FRAC_PI_2;
        Self { width: self.height, height: self.width, angle, ..self }
    }

    /// The same place read from its other end, upside down.
    pub(super) fn reversed(self) -> Self {
        Self { angle: self.angle + std::f32::consts::PI, ..self }
    }

    /// The part between two shares (0 to 1) of the width.
    pub(super) fn slice(self, from: f32, to: f32) -> Self {
        let shift = ((from + to) / 2.0 - 0.5) * self.width;
        let (sin, cos) = self.angle.sin_cos();
        Self {
            center: (self.center.0 + shift * cos, self.center.1 + shift * sin),
            width: (to - from) * self.width,
            ..self
        }
    }

    /// The part between two shares (0 to 1) of the height.
    pub(super) fn band(self, from: f32, to: f32) -> Self {
        Self { center: self.point(0.5, (from + to) / 2.0), height: (to - from) * self.height, ..self }
    }

    /// The point at the shares `u` of the width and `v` of the height, from 0 at the left and top.
    pub(super) fn point(&self, u: f32, v: f32) -> Point {
        let (sin, cos) = self.angle.sin_cos();
        let (along, across) = ((u - 0.5) * self.width, (v - 0.5) * self.height);
        (self.center.0 + along * cos - across * sin, self.center.1 + along * sin + across * cos)
    }

    /// Corners: top left, top right, bottom right, bottom left, in reading direction.
    pub(super) fn corners(&self) -> [Point; 4] {
        [self.point(0.0, 0.0), self.point(1.0, 0.0), self.point(1.0, 1.0), self.point(0.0, 1.0)]
    }

    /// The upright rectangle around the box.
    pub(super) fn bounds(&self) -> Rect {
        let [a, b, c, d] = self.corners();
        Rect {
            x0: a.0.min(b.0).min(c.0).min(d.0),
            y0: a.1.min(b.1).min(c.1).min(d.1),
            x1: a.0.max(b.0).max(c.0).max(d.0),
            y1: a.1.max(b.1).max(c.1).max(d.1),
        }
    }
}

/// The convex hull, counter-clockwise in a system whose `y` points up (Andrew's monotone chain). Sorts `points`.
fn convex_hull(points: &mut Vec<Point>) -> Vec<Point> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    points.dedup();
    if points.len() < 3 {
        return points.clone();
    }
    let mut hull = half_hull(points.iter().copied());
    hull.extend(half_hull(points.iter().rev().copied()));
    hull
}

/// One chain of the hull, without its last point.
fn half_hull(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut chain: Vec<Point> = Vec::new();
    for point in points {
        while let [.., before, last] = chain.as_slice() {
            let turn =
                (last.0 - before.0) * (point.1 - before.1) - (last.1 - before.1) * (point.0 - before.0);
            if turn > 0.0 {
                break;
            }
            chain.pop();
        }
        chain.push(point);
    }
    chain.pop();
    chain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_smallest_rectangle_around_an_upright_one_is_itself() {
        let mut points = vec![(10.0, 20.0), (110.0, 20.0), (110.0, 50.0), (10.0, 50.0), (60.0, 35.0)];
        let found = TextBox::around(&mut points).unwrap();
        assert_eq!(found, TextBox { center: (60.0, 35.0), width: 100.0, height: 30.0, angle: 0.0 });
    }

    #[test]
    fn one_point_gives_an_empty_rectangle_and_none_gives_nothing() {
        assert_eq!(TextBox::around(&mut Vec::new()), None);
        let found = TextBox::around(&mut vec![(3.0, 4.0), (3.0, 4.0)]).unwrap();
        assert_eq!((found.center, found.width, found.height), ((3.0, 4.0), 0.0, 0.0));
    }

    #[test]
    fn a_band_is_cut_across_the_reading_direction() {
        let level = TextBox { center: (50.0, 50.0), width: 80.0, height: 20.0, angle: 0.0 };
        assert_eq!(level.band(0.25, 1.0), TextBox { center: (50.0, 52.5), height: 15.0, ..level });
        let down = level.turned(1).turned(-1).turned(1);
        let (x, y) = down.band(0.0, 0.5).center;
        assert!((x - 70.0).abs() < 1e-3 && (y - 50.0).abs() < 1e-3, "{x} {y}");
    }

    #[test]
    fn text_that_runs_down_the_page_is_read_from_the_top() {
        let tall = TextBox { center: (50.0, 50.0), width: 10.0, height: 80.0, angle: 0.0 };
        let (x, y) = tall.turned(1).point(0.0, 0.5);
        assert!((x - 50.0).abs() < 1e-3 && (y - 10.0).abs() < 1e-3);
    }

    proptest! {
        #[test]
        fn the_smallest_rectangle_around_the_corners_of_a_rectangle_is_that_rectangle(
            x in -500.0f32..500.0,
            y in -500.0f32..500.0,
            height in 5.0f32..50.0,
            elongation in 1.2f32..20.0,
            degrees in -44.0f32..44.0,
        ) {
            let made = TextBox {
                center: (x, y), width: height * elongation, height, angle: degrees.to_radians(),
            };
            let found = TextBox::around(&mut made.corners().to_vec()).unwrap();
            prop_assert!((found.width - made.width).abs() < 0.1, "{found:?}");
            prop_assert!((found.height - made.height).abs() < 0.1, "{found:?}");
            prop_assert!((found.angle - made.angle).abs() < 0.01, "{found:?}");
        }

        #[test]
        fn no_point_is_outside_of_the_smallest_rectangle(
            mut points in prop::collection::vec((-100i16..100, -100i16..100), 1..40),
        ) {
            let mut input: Vec<Point> = points.drain(..).map(|(x, y)| (f32::from(x), f32::from(y))).collect();
            let found = TextBox::around(&mut input.clone()).unwrap();
            let (sin, cos) = found.angle.sin_cos();
            for (x, y) in input.drain(..) {
                let (dx, dy) = (x - found.center.0, y - found.center.1);
                prop_assert!((dx * cos + dy * sin).abs() <= found.width / 2.0 + 0.01);
                prop_assert!((dy * cos - dx * sin).abs() <= found.height / 2.0 + 0.01);
            }
        }
    }
}
