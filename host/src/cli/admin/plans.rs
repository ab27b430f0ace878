//! Plans, prices and credits.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use ocriva::domain::audit::Actor;
use ocriva::domain::credit::Grant;
use ocriva::domain::plan::Plan;
use ocriva::store::Store;

#[derive(Debug, Subcommand)]
pub enum Plans {
    /// List the plans with their limits, and the prices of extractors.
    Plans,
    /// Make a plan, or change the limits of one.
    DefinePlan {
        /// Name of the plan.
        name: String,
        /// Limits to set, as LIMIT=NUMBER or LIMIT=none; the others stay. `admin plans` shows all of them.
        #[arg(value_name = "LIMIT=VALUE")]
        limits: Vec<String>,
    },
    /// Give an organization a plan.
    SetPlan {
        /// Id of the organization.
        organization: String,
        /// Name of the plan.
        plan: String,
    },
    /// Say which plan organizations get that are made from now on.
    SetDefaultPlan {
        /// Name of the plan.
        plan: String,
    },
    /// Give credits to an organization; a negative amount takes them back.
    GrantCredits {
        /// Id of the organization.
        organization: String,
        /// How many.
        #[arg(allow_negative_numbers = true)]
        amount: i64,
        /// For the ledger and the audit log.
        #[arg(long)]
        reason: String,
    },
    /// Set what a document costs whose template names this extractor.
    SetPrice {
        /// The extractor's name; `default` for all that have no price of their own.
        extractor: String,
        /// Credits per document.
        credits: u32,
    },
}

impl Plans {
    /// Runs the command; what it has to say comes back as text.
    ///
    /// # Errors
    /// The database does not answer, or what the command names is not there.
    pub async fn run(self, store: &Store) -> anyhow::Result<String> {
        match self {
            Self::Plans => list(store).await,
            Self::DefinePlan { name, limits } => define(store, name, &limits).await,
            Self::SetPlan { organization, plan } => {
                if store.plan(&plan).await?.is_none() {
                    bail!(unknown_plan(store, &plan).await?);
                }
                if store.set_plan(&Actor::system(), &organization, &plan).await?.is_none() {
                    bail!(unknown_organization(&organization));
                }
                Ok(format!("organization {organization} has the plan {plan}\n"))
            }
            Self::SetDefaultPlan { plan } => {
                if !store.set_default_plan(&plan).await? {
                    bail!(unknown_plan(store, &plan).await?);
                }
                Ok(format!("new organizations get the plan {plan}\n"))
            }
            Self::GrantCredits { amount: 0, .. } => bail!("an amount of 0 gives nothing"),
            Self::GrantCredits { organization, amount, reason } => {
                match store.grant_credits(&Actor::system(), &organization, amount, &reason).await? {
                    Grant::Granted(entry) => {
                        Ok(format!("organization {organization} has {} credits\n", entry.balance))
                    }
                    Grant::NotFound => bail!(unknown_organization(&organization)),
                }
            }
            Self::SetPrice { extractor, credits } => {
                store.set_extractor_price(&extractor, u64::from(credits)).await?;
                Ok(format!("documents of extractor {extractor} cost {credits} credits\n"))
            }
        }
    }
}

/// Names of limits, as the API spells them, each with its place in a plan.
const LIMITS: [(&str, fn(&mut Plan) -> Limit<'_>); 9] = [
    ("storageBytes", |plan| Limit::Amount(&mut plan.storage_bytes)),
    ("templates", |plan| Limit::Amount(&mut plan.templates)),
    ("monthlyProcessing", |plan| Limit::Amount(&mut plan.monthly_processing)),
    ("monthlyReads", |plan| Limit::Amount(&mut plan.monthly_reads)),
    ("monthlyTransferBytes", |plan| Limit::Amount(&mut plan.monthly_transfer_bytes)),
    ("webhookEndpoints", |plan| Limit::Amount(&mut plan.webhook_endpoints)),
    ("maxFileBytes", |plan| Limit::Amount(&mut plan.max_file_bytes)),
    ("credentialRate", |plan| Limit::Rate(&mut plan.credential_rate)),
    ("organizationRate", |plan| Limit::Rate(&mut plan.organization_rate)),
];

/// What is no number but is set the same way.
const NEEDS_CREDITS: &str = "needsCredits";

/// A limit of a plan, to be read or set.
enum Limit<'a> {
    Amount(&'a mut Option<u64>),
    Rate(&'a mut Option<u32>),
}

impl Limit<'_> {
    fn value(&self) -> Option<u64> {
        match self {
            Self::Amount(amount) => **amount,
            Self::Rate(rate) => rate.map(u64::from),
        }
    }

    fn set(self, value: Option<u64>) -> anyhow::Result<()> {
        match self {
            Self::Amount(amount) => *amount = value,
            Self::Rate(rate) => *rate = value.map(u32::try_from).transpose()?.filter(|rate| *rate > 0),
        }
        Ok(())
    }
}

async fn list(store: &Store) -> anyhow::Result<String> {
    let mut text = String::new();
    for mut plan in store.list_plans().await? {
        let default = if plan.is_default { " (for new organizations)" } else { "" };
        let _infallible = writeln!(text, "{}{default}", plan.name);
        for (name, limit) in LIMITS {
            let value = limit(&mut plan).value().map_or("none".to_owned(), |value| value.to_string());
            let _infallible = writeln!(text, "  {name}={value}");
        }
        let _infallible = writeln!(text, "  {NEEDS_CREDITS}={}", plan.needs_credits);
    }
    for (extractor, credits) in store.extractor_prices().await? {
        let _infallible = writeln!(text, "price of extractor {extractor}: {credits}");
    }
    Ok(text)
}

async fn define(store: &Store, name: String, limits: &[String]) -> anyhow::Result<String> {
    let known = store.plan(&name).await?;
    let mut plan = known.unwrap_or_else(|| Plan { name, ..Plan::default() });
    for assignment in limits {
        let (limit, value) = assignment
            .split_once('=')
            .with_context(|| format!("`{assignment}` is not LIMIT=NUMBER or LIMIT=none"))?;
        set(&mut plan, limit, value)?;
    }
    store.define_plan(&plan).await?;
    Ok(format!("plan {} is defined\n", plan.name))
}

fn set(plan: &mut Plan, name: &str, value: &str) -> anyhow::Result<()> {
    if name == NEEDS_CREDITS {
        plan.needs_credits =
            value.parse().with_context(|| format!("`{name}` is `{value}`, it must be true or false"))?;
        return Ok(());
    }
    let Some((_, limit)) = LIMITS.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = LIMITS.iter().map(|(known, _)| *known).chain([NEEDS_CREDITS]).collect();
        bail!("there is no limit `{name}`, only {}", known.join(", "));
    };
    let number = match value {
        "none" => None,
        // The database counts up to here.
        text => Some(
            text.parse::<u64>()
                .ok()
                .filter(|number| i64::try_from(*number).is_ok())
                .with_context(|| format!("`{name}` is `{value}`, it must be a number or `none`"))?,
        ),
    };
    let least = if matches!(name, "maxFileBytes" | "credentialRate" | "organizationRate") { 1 } else { 0 };
    if number.is_some_and(|number| number < least) {
        bail!("`{name}` is {value}, it must be at least {least}");
    }
    limit(plan).set(number).with_context(|| format!("`{name}` is `{value}`, which is too large"))
}

async fn unknown_plan(store: &Store, name: &str) -> anyhow::Result<String> {
    let plans = store.list_plans().await?;
    let known: Vec<String> = plans.into_iter().map(|plan| plan.name).collect();
    Ok(format!("there is no plan `{name}`, only {}", known.join(", ")))
}

fn unknown_organization(id: &str) -> String {
    format!("there is no organization `{id}`")
}
