//! A guest that behaves: each line's text becomes a field, with its place and confidence.

use ocriva_plugin_sdk::{Description, Document, Extractor, Failure, Field, Output, Request, register};

/// The extractor, for native tests.
pub struct Lines;

impl Extractor for Lines {
    type Request = Request;

    fn describe() -> Description {
        Description::new("lines", "1.2.0", "Each line as a field")
    }

    fn extract(document: &Document, _request: Request) -> Result<Output, Failure> {
        let mut output = Output::default();
        for index in 0..document.page_count() {
            let page = document.page(index)?;
            for line in &page.lines {
                let first = line.first_word as usize;
                let words = page.words.get(first..first + line.word_count as usize).unwrap_or_default();
                let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                let confidence = words.iter().map(|word| word.confidence).fold(1.0, f32::min);
                let field = Field {
                    value: texts.join(" ").into(),
                    confidence,
                    page: Some(page.number),
                    bbox: Some(line.bbox),
                    source: Some(page.source.clone()),
                    text: None,
                };
                output.fields.insert(format!("line_{}", output.fields.len() + 1), field);
            }
        }
        Ok(output)
    }
}

register!(Lines);
