//! Interprets a page without painting it: which glyphs stand where, what is filled behind and over them, and which
//! pictures cover how much. Cheap (about a millisecond a page), so it also runs ahead of the renderer to find out
//! whether the page can be rendered within limits.

use std::collections::HashSet;
use std::time::Instant;

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::{BfString, WritingMode};
use hayro_interpret::hayro_syntax::page::Page;
use hayro_interpret::kurbo::{Affine, BezPath, PathEl, Point, Rect, Shape, Vec2};
use hayro_interpret::pattern::Pattern;
use hayro_interpret::{
    BlendMode, CacheKey, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, Paint, SoftMask, TransformExt, interpret_page,
};

use super::super::bomb;
use super::pictures;

/// Units of glyph space per em.
const UNITS_PER_EM: f64 = 1000.0;

/// Most glyphs of one page; a page of the densest telephone book has 30,000.
const MAX_GLYPHS: usize = 1_000_000;

/// Most fills that are remembered as possible backgrounds or covers of text. A page with more is a drawing.
const MAX_FILLS: usize = 4000;

/// The interpreter enters at most 50 nested forms. Clips nested deeper than this come from a form that draws itself.
const RECURSION_DEPTH: usize = 40;

/// Drawing operations at [`RECURSION_DEPTH`] after which a page is given up: a form that draws itself twice would go on
/// for 2^50 of them.
const MAX_DEEP_OPERATIONS: u32 = 10_000;

/// Operations between two looks at the clock.
const OPERATIONS_PER_CLOCK: u32 = 64;

/// Below this opacity nothing is seen.
const MIN_OPACITY: f32 = 0.1;

/// From this opacity on nothing behind is seen.
const OPAQUE: f32 = 0.98;

/// Least difference in one of red, green and blue (0 to 1) at which text stands out from what is behind it.
const MIN_CONTRAST: f32 = 0.08;

/// Why the interpreter was stopped. Carried by an unwinding through the interpreter, which offers no other way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The page's time is over.
    Deadline,
    /// The page draws itself without end, or more than any page would.
    Runaway,
}

/// A glyph in its place. Coordinates are points of the displayed page, origin at the top left.
#[derive(Debug, Clone)]
pub(super) struct PlacedGlyph {
    /// What it stands for; `None` where the font does not say.
    pub(super) text: Option<BfString>,
    /// Where its baseline begins.
    pub(super) origin: Point,
    /// Unit vector of its baseline.
    pub(super) direction: Vec2,
    /// Length along the baseline.
    pub(super) advance: f64,
    /// Font size.
    pub(super) em: f64,
}

/// A picture on the page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture {
    /// The visible part of its bounding box, in points.
    pub(super) bbox: Rect,
    /// Its resolution in pixels per point.
    pub(super) pixels_per_point: f64,
}

/// What a page holds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Glyphs that a reader of the page sees, in drawing order.
    pub(super) glyphs: Vec<PlacedGlyph>,
    /// How many glyphs are there but cannot be seen: invisible by mode, colour, opacity, clip or cover.
    pub(super) hidden_glyphs: usize,
    /// Pictures that can be seen.
    pub(super) pictures: Vec<Picture>,
    /// Samples of all pictures together, each as often as it is drawn.
    pub(super) picture_pixels: u64,
    /// Samples of the largest picture.
    pub(super) largest_picture_pixels: u64,
    /// Whether a picture, perhaps one among the drawing instructions, decodes to more bytes than are allowed.
    pub(super) has_bomb: bool,
    /// Curves of filled shapes: outlined letters have many, ruled lines and boxes none.
    pub(super) curve_count: usize,
}

impl Survey {
    /// Whether nothing at all was drawn that matters here.
    pub(super) fn is_empty(&self) -> bool {
        self.glyphs.is_empty() && self.hidden_glyphs == 0 && self.pictures.is_empty() && self.curve_count == 0
    }
}

/// Walks through a page, on which no picture should decode to more than `max_inflated_bytes`. Unwinds with a [`Stop`]
/// when it takes too long.
pub(super) fn survey<'a>(page: &'a Page<'a>, deadline: Instant, max_inflated_bytes: u64) -> Survey {
    let (width, height) = page.render_dimensions();
    let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let cache = InterpreterCache::new();
    let settings = InterpreterSettings::default();
    let mut context =
        Context::new(page.initial_transform(true).to_kurbo(), bounds, &cache, page.xref(), settings);
    let mut surveyor = Surveyor::new(bounds, deadline, max_inflated_bytes);
    interpret_page(page, &mut context, &mut surveyor);
    surveyor.finish()
}

/// A region that is currently drawn to.
#[derive(Clone, Copy)]
struct Clip {
    bbox: Rect,
    /// Whether the region is its bounding box.
    is_rect: bool,
}

/// A filled region.
struct Fill {
    bbox: Rect,
    /// `None`: a picture or a pattern.
    color: Option<[f32; 3]>,
    /// Whether it hides all that is behind its whole bounding box.
    covers: bool,
    /// How many runs had been drawn before.
    after_run: usize,
}

/// Glyphs that were drawn together.
struct Run {
    first_glyph: usize,
    bbox: Rect,
    /// `None`: a pattern.
    color: Option<[f32; 3]>,
}

#[derive(Clone, Copy)]
struct Group {
    opacity: f32,
    is_plain: bool,
}

struct Surveyor {
    deadline: Instant,
    max_inflated_bytes: u64,
    operations: u32,
    deep_operations: u32,
    clips: Vec<Clip>,
    groups: Vec<Group>,
    runs: Vec<Run>,
    fills: Vec<Fill>,
    /// Soft masks, patterns and glyphs made of drawings that have been looked into.
    visited: HashSet<u128>,
    found: Survey,
}

impl Surveyor {
    fn new(bounds: Rect, deadline: Instant, max_inflated_bytes: u64) -> Self {
        Self {
            deadline,
            max_inflated_bytes,
            operations: 0,
            deep_operations: 0,
            clips: vec![Clip { bbox: bounds, is_rect: true }],
            groups: Vec::new(),
            runs: Vec::new(),
            fills: Vec::new(),
            visited: HashSet::new(),
            found: Survey::default(),
        }
    }

    /// Looks into what is drawn by way of something else. Only what it costs counts: what a mask or a pattern shows is no
    /// text of the page.
    fn visit(&mut self, key: u128, draw: impl FnOnce(&mut Self)) {
        if !self.visited.insert(key) {
            return;
        }
        let inner = Self {
            operations: self.operations,
            deep_operations: self.deep_operations,
            clips: self.clips.clone(),
            visited: std::mem::take(&mut self.visited),
            ..Self::new(Rect::ZERO, self.deadline, self.max_inflated_bytes)
        };
        let outer = std::mem::replace(self, inner);
        draw(self);
        let inner = std::mem::replace(self, outer);
        self.operations = inner.operations;
        self.deep_operations = inner.deep_operations;
        self.visited = inner.visited;
        self.found.picture_pixels = self.found.picture_pixels.saturating_add(inner.found.picture_pixels);
        self.found.largest_picture_pixels =
            self.found.largest_picture_pixels.max(inner.found.largest_picture_pixels);
        self.found.has_bomb |= inner.found.has_bomb;
    }

    /// Looks into the mask and the pattern that something is drawn with.
    fn visit_props<'a>(&mut self, props: &DrawProps<'a>) {
        if let Some(mask) = &props.soft_mask {
            self.visit(mask.cache_key(), |inner| mask.interpret(inner));
        }
        if let Paint::Pattern(pattern) = &props.paint
            && let Pattern::Tiling(tiling) = pattern.as_ref()
        {
            self.visit(pattern.cache_key(), |inner| {
                tiling.interpret(inner, props.transform, false);
            });
        }
    }

    /// Counts an operation and stops the interpreter when there were too many or time is over.
    fn tick(&mut self) {
        self.operations = self.operations.wrapping_add(1);
        if self.operations.is_multiple_of(OPERATIONS_PER_CLOCK) && Instant::now() >= self.deadline {
            std::panic::resume_unwind(Box::new(Stop::Deadline));
        }
        if self.clips.len() > RECURSION_DEPTH {
            self.deep_operations += 1;
        }
        if self.deep_operations > MAX_DEEP_OPERATIONS || self.found.glyphs.len() > MAX_GLYPHS {
            std::panic::resume_unwind(Box::new(Stop::Runaway));
        }
    }

    fn clip(&self) -> Clip {
        self.clips.last().copied().unwrap_or(Clip { bbox: Rect::ZERO, is_rect: false })
    }

    fn push_clip(&mut self, bbox: Rect, is_rect: bool) {
        self.tick();
        let outer = self.clip();
        self.clips.push(Clip { bbox: outer.bbox.intersect(bbox), is_rect: outer.is_rect && is_rect });
    }

    fn opacity(&self) -> f32 {
        self.groups.iter().map(|group| group.opacity).product()
    }

    /// Whether what is drawn now replaces what is behind it.
    fn is_plain(&self) -> bool {
        self.groups.iter().all(|group| group.is_plain && group.opacity >= OPAQUE)
    }

    fn add_fill(&mut self, bbox: Rect, is_rect: bool, props: &DrawProps<'_>) {
        let clip = self.clip();
        let bbox = bbox.intersect(clip.bbox);
        // Rules and dots neither carry text nor hide it.
        if bbox.width() < 3.0 || bbox.height() < 3.0 || self.fills.len() >= MAX_FILLS {
            return;
        }
        let (color, opacity) = paint(&props.paint);
        if opacity * self.opacity() < MIN_OPACITY {
            return;
        }
        let is_opaque = opacity >= OPAQUE
            && color.is_some()
            && props.soft_mask.is_none()
            && props.blend_mode == BlendMode::Normal
            && self.is_plain();
        let covers = is_opaque && is_rect && clip.is_rect;
        // What is half transparent changes the colour behind text in a way that is not followed.
        let color = color.filter(|_| is_opaque);
        self.fills.push(Fill { bbox, color, covers, after_run: self.runs.len() });
    }

    fn add_picture(&mut self, width: u32, height: u32, transform: Affine, has_mask: bool) {
        let clip = self.clip();
        let area = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
        let bbox = transform.transform_rect_bbox(area).intersect(clip.bbox);
        if bbox.width() <= 0.0 || bbox.height() <= 0.0 || self.opacity() < MIN_OPACITY {
            return;
        }
        let [a, b, c, d, _, _] = transform.as_coeffs();
        let points_per_pixel = a.hypot(b).min(c.hypot(d));
        let pixels_per_point = if points_per_pixel > 0.0 { 1.0 / points_per_pixel } else { 0.0 };
        self.found.pictures.push(Picture { bbox, pixels_per_point });
        if self.fills.len() < MAX_FILLS {
            let is_upright = (b == 0.0 && c == 0.0) || (a == 0.0 && d == 0.0);
            let covers = is_upright && !has_mask && clip.is_rect && self.is_plain();
            self.fills.push(Fill { bbox, color: None, covers, after_run: self.runs.len() });
        }
    }

    fn add_run<'a>(&mut self, run: &GlyphRun<'_, 'a>, props: &DrawProps<'a>) {
        let first_glyph = self.found.glyphs.len();
        let clip = self.clip();
        let scale = horizontal_scale(run, props.transform);
        let is_vertical = run.writing_mode() == WritingMode::Vertical;
        let mut bbox: Option<Rect> = None;
        for glyph in run.glyphs() {
            if let Glyph::Type3(drawing) = &**glyph {
                self.visit(drawing.cache_key(), |inner| {
                    drawing.interpret(inner, props.transform, glyph.transform(), &props.paint);
                });
            }
            let Some(placed) = place(glyph, props.transform * glyph.transform(), scale, is_vertical) else {
                continue;
            };
            let middle = placed.middle();
            if !clip.bbox.contains(middle) {
                self.found.hidden_glyphs += 1;
                continue;
            }
            bbox = Some(bbox.map_or(Rect::from_points(middle, middle), |bbox| bbox.union_pt(middle)));
            self.found.glyphs.push(placed);
        }
        let Some(bbox) = bbox else { return };
        self.runs.push(Run { first_glyph, bbox, color: paint(&props.paint).0 });
    }

    /// Drops the glyphs that cannot be seen.
    fn finish(self) -> Survey {
        let Self { runs, fills, mut found, .. } = self;
        let mut is_hidden = vec![false; found.glyphs.len()];
        for (index, run) in runs.iter().enumerate() {
            let end = runs.get(index + 1).map_or(found.glyphs.len(), |next| next.first_glyph);
            let near: Vec<&Fill> = fills.iter().filter(|fill| fill.bbox.overlaps(run.bbox)).collect();
            for (glyph, is_hidden) in found.glyphs.iter().zip(&mut is_hidden).take(end).skip(run.first_glyph)
            {
                *is_hidden = hides(&near, index, run.color, glyph.middle());
            }
        }
        let before = found.glyphs.len();
        let mut flags = is_hidden.into_iter();
        found.glyphs.retain(|_| !flags.next().unwrap_or(false));
        found.hidden_glyphs += before - found.glyphs.len();
        found
    }
}

impl PlacedGlyph {
    /// A point in the middle of a small letter.
    fn middle(&self) -> Point {
        // Perpendicular to the baseline, towards the top of the letter.
        let up = Vec2::new(self.direction.y, -self.direction.x);
        self.origin + self.direction * (self.advance / 2.0) + up * (self.em * 0.25)
    }
}

/// Whether a point of text of run number `run` is painted over later, or has the colour of what is behind it.
fn hides(fills: &[&Fill], run: usize, color: Option<[f32; 3]>, point: Point) -> bool {
    let is_here = |fill: &&&Fill| fill.bbox.contains(point);
    if fills.iter().filter(is_here).any(|fill| fill.covers && fill.after_run > run) {
        return true;
    }
    let Some(color) = color else { return false };
    for fill in fills.iter().rev().filter(is_here).filter(|fill| fill.after_run <= run) {
        match fill.color {
            Some(behind) if !stands_out(color, behind) => {
                if fill.covers {
                    return true;
                }
            }
            // A picture, a pattern, or a colour that the text stands out from.
            _ => return false,
        }
    }
    !stands_out(color, [1.0; 3])
}

fn stands_out(color: [f32; 3], behind: [f32; 3]) -> bool {
    color.iter().zip(behind).any(|(color, behind)| (color - behind).abs() >= MIN_CONTRAST)
}

/// Colour (`None`: a pattern) and opacity.
fn paint(paint: &Paint<'_>) -> (Option<[f32; 3]>, f32) {
    match paint {
        Paint::Color(color) => {
            let [red, green, blue, alpha] = color.to_rgba().components();
            (Some([red, green, blue]), alpha)
        }
        Paint::Pattern(_) => (None, 1.0),
    }
}

/// The horizontal scaling of a run's text, 1 for none. Glyphs of replaced fonts are also stretched one by one to the
/// widths that the file states; those advances are right as they are, so a factor that differs from glyph to glyph is
/// no scaling.
fn horizontal_scale(run: &GlyphRun<'_, '_>, transform: Affine) -> f64 {
    let mut scales = run.glyphs().iter().map(|glyph| {
        let [a, b, c, d, _, _] = (transform * glyph.transform()).as_coeffs();
        let height = c.hypot(d);
        if height > 0.0 { a.hypot(b) / height } else { 1.0 }
    });
    let first = scales.next().unwrap_or(1.0);
    if scales.all(|scale| (scale - first).abs() < 0.002) { first } else { 1.0 }
}

fn place(glyph: &Glyph<'_>, transform: Affine, scale: f64, is_vertical: bool) -> Option<PlacedGlyph> {
    let [a, b, c, d, x, y] = transform.as_coeffs();
    let em = c.hypot(d) * UNITS_PER_EM;
    let axis = if is_vertical { Vec2::new(-c, -d) } else { Vec2::new(a, b) };
    let length = axis.hypot();
    if !(length > 0.0 && em > 0.0 && em.is_finite() && x.is_finite() && y.is_finite()) {
        return None;
    }
    let width = match glyph {
        Glyph::Outline(glyph) => glyph.advance_width(),
        Glyph::Type3(glyph) => glyph.advance_width(),
    };
    let advance =
        if is_vertical { em } else { f64::from(width.unwrap_or(500.0)) / UNITS_PER_EM * em * scale };
    Some(PlacedGlyph {
        text: glyph.as_unicode(),
        origin: Point::new(x, y),
        direction: axis / length,
        advance: advance.abs(),
        em,
    })
}

impl<'a> Device<'a> for Surveyor {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        self.tick();
        self.visit_props(&props);
        if matches!(mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..)) {
            let bbox = props.transform.transform_rect_bbox(path.bounding_box());
            if bbox.overlaps(self.clip().bbox) {
                let curves = path.elements().iter();
                self.found.curve_count += curves
                    .filter(|element| matches!(element, PathEl::CurveTo(..) | PathEl::QuadTo(..)))
                    .count();
                self.add_fill(bbox, false, &props);
            }
        }
    }

    fn draw_rect(&mut self, rect: &Rect, props: DrawProps<'a>, mode: &DrawMode) {
        self.tick();
        self.visit_props(&props);
        if matches!(mode, DrawMode::Fill(_) | DrawMode::FillAndStroke(..)) {
            let [a, b, c, d, _, _] = props.transform.as_coeffs();
            let is_upright = (b == 0.0 && c == 0.0) || (a == 0.0 && d == 0.0);
            self.add_fill(props.transform.transform_rect_bbox(*rect), is_upright, &props);
        }
    }

    fn push_clip_path(&mut self, clip: &ClipPath) {
        let bbox = clip.path.bounding_box();
        let is_rect = (clip.path.area().abs() - bbox.area()).abs() <= bbox.area() * 0.01;
        self.push_clip(bbox, is_rect);
    }

    fn push_clip_rect(&mut self, rect: &Rect) {
        self.push_clip(*rect, true);
    }

    fn push_transparency_group(&mut self, opacity: f32, mask: Option<SoftMask<'a>>, blend_mode: BlendMode) {
        self.tick();
        if let Some(mask) = &mask {
            self.visit(mask.cache_key(), |inner| mask.interpret(inner));
        }
        self.groups.push(Group { opacity, is_plain: mask.is_none() && blend_mode == BlendMode::Normal });
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        self.tick();
        self.visit_props(&props);
        let opacity = paint(&props.paint).1 * self.opacity();
        if matches!(mode, DrawMode::Invisible) || opacity < MIN_OPACITY {
            self.found.hidden_glyphs += run.glyphs().len();
        } else {
            self.add_run(run, &props);
        }
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.tick();
        let stream = match &image {
            Image::Stencil(stencil) => stencil.stream(),
            Image::Raster(raster) => raster.stream(),
        };
        self.found.has_bomb |= bomb::check_stream(stream, self.max_inflated_bytes).is_err();
        let (has_mask, mask_samples) = pictures::masks(stream);
        for samples in [pictures::samples(stream, image.width(), image.height()), mask_samples] {
            self.found.picture_pixels = self.found.picture_pixels.saturating_add(samples);
            self.found.largest_picture_pixels = self.found.largest_picture_pixels.max(samples);
        }
        let has_mask = has_mask || matches!(image, Image::Stencil(_));
        self.add_picture(image.width(), image.height(), props.transform, has_mask);
    }

    fn pop_clip(&mut self) {
        if self.clips.len() > 1 {
            self.clips.pop();
        }
    }

    fn pop_transparency_group(&mut self) {
        self.groups.pop();
    }
}
