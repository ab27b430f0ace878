//! `ocriva serve` and `ocriva migrate`.

use std::process::ExitCode;

use anyhow::Context as _;
use ocriva::app::{App, Credentials};
use ocriva::clock::Clock;
use ocriva::config::Config;
use tokio_util::sync::CancellationToken;

/// Runs the server until it is told to stop by SIGTERM or Ctrl-C.
///
/// # Errors
/// It cannot start, or stopped by itself.
pub fn run(config: Config) -> anyhow::Result<ExitCode> {
    ocriva::telemetry::start(&config.log).context("logs cannot be written")?;
    super::runtime()?.block_on(async {
        let mut app = App::start(config, Clock::system()).await?;
        let listener = app.listen().await?;
        let url = app.url();
        if let Some(credentials) = &app.credentials {
            print_credentials(credentials, &url);
        }
        println!("ocriva is ready on {url} (API description: {url}/docs)");
        let stop = CancellationToken::new();
        let signal = tokio::spawn(cancel_on_signal(stop.clone()));
        app.run(listener, stop).await?;
        signal.abort();
        println!("ocriva has stopped");
        Ok(ExitCode::SUCCESS)
    })
}

/// Brings the database's schema up to date.
///
/// # Errors
/// The database does not answer, or was migrated by a newer program.
pub fn migrate(config: &Config) -> anyhow::Result<ExitCode> {
    ocriva::telemetry::start(&config.log).context("logs cannot be written")?;
    super::runtime()?.block_on(App::migrate(config, &Clock::system()))?;
    println!("the database's schema is up to date");
    Ok(ExitCode::SUCCESS)
}

fn print_credentials(credentials: &Credentials, url: &str) {
    println!("First start: these credentials are shown once, and kept in {}", credentials.path.display());
    println!("  organization id  {}", credentials.organization_id);
    println!("  project id       {}", credentials.project_id);
    println!("  e-mail           {}", credentials.email);
    println!("  password         {}", credentials.password);
    println!("  API token        {}", credentials.api_token);
    println!("Try it:");
    println!(
        "  curl -H 'X-API-Key: {}' -F projectId={} -F fileType=image -F fileName=receipt.jpg \\\n    \
         -F file=@receipt.jpg {url}/upload/{}/file",
        credentials.api_token, credentials.project_id, credentials.organization_id
    );
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
