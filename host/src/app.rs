//! The server, put together: store, blobs, keys, plugins, pipeline, worker, upkeep and API. Built once per process.

mod first_start;
mod processor;
mod secret;
mod values;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::api;
use crate::api::limits::Limits;
use crate::api::templates::preview::Previews;
use crate::api::watch::Watcher;
use crate::assets;
use crate::auth::{self, Keys, PasswordCheck};
use crate::blobs::{self, Blobs};
use crate::clock::Clock;
use crate::config::{self, Config, Role};
use crate::export::Exporter;
use crate::mail::{self, Mailer};
use crate::pipeline::{self, Pictures, Pipeline};
use crate::plugins::{self, Registry};
use crate::references::References;
use crate::releases::Releases;
use crate::store::{self, Store};
use crate::telemetry::metrics;
use crate::upkeep::Upkeep;
use crate::webhooks::{self, Sender};
use crate::worker::{self, Worker};
use processor::PipelineProcessor;

pub use first_start::Credentials;
pub use values::StoredValues;

/// Between the first answer of 503 and the end of listening, so that a load balancer notices.
const DRAIN_NOTICE: Duration = Duration::from_millis(200);

/// Why the server cannot start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The mail settings cannot be used.
    #[error(transparent)]
    Mail(#[from] mail::Error),
    /// The data folder cannot be used.
    #[error("data folder `{}` cannot be used", folder.display())]
    DataFolder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database does not answer, or its schema does not fit.
    #[error("database cannot be used")]
    Store(#[from] store::Error),
    /// The blob store cannot be used.
    #[error("blob store cannot be used")]
    Blobs(#[from] blobs::Error),
    /// The installation's secret cannot be used.
    #[error("keys cannot be made")]
    Keys(#[from] auth::Error),
    /// The secret's file cannot be used.
    #[error("secret file `{}` cannot be used", path.display())]
    SecretFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database was made with another secret.
    #[error(
        "the database belongs to an installation with another secret: give this process the same one, as the file \
         `{}` or the setting `auth.secret`", path.display()
    )]
    OtherSecret {
        /// Where the secret of this process lies.
        path: PathBuf,
    },
    /// The plugin engine does not start.
    #[error("plugins cannot be run")]
    Engine(#[from] plugins::StartError),
    /// The plugin folder cannot be read.
    #[error("plugin folder `{}` cannot be read", folder.display())]
    PluginFolder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The page cache cannot be used.
    #[error(transparent)]
    Cache(#[from] pipeline::CacheError),
    /// The first credentials cannot be written.
    #[error("credentials cannot be written to `{}`", path.display())]
    CredentialsFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The settings do not fit.
    #[error(transparent)]
    Config(#[from] config::Error),
    /// The address cannot be listened on.
    #[error("cannot listen on {address} (settings `server.listen`, `telemetry.metrics_listen`)")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// Webhooks cannot be called.
    #[error(transparent)]
    Webhooks(#[from] webhooks::StartError),
    /// Serving stopped.
    #[error("server stopped")]
    Serve(#[source] std::io::Error),
}

/// A server that is ready to run.
pub struct App {
    config: Arc<Config>,
    clock: Clock,
    store: Store,
    blobs: Blobs,
    keys: Keys,
    mailer: Option<Mailer>,
    releases: Releases,
    pipeline: Arc<Pipeline>,
    /// What the first start made; `None` on every later one.
    pub credentials: Option<Credentials>,
}

impl App {
    /// Opens and checks everything, migrates the database, and on the first start makes an owner, an organization,
    /// a project and an API token. Models and plugins are loaded when they are first needed.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn start(config: Config, clock: Clock) -> Result<Self, Error> {
        let config = Arc::new(config);
        let folder = &config.storage.data_dir;
        std::fs::create_dir_all(folder)
            .map_err(|source| Error::DataFolder { folder: folder.clone(), source })?;
        let store = Self::open_store(&config, &clock).await?;
        let mailer = Mailer::new(&config.mail)?;
        let keys = secret::keys(&config, &store).await?;
        let credentials = first_start::run(&config, &store, &keys, &clock).await?;
        let registry = Self::registry(&config, &store)?;
        let pipeline = Arc::new(Pipeline::new(&config, Arc::clone(&registry), clock.clone())?);
        let blobs = Blobs::open(&config.blob_url())?;
        let releases = Self::releases(&config, &clock, &store, &blobs, registry);
        releases.learn().await?;
        Ok(Self { config, clock, store, blobs, keys, mailer, releases, pipeline, credentials })
    }

    /// The plugins of a server, for commands that change them beside it.
    ///
    /// # Errors
    /// The plugin folder, the blob store or the database cannot be used, or the engine does not start.
    pub async fn releases_beside(config: &Config, clock: &Clock, store: &Store) -> Result<Releases, Error> {
        let registry = Self::registry(config, store)?;
        let blobs = Blobs::open(&config.blob_url())?;
        Ok(Self::releases(config, clock, store, &blobs, registry).unlisted())
    }

    fn registry(config: &Config, store: &Store) -> Result<Arc<Registry>, Error> {
        let values = Arc::new(StoredValues(store.clone()));
        let cache = config.cache_dir().join("plugins");
        let engine = plugins::Engine::with_values(&config.plugins, cache, values)?;
        let folder = config.plugins_dir();
        let registry = Registry::open(Arc::new(engine), assets::bundled_plugins(), &folder)
            .map_err(|source| Error::PluginFolder { folder, source })?;
        Ok(Arc::new(registry))
    }

    fn releases(
        config: &Config,
        clock: &Clock,
        store: &Store,
        blobs: &Blobs,
        registry: Arc<Registry>,
    ) -> Releases {
        let max_bytes = config.plugins.most_component_bytes();
        Releases::new(store.clone(), blobs.clone(), clock.clone(), registry, max_bytes)
    }

    /// The database alone, with its schema up to date, for commands that look after it.
    ///
    /// # Errors
    /// The data folder or the database cannot be used.
    pub async fn store(config: &Config, clock: &Clock) -> Result<Store, Error> {
        let folder = &config.storage.data_dir;
        std::fs::create_dir_all(folder)
            .map_err(|source| Error::DataFolder { folder: folder.clone(), source })?;
        Self::open_store(config, clock).await
    }

    /// Brings the database's schema up to date, and does nothing else.
    ///
    /// # Errors
    /// The data folder or the database cannot be used.
    pub async fn migrate(config: &Config, clock: &Clock) -> Result<(), Error> {
        Self::store(config, clock).await?.close().await;
        Ok(())
    }

    async fn open_store(config: &Config, clock: &Clock) -> Result<Store, Error> {
        let store =
            Store::connect(&config.database_url(), config.storage.max_connections, clock.clone()).await?;
        store.migrate().await?;
        Ok(store)
    }

    /// Listens on the configured address; with port 0 on a free one, which [`App::url`] then names.
    ///
    /// # Errors
    /// The address is taken or not this machine's.
    pub async fn listen(&mut self) -> Result<TcpListener, Error> {
        let address = self.config.server.listen;
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Arc::make_mut(&mut self.config).server.listen = listener.local_addr().map_err(failed)?;
        Ok(listener)
    }

    /// The address under which clients reach the server.
    pub fn url(&self) -> String {
        self.config.public_url()
    }

    /// Runs the parts that the role names until `stop` is cancelled; then new requests are answered 503, what is in
    /// progress is finished, and documents that are not finished in time go back to the queue.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn run(self, listener: TcpListener, stop: CancellationToken) -> Result<(), Error> {
        let drain_timeout = Duration::from_secs(self.config.server.drain_timeout_seconds);
        let references = Arc::new(References::new(self.store.clone()));
        let previews =
            Previews::new(&self.config.preview, Arc::clone(&self.pipeline), Arc::clone(&references));
        let (worker, sender) = match self.config.server.role {
            Role::Api => (None, None),
            Role::All | Role::Worker => {
                let (store, keys, clock) = (self.store.clone(), self.keys.clone(), self.clock.clone());
                let sender = Sender::new(&self.config, store, keys, clock)?;
                let processor =
                    PipelineProcessor::new(&self.config, self.blobs.clone(), self.pipeline, references);
                let settings = worker::Settings::new(&self.config.queue, drain_timeout);
                let worker = Worker::new(self.store.clone(), Arc::new(processor), settings, &self.clock);
                let worker = tokio::spawn(worker.run(stop.clone()));
                (Some(worker), Some(tokio::spawn(sender.run(stop.clone()))))
            }
        };
        metrics::start();
        let folding = tokio::spawn(metrics::keep_up(stop.clone()));
        let upkeep = match self.config.server.role {
            Role::Api => None,
            Role::All | Role::Worker => {
                let (store, blobs, clock) = (self.store.clone(), self.blobs.clone(), self.clock.clone());
                let upkeep = Upkeep::new(store, blobs, clock, &self.config.upkeep);
                Some(tokio::spawn(upkeep.run(stop.clone())))
            }
        };
        let following = tokio::spawn(self.releases.clone().run(stop.clone()));
        // Templates and `/plugins` name them, and the first document should not wait for a compiler.
        let registry = Arc::clone(self.releases.registry());
        let preload = tokio::spawn(async move { registry.preload().await });
        let (store, clock, limits) = (self.store.clone(), self.clock.clone(), Arc::new(Limits::default()));
        let exporter = Exporter::new(&self.config, self.store.clone(), self.blobs.clone());
        let context = api::Context {
            exporter,
            store: self.store,
            blobs: self.blobs,
            keys: self.keys,
            passwords: PasswordCheck::default(),
            mailer: self.mailer.clone(),
            clock: self.clock,
            config: Arc::clone(&self.config),
            releases: self.releases,
            limits: Arc::clone(&limits),
            watcher: Watcher::new(store.clone(), self.config.server.max_waiting_clients),
            pictures: Arc::new(Pictures::new(&self.config)),
            previews: Arc::new(previews),
            draining: stop.clone(),
        };
        let metrics_apart = match self.config.metrics_address()? {
            Some(address) if self.config.telemetry.metrics => {
                let failed = |source| Error::Listen { address, source };
                let listener = TcpListener::bind(address).await.map_err(failed)?;
                let stopped = stop.clone().cancelled_owned();
                Some(tokio::spawn(api::serve_metrics(context.clone(), listener, stopped)))
            }
            _ => None,
        };
        let requests_done = CancellationToken::new();
        let closing = requests_done.clone();
        let serve = tokio::spawn(async move {
            let stopped = async move {
                stop.cancelled().await;
                tokio::time::sleep(DRAIN_NOTICE).await;
                closing.cancel();
            };
            api::serve(context, listener, stopped).await
        });
        requests_done.cancelled().await;
        let served = match tokio::time::timeout(drain_timeout, serve).await {
            Ok(Ok(served)) => served.map_err(Error::Serve),
            Ok(Err(crashed)) => Err(Error::Serve(std::io::Error::other(crashed))),
            Err(_) => {
                tracing::warn!("requests were still open when the time to stop was over");
                Ok(())
            }
        };
        for task in [worker, sender].into_iter().flatten() {
            if let Err(error) = task.await {
                tracing::error!(%error, "worker stopped unexpectedly");
            }
        }
        if let Some(apart) = metrics_apart
            && let Err(error) = apart.await
        {
            tracing::error!(%error, "serving of metrics stopped unexpectedly");
        }
        if let Some(upkeep) = upkeep
            && let Err(error) = upkeep.await
        {
            tracing::error!(%error, "upkeep stopped unexpectedly");
        }
        if let Err(error) = following.await {
            tracing::error!(%error, "following of plugins stopped unexpectedly");
        }
        limits.write_all(&store, &clock).await;
        if let Some(mailer) = &self.mailer
            && tokio::time::timeout(drain_timeout, mailer.finish()).await.is_err()
        {
            tracing::warn!("letters were still to be sent when the time to stop was over");
        }
        preload.abort();
        folding.abort();
        store.close().await;
        served
    }
}
