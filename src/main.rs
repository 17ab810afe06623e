//! Reads the settings, starts the log, runs the services, and exits with 0, or with a code that says why not.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use pasar::app::{App, Checkup, Reset};
use pasar::clock::Clock;
use pasar::config::{Action, Config};
use pasar::user::api::User;
use pasar::{banner, logging};

/// This allocator saves a sixth of the processor time of an order, since a request makes many small allocations on
/// several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let config = match Config::load() {
        Ok(config) => config,
        Err(refusal) if refusal.exit_code == 0 => {
            print(&refusal.text);
            return ExitCode::SUCCESS;
        }
        Err(refusal) => {
            eprintln!("pasar: {}", refusal.text);
            return ExitCode::from(2);
        }
    };
    match run(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pasar: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(config: &Config) -> anyhow::Result<()> {
    let log = logging::start(&config.log, config.log_style)?;
    if let Err(error) = pasar::limits::raise() {
        log::warn!("the limit of open files stays as it is: {error}");
    }
    // Two threads for timers and background tasks; the servers have their own threads.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async {
        match &config.action {
            Action::Serve => {}
            Action::CheckHealth => return check_health(config).await,
            Action::Reset { ask } => return reset(config, *ask),
            Action::SetRole { email, role } => {
                let User { id, name, email, .. } = pasar::app::set_role(config, email, *role).await?;
                let (email, role) = (email.unwrap_or_default(), role.title());
                print(&format!("User {id}, {name} <{email}>, is {role} now, and has to log in again.\n"));
                return Ok(());
            }
        }
        let stop = stop_signal()?;
        let found = config.services.iter().any(|one| one.database.exists());
        let app = App::start(config, Clock::system()).await?;
        let addresses: Vec<_> = app.addresses().collect();
        if std::io::stdout().is_terminal() {
            print(&banner::welcome(config, &addresses, found)?);
        } else {
            for (service, addr) in addresses {
                print(&banner::service(service, addr, config.auth_required)?);
            }
        }
        app.run_until(stop).await
    });
    log.finish();
    ended
}

/// Prints the state of each running service; an error if one of them is not ready.
async fn check_health(config: &Config) -> anyhow::Result<()> {
    let checkups = pasar::app::health(config).await?;
    for Checkup { name, url, took, outcome } in &checkups {
        let (state, why) = match outcome {
            Ok(()) => ("ready", String::new()),
            Err(error) => ("not ready", format!("  {}", error.root_cause())),
        };
        let url = url.as_str().trim_end_matches('/');
        print(&format!("{name:<14} {url}   {state:<9}  {:.1}ms{why}\n", took.as_secs_f64() * 1000.0));
    }
    let down: Vec<_> = checkups.iter().filter(|one| one.outcome.is_err()).map(|one| one.name).collect();
    anyhow::ensure!(down.is_empty(), "not ready: {}", down.join(", "));
    Ok(())
}

/// Removes the databases, after a confirmation if one is required.
fn reset(config: &Config, ask: bool) -> anyhow::Result<()> {
    let reset = Reset::of(config)?;
    if reset.files().is_empty() {
        print("There is no database to remove.\n");
        return Ok(());
    }
    let files: Vec<_> = reset.files().iter().map(|file| file.display().to_string()).collect();
    let files = files.join(", ");
    if ask {
        print(&format!("This removes {files}, with everything in them, for good. Go on? [y/N] "));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !["y", "yes", "ya"].contains(&answer.trim().to_lowercase().as_str()) {
            print("Nothing was removed.\n");
            return Ok(());
        }
    }
    reset.run()?;
    print(&format!("Removed {files}.\n"));
    Ok(())
}

/// Prints to standard output. A closed output is no reason to stop.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Completes on the first ctrl-c or SIGTERM. The handlers are installed at once, not at the first poll.
fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .context("SIGTERM can't be listened for")?;
    #[cfg(unix)]
    let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())
        .context("ctrl-c can't be listened for")?;
    #[cfg(unix)]
    return Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    });
    #[cfg(windows)]
    let mut interrupt = tokio::signal::windows::ctrl_c().context("ctrl-c can't be listened for")?;
    #[cfg(windows)]
    return Ok(async move {
        interrupt.recv().await;
    });
}
