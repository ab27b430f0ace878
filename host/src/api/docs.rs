//! The API's own description: the OpenAPI document and a page to read and try it, served from the program itself.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{OriginalUri, Path};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{OpenApi, PathItem, Ref, ResponseBuilder};

use super::Context;
use super::access::Face;
use super::error::{ApiError, Code, ErrorResponse};

const ABOUT: &str = "Self-hosted document extraction. Every answer outside 2xx has the shape of `ErrorResponse`. \
    Paths without a prefix are the platform API, those under `/v1/openapi` the Open API: the same resources, with \
    other credentials and defaults.";

/// Adds to the document what all operations share: credentials, the shape of errors, and ids that differ between the
/// two faces.
pub fn completed(mut document: OpenApi) -> OpenApi {
    document.info.title = "Ocriva".to_owned();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.description = Some(ABOUT.to_owned());
    document.info.contact = None;
    let components = document.components.get_or_insert_default();
    let bearer = SecurityScheme::Http(Http::builder().scheme(HttpAuthScheme::Bearer).build());
    let api_key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
    components.add_security_scheme("bearer", bearer);
    components.add_security_scheme("apiKey", api_key);
    let none: [&str; 0] = [];
    document.security =
        Some(vec![SecurityRequirement::new("bearer", none), SecurityRequirement::new("apiKey", none)]);
    for (path, item) in &mut document.paths.paths {
        let is_open_api = path.starts_with(Face::OpenApi.prefix());
        for operation in operations(item) {
            let error = ResponseBuilder::new()
                .description("Anything else")
                .content(
                    "application/json",
                    utoipa::openapi::Content::new(Some(Ref::from_schema_name("ErrorResponse"))),
                )
                .build();
            operation.responses.responses.insert("default".to_owned(), error.into());
            if let (true, Some(id)) = (is_open_api, &mut operation.operation_id) {
                *id = format!("open_api_{id}");
            }
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// The routes of the document and of the page.
pub fn routes(document: OpenApi) -> Router<Context> {
    let document = Arc::new(document);
    Router::new()
        .route("/openapi.json", get(async move || Answer(document)))
        .route("/docs", get(index))
        .route("/docs/", get(index))
        .route("/docs/{*file}", get(file))
        .layer(Extension(Arc::new(utoipa_swagger_ui::Config::from("../openapi.json"))))
}

type Settings = Extension<Arc<utoipa_swagger_ui::Config<'static>>>;

/// The page; its links are relative, so that they also hold behind a proxy that adds a prefix.
async fn index(OriginalUri(uri): OriginalUri, Extension(settings): Settings) -> Result<Response, ApiError> {
    let base = if uri.path().ends_with('/') { "./" } else { "docs/" };
    let page = asset("index.html", settings)?;
    let page = String::from_utf8_lossy(&page.0).replace("<head>", &format!("<head><base href=\"{base}\">"));
    Ok(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response())
}

async fn file(Path(name): Path<String>, Extension(settings): Settings) -> Result<Response, ApiError> {
    let (bytes, content_type) = asset(&name, settings)?;
    Ok(([(header::CONTENT_TYPE, content_type)], bytes).into_response())
}

fn asset(
    name: &str,
    settings: Arc<utoipa_swagger_ui::Config<'static>>,
) -> Result<(Vec<u8>, String), ApiError> {
    match utoipa_swagger_ui::serve(name, settings) {
        Ok(Some(file)) => Ok((file.bytes.into_owned(), file.content_type)),
        Ok(None) => Err(ApiError::new(Code::RouteUnknown, "there is no such page")),
        Err(error) => Err(ApiError::internal(Asset(error.to_string()))),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("page of the documentation cannot be made: {0}")]
struct Asset(String);

/// The schemas that no single operation names.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(ErrorResponse)))]
pub struct Shared;
