//! Pages as pictures.

use bytes::Bytes;
use ocriva::config::Config;
use ocriva::decode;
use ocriva::domain::document::Processed;
use ocriva::domain::extraction::{Extraction, Field, LineRecord, PageRecord, WordRecord};
use ocriva::domain::format::Format;
use ocriva::domain::geometry::{Rect, Turn};
use ocriva::domain::page::{TextSource, Unit};
use ocriva::domain::raster::Raster;
use reqwest::{Method, Response};
use serde_json::json;
use support::api::{TestApi, bearer, text};
use support::fixture;
use support::over_http;
use support::store::processed;

over_http!(
    a_page_is_shown_as_the_file_has_it_before_it_is_read,
    a_page_is_shown_upright_with_boxes_when_it_was_read,
    a_picture_that_the_client_has_is_not_sent_again,
    a_page_that_cannot_be_shown_is_told_why,
);

async fn fetch(api: &TestApi, path: &str, known: Option<&str>) -> Response {
    let mut request = bearer(api.request(Method::GET, path), &api.token);
    if let Some(known) = known {
        request = request.header("If-None-Match", known);
    }
    request.send().await.unwrap()
}

async fn picture(api: &TestApi, path: &str) -> Raster {
    let response = fetch(api, path, None).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"image/png".parse().unwrap())
    );
    let png: Bytes = response.bytes().await.unwrap();
    let limits = decode::Limits::from(&Config::default().decode);
    decode::open(png, Format::Png, None, limits).unwrap().raster(0).unwrap()
}

async fn upload(api: &TestApi, name: &str) -> String {
    let answer = api.submit(&api.upload_path(), &api.token, api.upload_form(fixture(name), name)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("/processing-history/{}", text(&answer.body["id"]))
}

/// A result with one sure field and one unsure word, on a page that had to be turned.
fn result(width: f32, height: f32) -> Processed {
    let (field, word) = (Rect::new(100.0, 50.0, 200.0, 80.0), Rect::new(20.0, 200.0, 60.0, 220.0));
    let total = Field {
        value: json!(3.5),
        confidence: 0.99,
        page: Some(1),
        bbox: Some(field),
        source: Some("ocr".to_owned()),
        text: None,
    };
    let words = vec![WordRecord { text: "x".to_owned(), bbox: word, confidence: 0.4 }];
    let page = PageRecord {
        page: 1,
        width,
        height,
        unit: Unit::Pixel,
        rotation: Turn::Clockwise90,
        skew: 0.0,
        source: TextSource::Ocr,
        lines: vec![LineRecord { text: "x".to_owned(), bbox: word, confidence: 0.4, block: 0, words }],
    };
    let extraction = Extraction {
        fields: [("total".to_owned(), total)].into_iter().collect(),
        pages: vec![page],
        ..Extraction::default()
    };
    Processed { result: extraction, page_count: 1, ..processed("") }
}

async fn complete(api: &TestApi, processed: &Processed) {
    api.base.store.dispatch(1, 100).await.unwrap();
    let attempt = api.base.start("worker").await;
    assert!(api.base.store.complete_attempt(&attempt, processed).await.unwrap());
}

fn pixel(raster: &Raster, x: usize, y: usize) -> [u8; 3] {
    let from = (y * raster.width as usize + x) * 3;
    raster.pixels[from..from + 3].try_into().unwrap()
}

async fn a_page_is_shown_as_the_file_has_it_before_it_is_read(api: TestApi) {
    let path = upload(&api, "invoice.pdf").await;
    let page = picture(&api, &format!("{path}/pages/1.png")).await;
    assert!(page.width > 1000 && page.height > page.width, "{page:?}");
    let small = picture(&api, &format!("/v1/openapi{path}/pages/1.png?width=200")).await;
    assert_eq!(small.width, 200);
    assert!(small.pixels.iter().any(|sample| *sample < 128), "there is text on it");
    let pixel = text(&api.upload("pixel.png").await["id"]);
    let shown = picture(&api, &format!("/processing-history/{pixel}/pages/1.png")).await;
    assert_eq!((shown.width, shown.height, shown.pixels), (1, 1, vec![255; 3]));
}

async fn a_page_is_shown_upright_with_boxes_when_it_was_read(api: TestApi) {
    let path = upload(&api, "receipt_sideways.jpg").await;
    let before = picture(&api, &format!("{path}/pages/1.png")).await;
    complete(&api, &result(before.height as f32, before.width as f32)).await;
    let plain = picture(&api, &format!("{path}/pages/1.png")).await;
    assert_eq!((plain.width, plain.height), (before.height, before.width), "it was turned");
    let fields = picture(&api, &format!("{path}/pages/1.png?overlay=fields")).await;
    assert_eq!(pixel(&fields, 99, 60), [0, 150, 70], "a sure field is green");
    assert_eq!(pixel(&fields, 19, 210), pixel(&plain, 19, 210), "words were not asked for");
    let words = picture(&api, &format!("{path}/pages/1.png?overlay=words")).await;
    assert_eq!(pixel(&words, 19, 210), [220, 40, 40], "an unsure word is red");
    let half = plain.width / 2;
    let small = picture(&api, &format!("{path}/pages/1.png?overlay=fields&width={half}")).await;
    assert_eq!(pixel(&small, 49, 30), [0, 150, 70], "boxes are scaled with the page");
}

async fn a_picture_that_the_client_has_is_not_sent_again(api: TestApi) {
    let path = format!("{}/pages/1.png", upload(&api, "receipt.jpg").await);
    let first = fetch(&api, &path, None).await;
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = fetch(&api, &path, Some(&tag)).await;
    assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().unwrap()), (304, tag.as_str()));
    let listed = fetch(&api, &path, Some(&format!("\"x\", W/{tag}"))).await;
    assert_eq!(listed.status(), 304);
    assert_eq!(fetch(&api, &format!("{path}?width=100"), Some(&tag)).await.status(), 200);
    complete(&api, &processed("")).await;
    assert_eq!(fetch(&api, &path, Some(&tag)).await.status(), 200, "it was read meanwhile");
}

async fn a_page_that_cannot_be_shown_is_told_why(api: TestApi) {
    let path = upload(&api, "receipt.jpg").await;
    let get = async |page: &str| api.get(&format!("{path}/pages/{page}"), &api.token).await;
    get("2.png").await.assert_error(404, "page.unknown");
    get("0.png").await.assert_error(400, "request.invalid");
    get("one.png").await.assert_error(400, "request.invalid");
    get("1.jpg").await.assert_error(400, "request.invalid");
    get("1.png?width=5000").await.assert_error(400, "request.invalid");
    get("1.png?width=wide").await.assert_error(400, "request.invalid");
    get("1.png?overlay=all").await.assert_error(400, "request.invalid");
    get("1.png?overlay=fields").await.assert_error(409, "document.state");
    let encrypted = upload(&api, "encrypted_aes256.pdf").await;
    let told = api.get(&format!("{encrypted}/pages/1.png"), &api.token).await;
    told.assert_error(422, "page.unreadable");
    let blobs = api.blobs();
    for blob in &blobs {
        std::fs::remove_file(blob).unwrap();
    }
    get("1.png").await.assert_error(410, "file.gone");
}
