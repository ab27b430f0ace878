//! Lays text without places out on pages, so that it can be read like the text layer of any other page: lines from top
//! to bottom, table cells in columns. The boxes are those of Helvetica, in which the pages' pictures are drawn.

mod columns;
mod drawing;
mod metrics;

use super::{Error, Limits};
use crate::domain::flow::{Block, Flow, Paper};
use crate::domain::geometry::Rect;
use crate::domain::page::{PageSize, RawWord, Segment, Unit};
use crate::domain::raster::Raster;

/// Size of the letters, in points.
const FONT_SIZE: f32 = 10.0;

/// From the top of one line to the top of the next.
const LINE_PITCH: f32 = 13.0;

/// Height of a line's box: from the top of its capitals' accents to the bottom of its descenders.
const LINE_HEIGHT: f32 = 10.5;

/// White space on each side of a page.
const MARGIN: f32 = 50.0;

/// A4, in points.
const SHEET: (f32, f32) = (595.0, 842.0);

/// Lines of a long page.
const ROLL_LINES: f32 = 200.0;

/// Widest page: what PDF readers take.
const MAX_WIDTH: f32 = 14_400.0;

/// White space between the columns of a table, and least width of a tab: wide enough that nobody takes both sides for
/// one run of words.
const COLUMN_GAP: f32 = 16.0;

/// Places at which text behind a tab begins are so far apart.
const TAB_STOP: f32 = 36.0;

/// Width of a letter where text stands in columns of letters: that of a digit, so that numbers that end in one column end at
/// one place. Most other text is narrower.
const LETTER_WIDTH: f32 = 5.56;

/// White space between paragraphs, in addition to the usual.
const GAP: f32 = LINE_PITCH;

/// Pages of laid out text.
pub(super) struct Typeset {
    pages: Vec<Page>,
    limits: Limits,
    text_bytes: u64,
}

/// A page and what stands on it.
struct Page {
    size: PageSize,
    segments: Vec<Segment>,
}

impl Typeset {
    /// Lays a text out.
    ///
    /// # Errors
    /// More text or pages than the limits allow.
    pub(super) fn new(flow: &Flow, limits: Limits) -> Result<Self, Error> {
        let text_bytes = flow.text_bytes() as u64;
        check_text(text_bytes, &limits)?;
        let mut setter = Setter::new(flow.paper, limits);
        for block in &flow.blocks {
            match block {
                Block::Text(text) => setter.text(text)?,
                Block::Columns(pieces) => setter.columns(pieces)?,
                Block::Gap => setter.y += GAP,
                Block::Table(rows) => setter.table(rows)?,
                Block::PageBreak => setter.new_page()?,
            }
        }
        Ok(Self { pages: setter.finish(), limits, text_bytes })
    }

    /// Bytes of all its text.
    pub(super) fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Number of pages, at least 1.
    pub(super) fn page_count(&self) -> u32 {
        self.pages.len() as u32
    }

    /// Size of a page in points.
    pub(super) fn page_size(&self, index: u32) -> Result<PageSize, Error> {
        Ok(self.page(index)?.size)
    }

    /// What stands on a page.
    pub(super) fn text_layer(&self, index: u32) -> Result<Vec<Segment>, Error> {
        Ok(self.page(index)?.segments.clone())
    }

    /// The page's picture.
    pub(super) fn raster(&self, index: u32) -> Result<Raster, Error> {
        let page = self.page(index)?;
        drawing::draw(page.size, &page.segments, self.limits)
    }

    fn page(&self, index: u32) -> Result<&Page, Error> {
        let missing = Error::NoSuchPage { page: index.saturating_add(1), page_count: self.page_count() };
        self.pages.get(index as usize).ok_or(missing)
    }
}

/// Refuses more text than is read of one document.
pub(super) fn check_text(found: u64, limits: &Limits) -> Result<(), Error> {
    let limit = limits.max_text_bytes;
    if found <= limit {
        return Ok(());
    }
    Err(Error::LimitExceeded { what: "bytes of text".into(), found, limit, setting: "decode.max_text_mib" })
}

/// Puts lines on pages, from top to bottom.
struct Setter {
    paper: Paper,
    limits: Limits,
    pages: Vec<Page>,
    segments: Vec<Segment>,
    /// Top of the next line.
    y: f32,
    /// Right edge of what stands on the page.
    right: f32,
}

impl Setter {
    fn new(paper: Paper, limits: Limits) -> Self {
        Self { paper, limits, pages: Vec::new(), segments: Vec::new(), y: MARGIN, right: 0.0 }
    }

    /// Bottom of the last line that fits.
    fn bottom(&self) -> f32 {
        match self.paper {
            Paper::Sheets => SHEET.1 - MARGIN,
            Paper::Rolls => MARGIN + ROLL_LINES * LINE_PITCH,
        }
    }

    /// Width of what may stand on a page.
    fn width(&self) -> f32 {
        match self.paper {
            Paper::Sheets => SHEET.0 - 2.0 * MARGIN,
            Paper::Rolls => MAX_WIDTH - 2.0 * MARGIN,
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        for line in text.lines() {
            let mut x = 0.0;
            self.fit()?;
            for (index, piece) in line.split('\t').enumerate() {
                if index > 0 {
                    x = ((x + COLUMN_GAP) / TAB_STOP).ceil() * TAB_STOP;
                }
                x = self.piece(piece, x)?;
            }
            self.y += LINE_PITCH;
        }
        Ok(())
    }

    /// Puts pieces of a line where their columns begin, or right of what reaches into them. A line that is too long for that
    /// is set closer.
    fn columns(&mut self, pieces: &[(usize, String)]) -> Result<(), Error> {
        let reaches =
            |(column, piece): &(usize, String)| *column as f32 * LETTER_WIDTH + metrics::width(piece);
        if pieces.last().is_some_and(|last| reaches(last) > self.width()) {
            let texts: Vec<&str> = pieces.iter().map(|(_, text)| text.as_str()).collect();
            return self.text(&texts.join("\t"));
        }
        let mut least = 0.0;
        self.fit()?;
        for (column, piece) in pieces {
            let x = (*column as f32 * LETTER_WIDTH).max(least);
            least = self.piece(piece, x)? + COLUMN_GAP;
        }
        self.y += LINE_PITCH;
        Ok(())
    }

    /// Puts a piece of a line at `x` and says where it ends. What does not fit there continues at the left edge, as what
    /// fits nowhere does.
    fn piece(&mut self, piece: &str, mut x: f32) -> Result<f32, Error> {
        let width = self.width();
        for (index, words) in metrics::wrap(piece.trim(), (width - x).max(width / 4.0)).iter().enumerate() {
            if index > 0 || x >= width {
                self.y += LINE_PITCH;
                self.fit()?;
                x = 0.0;
            }
            x = self.put(words, MARGIN + x) - MARGIN;
        }
        Ok(x)
    }

    fn table(&mut self, rows: &[Vec<String>]) -> Result<(), Error> {
        let mut rows: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
        for columns in columns::groups(&rows, self.width()) {
            // Rows that have ended have nothing in columns further right either.
            let first = columns.first().map_or(0, |column| column.index);
            rows.retain(|row| row.len() > first);
            for row in &rows {
                self.row(row, &columns)?;
            }
        }
        Ok(())
    }

    /// Puts one row of a table; its cells may take several lines, and may continue on the next page.
    fn row(&mut self, row: &[String], columns: &[columns::Column]) -> Result<(), Error> {
        let cells: Vec<(f32, Vec<Vec<&str>>)> = columns
            .iter()
            .filter_map(|column| {
                let text = row.get(column.index)?;
                let lines = text.lines().flat_map(|line| metrics::wrap(line, column.width)).collect();
                Some((column.x, lines))
            })
            .collect();
        let height = cells.iter().map(|(_, lines)| lines.len()).max().unwrap_or_default();
        for index in 0..height {
            self.fit()?;
            for (x, lines) in &cells {
                if let Some(words) = lines.get(index) {
                    self.put(words, MARGIN + x);
                }
            }
            self.y += LINE_PITCH;
        }
        Ok(())
    }

    /// Puts words beside one another: the right edge.
    fn put(&mut self, words: &[&str], left: f32) -> f32 {
        let mut x = left;
        let mut placed = Vec::with_capacity(words.len());
        for word in words {
            if x > left {
                x += metrics::width(" ");
            }
            let end = x + metrics::width(word);
            let bbox = Rect::new(x, self.y, end, self.y + LINE_HEIGHT);
            placed.push(RawWord { text: (*word).to_owned(), bbox, confidence: 1.0 });
            x = end;
        }
        if !placed.is_empty() {
            let bbox = Rect::new(left, self.y, x, self.y + LINE_HEIGHT);
            self.segments.push(Segment { words: placed, bbox });
            self.right = self.right.max(x);
        }
        x
    }

    /// Begins a page where the next line does not fit on this one.
    fn fit(&mut self) -> Result<(), Error> {
        if self.y + LINE_HEIGHT > self.bottom() { self.new_page() } else { Ok(()) }
    }

    fn new_page(&mut self) -> Result<(), Error> {
        self.end_page();
        let (found, limit) = (self.pages.len() as u64 + 1, u64::from(self.limits.max_pages));
        if found <= limit {
            return Ok(());
        }
        Err(Error::LimitExceeded {
            what: "pages or more, when its text is laid out".into(),
            found,
            limit,
            setting: "decode.max_pages",
        })
    }

    fn end_page(&mut self) {
        let (width, height) = match self.paper {
            Paper::Sheets => SHEET,
            // No smaller than a sheet, so that a small table is not a page of odd size.
            Paper::Rolls => ((self.right + MARGIN).max(SHEET.0), (self.y + MARGIN).max(SHEET.1)),
        };
        let size = PageSize { width, height, unit: Unit::Point };
        self.pages.push(Page { size, segments: std::mem::take(&mut self.segments) });
        (self.y, self.right) = (MARGIN, 0.0);
    }

    fn finish(mut self) -> Vec<Page> {
        // The last page may have been begun for white space only.
        if self.pages.is_empty() || !self.segments.is_empty() {
            self.end_page();
        }
        self.pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits {
            max_pages: 10,
            max_pixels: 64_000_000,
            max_inflated_bytes: 1 << 20,
            max_text_bytes: 1 << 20,
            page_timeout: std::time::Duration::from_secs(30),
            raster_dpi: 100,
        }
    }

    fn texts(page: &Page) -> Vec<String> {
        let words = |segment: &Segment| -> Vec<String> {
            segment.words.iter().map(|word| word.text.clone()).collect()
        };
        page.segments.iter().map(|segment| words(segment).join(" ")).collect()
    }

    #[test]
    fn cells_of_a_column_stand_below_one_another_and_rows_side_by_side() {
        let mut flow = Flow::new(Paper::Sheets);
        let rows = [["Item", "Amount"], ["A rather long description of goods", "58.40"]];
        flow.table(rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect());
        let typeset = Typeset::new(&flow, limits()).unwrap();
        let boxes: Vec<Rect> = typeset.pages[0].segments.iter().map(|segment| segment.bbox).collect();
        assert_eq!((boxes[0].x0, boxes[1].x0), (boxes[2].x0, boxes[3].x0));
        assert_eq!((boxes[0].y0, boxes[2].y0), (boxes[1].y0, boxes[3].y0));
        assert!(boxes[1].x0 >= boxes[2].x1 + COLUMN_GAP && boxes[2].y0 > boxes[0].y1, "{boxes:?}");
    }

    #[test]
    fn text_that_is_too_wide_continues_on_the_next_line_and_page() {
        let mut flow = Flow::new(Paper::Sheets);
        flow.text("word ".repeat(2000));
        let typeset = Typeset::new(&flow, limits()).unwrap();
        assert!(typeset.page_count() > 1);
        for page in &typeset.pages {
            for segment in &page.segments {
                assert!(
                    segment.bbox.x1 <= SHEET.0 - MARGIN + 1.0 && segment.bbox.y1 <= SHEET.1,
                    "{segment:?}"
                );
            }
        }
        let words: usize =
            typeset.pages.iter().flat_map(|page| &page.segments).map(|line| line.words.len()).sum();
        assert_eq!(words, 2000);
    }

    #[test]
    fn a_tab_parts_a_line_into_segments() {
        let mut flow = Flow::new(Paper::Sheets);
        flow.text("Grand total:\t58.40 EUR");
        let typeset = Typeset::new(&flow, limits()).unwrap();
        assert_eq!(texts(&typeset.pages[0]), ["Grand total:", "58.40 EUR"]);
    }

    #[test]
    fn numbers_that_end_in_one_column_of_letters_end_at_one_place() {
        let mut flow = Flow::new(Paper::Sheets);
        flow.columns(vec![(0, "Copy paper".to_owned()), (30, "1,200.00".to_owned())]);
        flow.columns(vec![(0, "Ink".to_owned()), (33, "16.00".to_owned())]);
        let typeset = Typeset::new(&flow, limits()).unwrap();
        let ends: Vec<f32> = typeset.pages[0].segments.iter().map(|segment| segment.bbox.x1).collect();
        assert!((ends[1] - ends[3]).abs() < LETTER_WIDTH, "{ends:?}");
    }

    #[test]
    fn a_line_that_is_too_long_for_its_columns_stays_one_line_where_it_can() {
        let mut flow = Flow::new(Paper::Sheets);
        flow.columns(vec![(0, "Grand total".to_owned()), (120, "58.40 EUR".to_owned())]);
        let typeset = Typeset::new(&flow, limits()).unwrap();
        let boxes: Vec<Rect> = typeset.pages[0].segments.iter().map(|segment| segment.bbox).collect();
        assert_eq!(boxes[0].y0, boxes[1].y0);
    }

    #[test]
    fn a_text_of_too_many_pages_is_refused_with_the_setting() {
        let mut flow = Flow::new(Paper::Sheets);
        flow.text("line\n".repeat(1000));
        let error = Typeset::new(&flow, limits()).err().unwrap();
        assert!(error.to_string().contains("decode.max_pages"), "{error}");
    }

    #[test]
    fn a_wide_row_stays_one_row_on_a_roll() {
        let mut flow = Flow::new(Paper::Rolls);
        flow.table(vec![(0..60).map(|column| format!("a cell in column {column}")).collect()]);
        let typeset = Typeset::new(&flow, limits()).unwrap();
        let page = &typeset.pages[0];
        assert_eq!(page.segments.len(), 60);
        assert!(
            page.segments
                .iter()
                .all(|segment| segment.bbox.y0 == MARGIN && segment.bbox.x1 < page.size.width)
        );
    }

    #[test]
    fn a_picture_of_a_page_has_ink_where_its_words_are() {
        let mut flow = Flow::new(Paper::Sheets);
        flow.text("Total");
        flow.text("ใบเสร็จ");
        let typeset = Typeset::new(&flow, limits()).unwrap();
        let raster = typeset.raster(0).unwrap();
        let scale = raster.width as f32 / SHEET.0;
        for segment in &typeset.pages[0].segments {
            let rows = (segment.bbox.y0 * scale) as u32..(segment.bbox.y1 * scale) as u32;
            let columns = (segment.bbox.x0 * scale) as u32..(segment.bbox.x1 * scale) as u32;
            let pixels = rows.flat_map(|y| columns.clone().map(move |x| (y * raster.width + x) as usize * 3));
            let dark = pixels.filter(|at| raster.pixels[*at] < 128).count();
            assert!(dark > 20, "{dark} dark pixels in {segment:?}");
        }
    }
}
