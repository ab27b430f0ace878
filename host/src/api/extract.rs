//! Extractors of request parts whose rejections are errors of the contract.

use axum::RequestPartsExt;
use axum::body::Bytes;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::{ApiError, Code};

/// An id in a path, a query or a body: a UUID in its usual spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(pub String);

impl Id {
    /// Reads an id; `None` for anything but a UUID with hyphens. Upper case is taken for lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let id = uuid::Uuid::try_parse(text).ok().filter(|_| text.len() == 36)?;
        Some(Self(id.to_string()))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{}` is not an id", shown(&text))))
    }
}

/// Parameters of the path.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send + 'static, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        match parts.extract::<axum::extract::Path<T>>().await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(error)) => {
                Err(ApiError::new(Code::BadId, error.into_kind().to_string()))
            }
            Err(error) => Err(ApiError::internal(error)),
        }
    }
}

/// Parameters of the query string. Unknown ones are passed over.
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        if query.contains("%00") {
            return Err(ApiError::new(Code::RequestInvalid, "the query has a NUL character"));
        }
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        serde_path_to_error::deserialize(pairs)
            .map(Self)
            .map_err(|error| ApiError::fields(vec![at_path(error.path(), error.inner())]))
    }
}

/// A JSON body. Unknown members are passed over; text with a NUL character is refused, since not every database
/// can keep it.
#[derive(Debug, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if !has_json_type(request.headers()) {
            return Err(ApiError::new(Code::RequestMalformed, "the body has to be `application/json`"));
        }
        let body = Bytes::from_request(request, state).await.map_err(body_error)?;
        if body.is_empty() {
            return Err(ApiError::new(Code::RequestMalformed, "the body is empty, JSON was expected"));
        }
        parsed(&body).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = ApiError;

    /// `None` where there is no body, or it is null.
    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, ApiError> {
        let is_json = has_json_type(request.headers());
        let body = Bytes::from_request(request, state).await.map_err(body_error)?;
        match (body.is_empty() || body.trim_ascii() == b"null", is_json) {
            (true, _) => Ok(None),
            (false, true) => parsed(&body).map(Self).map(Some),
            (false, false) => {
                Err(ApiError::new(Code::RequestMalformed, "the body has to be `application/json`"))
            }
        }
    }
}

fn parsed<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        ApiError::new(Code::RequestMalformed, format!("the body is not valid JSON: {error}"))
    })?;
    // A list would do for a structure's fields in their order, which is nobody's business.
    if !value.is_object() {
        return Err(ApiError::new(Code::RequestInvalid, "the body has to be a JSON object"));
    }
    if has_nul(&value) {
        return Err(ApiError::new(Code::RequestInvalid, "the body has a NUL character"));
    }
    serde_path_to_error::deserialize(value)
        .map_err(|error| ApiError::fields(vec![at_path(error.path(), error.inner())]))
}

/// A body of several parts, read one after the other.
pub struct Multipart(axum::extract::Multipart);

impl<S: Send + Sync> FromRequest<S> for Multipart {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let parts = <axum::extract::Multipart as FromRequest<S>>::from_request(request, state).await;
        parts.map(Self).map_err(|_| {
            ApiError::new(Code::RequestMalformed, "the body has to be `multipart/form-data` with a boundary")
        })
    }
}

impl Multipart {
    /// The next part. What was not read of the one before is passed over.
    ///
    /// # Errors
    /// 400 for a body that is not as it should be, 413 for one above the route's limit.
    pub async fn next_part(&mut self) -> Result<Option<Field<'_>>, ApiError> {
        self.0.next_field().await.map_err(|error| multipart_error(&error))
    }
}

/// What is wrong with a body of several parts.
pub fn multipart_error(error: &MultipartError) -> ApiError {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => ApiError::new(Code::RequestMalformed, format!("the body cannot be read: {}", error.body_text())),
    }
}

/// The error for a request that is larger than its route takes.
pub fn too_large() -> ApiError {
    ApiError::new(Code::RequestTooLarge, "the request is larger than this route takes")
}

/// Whether any text in a JSON value has a NUL character.
pub fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// A client's text as it may stand in a message: cut to a length at which the message stays readable.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// For members of a change where null means something else than leaving the member out: `Some(None)` for null.
///
/// # Errors
/// Those of the value's own type.
pub fn double_option<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

fn has_json_type(headers: &HeaderMap) -> bool {
    let declared =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn body_error(rejection: BytesRejection) -> ApiError {
    match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => too_large(),
        _ => ApiError::new(Code::RequestMalformed, "the body did not arrive whole"),
    }
}

fn at_path(path: &serde_path_to_error::Path, error: &impl std::fmt::Display) -> String {
    match path.iter().next() {
        Some(_) => format!("`{path}`: {error}"),
        None => error.to_string(),
    }
}
