//! `heatgrid-server`: reads its settings. It serves nothing yet; the `heatgrid` command works on a directory.

use std::process::ExitCode;

use heatgrid_server::config::{ConfigError, Start};

fn main() -> ExitCode {
    match Start::read(std::env::args_os(), std::env::vars_os()) {
        Ok(Start::PrintConfig(settings)) => {
            print!("{settings}");
            ExitCode::SUCCESS
        }
        Ok(Start::Serve(_) | Start::Demo(_)) => {
            eprintln!(
                "heatgrid-server: this version does not serve yet; use the heatgrid command on a directory of data"
            );
            ExitCode::FAILURE
        }
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
