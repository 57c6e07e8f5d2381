//! `heatgrid-server`: reads its settings, serves, and ends in order.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use heatgrid_engine::clock::SystemClock;
use heatgrid_server::config::{Config, ConfigError, Start};
use heatgrid_server::health::{Health, Phase};
use heatgrid_server::serve::{ServeError, Served, Server};
use heatgrid_server::{log, process};
use tokio::signal::unix::{SignalKind, signal};

/// Exit status after a store that stopped by itself (`EX_SOFTWARE`): a supervisor starts the server again.
const STOPPED: u8 = 70;
/// Files that are open beside connections, the store's: none of them is to be refused for a connection.
const SPARE_FILES: u64 = 1_000;
/// Time for what does not end by itself when everything else has.
const LAST_WAIT: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    match Start::read(std::env::args_os(), std::env::vars_os()) {
        Ok(Start::PrintConfig(settings)) => {
            print!("{settings}");
            ExitCode::SUCCESS
        }
        Ok(Start::Serve(config)) => serve(*config, false),
        Ok(Start::Demo(config)) => demo(*config),
        Err(ConfigError::Usage(usage)) => {
            let help = !usage.use_stderr();
            // Nobody is left to be told of a closed terminal.
            let _ = usage.print();
            if help { ExitCode::SUCCESS } else { ExitCode::from(2) }
        }
        Err(error) => {
            eprintln!("heatgrid-server: {error}");
            ExitCode::from(2)
        }
    }
}

/// On a fresh store that goes with the program, unless a directory was named.
fn demo(mut config: Config) -> ExitCode {
    if config.data_given {
        return serve(config, true);
    }
    match tempfile::Builder::new().prefix("heatgrid-demo-").tempdir() {
        Ok(directory) => {
            config.data = directory.path().to_owned();
            serve(config, true)
        }
        Err(error) => {
            eprintln!("heatgrid-server: no temporary directory for the demo: {error}; name one with --data");
            ExitCode::FAILURE
        }
    }
}

fn serve(mut config: Config, demo: bool) -> ExitCode {
    log::begin(config.log_format, config.log_level);
    log::keep_panics_quiet();
    if let Err(error) = process::keep_to_itself() {
        eprintln!("heatgrid-server: core dumps cannot be switched off: {error}");
        return ExitCode::FAILURE;
    }
    if let Some(files) = process::open_as_many_files_as_may_be() {
        let room = usize::try_from(files.saturating_sub(SPARE_FILES)).unwrap_or(usize::MAX).max(1);
        if room < config.max_connections {
            tracing::warn!(
                files,
                max_connections = room,
                "fewer files may be open than there are connections; fewer are taken"
            );
            config.max_connections = room;
        }
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("heatgrid-server: no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let served = runtime.block_on(run(config, demo));
    runtime.shutdown_timeout(LAST_WAIT);
    match served {
        Ok(served) => end(served),
        Err(error) => {
            eprintln!("heatgrid-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: Config, demo: bool) -> Result<Served, ServeError> {
    let mut server = Server::bind(config, Arc::new(SystemClock)).await?;
    if demo {
        server = server.with_demo();
    }
    for address in server.addresses().unwrap_or_default() {
        tracing::info!(%address, "listening");
    }
    tokio::spawn(drain_on_signal(server.health()));
    let token = std::env::var("HEATGRID_OPERATOR_TOKEN").ok();
    server.run(token).await
}

async fn drain_on_signal(health: Arc<Health>) {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        eprintln!("heatgrid-server: signals cannot be caught; it ends without draining");
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    health.drain();
}

fn end(served: Served) -> ExitCode {
    let phase = served.phase.clone();
    if let Phase::Stopped(why) = phase {
        eprintln!("heatgrid-server: {why}");
        return ExitCode::from(STOPPED);
    }
    match served.close() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("heatgrid-server: what was accepted is in the log, but could not be flushed: {error}");
            ExitCode::SUCCESS
        }
    }
}
