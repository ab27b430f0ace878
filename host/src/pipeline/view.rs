//! One document as an extractor sees it: each page decoded and read at most once, when it is asked for.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use super::reader::Reader;
use crate::config::OcrMode;
use crate::decode;
use crate::domain::barcode::Barcode;
use crate::domain::document::PageRange;
use crate::domain::extraction::Warning;
use crate::domain::geometry::Rect;
use crate::domain::page::{PageSize, PageText, Word};
use crate::domain::raster::Raster;
use crate::plugins::{DocumentSource, SourceError};

/// A document that is being extracted.
pub struct View {
    document: Arc<decode::Document>,
    reader: Reader,
    mode: OcrMode,
    file_name: String,
    media_type: &'static str,
    first: u32,
    pages: Vec<Slot>,
    /// Pictures of the pages that were looked at last, by index, the latest at the end.
    rasters: Mutex<Vec<(u32, RasterCell)>>,
    /// Of the request, before any page is read.
    warnings: Vec<Warning>,
    /// Pages that are read ahead of the extractor's asking.
    ahead: tokio::sync::Mutex<JoinSet<()>>,
    on_page: Box<dyn Fn(u32) + Send + Sync>,
    times: Mutex<ReadingTimes>,
}

/// Where a document's time went, summed over its pages: on two cores the sum may exceed the time that passed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadingTimes {
    /// Decoding: text layers and rasters.
    pub decode: Duration,
    /// Optical character recognition.
    pub ocr: Duration,
}

/// What the pages of a document were found to say.
pub struct PagesRead {
    /// The pages that were asked for, by number from 1, in order.
    pub pages: Vec<(u32, Arc<PageText>)>,
    /// Pages that could not be read.
    pub warnings: Vec<Warning>,
    /// The first failure, if no page at all could be read.
    pub failure: Option<SourceError>,
    /// Where the time went.
    pub times: ReadingTimes,
}

/// Pictures of pages that are kept: extractors look at one page after the other, and a picture has tens of megabytes.
const KEPT_RASTERS: usize = 2;

/// Most pixels of the pictures that are kept, where it is more than one.
const KEPT_PIXELS: u64 = 36_000_000;

type RasterCell = Arc<OnceCell<Result<Arc<Raster>, SourceError>>>;

#[derive(Default)]
struct Slot {
    text: OnceCell<Result<Arc<PageText>, SourceError>>,
    barcodes: OnceCell<Result<Arc<Vec<Barcode>>, SourceError>>,
}

/// What a [`View`] is made of.
pub struct ViewRequest {
    /// The opened document.
    pub document: decode::Document,
    /// Mode of reading.
    pub mode: OcrMode,
    /// The uploader's name for the file.
    pub file_name: String,
    /// Media type, as sniffed.
    pub media_type: &'static str,
    /// Pages to look at; `None` for all.
    pub range: Option<PageRange>,
    /// Called with the number of pages read so far.
    pub on_page: Box<dyn Fn(u32) + Send + Sync>,
}

impl View {
    /// Makes the view of a document.
    ///
    /// # Errors
    /// A page range that lies outside the document. One that begins inside and ends outside is cut, with a warning.
    pub fn new(request: ViewRequest, reader: Reader) -> Result<Arc<Self>, decode::Error> {
        let page_count = request.document.page_count();
        let cut = request.range.filter(|range| range.to > page_count);
        let warnings = cut.map(|range| Warning {
            code: "page_range_cut".to_owned(),
            message: format!(
                "pages {} to {} were asked for, the document has {page_count}",
                range.from, range.to
            ),
            field: None,
            page: None,
        });
        let (from, to) = match request.range {
            None => (1, page_count),
            Some(range) if range.from == 0 || range.from > page_count => {
                return Err(decode::Error::NoSuchPage { page: range.from, page_count });
            }
            Some(range) => (range.from, range.to.clamp(range.from, page_count)),
        };
        Ok(Arc::new(Self {
            document: Arc::new(request.document),
            reader,
            mode: request.mode,
            file_name: request.file_name,
            media_type: request.media_type,
            first: from - 1,
            pages: (from..=to).map(|_| Slot::default()).collect(),
            rasters: Mutex::new(Vec::new()),
            warnings: warnings.into_iter().collect(),
            ahead: tokio::sync::Mutex::new(JoinSet::new()),
            on_page: request.on_page,
            times: Mutex::new(ReadingTimes::default()),
        }))
    }

    /// Waits for what is still being read, and tells what was.
    pub async fn finish(&self) -> PagesRead {
        let mut ahead = self.ahead.lock().await;
        while ahead.join_next().await.is_some() {}
        let mut pages = Vec::new();
        let mut warnings = self.warnings.clone();
        let mut failure = None;
        for (number, slot) in (self.first + 1..).zip(&self.pages) {
            match slot.text.get() {
                None => {}
                Some(Ok(text)) => pages.push((number, Arc::clone(text))),
                Some(Err(error)) => {
                    warnings.push(Warning {
                        code: "page_unreadable".to_owned(),
                        message: format!("page {number} cannot be read: {error}"),
                        field: None,
                        page: Some(number),
                    });
                    failure.get_or_insert_with(|| error.clone());
                }
            }
        }
        if !pages.is_empty() {
            failure = None;
        }
        PagesRead {
            pages,
            warnings,
            failure,
            times: *self.times.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn slot(&self, index: u32) -> Result<&Slot, SourceError> {
        self.pages.get(index as usize).ok_or_else(|| SourceError {
            code: "decode.no_such_page".to_owned(),
            message: format!("the extractor may see {} pages, index {index} is outside", self.pages.len()),
            transient: false,
        })
    }

    /// The place of a page's picture among the few that are kept.
    fn raster_cell(&self, index: u32) -> RasterCell {
        let mut kept = self.rasters.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match kept.iter().position(|(known, _)| *known == index) {
            Some(place) => kept.remove(place),
            None => (index, RasterCell::default()),
        };
        let cell = Arc::clone(&entry.1);
        kept.push(entry);
        let pixels: u64 = kept.iter().map(|(index, _)| self.document.raster_pixels(self.first + index)).sum();
        if kept.len() > KEPT_RASTERS || pixels > KEPT_PIXELS {
            let others = kept.len() - 1;
            kept.drain(..others);
        }
        cell
    }

    async fn read(&self, index: u32) -> Result<Arc<PageText>, SourceError> {
        let slot = self.slot(index)?;
        slot.text
            .get_or_init(|| async {
                let read =
                    self.reader.read_page(Arc::clone(&self.document), self.first + index, self.mode).await;
                let result = read.map(|(text, times)| {
                    let mut sum = self.times.lock().unwrap_or_else(PoisonError::into_inner);
                    sum.decode += times.decode;
                    sum.ocr += times.ocr;
                    Arc::new(text)
                });
                let done = 1 + self.pages.iter().filter(|slot| slot.text.initialized()).count();
                (self.on_page)(u32::try_from(done).unwrap_or(u32::MAX));
                result
            })
            .await
            .clone()
    }
}

/// A handle that plugins hold; a newtype, because pages are read ahead by tasks that share the view.
pub struct SharedView(pub Arc<View>);

impl SharedView {
    /// Starts reading the page after the one asked for, so that a document's pages keep all cores busy although
    /// the extractor asks for one after the other.
    async fn read_ahead(&self, index: u32) {
        let next = index + 1;
        let waiting = self.0.slot(next).is_ok_and(|slot| !slot.text.initialized());
        if waiting {
            let view = Arc::clone(&self.0);
            let mut ahead = self.0.ahead.lock().await;
            while ahead.try_join_next().is_some() {}
            ahead.spawn(async move {
                // A failure stays in the slot and reaches the extractor when it asks.
                let _ = view.read(next).await;
            });
        }
    }
}

#[async_trait]
impl DocumentSource for SharedView {
    fn page_count(&self) -> u32 {
        u32::try_from(self.0.pages.len()).unwrap_or(u32::MAX)
    }

    fn file_name(&self) -> &str {
        &self.0.file_name
    }

    fn media_type(&self) -> &str {
        self.0.media_type
    }

    fn page_number(&self, index: u32) -> u32 {
        self.0.first + index + 1
    }

    async fn size(&self, index: u32) -> Result<PageSize, SourceError> {
        Ok(self.0.read(index).await?.size)
    }

    async fn text(&self, index: u32) -> Result<Arc<PageText>, SourceError> {
        self.0.slot(index)?;
        self.read_ahead(index).await;
        self.0.read(index).await
    }

    async fn raster(&self, index: u32) -> Result<Arc<Raster>, SourceError> {
        self.0.slot(index)?;
        let text = self.0.read(index).await?;
        let cell = self.0.raster_cell(index);
        cell.get_or_init(|| async {
            let document = Arc::clone(&self.0.document);
            self.0.reader.upright_raster(document, self.0.first + index, &text).await.map(Arc::new)
        })
        .await
        .clone()
    }

    async fn recognize(&self, index: u32, area: Rect) -> Result<Vec<Word>, SourceError> {
        let raster = self.raster(index).await?;
        let size = self.size(index).await?;
        self.0.reader.recognize(raster, size, area, self.0.mode).await
    }

    async fn barcodes(&self, index: u32) -> Result<Arc<Vec<Barcode>>, SourceError> {
        let slot = self.0.slot(index)?;
        slot.barcodes
            .get_or_init(|| async {
                let raster = self.raster(index).await?;
                let size = self.size(index).await?;
                self.0.reader.barcodes(raster, size).await.map(Arc::new)
            })
            .await
            .clone()
    }
}
