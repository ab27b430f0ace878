//! `ocriva plugin push`: sends a component to a server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use reqwest::multipart::{Form, Part};
use serde_json::Value;

use super::build;
use super::project::Project;
use super::signing;

/// How long a server may take: it checks, compiles and asks the component before it answers.
const LIMIT: Duration = Duration::from_secs(120);

#[derive(Debug, Args)]
pub struct Push {
    /// The component; that of the project here unless said, which is built for it.
    #[arg(value_name = "FILE.wasm")]
    file: Option<PathBuf>,
    /// Address of the server, such as `https://ocriva.example.org`.
    #[arg(long, value_name = "URL", env = "OCRIVA_SERVER")]
    server: String,
    /// File with an API token that has the permission `plugins:write`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The token itself; only from the environment, since others see command lines.
    #[arg(long = "token", hide = true, env = "OCRIVA_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Let it serve at once, instead of keeping it as a draft.
    #[arg(long)]
    activate: bool,
}

impl Push {
    /// Sends the component and prints what the server says of it.
    ///
    /// # Errors
    /// No component, no token, no connection, or a refusal, with the server's own words.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let file = match &self.file {
            Some(file) => file.clone(),
            // What was built before the last change is not what its author means to ship.
            None => build::component(&Project::find(Path::new("."))?, None)?,
        };
        let bytes = std::fs::read(&file).with_context(|| format!("`{}` cannot be read", file.display()))?;
        let token = self.token()?;
        let answer = crate::cli::runtime()?.block_on(send(&self.server, &token, self.form(&file, bytes)?))?;
        let said = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        crate::cli::print(&format!(
            "{} {} is {} on {}\n",
            said("name"),
            said("version"),
            said("state"),
            self.server
        ))?;
        Ok(ExitCode::SUCCESS)
    }

    fn form(&self, file: &Path, bytes: Vec<u8>) -> anyhow::Result<Form> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let part = Part::bytes(bytes).file_name(name).mime_str("application/wasm")?;
        let form = Form::new().part("file", part).text("activate", self.activate.to_string());
        Ok(match signing::beside(file)? {
            Some(signature) => form.text("signature", signature),
            None => form,
        })
    }

    fn token(&self) -> anyhow::Result<String> {
        let text = match (&self.token_file, &self.token) {
            (Some(file), _) => std::fs::read_to_string(file)
                .with_context(|| format!("token file `{}` cannot be read", file.display()))?,
            (None, Some(token)) => token.clone(),
            (None, None) => bail!("no token: name a file with `--token-file`, or set OCRIVA_TOKEN"),
        };
        Ok(text.trim().to_owned())
    }
}

async fn send(server: &str, token: &str, form: Form) -> anyhow::Result<Value> {
    let client = reqwest::Client::builder().timeout(LIMIT).build()?;
    let url = format!("{}/plugins", server.trim_end_matches('/'));
    let request = client.post(&url).header("X-API-Key", token).multipart(form);
    let answer = request.send().await.with_context(|| format!("`{server}` cannot be reached"))?;
    let status = answer.status();
    let body = answer.text().await.context("the server's answer broke off")?;
    let json: Value = serde_json::from_str(&body).unwrap_or_default();
    if status.is_success() {
        return Ok(json);
    }
    let message = match json.get("message") {
        Some(Value::String(message)) => message.clone(),
        Some(Value::Array(messages)) => {
            messages.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; ")
        }
        _ => body,
    };
    bail!("the server refused it ({}): {message}", status.as_u16())
}
