//! The API's own description: the OpenAPI document and a page to read and try it, served from the program itself.

use std::sync::Arc;

use axum::Json as Answer;
use axum::extract::{OriginalUri, Path};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde_json::Value;
use utoipa::openapi::path::Paths;
use utoipa::openapi::security::SecurityRequirement;

use super::Context;
use super::error::{ApiError, Code, ErrorResponse};
use crate::domain::token::TokenScope;

mod description;
mod schemas;

pub use description::completed;

/// Notes in the description of a route that one of its operations needs a credential, and which scope.
pub fn require(route: &mut Paths, operation_id: &str, scope: Option<TokenScope>) {
    let scopes = || scope.map(TokenScope::as_str);
    for item in route.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            if operation.operation_id.as_deref() == Some(operation_id) {
                operation.security = Some(vec![
                    SecurityRequirement::new("bearer", scopes()),
                    SecurityRequirement::new("apiKey", scopes()),
                ]);
            }
        }
    }
}

/// The routes of the document and of the page.
pub fn routes(document: Value) -> Router<Context> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/docs", get(page))
        .route("/docs/", get(page))
        .route("/docs/{*file}", get(file))
        .layer(Extension(Arc::new(document)))
        .layer(Extension(Arc::new(utoipa_swagger_ui::Config::from("../openapi.json"))))
}

type Settings = Extension<Arc<utoipa_swagger_ui::Config<'static>>>;

/// Describes the API: this OpenAPI document.
#[utoipa::path(get, path = "/openapi.json", tag = "description", security(()),
    responses((status = 200, description = "The document", body = Object)))]
async fn openapi(Extension(document): Extension<Arc<Value>>) -> Answer<Arc<Value>> {
    Answer(document)
}

/// Shows the API's description as a page on which it can be tried.
#[utoipa::path(get, path = "/docs", tag = "description", security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html")))]
async fn page(OriginalUri(uri): OriginalUri, Extension(settings): Settings) -> Result<Response, ApiError> {
    // Links are relative, so that they also hold behind a proxy that adds a prefix.
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

/// What no resource's routes name: the shape of errors, and the description's own routes.
#[derive(utoipa::OpenApi)]
#[openapi(components(schemas(ErrorResponse)), paths(openapi, page))]
pub struct Shared;
