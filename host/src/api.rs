//! Everything HTTP: the routes, who may use them, and what requests and answers look like.
//!
//! Two faces of the same handlers: the platform API without a prefix, and the Open API under `/v1/openapi`. They
//! differ in the credentials they take, in defaults, and in the form of an upload.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Extension, Router};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::auth::{Keys, PasswordCheck};
use crate::blobs::Blobs;
use crate::clock::Clock;
use crate::config::{Config, Role};
use crate::export::Exporter;
use crate::mail::Mailer;
use crate::pipeline::Pictures;
use crate::plugins::Registry;
use crate::store::Store;
use access::Face;
use limits::Limits;
use templates::preview::{self, Previews};
use templates::{presets, reference, versions};
use watch::Watcher;

pub mod access;
pub mod accounts;
mod attempts;
pub mod audit;
pub mod auth;
pub mod batches;
pub mod credits;
pub mod deliveries;
pub mod docs;
pub mod error;
pub mod events;
pub mod exports;
pub mod extract;
pub mod files;
pub mod health;
pub mod history;
mod idempotency;
pub mod invitations;
pub mod limits;
mod linger;
pub mod members;
pub mod metrics;
pub mod middleware;
pub mod operator;
pub mod organizations;
pub mod pages;
pub mod paging;
pub mod plugins;
pub mod project_members;
mod projects;
pub mod statistics;
pub mod templates;
pub mod tokens;
pub mod uploads;
pub mod usage;
mod waiting;
pub mod watch;
pub mod webhooks;

/// What handlers work with; cheap to clone.
#[derive(Clone)]
pub struct Context {
    /// The database.
    pub store: Store,
    /// The documents' files.
    pub blobs: Blobs,
    /// The keys of access tokens and of API tokens.
    pub keys: Keys,
    /// Checks passwords.
    pub passwords: PasswordCheck,
    /// Sends mail; `None` where the settings name no server.
    pub mailer: Option<Mailer>,
    /// Time and ids.
    pub clock: Clock,
    /// All settings.
    pub config: Arc<Config>,
    /// The extractors that templates can name.
    pub plugins: Arc<Registry>,
    /// Waits for documents on behalf of clients.
    pub watcher: Watcher,
    /// Draws pages.
    pub pictures: Arc<Pictures>,
    /// What organizations' plans allow of requests.
    pub limits: Arc<Limits>,
    /// Makes files of results.
    pub exporter: Exporter,
    /// Reads documents within requests.
    pub previews: Arc<Previews>,
    /// Cancelled when the server begins to stop: from then on requests are answered 503.
    pub draining: CancellationToken,
}

/// Routes of handlers that all require a permission, which their description then names: one that requires none does not
/// compile.
macro_rules! protected {
    ($($module:ident :: $handler:ident),+ $(,)?) => {{
        let mut routes = routes!($($module::$handler),+);
        $(docs::require(&mut routes.1, stringify!($handler), access::required_scope($module::$handler));)+
        routes
    }};
}

/// The server's routes with all that happens around them.
pub fn router(context: Context) -> Router {
    let routes = match context.config.server.role {
        Role::All | Role::Api => {
            let (routes, document) = all(&context.config).split_for_parts();
            routes.merge(docs::routes(docs::completed(document)))
        }
        Role::Worker => health_routes().into(),
    };
    routes
        .layer(from_fn_with_state(context.clone(), idempotency::replay))
        .layer(from_fn_with_state(context.clone(), middleware::refuse_while_draining))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(from_fn_with_state(context.clone(), middleware::observe))
        .layer(from_fn(limits::tell))
        .with_state(context)
}

/// Answers requests at `listener` until `stop` is done; then those in progress are finished. Cancel
/// [`Context::draining`] some time before, so that new ones are told to come back.
///
/// # Errors
/// None that a single connection gives; those end with it.
pub async fn serve(
    context: Context,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // Answers are written whole: waiting for more to send would only delay them.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "connection keeps its delay");
        }
    });
    let watcher = context.watcher.clone();
    let service = router(context).into_make_service_with_connect_info::<SocketAddr>();
    tokio::select! {
        served = async { axum::serve(listener, service).with_graceful_shutdown(stop).await } => served,
        () = watcher.run() => Ok(()),
    }
}

/// Answers requests for metrics, and no others, at `listener` until `stop` is done.
///
/// # Errors
/// None that a single connection gives; those end with it.
pub async fn serve_metrics(
    context: Context,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics::get_metrics_apart))
        .layer(from_fn_with_state(context.clone(), middleware::observe))
        .with_state(context);
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

/// The API's description.
pub fn openapi() -> serde_json::Value {
    docs::completed(all(&Config::default()).into_openapi())
}

fn all(config: &Config) -> OpenApiRouter<Context> {
    let open_api = open_api(config).layer(Extension(Face::OpenApi));
    OpenApiRouter::with_openapi(docs::Shared::openapi())
        .merge(platform(config).layer(Extension(Face::Platform)))
        .nest(Face::OpenApi.prefix(), open_api)
}

/// All that a process answers which only works on documents.
fn health_routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::get_metrics))
}

fn platform(config: &Config) -> OpenApiRouter<Context> {
    let quick = both()
        .routes(routes!(auth::login))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .merge(health_routes())
        .routes(routes!(accounts::signup))
        .routes(routes!(accounts::verify_email))
        .routes(routes!(accounts::forgot_password))
        .routes(routes!(accounts::reset_password))
        .routes(routes!(invitations::accept_invitation))
        .routes(protected!(auth::switch_organization))
        .routes(protected!(auth::me, accounts::update_me))
        .routes(protected!(accounts::change_password))
        .routes(protected!(accounts::logout_everywhere))
        .routes(protected!(organizations::list_organizations, organizations::create_organization))
        .routes(protected!(
            organizations::get_organization,
            organizations::update_organization,
            organizations::delete_organization
        ))
        .routes(protected!(members::list_members, members::create_member))
        .routes(protected!(members::update_member, members::remove_member))
        .routes(protected!(members::leave_organization))
        .routes(protected!(invitations::list_invitations, invitations::create_invitation))
        .routes(protected!(invitations::withdraw_invitation))
        .routes(protected!(tokens::list_tokens, tokens::create_token))
        .routes(protected!(tokens::get_token, tokens::revoke_token))
        .routes(protected!(tokens::regenerate_token))
        .routes(protected!(projects::create_project))
        .routes(protected!(projects::get_project, projects::update_project, projects::delete_project))
        .routes(protected!(project_members::list_project_members, project_members::add_project_member))
        .routes(protected!(project_members::update_project_member, project_members::remove_project_member))
        .routes(protected!(plugins::list_plugins))
        .routes(protected!(webhooks::list_webhooks, webhooks::create_webhook))
        .routes(protected!(webhooks::get_webhook, webhooks::update_webhook, webhooks::delete_webhook))
        .routes(protected!(webhooks::try_webhook))
        .routes(protected!(webhooks::rotate_webhook_secret))
        .routes(protected!(deliveries::list_deliveries))
        .routes(protected!(deliveries::get_delivery))
        .routes(protected!(deliveries::resend_delivery))
        .routes(protected!(usage::get_usage))
        .routes(protected!(usage::get_analytics))
        .routes(protected!(credits::get_credits))
        .routes(protected!(credits::list_ledger))
        .routes(protected!(audit::list_audit))
        .routes(protected!(audit::export_audit))
        .routes(protected!(audit::verify_audit))
        .routes(routes!(operator::list_plans))
        .routes(routes!(operator::set_plan))
        .routes(routes!(operator::grant_credits))
        .layer(from_fn(middleware::limit_time));
    let uploads = OpenApiRouter::new()
        .routes(protected!(uploads::upload_file).layer(body_limit(config, 1)))
        .routes(protected!(preview::preview_template).layer(body_limit(config, 1)))
        .routes(protected!(batches::upload_files).layer(body_limit(config, config.upload.max_batch_files)));
    quick.merge(uploads).merge(exports()).merge(waiting_routes())
}

fn open_api(config: &Config) -> OpenApiRouter<Context> {
    let quick = both().routes(routes!(auth::login_with_token)).layer(from_fn(middleware::limit_time));
    let uploads = OpenApiRouter::new()
        .routes(protected!(uploads::upload).layer(body_limit(config, 1)))
        .routes(protected!(preview::preview_template).layer(body_limit(config, 1)))
        .routes(protected!(batches::upload_batch).layer(body_limit(config, config.upload.max_batch_files)));
    quick.merge(uploads).merge(exports()).merge(waiting_routes())
}

/// Exports, which take as long as their records do.
fn exports() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(protected!(exports::export_document))
        .routes(protected!(exports::export_batch))
}

/// What both faces have.
fn both() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(protected!(projects::list_projects))
        .routes(protected!(templates::list_templates, templates::create_template))
        .routes(protected!(templates::get_template, templates::update_template, templates::delete_template))
        .routes(protected!(presets::list_presets))
        .routes(protected!(presets::get_preset))
        .routes(protected!(versions::list_template_versions))
        .routes(protected!(versions::get_template_version))
        .routes(protected!(versions::restore_template_version))
        .routes(protected!(versions::duplicate_template))
        .routes(
            protected!(reference::list_references, reference::add_reference)
                .layer(DefaultBodyLimit::max(reference::MAX_REQUEST_BYTES)),
        )
        .routes(protected!(reference::remove_reference))
        .routes(protected!(batches::list_batches))
        .routes(protected!(batches::delete_batch))
        .routes(protected!(batches::cancel_batch))
        .routes(protected!(batches::reprocess_batch))
        .routes(protected!(history::list_history))
        .routes(protected!(history::delete_document))
        .routes(protected!(history::cancel_document))
        .routes(protected!(history::reprocess_document))
        .routes(protected!(statistics::history_statistics))
        .routes(protected!(pages::get_page))
        .routes(protected!(files::get_file))
}

/// What both faces have whose answers may be held back for as long as the client wants; they have limits of their own.
fn waiting_routes() -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(protected!(history::get_history))
        .routes(protected!(batches::get_batch))
        .routes(protected!(events::document_events))
        .routes(protected!(events::batch_events))
}

fn body_limit(config: &Config, files: usize) -> DefaultBodyLimit {
    DefaultBodyLimit::max(usize::try_from(uploads::max_request_bytes(config, files)).unwrap_or(usize::MAX))
}
