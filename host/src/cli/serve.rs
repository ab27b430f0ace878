//! `ocriva serve` and `ocriva migrate`.

use std::process::ExitCode;

use anyhow::Context as _;
use ocriva::app::{App, Credentials};
use ocriva::clock::Clock;
use ocriva::config::Config;
use ocriva::telemetry::Telemetry;
use tokio_util::sync::CancellationToken;

/// Runs the server until it is told to stop by SIGTERM or Ctrl-C.
///
/// # Errors
/// It cannot start, or stopped by itself.
pub fn run(config: Config) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let telemetry = telemetry(&config)?;
        let mut app = App::start(config, Clock::system()).await?;
        let listener = app.listen().await?;
        let url = app.url();
        if let Some(credentials) = &app.credentials {
            print_credentials(credentials, &url)?;
        }
        super::print(&format!("ocriva is ready on {url} (API description: {url}/docs)\n"))?;
        let stop = CancellationToken::new();
        let signal = tokio::spawn(cancel_on_signal(stop.clone()));
        app.run(listener, stop).await?;
        signal.abort();
        telemetry.stop().await;
        super::print("ocriva has stopped\n")?;
        Ok(ExitCode::SUCCESS)
    })
}

/// Brings the database's schema up to date.
///
/// # Errors
/// The database does not answer, or was migrated by a newer program.
pub fn migrate(config: &Config) -> anyhow::Result<ExitCode> {
    super::runtime()?.block_on(async {
        let telemetry = telemetry(config)?;
        App::migrate(config, &Clock::system()).await?;
        telemetry.stop().await;
        anyhow::Ok(())
    })?;
    super::print("the database's schema is up to date\n")?;
    Ok(ExitCode::SUCCESS)
}

fn telemetry(config: &Config) -> anyhow::Result<Telemetry> {
    ocriva::telemetry::start(&config.log, &config.telemetry).context("logs cannot be written")
}

fn print_credentials(credentials: &Credentials, url: &str) -> anyhow::Result<()> {
    let Credentials { organization_id, project_id, email, password, api_token, path } = credentials;
    super::print(&format!(
        "First start: these credentials are shown once, and kept in {path}\n  \
           organization id  {organization_id}\n  \
           project id       {project_id}\n  \
           e-mail           {email}\n  \
           password         {password}\n  \
           API token        {api_token}\n\
         Try it:\n  \
           curl -H 'X-API-Key: {api_token}' -F projectId={project_id} -F fileType=image \\\n    \
           -F fileName=receipt.jpg -F file=@receipt.jpg {url}/upload/{organization_id}/file\n",
        path = path.display()
    ))
}

async fn cancel_on_signal(stop: CancellationToken) {
    if let Err(error) = signalled().await {
        tracing::warn!(%error, "signals cannot be listened for");
        return;
    }
    tracing::info!("stopping: finishing what is in progress");
    stop.cancel();
}

#[cfg(unix)]
async fn signalled() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

#[cfg(not(unix))]
async fn signalled() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
