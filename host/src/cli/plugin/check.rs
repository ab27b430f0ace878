//! `ocriva plugin check`: whether a component can be used, what it needs, and what is wrong where it cannot.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use ocriva::config::Config;
use ocriva::domain::schema;
use ocriva::plugins::{Description, Engine, Problem};
use serde_json::{Value, json};

use super::project::Project;

#[derive(Debug, Args)]
pub struct Check {
    /// The component; that of the project here unless said.
    #[arg(value_name = "FILE.wasm")]
    file: Option<PathBuf>,
}

impl Check {
    /// Prints what a component is, needs and says of itself.
    ///
    /// # Errors
    /// A file that cannot be read; what is wrong with a component is reported in the exit status.
    pub async fn run(self, engine: Arc<Engine>, config: &Config) -> anyhow::Result<ExitCode> {
        let file = match self.file {
            Some(file) => file,
            None => Project::find(Path::new("."))?.component(),
        };
        let bytes = std::fs::read(&file).with_context(|| {
            format!("`{}` cannot be read; `ocriva plugin build` makes it", file.display())
        })?;
        let report = engine.check(bytes).await;
        let mut text = format!(
            "file     {}\nsize     {} of {} KiB (setting `plugins.component_mib`)\ndigest   sha256 {}\ncontract {}\n\
             imports  {}\nexports  {}\n",
            file.display(),
            report.size_bytes.div_ceil(1024),
            config.plugins.component_mib << 10,
            report.digest,
            report.api_version.as_deref().unwrap_or("none"),
            or_none(&report.imports),
            or_none(&report.exports),
        );
        match &report.manifest {
            None => text += "manifest none: no wishes, default limits\n",
            Some(manifest) => {
                let toml = toml::to_string(manifest).context("the manifest cannot be shown")?;
                for (index, line) in toml.lines().filter(|line| !line.is_empty()).enumerate() {
                    text += &format!("{} {line}\n", if index == 0 { "manifest" } else { "        " });
                }
            }
        }
        if let Some(limits) = &report.limits {
            text += &format!("limits   {}\n", serde_json::to_string(limits)?);
        }
        let mut problems = report.problems;
        if let Some(description) = &report.description {
            text += &format!(
                "plugin   {} {}: {}\nconfig   {}\noutput   {}\n",
                description.name,
                description.version,
                description.description,
                summary(description.config_schema.as_ref()),
                summary(description.output_schema.as_ref()),
            );
            problems.extend(schema_problems(description));
        }
        for problem in &problems {
            text += &format!("problem  {}\n         {}\n", problem.problem, problem.remedy);
        }
        if problems.is_empty() {
            text += "this component can be used as a plugin\n";
        }
        crate::cli::print(&text)?;
        Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// What is wrong with the schemas that a plugin describes itself by.
fn schema_problems(description: &Description) -> Vec<Problem> {
    let schemas = [
        ("configSchema", &description.config_schema, "with_config_schema"),
        ("outputSchema", &description.output_schema, "with_output_schema"),
    ];
    let mut problems = Vec::new();
    for (name, given, function) in schemas {
        let Some(given) = given else { continue };
        let mut add = |what: String| {
            problems.push(Problem {
                problem: format!("`{name}` {what}"),
                remedy: format!("mend the JSON Schema that `describe` gives (in Rust: `{function}`)"),
            });
        };
        if let Err(reason) = schema::validity(given) {
            add(format!("is no JSON Schema: {reason}"));
        } else if given.get("type").is_some_and(|kind| kind != "object") {
            add(format!("describes `{}`, it has to describe an object", given["type"]));
        } else if name == "configSchema" && given.get("required").is_none() {
            // A template may leave all settings out: they come as `{}` then.
            for problem in schema::problems(given, &json!({})) {
                add(format!("does not allow `{{}}`, which a template without settings has: {problem}"));
            }
        }
    }
    problems
}

/// The names of a schema's properties.
fn summary(schema: Option<&Value>) -> String {
    let Some(schema) = schema else { return "any".to_owned() };
    let properties = schema.get("properties").and_then(Value::as_object);
    let names: Vec<String> = properties.into_iter().flatten().map(|(name, _)| name.clone()).collect();
    or_none(&names)
}

fn or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
