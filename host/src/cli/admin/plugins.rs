//! Plugins of everybody's that live in the database: all processes of the installation run them.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use ocriva::app::App;
use ocriva::clock::Clock;
use ocriva::config::Config;
use ocriva::domain::audit::Actor;
use ocriva::domain::plugin::{
    CanaryTerms, Keeping, PinningTemplate, PluginChange, PluginRecord, PluginState, Share,
};
use ocriva::releases::Releases;
use ocriva::store::Store;

use crate::cli::plugin::signing;

/// Calls of a canary's window; without more of them it goes on.
const WINDOW_CALLS: u64 = 200;

#[derive(Debug, Subcommand)]
pub enum Plugins {
    /// List the installed plugins with their versions.
    #[command(name = "plugins")]
    List,
    /// Install a component for all organizations. A running server takes it over within a second.
    InstallPlugin {
        /// The component.
        #[arg(value_name = "FILE.wasm")]
        file: PathBuf,
        /// Keep it as a draft, which only templates get that name its version.
        #[arg(long)]
        draft: bool,
    },
    /// Make a version of an installed plugin the active one.
    ActivatePlugin {
        /// Name of the plugin.
        name: String,
        /// The version.
        version: String,
        /// Try it on so many of a hundred documents first.
        #[arg(long, value_parser = clap::value_parser!(u8).range(1..=100))]
        percent: Option<u8>,
        /// Share of the tried calls that may fail, from 0 to 1; above it the version is taken back by itself.
        #[arg(long, default_value_t = 0.05, requires = "percent")]
        max_error_rate: f64,
        /// Calls before that is looked at.
        #[arg(long, default_value_t = 20, requires = "percent",
            value_parser = clap::value_parser!(u64).range(1..=WINDOW_CALLS))]
        minimum_calls: u64,
        /// Make it the active one by itself after 200 good calls.
        #[arg(long, requires = "percent")]
        promote: bool,
    },
    /// Go back to the version that was active before, or end the trial of one.
    RollBackPlugin {
        /// Name of the plugin.
        name: String,
    },
    /// Put a version aside: templates that name it keep it.
    RetirePlugin {
        /// Name of the plugin.
        name: String,
        /// The version.
        version: String,
    },
    /// Delete a version that is not in use.
    RemovePlugin {
        /// Name of the plugin.
        name: String,
        /// The version.
        version: String,
    },
}

impl Plugins {
    /// Runs the command; what it has to say comes back as text.
    ///
    /// # Errors
    /// The database or the blob store does not answer, a component cannot be used, or what the command names is not
    /// there or in use.
    pub async fn run(self, store: &Store, config: &Config) -> anyhow::Result<String> {
        let actor = Actor::system();
        match self {
            Self::List => list(store).await,
            Self::InstallPlugin { file, draft } => {
                let component =
                    std::fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
                let signature = signing::beside(&file)?;
                let releases = App::releases_beside(config, &Clock::system(), store).await?;
                let (plugin, kept) =
                    releases.keep(&actor, None, component.into(), signature.as_deref()).await?;
                let (name, version) = (&plugin.description.name, &plugin.description.version);
                if let Keeping::OtherDigest(digest) = kept {
                    bail!(
                        "version {version} of {name} is there with the digest {digest}, and a version never changes: \
                         give this one another number"
                    );
                }
                if !draft {
                    done(store.activate_plugin(&actor, (None, name, version), None).await?, name, version)?;
                }
                let state = if draft { "a draft" } else { "active" };
                Ok(format!("plugin {name} {version} is {state}, digest {}\n", plugin.digest))
            }
            Self::ActivatePlugin { name, version, percent, max_error_rate, minimum_calls, promote } => {
                if !(0.0..=1.0).contains(&max_error_rate) {
                    bail!("the error rate is {max_error_rate}, it must be from 0 to 1");
                }
                let terms = percent.map(|percent| CanaryTerms {
                    share: Share::Percent(percent),
                    max_error_rate,
                    minimum_calls,
                    window_calls: WINDOW_CALLS,
                    promote,
                });
                let which = (None, name.as_str(), version.as_str());
                done(store.activate_plugin(&actor, which, terms.as_ref()).await?, &name, &version)?;
                Ok(match percent {
                    Some(percent) => format!("plugin {name} {version} gets {percent} % of the documents\n"),
                    None => format!("plugin {name} {version} is active\n"),
                })
            }
            Self::RollBackPlugin { name } => {
                let record = done(store.roll_back_plugin(&actor, None, &name).await?, &name, "")?;
                let active = record.active().map_or("no version", |active| active.version.as_str());
                Ok(format!("plugin {name}: {active} is active\n"))
            }
            Self::RetirePlugin { name, version } => {
                let needs = |_: &PluginRecord, template: &PinningTemplate| template.version.is_none();
                let which = (None, name.as_str(), version.as_str());
                done(store.retire_plugin(&actor, which, needs).await?, &name, &version)?;
                Ok(format!("plugin {name} {version} is retired\n"))
            }
            Self::RemovePlugin { name, version } => {
                let releases = App::releases_beside(config, &Clock::system(), store).await?;
                let record = store.plugin(None, &name).await?;
                let which = (None, name.as_str(), version.as_str());
                let needs = Releases::is_pinned(&version);
                done(store.delete_plugin_version(&actor, which, needs).await?, &name, &version)?;
                if let Some(deleted) = record.as_ref().and_then(|record| record.version(&version)) {
                    releases.discard(&deleted.id, &deleted.digest).await;
                }
                Ok(format!("plugin {name} {version} is removed\n"))
            }
        }
    }
}

async fn list(store: &Store) -> anyhow::Result<String> {
    let mut listing = String::new();
    for record in store.list_plugins(None).await? {
        for version in &record.versions {
            writeln!(
                listing,
                "{}\t{}\t{}\t{}",
                record.plugin.name,
                version.version,
                version.state,
                version.reason.as_deref().unwrap_or(&version.digest)
            )?;
        }
    }
    Ok(listing)
}

/// What a change has made of a plugin.
fn done(change: PluginChange, name: &str, version: &str) -> anyhow::Result<PluginRecord> {
    match change {
        PluginChange::Done(record) => Ok(record),
        PluginChange::NotFound if version.is_empty() => bail!("there is no installed plugin {name}"),
        PluginChange::NotFound => bail!("there is no version {version} of an installed plugin {name}"),
        PluginChange::InUse(PluginState::Canary) => bail!("{name} {version} is on trial: roll back first"),
        PluginChange::InUse(_) => bail!("{name} {version} is active: activate another version first"),
        PluginChange::NothingBefore => bail!("no version of {name} was active before"),
        PluginChange::Needed(templates) => {
            let ids: Vec<&str> = templates.iter().map(|template| template.id.as_str()).take(10).collect();
            bail!("{} templates need {name} {version}: {}", templates.len(), ids.join(", "))
        }
    }
}
