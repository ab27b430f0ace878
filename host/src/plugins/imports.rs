//! What plugins can call: their log, their settings, and the document through handles.
//!
//! No epoch interrupts the host, so that each function's work is bounded before it starts: lists and texts are
//! capped here too, whatever cap the plugin gives, and each call is counted.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Map, Value};
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::WasiCtx;

use super::bindings::ocriva::extract::{config, document, log, types};
use super::budget::Budget;
use super::capabilities::{Powers, Services};
use super::journal::cut;
use super::wasi;
use super::{DocumentSource, SourceError};
use crate::domain::geometry::Rect;
use crate::domain::page::{PageText, TextSource, Unit, Word};
use crate::domain::raster::Raster;
use crate::domain::reference::NamedTable;

/// Most elements of a list that one call gives.
const LIST_CAP: u32 = 16_384;

/// Most bytes of text or pixels that one call gives.
const BYTES_CAP: u32 = 1 << 20;

/// Longest text that can be searched for.
const NEEDLE_BYTES: usize = 256;

/// The state of one call: the document, the settings, the reference files, the handles given out, and the budget.
pub(super) struct CallState {
    pub(super) source: Arc<dyn DocumentSource>,
    config: Map<String, Value>,
    /// The tables that may be searched.
    pub(super) references: Vec<NamedTable>,
    table: ResourceTable,
    /// Made when a plugin first asks for it; most never do.
    wasi: Option<Box<WasiCtx>>,
    /// When the call began.
    pub(super) began_at: Instant,
    /// The plugin's name.
    pub(super) plugin: String,
    /// The organization whose document it is; `None` outside of a server.
    pub(super) organization_id: Option<String>,
    /// What the plugin was granted.
    pub(super) powers: Arc<Powers>,
    /// The host's side of that.
    pub(super) services: Arc<Services>,
    /// What may be used and has been.
    pub(super) budget: Budget,
}

/// What a call has to do with.
pub(super) struct Surroundings {
    pub(super) source: Arc<dyn DocumentSource>,
    pub(super) plugin: String,
    pub(super) organization_id: Option<String>,
    pub(super) config: Map<String, Value>,
    pub(super) references: Vec<NamedTable>,
    pub(super) powers: Arc<Powers>,
    pub(super) services: Arc<Services>,
}

/// Handle of the document.
pub struct Doc;

/// Handle of a page.
pub struct Page {
    index: u32,
}

/// Handle of a page's words.
pub struct Words {
    text: Arc<PageText>,
}

/// Handle of a picture: a part of a page's raster.
pub struct Image {
    page_index: u32,
    raster: Arc<Raster>,
    /// Pixels per page unit.
    scale: (f32, f32),
    /// The part in page units.
    area: Rect,
    /// The part in pixels, inside the raster.
    part: PixelRect,
}

#[derive(Clone, Copy)]
struct PixelRect {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

type Answer<T> = wasmtime::Result<Result<T, types::Failure>>;

impl CallState {
    pub(super) fn new(surroundings: Surroundings, budget: Budget) -> Self {
        let Surroundings { source, plugin, organization_id, config, references, powers, services } =
            surroundings;
        let mut table = ResourceTable::new();
        table.set_max_capacity(usize::try_from(budget.limits().handles).unwrap_or(usize::MAX));
        Self {
            source,
            config,
            references,
            table,
            wasi: None,
            began_at: Instant::now(),
            plugin,
            organization_id,
            powers,
            services,
            budget,
        }
    }

    /// The empty WASI of this call, and where its handles are kept.
    pub(super) fn wasi(&mut self) -> (&mut WasiCtx, &mut ResourceTable) {
        let ctx = self
            .wasi
            .get_or_insert_with(|| Box::new(wasi::context(self.powers.real(), &self.budget.journal())));
        (ctx, &mut self.table)
    }

    /// The handle under which the plugin gets the document.
    pub(super) fn open_document(&mut self) -> wasmtime::Result<Resource<Doc>> {
        Ok(Resource::new_borrow(self.open(Doc)?.rep()))
    }

    /// The index of the page that a handle stands for.
    pub(super) fn page_index(&self, page: &Resource<Page>) -> wasmtime::Result<u32> {
        Ok(self.table.get(page)?.index)
    }

    fn open<T: Send + 'static>(&mut self, entry: T) -> wasmtime::Result<Resource<T>> {
        self.budget.handle_opened()?;
        Ok(self.table.push(entry)?)
    }

    fn close<T: 'static>(&mut self, handle: Resource<T>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        self.budget.handle_closed();
        Ok(())
    }

    fn text(&mut self, handle: &Resource<Words>) -> wasmtime::Result<&PageText> {
        self.budget.host_call()?;
        Ok(&self.table.get(handle)?.text)
    }
}

impl log::Host for CallState {
    fn write(&mut self, level: u8, message: String) -> wasmtime::Result<()> {
        self.budget.host_call()?;
        self.budget.log(level, &message);
        Ok(())
    }
}

impl config::Host for CallState {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        self.budget.host_call()?;
        Ok(self.config.get(&key).map(Value::to_string))
    }
}

impl types::Host for CallState {}

impl document::Host for CallState {}

impl document::HostDoc for CallState {
    fn page_count(&mut self, _doc: Resource<Doc>) -> wasmtime::Result<u32> {
        self.budget.host_call()?;
        Ok(self.source.page_count())
    }

    fn meta(&mut self, _doc: Resource<Doc>) -> wasmtime::Result<String> {
        self.budget.host_call()?;
        let meta = serde_json::json!({
            "fileName": self.source.file_name(),
            "mediaType": self.source.media_type(),
        });
        Ok(meta.to_string())
    }

    fn page(&mut self, _doc: Resource<Doc>, index: u32) -> Answer<Resource<Page>> {
        self.budget.host_call()?;
        let page_count = self.source.page_count();
        if index >= page_count {
            let message = format!("document has {page_count} pages, index {index} does not exist");
            return Ok(Err(failure("decode.no_such_page", message)));
        }
        self.open(Page { index }).map(Ok)
    }

    fn drop(&mut self, doc: Resource<Doc>) -> wasmtime::Result<()> {
        self.close(doc)
    }
}

impl document::HostPage for CallState {
    fn number(&mut self, page: Resource<Page>) -> wasmtime::Result<u32> {
        self.budget.host_call()?;
        let index = self.page_index(&page)?;
        Ok(self.source.page_number(index))
    }

    async fn size(&mut self, page: Resource<Page>) -> Answer<(f32, f32)> {
        self.budget.host_call()?;
        let index = self.page_index(&page)?;
        let source = Arc::clone(&self.source);
        Ok(told(source.size(index).await).map(|size| (size.width, size.height)))
    }

    async fn unit(&mut self, page: Resource<Page>) -> Answer<String> {
        self.budget.host_call()?;
        let index = self.page_index(&page)?;
        let source = Arc::clone(&self.source);
        let name = |unit| match unit {
            Unit::Pixel => "px".to_owned(),
            Unit::Point => "pt".to_owned(),
        };
        Ok(told(source.size(index).await).map(|size| name(size.unit)))
    }

    async fn words(&mut self, page: Resource<Page>) -> Answer<Resource<Words>> {
        self.budget.host_call()?;
        let index = self.page_index(&page)?;
        let source = Arc::clone(&self.source);
        match told(source.text(index).await) {
            Ok(text) => self.open(Words { text }).map(Ok),
            Err(failure) => Ok(Err(failure)),
        }
    }

    async fn image(&mut self, page: Resource<Page>) -> Answer<Resource<Image>> {
        self.budget.host_call()?;
        let page_index = self.page_index(&page)?;
        let source = Arc::clone(&self.source);
        let picture = async { Ok((source.size(page_index).await?, source.raster(page_index).await?)) };
        let (size, raster) = match told(picture.await) {
            Ok(picture) => picture,
            Err(failure) => return Ok(Err(failure)),
        };
        let whole = PixelRect { x: 0, y: 0, width: raster.width, height: raster.height };
        let image = Image {
            page_index,
            scale: (raster.width as f32 / size.width, raster.height as f32 / size.height),
            area: Rect::new(0.0, 0.0, size.width, size.height),
            part: whole,
            raster,
        };
        self.open(image).map(Ok)
    }

    fn drop(&mut self, page: Resource<Page>) -> wasmtime::Result<()> {
        self.close(page)
    }
}

impl document::HostWords for CallState {
    fn source(&mut self, words: Resource<Words>) -> wasmtime::Result<String> {
        Ok(match self.text(&words)?.source {
            TextSource::TextLayer => "text_layer".to_owned(),
            TextSource::Ocr => "ocr".to_owned(),
        })
    }

    fn count(&mut self, words: Resource<Words>) -> wasmtime::Result<u32> {
        Ok(length(&self.text(&words)?.words))
    }

    fn get(&mut self, words: Resource<Words>, index: u32) -> wasmtime::Result<Option<types::Word>> {
        Ok(self.text(&words)?.words.get(index as usize).map(guest_word))
    }

    fn slice(&mut self, words: Resource<Words>, start: u32, cap: u32) -> wasmtime::Result<Vec<types::Word>> {
        Ok(section(&self.text(&words)?.words, start, cap).iter().map(guest_word).collect())
    }

    fn columns(
        &mut self,
        words: Resource<Words>,
        start: u32,
        cap: u32,
    ) -> wasmtime::Result<types::WordColumns> {
        let section = section(&self.text(&words)?.words, start, cap);
        let mut columns = types::WordColumns {
            text: String::with_capacity(section.len() * 8),
            boxes: Vec::with_capacity(section.len() * 4),
            confidences: section.iter().map(|word| word.confidence).collect(),
            lines: section.iter().map(|word| word.line).collect(),
            blocks: section.iter().map(|word| word.block).collect(),
        };
        for (index, word) in section.iter().enumerate() {
            if index > 0 {
                columns.text.push('\n');
            }
            columns.text.push_str(&word.text);
            columns.boxes.extend(<[f32; 4]>::from(word.bbox));
        }
        Ok(columns)
    }

    fn text(&mut self, words: Resource<Words>, cap: u32) -> wasmtime::Result<String> {
        let text = CallState::text(self, &words)?.plain_text();
        Ok(cut(&text, cap.min(BYTES_CAP) as usize).to_owned())
    }

    fn find(&mut self, words: Resource<Words>, needle: String, cap: u32) -> wasmtime::Result<Vec<u32>> {
        let words = &self.text(&words)?.words;
        if needle.is_empty() || needle.len() > NEEDLE_BYTES {
            return Ok(Vec::new());
        }
        let needle = needle.to_lowercase();
        Ok(indexes(words, cap, |word| contains_lowercase(&word.text, &needle)))
    }

    fn within(&mut self, words: Resource<Words>, area: types::Rect, cap: u32) -> wasmtime::Result<Vec<u32>> {
        let words = &self.text(&words)?.words;
        Ok(indexes(words, cap, |word| {
            let (x, y) = word.bbox.center();
            (area.x0..=area.x1).contains(&x) && (area.y0..=area.y1).contains(&y)
        }))
    }

    fn line_count(&mut self, words: Resource<Words>) -> wasmtime::Result<u32> {
        Ok(length(&self.text(&words)?.lines))
    }

    fn lines(&mut self, words: Resource<Words>, start: u32, cap: u32) -> wasmtime::Result<Vec<types::Line>> {
        let lines = section(&self.text(&words)?.lines, start, cap).iter();
        let guest_line = |line: &crate::domain::page::Line| types::Line {
            bbox: guest_rect(line.bbox),
            first_word: line.first_word,
            word_count: line.word_count,
            block: line.block,
        };
        Ok(lines.map(guest_line).collect())
    }

    fn drop(&mut self, words: Resource<Words>) -> wasmtime::Result<()> {
        self.close(words)
    }
}

impl document::HostImage for CallState {
    fn size(&mut self, image: Resource<Image>) -> wasmtime::Result<(u32, u32)> {
        self.budget.host_call()?;
        let PixelRect { width, height, .. } = self.table.get(&image)?.part;
        Ok((width, height))
    }

    fn crop(&mut self, image: Resource<Image>, area: types::Rect) -> Answer<Resource<Image>> {
        self.budget.host_call()?;
        match self.table.get(&image)?.crop(area) {
            Some(part) => self.open(part).map(Ok),
            None => Ok(Err(failure("bad_area", "area does not overlap the picture".to_owned()))),
        }
    }

    fn read(&mut self, image: Resource<Image>, start: u32, cap: u32) -> wasmtime::Result<Vec<u8>> {
        self.budget.host_call()?;
        Ok(self.table.get(&image)?.read(start as usize, cap.min(BYTES_CAP) as usize))
    }

    async fn recognize(&mut self, image: Resource<Image>, cap: u32) -> Answer<Vec<types::Word>> {
        self.budget.host_call()?;
        if !self.budget.ocr_call() {
            let message = format!(
                "no more than {} readings of parts of pages are allowed (limit `ocr_calls`)",
                self.budget.allowed_ocr_calls()
            );
            return Ok(Err(failure("plugin.denied", message)));
        }
        let &Image { page_index, area, .. } = self.table.get(&image)?;
        let source = Arc::clone(&self.source);
        let words = told(source.recognize(page_index, area).await);
        Ok(words.map(|words| section(&words, 0, cap).iter().map(guest_word).collect()))
    }

    fn drop(&mut self, image: Resource<Image>) -> wasmtime::Result<()> {
        self.close(image)
    }
}

impl Image {
    /// The part of this picture in `area` (page units), grown to whole pixels; `None` where they do not overlap.
    fn crop(&self, types::Rect { x0, y0, x1, y1 }: types::Rect) -> Option<Self> {
        if ![x0, y0, x1, y1].iter().all(|edge| edge.is_finite()) {
            return None;
        }
        let area = self.area.intersection(&Rect::new(x0, y0, x1, y1))?;
        // The casts saturate, and what lies outside is cut off.
        let x =
            ((area.x0 * self.scale.0).floor() as u32).clamp(self.part.x, self.part.x + self.part.width - 1);
        let y =
            ((area.y0 * self.scale.1).floor() as u32).clamp(self.part.y, self.part.y + self.part.height - 1);
        let right = ((area.x1 * self.scale.0).ceil() as u32).clamp(x + 1, self.part.x + self.part.width);
        let bottom = ((area.y1 * self.scale.1).ceil() as u32).clamp(y + 1, self.part.y + self.part.height);
        Some(Self {
            page_index: self.page_index,
            raster: Arc::clone(&self.raster),
            scale: self.scale,
            area,
            part: PixelRect { x, y, width: right - x, height: bottom - y },
        })
    }

    /// At most `cap` bytes of the part's pixels from byte `start` on.
    fn read(&self, start: usize, cap: usize) -> Vec<u8> {
        let PixelRect { x, y, width, height } = self.part;
        let row_bytes = width as usize * 3;
        let stride = self.raster.width as usize * 3;
        let end = start.saturating_add(cap).min(row_bytes * height as usize);
        let mut bytes = Vec::with_capacity(end.saturating_sub(start));
        let mut position = start;
        while position < end {
            let (row, column) = (position / row_bytes, position % row_bytes);
            let taken = (row_bytes - column).min(end - position);
            let first = (y as usize + row) * stride + x as usize * 3 + column;
            let Some(pixels) = self.raster.pixels.get(first..first + taken) else { break };
            bytes.extend_from_slice(pixels);
            position += taken;
        }
        bytes
    }
}

/// The document's answer, as plugins are told it.
pub(super) fn told<T>(answer: Result<T, SourceError>) -> Result<T, types::Failure> {
    answer.map_err(|SourceError { code, message, transient }| types::Failure {
        code,
        message,
        retryable: transient,
    })
}

pub(super) fn section<T>(all: &[T], start: u32, cap: u32) -> &[T] {
    let rest = all.get(start as usize..).unwrap_or_default();
    &rest[..rest.len().min(cap.min(LIST_CAP) as usize)]
}

fn indexes(words: &[Word], cap: u32, wanted: impl Fn(&Word) -> bool) -> Vec<u32> {
    let found = (0..).zip(words).filter(|(_, word)| wanted(word)).map(|(index, _)| index);
    found.take(cap.min(LIST_CAP) as usize).collect()
}

fn contains_lowercase(text: &str, needle: &str) -> bool {
    if text.is_ascii() {
        let needle = needle.as_bytes();
        return text.as_bytes().windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle));
    }
    text.to_lowercase().contains(needle)
}

fn length<T>(all: &[T]) -> u32 {
    u32::try_from(all.len()).unwrap_or(u32::MAX)
}

fn guest_word(word: &Word) -> types::Word {
    types::Word {
        text: word.text.clone(),
        bbox: guest_rect(word.bbox),
        confidence: word.confidence,
        line: word.line,
        block: word.block,
    }
}

pub(super) fn guest_rect(Rect { x0, y0, x1, y1 }: Rect) -> types::Rect {
    types::Rect { x0, y0, x1, y1 }
}

/// A failure that will happen again.
pub(super) fn failure(code: &str, message: String) -> types::Failure {
    types::Failure { code: code.to_owned(), message, retryable: false }
}
