//! Rectangles and turns on a page.

use serde::{Deserialize, Serialize};

/// An axis-aligned rectangle in page units: origin at the top left, `x` to the right, `y` down.
///
/// `x0 <= x1` and `y0 <= y1` hold for every rectangle made by [`Rect::new`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "[f32; 4]", into = "[f32; 4]")]
pub struct Rect {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl Rect {
    /// Makes a rectangle from two opposite corners, in any order.
    pub fn new(x0: f32, y0: f32, x1: f32, y1: f32) -> Self {
        Self { x0: x0.min(x1), y0: y0.min(y1), x1: x0.max(x1), y1: y0.max(y1) }
    }

    /// Width, never negative.
    pub fn width(&self) -> f32 {
        self.x1 - self.x0
    }

    /// Height, never negative.
    pub fn height(&self) -> f32 {
        self.y1 - self.y0
    }

    /// Area in square page units.
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// The middle of the rectangle as `(x, y)`.
    pub fn center(&self) -> (f32, f32) {
        ((self.x0 + self.x1) / 2.0, (self.y0 + self.y1) / 2.0)
    }

    /// The smallest rectangle that holds both.
    pub fn union(&self, other: &Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }

    /// The common part, or `None` where the two do not overlap.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let x0 = self.x0.max(other.x0);
        let y0 = self.y0.max(other.y0);
        let x1 = self.x1.min(other.x1);
        let y1 = self.y1.min(other.y1);
        (x0 < x1 && y0 < y1).then_some(Self { x0, y0, x1, y1 })
    }
}

impl From<[f32; 4]> for Rect {
    fn from([x0, y0, x1, y1]: [f32; 4]) -> Self {
        Self::new(x0, y0, x1, y1)
    }
}

impl From<Rect> for [f32; 4] {
    fn from(rect: Rect) -> Self {
        [rect.x0, rect.y0, rect.x1, rect.y1]
    }
}

/// A turn by a multiple of 90 degrees, clockwise, that makes a page upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "u16", try_from = "u16")]
pub enum Turn {
    /// The page is upright as it is.
    #[default]
    None,
    /// A quarter turn clockwise.
    Clockwise90,
    /// A half turn.
    Half,
    /// Three quarters of a turn clockwise.
    Clockwise270,
}

impl Turn {
    /// Degrees clockwise: 0, 90, 180 or 270.
    pub fn degrees(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Clockwise90 => 90,
            Self::Half => 180,
            Self::Clockwise270 => 270,
        }
    }

    /// The turn for a number of degrees clockwise, taken modulo 360; `None` for anything but a multiple of 90.
    pub fn from_degrees(degrees: i32) -> Option<Self> {
        match degrees.rem_euclid(360) {
            0 => Some(Self::None),
            90 => Some(Self::Clockwise90),
            180 => Some(Self::Half),
            270 => Some(Self::Clockwise270),
            _ => None,
        }
    }

    /// Whether width and height change places.
    pub fn swaps_sides(self) -> bool {
        matches!(self, Self::Clockwise90 | Self::Clockwise270)
    }
}

impl From<Turn> for u16 {
    fn from(turn: Turn) -> Self {
        turn.degrees()
    }
}

impl TryFrom<u16> for Turn {
    type Error = String;

    fn try_from(degrees: u16) -> Result<Self, String> {
        Self::from_degrees(i32::from(degrees))
            .ok_or_else(|| format!("a turn is 0, 90, 180 or 270 degrees, not `{degrees}`"))
    }
}
