//! What uploads of any kind have in common around their form: it is taken in once for each `Idempotency-Key`, and the
//! answer may wait for the documents to finish.

use axum::Json as Answer;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::form::{self, Form, Shape};
use crate::api::Context;
use crate::api::access::Caller;
use crate::api::error::ApiError;
use crate::api::extract::{Id, Multipart};
use crate::api::idempotency::{self, Begun};
use crate::api::waiting::Waited;
use crate::store::KeptAnswer;

/// An upload that was taken in, by this request or by an earlier one with the same key.
pub struct Taken<T> {
    /// What the first answer said.
    pub answer: T,
    is_replayed: bool,
    waited: Option<Waited>,
}

/// Takes a form in and has it recorded, unless that has been done before under the request's key. What `record` does
/// is done to its end even if the client goes away.
///
/// # Errors
/// Those of [`form::read`] and of `record`; 409 where the key is in use, or was used for another form.
pub async fn once<T, R>(
    context: &Context,
    caller: &Caller,
    headers: &HeaderMap,
    multipart: Multipart,
    shape: Shape,
    record: impl FnOnce(Form) -> R,
) -> Result<Taken<T>, ApiError>
where
    T: Serialize + DeserializeOwned + Send + 'static,
    R: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    match idempotency::begin(context, caller, headers).await? {
        Begun::Unkeyed => {
            super::check_room(context, headers, shape.max_files).await?;
            let form = form::read(context, caller, multipart, shape).await?;
            Ok(Taken { answer: record(form).await?, is_replayed: false, waited: None })
        }
        Begun::Answered(kept) => {
            let (fingerprint, project) = form::fingerprint(multipart, shape).await?;
            let body = idempotency::replayed(kept, &fingerprint, caller)?;
            // Not every answer says which project it is about.
            project.map_or(Ok(()), |Id(project)| caller.check_project(&project))?;
            let answer = serde_json::from_str(&body).map_err(ApiError::internal)?;
            Ok(Taken { answer, is_replayed: true, waited: None })
        }
        Begun::Held(held) => {
            let reading = async {
                super::check_room(context, headers, shape.max_files).await?;
                form::read_with_fingerprint(context, caller, multipart, shape).await
            };
            let (form, fingerprint) = match held.during(reading).await {
                Ok(read) => read,
                Err(error) => {
                    held.free().await;
                    return Err(error);
                }
            };
            let recording = record(form);
            let recorded = async move {
                let recorded = recording.await;
                let body = recorded.as_ref().ok().and_then(|answer| serde_json::to_string(answer).ok());
                let status = StatusCode::CREATED.as_u16();
                (recorded, body.map(|body| KeptAnswer { fingerprint, status, body: Some(body) }))
            };
            Ok(Taken { answer: held.settle(recorded).await?, is_replayed: false, waited: None })
        }
    }
}

impl<T> Taken<T> {
    /// Notes that the answer has waited, if it has.
    pub fn after(self, waited: Option<Waited>) -> Self {
        Self { waited, ..self }
    }
}

impl<T: Serialize> IntoResponse for Taken<T> {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::CREATED, Answer(self.answer)).into_response();
        if self.is_replayed {
            idempotency::mark_replayed(response.headers_mut());
        }
        if let Some(waited) = self.waited {
            waited.tell(response.headers_mut());
        }
        response
    }
}
