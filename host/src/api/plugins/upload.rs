//! Uploading a plugin: a component becomes a version of the organization's own plugin.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use bytes::Bytes;
use utoipa::ToSchema;

use super::lifecycle::{self, PluginVersionResponse};
use crate::api::Context;
use crate::api::access::{Permit, WritePlugins};
use crate::api::error::{ApiError, Code};
use crate::api::extract::Multipart;
use crate::api::form::{self, Form};
use crate::api::uploads::time_per_file;
use crate::config::Config;
use crate::domain::plugin::{Keeping, PluginChange};
use crate::plugins::Refusal;
use crate::releases;

/// Room for the form around the component.
const FORM_BYTES: u64 = 64 * 1024;

/// The form of an upload. Parts may come in any order.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the form in the API's document; it is read part by part")]
pub struct PluginForm {
    /// The component, of at most `plugins.component_mib`, or as much more as its manifest asks for and
    /// `plugins.maximum.component_mib` allows. It says its name and version itself.
    #[schema(content_media_type = "application/octet-stream", value_type = String, format = Binary)]
    file: String,
    /// `true` to make the version the active one at once, by default `false`: it is a draft.
    #[schema(example = "true")]
    activate: Option<String>,
    /// The component's signature, as `ocriva plugin sign` makes it. The operator may require one of a key that the
    /// server trusts; one that is given must always be of such a key.
    signature: Option<String>,
}

/// Most bytes of an upload.
pub fn max_request_bytes(config: &Config) -> usize {
    let bytes = config.plugins.most_component_bytes().saturating_add(FORM_BYTES);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Uploads a version of a plugin, which belongs to the organization and is seen by no other. The component is checked,
/// compiled and asked who it is before anything is kept: 422 says what is wrong and how to mend it. A version never
/// changes: the same component again is answered 200, another one with the same name and version 409.
#[utoipa::path(post, path = "/plugins", tag = "plugins",
    request_body(content = PluginForm, content_type = "multipart/form-data"),
    responses((status = 201, body = PluginVersionResponse),
        (status = 200, body = PluginVersionResponse, description = "It was there already."),
        (status = 409), (status = 422)))]
pub async fn upload_plugin(
    permit: Permit<WritePlugins>,
    State(context): State<Context>,
    multipart: Multipart,
) -> Result<(StatusCode, Answer<PluginVersionResponse>), ApiError> {
    let caller = permit.caller;
    caller.check_whole_organization()?;
    let organization_id = &caller.organization_id;
    let max_bytes = usize::try_from(context.config.plugins.most_component_bytes()).unwrap_or(usize::MAX);
    let Upload { component, signature, activates } =
        whole(form::read(multipart, max_bytes, time_per_file(&context)).await?)?;
    let kept =
        context.releases.keep(&caller.actor, Some(organization_id), component, signature.as_deref()).await;
    let (plugin, kept) = kept.map_err(refused)?;
    let (name, version) = (&plugin.description.name, &plugin.description.version);
    let (status, mut record) = match kept {
        Keeping::Kept(record) => (StatusCode::CREATED, record),
        Keeping::Known(record) => (StatusCode::OK, record),
        Keeping::OtherDigest(digest) => {
            return Err(ApiError::new(
                Code::PluginVersionExists,
                format!(
                    "version `{version}` of `{name}` is there with the digest `{digest}`, and a version never \
                     changes: give this one another number"
                ),
            ));
        }
    };
    if activates {
        let which = (Some(organization_id.as_str()), name.as_str(), version.as_str());
        let change = context.store.activate_plugin(&caller.actor, which, None).await?;
        context.releases.catch_up().await?;
        if let PluginChange::Done(changed) = change {
            record = changed;
        }
    }
    let calls = context.store.plugin_calls(organization_id, name).await?;
    Ok((status, Answer(lifecycle::version_response(&context, &record, version, &calls)?)))
}

/// What a form asks for.
struct Upload {
    component: Bytes,
    signature: Option<String>,
    activates: bool,
}

fn whole(form: Form) -> Result<Upload, ApiError> {
    let Form { file, mut fields } = form;
    if file.is_none() {
        fields.problem("`file` is missing".to_owned());
    }
    let activates = match fields.optional("activate").as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => {
            fields.problem("`activate` must be `true` or `false`".to_owned());
            false
        }
    };
    let signature = fields.optional("signature");
    fields.finish(file.map(|file| Upload { component: file.content, signature, activates }))
}

fn refused(error: releases::Error) -> ApiError {
    match error {
        releases::Error::Refused(refusal @ Refusal::TooLarge { .. }) => {
            ApiError::new(Code::FileTooLarge, refusal.to_string())
        }
        releases::Error::Refused(refusal) => {
            let mut told = refusal.to_string();
            if let Some(cause) = std::error::Error::source(&refusal) {
                told = format!("{told}: {cause}");
            }
            ApiError::new(Code::PluginRefused, format!("{told}; {}", refusal.remedy()))
        }
        releases::Error::Blobs(error) => error.into(),
        releases::Error::Store(error) => error.into(),
    }
}
