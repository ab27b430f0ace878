//! The import `barcodes`: plugins ask for the bar codes of a page.

use std::sync::Arc;

use serde::Serialize;
use wasmtime::component::Resource;

use super::bindings::ocriva::extract::{barcodes, types};
use super::imports::{CallState, Page, guest_rect, section, told};
use crate::domain::barcode::Barcode;

/// What is told of a code beyond its content and place.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    symbology: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_correction: Option<&'a str>,
}

impl barcodes::Host for CallState {
    async fn read(
        &mut self,
        page: Resource<Page>,
        cap: u32,
    ) -> wasmtime::Result<Result<Vec<barcodes::Barcode>, types::Failure>> {
        self.budget.host_call()?;
        let index = self.page_index(&page)?;
        let source = Arc::clone(&self.source);
        match told(source.barcodes(index).await) {
            Ok(found) => section(&found, 0, cap).iter().map(guest_barcode).collect::<Result<_, _>>().map(Ok),
            Err(failure) => Ok(Err(failure)),
        }
    }
}

fn guest_barcode(code: &Barcode) -> wasmtime::Result<barcodes::Barcode> {
    let attributes =
        Attributes { symbology: &code.symbology, error_correction: code.error_correction.as_deref() };
    Ok(barcodes::Barcode {
        format: code.format.as_str().to_owned(),
        text: code.text.clone(),
        bytes: code.bytes.clone(),
        bbox: guest_rect(code.bbox),
        confidence: code.confidence,
        attributes: serde_json::to_string(&attributes)?,
    })
}
