//! Forms in which results leave the program as files.

use super::template::ResultFormat;

words! {
    /// A form of an export.
    pub enum ExportFormat {
        /// JSON: everything that is known of the record and its result.
        Json => "json",
        /// Comma-separated values.
        Csv => "csv",
        /// An Excel workbook.
        Xlsx => "xlsx",
        /// Plain text.
        Text => "text",
        /// Markdown.
        Markdown => "markdown",
        /// A web page.
        Html => "html",
        /// XML.
        Xml => "xml",
        /// A Word document.
        Docx => "docx",
        /// A searchable PDF.
        Pdf => "pdf",
        /// Pictures of the pages, as PNG.
        Image => "image",
    }
}

impl ExportFormat {
    /// The extension of file names, without a point.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Text => "txt",
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Xml => "xml",
            Self::Docx => "docx",
            Self::Pdf => "pdf",
            Self::Image => "png",
        }
    }

    /// The media type of the content.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Text => "text/plain; charset=utf-8",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
            Self::Xml => "application/xml",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            Self::Pdf => "application/pdf",
            Self::Image => "image/png",
        }
    }

    /// Whether it is made of the document's file, and not of the result alone.
    pub fn shows_the_file(self) -> bool {
        match self {
            Self::Pdf | Self::Image => true,
            Self::Json
            | Self::Csv
            | Self::Xlsx
            | Self::Text
            | Self::Markdown
            | Self::Html
            | Self::Xml
            | Self::Docx => false,
        }
    }
}

impl From<ResultFormat> for ExportFormat {
    fn from(format: ResultFormat) -> Self {
        match format {
            ResultFormat::Json => Self::Json,
            ResultFormat::Csv => Self::Csv,
            ResultFormat::Text => Self::Text,
            ResultFormat::Pdf => Self::Pdf,
            ResultFormat::Docx => Self::Docx,
            ResultFormat::Xml => Self::Xml,
            ResultFormat::Html => Self::Html,
            ResultFormat::Image => Self::Image,
        }
    }
}
