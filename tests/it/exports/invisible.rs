//! Reads the text that a PDF holds and does not show, with its places.

use std::sync::Arc;

use hayro_interpret::font::GlyphRun;
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::hayro_syntax::Pdf;
use hayro_interpret::kurbo::{BezPath, Point, Rect};
use hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache,
    InterpreterSettings, Paint, SoftMask, TransformExt, interpret_page,
};

/// Font measures of the invisible text, in font sizes: a glyph's width, and what is above and below the baseline.
const WIDTH: f64 = 500.0;
const TOP: f64 = 800.0;
const BOTTOM: f64 = -200.0;

/// A piece of text.
#[derive(Debug)]
pub struct Piece {
    /// What it says.
    pub text: String,
    /// The box around it, in points of the displayed page, y pointing down.
    pub bbox: Rect,
}

/// The invisible text of a page, in the order of the file.
pub fn pieces(file: Vec<u8>, index: usize) -> Vec<Piece> {
    let pdf = Pdf::new(Arc::new(file)).ok().unwrap();
    let page = &pdf.pages()[index];
    let (width, height) = page.render_dimensions();
    let bounds = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let cache = InterpreterCache::new();
    let settings = InterpreterSettings::default();
    let transform = page.initial_transform(true).to_kurbo();
    let mut context = Context::new(transform, bounds, &cache, page.xref(), settings);
    let mut reader = Reader::default();
    interpret_page(page, &mut context, &mut reader);
    reader.pieces
}

#[derive(Default)]
struct Reader {
    pieces: Vec<Piece>,
}

impl<'a> Device<'a> for Reader {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _mode: &DrawMode) {
        let is_seen = match &props.paint {
            Paint::Color(color) => color.to_rgba().components()[3] > 0.0,
            Paint::Pattern(_) => true,
        };
        assert!(!is_seen, "text of this page can be seen");
        let mut piece: Option<Piece> = None;
        for glyph in run.glyphs() {
            let place = props.transform * glyph.transform();
            let corners = [(0.0, TOP), (WIDTH, TOP), (0.0, BOTTOM), (WIDTH, BOTTOM)];
            let corners = corners.map(|(x, y)| place * Point::new(x, y));
            let bbox = corners[1..]
                .iter()
                .fold(Rect::from_points(corners[0], corners[3]), |bbox, corner| bbox.union_pt(*corner));
            let text = match glyph.as_unicode() {
                Some(BfString::Char(character)) => character.to_string(),
                Some(BfString::String(text)) => text,
                None => panic!("a glyph stands for nothing"),
            };
            let before = piece.take().unwrap_or(Piece { text: String::new(), bbox });
            piece = Some(Piece { text: before.text + &text, bbox: before.bbox.union(bbox) });
        }
        self.pieces.extend(piece);
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
