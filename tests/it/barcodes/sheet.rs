//! Pages with bar codes, drawn and spoilt for one test.

use ocriva::domain::raster::Raster;
use rxing::common::BitMatrix;
use rxing::{BarcodeFormat, EncodeHints, MultiFormatWriter, Writer};

/// A grey page.
pub struct Sheet {
    width: usize,
    height: usize,
    pixels: Vec<f32>,
}

/// How a code is drawn.
#[derive(Clone, Copy)]
pub struct Drawing {
    /// Its middle.
    pub at: (f32, f32),
    /// Width of its narrowest bar or of a dot, in pixels.
    pub module: f32,
    /// Degrees clockwise.
    pub turned: f32,
}

/// Height of bars, in modules.
const BARS: f32 = 25.0;

/// Samples of a pixel, across and down.
const SAMPLES: usize = 3;

impl Sheet {
    /// White paper.
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, pixels: vec![255.0; width * height] }
    }

    /// Draws a code with its quiet zone.
    pub fn with(self, format: BarcodeFormat, text: &str, drawing: Drawing) -> Self {
        self.with_hints(format, text, drawing, &EncodeHints::default())
    }

    /// The same, encoded in a way of its own.
    pub fn with_hints(
        mut self,
        format: BarcodeFormat,
        text: &str,
        drawing: Drawing,
        hints: &EncodeHints,
    ) -> Self {
        let code = MultiFormatWriter.encode_with_hints(text, &format, 0, 0, hints).expect("it is encodable");
        let (middle_x, middle_y) = drawing.at;
        let size = (code.getWidth() as f32).hypot(code.getHeight() as f32 + BARS) * drawing.module / 2.0;
        let rows = (middle_y - size).max(0.0) as usize..((middle_y + size) as usize).min(self.height);
        for y in rows {
            let columns = (middle_x - size).max(0.0) as usize..((middle_x + size) as usize).min(self.width);
            for x in columns {
                if let Some(light) = light(&code, drawing, (x, y)) {
                    self.pixels[y * self.width + x] = light;
                }
            }
        }
        self
    }

    /// Unsharp, as a scanner sees it.
    pub fn blurred(mut self) -> Self {
        let sharp = self.pixels.clone();
        for y in 1..self.height - 1 {
            for x in 1..self.width - 1 {
                let at = |dx: usize, dy: usize| sharp[(y + dy - 1) * self.width + x + dx - 1];
                let sides = at(1, 0) + at(0, 1) + at(2, 1) + at(1, 2);
                let corners = at(0, 0) + at(2, 0) + at(0, 2) + at(2, 2);
                self.pixels[y * self.width + x] = (at(1, 1) * 4.0 + sides * 2.0 + corners) / 16.0;
            }
        }
        self
    }

    /// With noise of at most `most` in both directions, the same each time.
    pub fn noisy(mut self, most: f32) -> Self {
        let mut state = 7_u64;
        for pixel in &mut self.pixels {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let random = (state >> 40) as f32 / (1 << 24) as f32;
            *pixel += (random * 2.0 - 1.0) * most;
        }
        self
    }

    /// Darker towards the right, and with little contrast.
    pub fn badly_lit(mut self) -> Self {
        for (index, pixel) in self.pixels.iter_mut().enumerate() {
            let shade = 1.0 - 0.4 * (index % self.width) as f32 / self.width as f32;
            *pixel = (*pixel * 0.5 + 80.0) * shade;
        }
        self
    }

    /// White on black.
    pub fn inverted(mut self) -> Self {
        self.pixels.iter_mut().for_each(|pixel| *pixel = 255.0 - *pixel);
        self
    }

    /// The page as the host has it.
    pub fn raster(&self) -> Raster {
        let pixels = self.pixels.iter().flat_map(|light| [light.clamp(0.0, 255.0) as u8; 3]).collect();
        Raster { width: self.width as u32, height: self.height as u32, pixels }
    }
}

/// How light a pixel is that a code covers.
fn light(code: &BitMatrix, drawing: Drawing, (x, y): (usize, usize)) -> Option<f32> {
    let has_bars = code.getHeight() <= 1;
    let rows = if has_bars { BARS } else { code.getHeight() as f32 };
    let (sin, cos) = drawing.turned.to_radians().sin_cos();
    let mut lights = 0;
    for sample in 0..SAMPLES * SAMPLES {
        let inside = |step: usize| (step as f32 + 0.5) / SAMPLES as f32;
        let dx = (x as f32 + inside(sample % SAMPLES) - drawing.at.0) / drawing.module;
        let dy = (y as f32 + inside(sample / SAMPLES) - drawing.at.1) / drawing.module;
        let column = (dx * cos + dy * sin + code.getWidth() as f32 / 2.0).floor();
        let row = (dy * cos - dx * sin + rows / 2.0).floor();
        if column < 0.0 || row < 0.0 || column >= code.getWidth() as f32 || row >= rows {
            return None;
        }
        lights += usize::from(!code.get(column as u32, if has_bars { 0 } else { row as u32 }));
    }
    Some(255.0 * lights as f32 / (SAMPLES * SAMPLES) as f32)
}
