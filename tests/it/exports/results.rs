//! Results that are given to documents, as if a worker had read them.

use ocriva::domain::document::{ExtractorIdentity, Processed};
use ocriva::domain::extraction::{
    Cell, Extraction, Field, LineRecord, PageRecord, Table, Warning, WordRecord,
};
use ocriva::domain::geometry::{Rect, Turn};
use ocriva::domain::page::{TextSource, Unit};
use ocriva::store::Start;
use serde_json::{Value, json};
use support::api::{TestApi, png, text};
use support::store::LEASE;

/// Makes a template of invoices, whose results are wanted as XML, with these export settings.
pub async fn invoice_template(api: &TestApi, export: Value) -> String {
    let mut template = json!({
        "name": "Invoices", "projectId": api.project(), "resultFormat": "xml",
        "templateSchema": {"type": "object", "properties": {
            "number": {"type": "string"},
            "date": {"type": "string", "format": "date"},
            "total": {"type": "number"},
            "paid": {"type": "boolean"},
            "supplier": {"type": "object", "properties": {"name": {"type": "string"}, "city": {"type": "string"}}},
            "lineItems": {"type": "array", "items": {"type": "object", "properties": {
                "description": {"type": "string"}, "quantity": {"type": "number"}, "price": {"type": "number"},
            }}},
            "note": {"type": "string"},
            "iban": {"type": "string"},
        }},
    });
    if !export.is_null() {
        template["export"] = export;
    }
    let made = api.post("/templates", &api.token, &template).await;
    assert_eq!(made.status, 201, "{made:?}");
    text(&made.body["id"])
}

/// Uploads a picture of one pixel.
pub async fn upload(api: &TestApi, name: &str, template: Option<&str>) -> String {
    upload_file(api, name, png(), template).await
}

/// Uploads a file.
pub async fn upload_file(api: &TestApi, name: &str, bytes: Vec<u8>, template: Option<&str>) -> String {
    let mut form = api.upload_form(bytes, name);
    if let Some(template) = template {
        form = form.text("templateId", template.to_owned());
    }
    let answer = api.submit(&api.upload_path(), &api.token, form).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    text(&answer.body["id"])
}

/// Completes the named documents with these results, and lets all others that wait fail.
pub async fn finish(api: &TestApi, results: &[(&str, Extraction)]) {
    let store = &api.base.store;
    store.dispatch(100, 100).await.unwrap();
    for delivery in store.claim("reader", 100, LEASE).await.unwrap() {
        let Start::Started(attempt) = store.start_attempt("reader", delivery, LEASE, 3).await.unwrap() else {
            panic!("not started");
        };
        let given = results.iter().find(|(id, _)| *id == attempt.document.id);
        let ended = match given {
            Some((_, extraction)) => {
                store.complete_attempt(&attempt, &processed(extraction.clone())).await.unwrap()
            }
            None => {
                let failure = ocriva::domain::document::Failure {
                    code: "decode.damaged".to_owned(),
                    message: "file is damaged".to_owned(),
                };
                store.fail_attempt(&attempt, &failure, &[]).await.unwrap()
            }
        };
        assert!(ended);
    }
}

/// The result of reading an invoice.
pub fn invoice() -> Extraction {
    let values = [
        ("number", json!("RE-1")),
        ("date", json!("2026-01-31")),
        ("total", json!(1234.5)),
        ("paid", json!(true)),
        ("supplier", json!({"name": "Müller & Söhne <GmbH>"})),
        (
            "lineItems",
            json!([
                {"description": "Bolts, \"M8\"", "quantity": 100, "price": 1.5},
                {"description": "Nuts", "quantity": 7},
            ]),
        ),
        ("note", json!("=1+1")),
        ("iban", Value::Null),
    ];
    let field = |value: &Value| Field {
        confidence: if value.is_null() { 0.0 } else { 0.98 },
        page: (!value.is_null()).then_some(1),
        bbox: None,
        source: Some("ocr".to_owned()),
        text: None,
        value: value.clone(),
    };
    let cell = |text: &str| Cell { text: text.to_owned(), bbox: None, confidence: 1.0 };
    Extraction {
        fields: values.iter().map(|(name, value)| ((*name).to_owned(), field(value))).collect(),
        data: values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        tables: vec![Table {
            name: None,
            page: 1,
            bbox: None,
            columns: vec!["Rate".to_owned()],
            rows: vec![vec![cell("19 %")]],
        }],
        warnings: vec![Warning {
            code: "total_mismatch".to_owned(),
            message: "the items sum to 157".to_owned(),
            field: None,
            page: None,
        }],
        pages: vec![page(1, (1.0, 1.0), vec![])],
        text: "Invoice RE-1\nBell \u{7} <b>\n".to_owned(),
    }
}

/// The result of reading nothing but text.
pub fn plain_text(text: &str) -> Extraction {
    let pages = text.split('\u{c}').zip(1..).map(|(_, number)| page(number, (1.0, 1.0), vec![]));
    Extraction { text: text.to_owned(), pages: pages.collect(), ..Extraction::default() }
}

/// A page of a picture that was read by OCR, with these lines of words.
pub fn page(number: u32, (width, height): (f32, f32), lines: Vec<Vec<(&str, Rect)>>) -> PageRecord {
    let line = |words: Vec<(&str, Rect)>| LineRecord {
        text: words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(" "),
        bbox: words.iter().map(|(_, bbox)| *bbox).reduce(|all, bbox| all.union(&bbox)).unwrap_or_default(),
        confidence: 0.9,
        block: 0,
        words: words
            .into_iter()
            .map(|(text, bbox)| WordRecord { text: text.to_owned(), bbox, confidence: 0.9 })
            .collect(),
    };
    PageRecord {
        page: number,
        width,
        height,
        unit: Unit::Pixel,
        rotation: Turn::None,
        skew: 0.0,
        source: TextSource::Ocr,
        lines: lines.into_iter().map(line).collect(),
    }
}

fn processed(result: Extraction) -> Processed {
    Processed {
        page_count: u32::try_from(result.pages.len()).unwrap(),
        result,
        extractor: ExtractorIdentity {
            plugin: "text".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "cd".repeat(32),
        },
        failed_canary: None,
        confidence: Some(0.875),
        timings: Default::default(),
        usage: Default::default(),
    }
}
