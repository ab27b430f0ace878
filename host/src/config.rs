//! Settings: what can be set, where it comes from, and a clear error for what cannot.
//!
//! `config.default.toml` (embedded) ← file ← environment `OCRIVA__SECTION__KEY` ← flags. This is the only module
//! that reads the environment.
#![expect(clippy::disallowed_methods, reason = "this is the module that the rule points to")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::domain::capability::Capability;
use crate::domain::network::Network;

pub use crate::domain::page::OcrMode;

/// The commented list of every setting and its default.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

const ENV_PREFIX: &str = "OCRIVA__";

/// Why the settings could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings file could not be read.
    #[error("settings file `{}` cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The settings file is not TOML.
    #[error("{origin} is not valid TOML")]
    Syntax {
        /// File or variable.
        origin: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// A key that does not exist.
    #[error("unknown setting `{key}` in {origin}; known here: {known}")]
    UnknownKey {
        /// The key as given.
        key: String,
        /// File, variable or flag.
        origin: String,
        /// What would be accepted in its place.
        known: String,
    },
    /// A value of the wrong type or outside its range.
    #[error("setting `{key}` in {origin} is {found}, expected {expected}")]
    WrongType {
        /// The key.
        key: String,
        /// File, variable or flag.
        origin: String,
        /// Type of what was given.
        found: &'static str,
        /// Type of the default.
        expected: &'static str,
    },
    /// The settings as a whole do not fit.
    #[error("settings do not fit: {0}")]
    Invalid(String),
}

/// All settings, each described in `config.default.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "config.default.toml describes every key")]
pub struct Config {
    pub server: Server,
    pub storage: Storage,
    pub auth: Auth,
    pub mail: Mail,
    pub upload: Upload,
    pub preview: Preview,
    pub decode: Decode,
    pub ocr: Ocr,
    pub plugins: Plugins,
    pub queue: Queue,
    pub webhooks: Webhooks,
    pub upkeep: Upkeep,
    pub operator: Operator,
    pub log: Log,
    pub telemetry: Telemetry,
}

/// Which part of the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// API and worker.
    All,
    /// HTTP only.
    Api,
    /// Documents only, with health routes.
    Worker,
}

/// Form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

macro_rules! section {
    ($name:ident { $($field:ident : $type:ty),* $(,)? }) => {
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[expect(missing_docs, reason = "config.default.toml describes every key")]
        pub struct $name { $(pub $field: $type),* }
    };
}

section!(Server {
    listen: std::net::SocketAddr,
    public_url: String,
    trusted_proxies: Vec<String>,
    role: Role,
    drain_timeout_seconds: u64,
    max_waiting_clients: usize,
    event_stream_seconds: u64,
});
section!(Storage { data_dir: PathBuf, database_url: String, blob_url: String, max_connections: u32 });
section!(Auth {
    secret: String,
    access_token_minutes: u32,
    refresh_token_days: u32,
    api_token_days: u32,
    login_attempts: u32,
    signup: bool,
    invitation_days: u32,
});
section!(Mail { smtp_url: String, from: String, app_url: String });
section!(Upload { max_file_mib: u64, max_batch_files: usize, timeout_per_file_seconds: u64 });
section!(Preview { max_concurrent: usize, timeout_seconds: u64 });
section!(Decode {
    max_pages: u32,
    max_megapixels: u32,
    max_inflated_mib: u64,
    max_text_mib: u64,
    page_timeout_seconds: u64,
    raster_dpi: u32,
});
section!(Ocr { mode: OcrMode, threads: usize, cache_mib: u64 });
section!(Plugins {
    default: String,
    structured_default: String,
    dir: String,
    max_concurrent_calls: u32,
    trusted_keys: Vec<String>,
    require_signature: bool,
    cpu_ms: u64,
    wall_ms: u64,
    memory_mib: u64,
    output_kib: u64,
    log_kib: u64,
    log_lines: u64,
    handles: u64,
    host_calls: u64,
    ocr_calls: u64,
    lookups: u64,
    kv_calls: u64,
    http_requests: u64,
    component_mib: u64,
    maximum: PluginLimits,
    compile: PluginCompile,
    grants: BTreeMap<String, Vec<Capability>>,
    kv: PluginValues,
    http: PluginHttp,
    llm: PluginLlm,
});
section!(PluginCompile { program: String, cpu_seconds: u64, memory_mib: u64 });
section!(PluginValues { max_kib: u64, max_keys: u64 });
section!(PluginHttp {
    hosts: Vec<String>,
    allow_unencrypted: bool,
    allowed_networks: Vec<String>,
    timeout_seconds: u64,
    max_response_kib: u64,
});
section!(PluginLlm {
    base_url: String,
    model: String,
    api_key: String,
    timeout_seconds: u64,
    max_response_kib: u64,
    max_tokens: u64,
});
section!(PluginLimits {
    cpu_ms: u64,
    wall_ms: u64,
    memory_mib: u64,
    output_kib: u64,
    log_kib: u64,
    log_lines: u64,
    handles: u64,
    host_calls: u64,
    ocr_calls: u64,
    lookups: u64,
    kv_calls: u64,
    http_requests: u64,
    component_mib: u64,
});
section!(Queue {
    workers: usize,
    spare_workers: usize,
    in_flight_per_organization: u32,
    lease_seconds: u64,
    max_attempts: u32,
    retry_seconds: u64,
    max_waiting: u64,
    document_timeout_seconds: u64,
});
section!(Webhooks {
    allow_private: bool,
    allowed_networks: Vec<String>,
    timeout_seconds: u64,
    max_attempts: u32,
    concurrency: usize,
    per_webhook: u32,
    disable_after_hours: u64,
});
section!(Telemetry {
    metrics: bool,
    metrics_token: String,
    metrics_listen: String,
    otlp_endpoint: String,
    trace_share: f64,
});
section!(Upkeep { interval_minutes: u32, orphan_hours: u32, event_days: u32 });
section!(Operator { token: String });
section!(Log { format: LogFormat, filter: String });

impl Plugins {
    /// Most bytes of any component, whatever its manifest asks for.
    pub fn most_component_bytes(&self) -> u64 {
        self.component_mib.max(self.maximum.component_mib).saturating_mul(1 << 20)
    }
}

impl Default for Config {
    #[expect(clippy::expect_used, reason = "the embedded defaults are checked by a test")]
    fn default() -> Self {
        toml::from_str(DEFAULTS).expect("invariant: the embedded defaults are complete")
    }
}

impl Config {
    /// Reads the settings: defaults, then `file`, then the process's environment, then `flags` given as
    /// `("section.key", value)`.
    ///
    /// # Errors
    /// Any unreadable file, unknown key or value of the wrong type.
    pub fn load(file: Option<&Path>, flags: &[(&str, String)]) -> Result<Self, Error> {
        let mut environment: Vec<(String, String)> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(ENV_PREFIX))
            .collect();
        environment.sort();
        Self::layered(file, &environment, flags)
    }

    fn layered(
        file: Option<&Path>,
        environment: &[(String, String)],
        flags: &[(&str, String)],
    ) -> Result<Self, Error> {
        let mut settings = parse(DEFAULTS, "the defaults")?;
        if let Some(path) = file {
            let text = std::fs::read_to_string(path)
                .map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
            let origin = format!("`{}`", path.display());
            overlay(&mut settings, parse(&text, &origin)?, "", &origin)?;
        }
        for (name, value) in environment {
            let key = name.trim_start_matches(ENV_PREFIX).to_lowercase().replace("__", ".");
            overlay_one(&mut settings, &key, value, &format!("the environment (`{name}`)"))?;
        }
        for (key, value) in flags {
            overlay_one(&mut settings, key, value, "the command line")?;
        }
        let config: Self = settings
            .try_into()
            .map_err(|source: toml::de::Error| Error::Invalid(source.message().to_owned()))?;
        config.check()?;
        Ok(config)
    }

    /// The settings in force as TOML, secrets and passwords in URLs replaced by `***`.
    pub fn redacted_toml(&self) -> String {
        let mut shown = self.clone();
        shown.storage.database_url = redact_url(&shown.storage.database_url);
        shown.storage.blob_url = redact_url(&shown.storage.blob_url);
        shown.mail.smtp_url = redact_url(&shown.mail.smtp_url);
        for secret in [&mut shown.auth.secret, &mut shown.operator.token, &mut shown.plugins.llm.api_key] {
            if !secret.is_empty() {
                "***".clone_into(secret);
            }
        }
        if !shown.telemetry.metrics_token.is_empty() {
            shown.telemetry.metrics_token = "***".to_owned();
        }
        toml::to_string_pretty(&shown).unwrap_or_default()
    }

    /// The database's URL, with the default filled in.
    pub fn database_url(&self) -> String {
        match self.storage.database_url.as_str() {
            "" => format!("sqlite:{}", self.storage.data_dir.join("ocriva.db").display()),
            url => url.to_owned(),
        }
    }

    /// The blob store's URL, with the default filled in.
    pub fn blob_url(&self) -> String {
        match self.storage.blob_url.as_str() {
            "" => format!("file:{}", self.storage.data_dir.join("blobs").display()),
            url => url.to_owned(),
        }
    }

    /// The folder of the operator's own plugins.
    pub fn plugins_dir(&self) -> PathBuf {
        match self.plugins.dir.as_str() {
            "" => self.storage.data_dir.join("plugins"),
            dir => PathBuf::from(dir),
        }
    }

    /// The folder of caches that may be deleted at any time.
    pub fn cache_dir(&self) -> PathBuf {
        self.storage.data_dir.join("cache")
    }

    /// The folder of caches for commands that work without a data folder: the user's own, or that of the data
    /// folder where the user has none.
    pub fn user_cache_dir(&self) -> PathBuf {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        set("XDG_CACHE_HOME")
            .or_else(|| Some(set("HOME")?.join(".cache")))
            .map_or_else(|| self.cache_dir(), |caches| caches.join("ocriva"))
    }

    /// The address under which clients reach the server, without a slash at the end.
    pub fn public_url(&self) -> String {
        match self.server.public_url.trim_end_matches('/') {
            "" => format!("http://{}", self.server.listen),
            url => url.to_owned(),
        }
    }

    /// The address that metrics are served at instead of the server's own; `None` for the server's own.
    ///
    /// # Errors
    /// [`Error::Invalid`] for what is no address with a port.
    pub fn metrics_address(&self) -> Result<Option<std::net::SocketAddr>, Error> {
        match self.telemetry.metrics_listen.as_str() {
            "" => Ok(None),
            address => address.parse().map(Some).map_err(|_| {
                Error::Invalid(format!(
                    "`telemetry.metrics_listen` is `{address}`, expected an address and port such as `127.0.0.1:9090`"
                ))
            }),
        }
    }

    fn check(&self) -> Result<(), Error> {
        let at_least_one = [
            ("auth.access_token_minutes", u64::from(self.auth.access_token_minutes)),
            ("auth.refresh_token_days", u64::from(self.auth.refresh_token_days)),
            ("auth.api_token_days", u64::from(self.auth.api_token_days)),
            ("auth.login_attempts", u64::from(self.auth.login_attempts)),
            ("auth.invitation_days", u64::from(self.auth.invitation_days)),
            ("upload.max_file_mib", self.upload.max_file_mib),
            ("upload.max_batch_files", self.upload.max_batch_files as u64),
            ("preview.max_concurrent", self.preview.max_concurrent as u64),
            ("preview.timeout_seconds", self.preview.timeout_seconds),
            ("decode.max_pages", u64::from(self.decode.max_pages)),
            ("decode.max_megapixels", u64::from(self.decode.max_megapixels)),
            ("decode.max_text_mib", self.decode.max_text_mib),
            ("decode.page_timeout_seconds", self.decode.page_timeout_seconds),
            ("storage.max_connections", u64::from(self.storage.max_connections)),
            ("queue.lease_seconds", self.queue.lease_seconds),
            ("queue.max_attempts", u64::from(self.queue.max_attempts)),
            ("queue.in_flight_per_organization", u64::from(self.queue.in_flight_per_organization)),
            ("webhooks.timeout_seconds", self.webhooks.timeout_seconds),
            ("webhooks.max_attempts", u64::from(self.webhooks.max_attempts)),
            ("webhooks.concurrency", self.webhooks.concurrency as u64),
            ("webhooks.per_webhook", u64::from(self.webhooks.per_webhook)),
            ("upkeep.interval_minutes", u64::from(self.upkeep.interval_minutes)),
            ("upkeep.event_days", u64::from(self.upkeep.event_days)),
            ("plugins.max_concurrent_calls", u64::from(self.plugins.max_concurrent_calls)),
            ("plugins.compile.cpu_seconds", self.plugins.compile.cpu_seconds),
            ("plugins.compile.memory_mib", self.plugins.compile.memory_mib),
            ("plugins.cpu_ms", self.plugins.cpu_ms),
            ("plugins.wall_ms", self.plugins.wall_ms),
            ("plugins.memory_mib", self.plugins.memory_mib),
        ];
        for (key, value) in at_least_one {
            if value == 0 {
                return Err(Error::Invalid(format!("`{key}` is 0, it must be at least 1")));
            }
        }
        if let Some(entry) =
            self.webhooks.allowed_networks.iter().find(|entry| Network::parse(entry).is_none())
        {
            return Err(Error::Invalid(format!(
                "`webhooks.allowed_networks` has `{entry}`, expected an address or a network such as `10.0.0.0/8`"
            )));
        }
        if !(0.0..=1.0).contains(&self.telemetry.trace_share) {
            return Err(Error::Invalid(format!(
                "`telemetry.trace_share` is {}, it must be from 0.0 to 1.0",
                self.telemetry.trace_share
            )));
        }
        self.metrics_address()?;
        if let Some(entry) = self.server.trusted_proxies.iter().find(|entry| Network::parse(entry).is_none())
        {
            return Err(Error::Invalid(format!(
                "`server.trusted_proxies` has `{entry}`, each must be an address or a network such as `10.0.0.0/8`"
            )));
        }
        if !self.mail.smtp_url.is_empty() && self.mail.from.is_empty() {
            return Err(Error::Invalid("`mail.smtp_url` is set, then `mail.from` must be too".to_owned()));
        }
        if self.auth.signup && self.mail.smtp_url.is_empty() {
            return Err(Error::Invalid(
                "`auth.signup` is true, then `mail.smtp_url` must be set: who signs up confirms an address"
                    .to_owned(),
            ));
        }
        if !(36..=600).contains(&self.decode.raster_dpi) {
            return Err(Error::Invalid(format!(
                "`decode.raster_dpi` is {}, it must be from 36 to 600",
                self.decode.raster_dpi
            )));
        }
        // An upload in progress has no record yet.
        if self.upkeep.orphan_hours < 6 {
            return Err(Error::Invalid(format!(
                "`upkeep.orphan_hours` is {}, it must be at least 6",
                self.upkeep.orphan_hours
            )));
        }
        if (1..32).contains(&self.operator.token.len()) {
            return Err(Error::Invalid("`operator.token` must have at least 32 characters".to_owned()));
        }
        self.plugins.check()
    }
}

impl Plugins {
    fn check(&self) -> Result<(), Error> {
        let (usual, most) = (as_table(self), as_table(&self.maximum));
        let number =
            |table: &Table, key: &str| table.get(key).and_then(Value::as_integer).unwrap_or_default();
        if let Some(key) = most.keys().find(|key| number(&usual, key) > number(&most, key)) {
            return Err(Error::Invalid(format!(
                "`plugins.{key}` is {}, it must be at most `plugins.maximum.{key}`, which is {}",
                number(&usual, key),
                number(&most, key)
            )));
        }
        if let Some(entry) = self.http.allowed_networks.iter().find(|entry| Network::parse(entry).is_none()) {
            return Err(Error::Invalid(format!(
                "`plugins.http.allowed_networks` has `{entry}`, expected an address or a network such as `10.0.0.0/8`"
            )));
        }
        if !self.llm.base_url.is_empty() && self.llm.model.is_empty() {
            return Err(Error::Invalid(
                "`plugins.llm.base_url` is set, then `plugins.llm.model` must be too".to_owned(),
            ));
        }
        if self.maximum.memory_mib > 256 {
            return Err(Error::Invalid(format!(
                "`plugins.maximum.memory_mib` is {}, it must be at most 256",
                self.maximum.memory_mib
            )));
        }
        Ok(())
    }
}

fn parse(text: &str, origin: &str) -> Result<Table, Error> {
    text.parse::<Table>()
        .map_err(|source| Error::Syntax { origin: origin.to_owned(), source: Box::new(source) })
}

/// Puts the values of a layer over the known ones. A section that is empty by default takes any keys, and is replaced
/// as a whole.
fn overlay(known: &mut Table, layer: Table, section: &str, origin: &str) -> Result<(), Error> {
    for (key, value) in layer {
        set(known, section, &key, value, origin)?;
    }
    Ok(())
}

fn overlay_one(settings: &mut Table, path: &str, text: &str, origin: &str) -> Result<(), Error> {
    let Some((section, key)) = path.rsplit_once('.') else { return Err(unknown(path, settings, origin)) };
    let mut known = settings;
    for step in section.split('.') {
        if !matches!(known.get(step), Some(Value::Table(_))) {
            return Err(unknown(path, known, origin));
        }
        let Some(Value::Table(deeper)) = known.get_mut(step) else { return Ok(()) };
        known = deeper;
    }
    let value = match known.get(key) {
        Some(Value::String(_)) => Value::String(text.to_owned()),
        _ => format!("v = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("v"))
            .unwrap_or_else(|| Value::String(text.to_owned())),
    };
    set(known, section, key, value, origin)
}

fn set(known: &mut Table, section: &str, key: &str, value: Value, origin: &str) -> Result<(), Error> {
    let path = if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") };
    let Some(slot) = known.get_mut(key) else { return Err(unknown(&path, known, origin)) };
    match (slot, value) {
        (Value::Table(known), Value::Table(values)) if !known.is_empty() => {
            overlay(known, values, &path, origin)
        }
        (slot, value) if slot.type_str() != value.type_str() => Err(Error::WrongType {
            key: path,
            origin: origin.to_owned(),
            found: value.type_str(),
            expected: if slot.is_table() { "a section" } else { slot.type_str() },
        }),
        (slot, value) => {
            *slot = value;
            Ok(())
        }
    }
}

fn unknown(key: &str, known: &Table, origin: &str) -> Error {
    Error::UnknownKey {
        key: key.to_owned(),
        origin: origin.to_owned(),
        known: known.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", "),
    }
}

/// A section as the keys and values that it was read from.
fn as_table(section: &impl Serialize) -> Table {
    Table::try_from(section).unwrap_or_default()
}

/// Replaces the password of a URL by `***`.
fn redact_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((credentials, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}:***@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layered(environment: &[(&str, &str)], flags: &[(&str, &str)]) -> Result<Config, Error> {
        let environment: Vec<_> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let flags: Vec<_> = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Config::layered(None, &environment, &flags)
    }

    #[test]
    fn the_defaults_are_complete_and_valid() {
        assert_eq!(layered(&[], &[]).unwrap(), Config::default());
    }

    #[test]
    fn flags_override_the_environment_which_overrides_defaults() {
        let config = layered(
            &[("OCRIVA__UPLOAD__MAX_FILE_MIB", "7"), ("OCRIVA__SERVER__LISTEN", "127.0.0.1:1")],
            &[("server.listen", "127.0.0.1:2")],
        )
        .unwrap();
        assert_eq!(config.upload.max_file_mib, 7);
        assert_eq!(config.server.listen.port(), 2);
    }

    #[test]
    fn an_unknown_key_names_the_known_ones() {
        let error = layered(&[("OCRIVA__UPLOAD__MAX_SIZE", "7")], &[]).unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown setting `upload.max_size` in the environment (`OCRIVA__UPLOAD__MAX_SIZE`); known here: \
             `max_batch_files`, `max_file_mib`, `timeout_per_file_seconds`"
        );
    }

    #[test]
    fn a_value_of_the_wrong_type_says_what_was_expected() {
        let error = layered(&[], &[("upload.max_file_mib", "many")]).unwrap_err().to_string();
        assert_eq!(error, "setting `upload.max_file_mib` in the command line is string, expected integer");
    }

    #[test]
    fn passwords_are_redacted() {
        let config = layered(
            &[],
            &[
                ("storage.database_url", "postgres://o:s3cret@db/ocriva"),
                ("mail.smtp_url", "smtps://o:s3cret@mail"),
                ("mail.from", "ocriva@example.org"),
            ],
        )
        .unwrap();
        let shown = config.redacted_toml();
        assert!(shown.contains("postgres://o:***@db/ocriva") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn a_list_can_be_given_in_the_environment() {
        let config =
            layered(&[("OCRIVA__SERVER__TRUSTED_PROXIES", r#"["10.0.0.0/8", "::1"]"#)], &[]).unwrap();
        assert_eq!(config.server.trusted_proxies, ["10.0.0.0/8", "::1"]);
        let error = layered(&[], &[("server.trusted_proxies", r#"["proxy"]"#)]).unwrap_err().to_string();
        assert!(error.contains("`proxy`"), "{error}");
    }

    #[test]
    fn sign_up_needs_mail() {
        let error = layered(&[("OCRIVA__AUTH__SIGNUP", "true")], &[]).unwrap_err().to_string();
        assert!(error.contains("`mail.smtp_url`"), "{error}");
    }
}
