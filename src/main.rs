//! Reads the settings, starts the log, runs the services, and exits with 0, or with a code that says why not.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use pasar::app::{App, Busy, Checkup, Reset, faults, lessons, verify};
use pasar::clock::Clock;
use pasar::config::{Action, Config, Seed};
use pasar::invariants::{Report, Verdict};
use pasar::load::{Progress, Settings};
use pasar::product::Seeded;
use pasar::user::api::User;
use pasar::{banner, logging};

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
        Ok(code) => code,
        Err(error) => {
            eprintln!("pasar: {error:#}");
            // Of a check, 1 says that something is broken.
            match config.action {
                Action::Load(_) | Action::Verify { .. } | Action::Lesson { .. } => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run(config: &Config) -> anyhow::Result<ExitCode> {
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
            Action::Verify { json } => return verify(config, *json).await,
            Action::Backup(file) => {
                let (database, variable) = pasar::app::back_up(config, file)?;
                let file = file.display();
                print(&format!("Copied {database} to {file}; {variable}=sqlite:{file} starts from it.\n"));
                return Ok(ExitCode::SUCCESS);
            }
            Action::Reset { ask } => return reset(config, *ask),
            Action::Load(settings) => return load(config, settings).await,
            Action::Lesson { number, check } => return lesson(config, *number, *check).await,
            Action::Fault(command) => {
                let found = faults::fault(config, command).await?;
                print(&faults::text(&found));
                return Ok(ExitCode::SUCCESS);
            }
            Action::SetRole { email, role } => {
                let User { id, name, email, .. } = pasar::app::set_role(config, email, *role).await?;
                let (email, role) = (email.unwrap_or_default(), role.title());
                print(&format!("User {id}, {name} <{email}>, is {role} now, and has to log in again.\n"));
                return Ok(ExitCode::SUCCESS);
            }
            Action::Seed(Seed::Busy) => {
                let (database, added) = pasar::app::seed_busy(config).await?;
                print(&match added {
                    Some(Busy { products, customers, orders }) => format!(
                        "Added {products} products, {customers} customers and {orders} orders of the last day to {database}.\n"
                    ),
                    None => format!("{database} has the orders of such a day already.\n"),
                });
                return Ok(ExitCode::SUCCESS);
            }
            Action::Seed(Seed::Shop) => {
                let (database, Seeded { added, found }) = pasar::app::seed(config).await?;
                print(&format!("Added {added} products to {database}; {found} were there already.\n"));
                return Ok(ExitCode::SUCCESS);
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
        app.run_until(stop).await.map(|()| ExitCode::SUCCESS)
    });
    log.finish();
    ended
}

/// Prints the state of each running service; an error if one of them is not ready.
async fn check_health(config: &Config) -> anyhow::Result<ExitCode> {
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
    Ok(ExitCode::SUCCESS)
}

/// Prints the lessons, or one; the exit code of a check says whether it was done.
async fn lesson(config: &Config, number: Option<usize>, check: bool) -> anyhow::Result<ExitCode> {
    let found = lessons::lessons(config, number).await?;
    match found.as_slice() {
        [lesson] => print(&lessons::text(lesson, check)),
        all => print(&lessons::list(all)),
    }
    let is_done = !check || found.iter().all(|lesson| lesson.passed);
    Ok(if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints whether the invariants of the running services hold; the exit code says if one is broken.
async fn verify(config: &Config, json: bool) -> anyhow::Result<ExitCode> {
    let reports = reports(config).await?;
    print(&if json { serde_json::to_string_pretty(&reports)? + "\n" } else { verify::text(&reports) });
    Ok(if is_any_broken(&reports) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Checks the invariants of the running services.
async fn reports(config: &Config) -> anyhow::Result<Vec<Report>> {
    let shows = std::io::stderr().is_terminal();
    let verified = verify::verify(config, |doing| {
        if shows {
            show(&format!("\r\x1b[K{doing} …"));
        }
    });
    let verified = verified.await;
    if shows {
        show("\r\x1b[K");
    }
    verified
}

fn is_any_broken(reports: &[Report]) -> bool {
    reports.iter().any(|report| report.holds == Verdict::Broken)
}

/// Acts as customers, and prints the report; fails if something acknowledged is not so, or an invariant is broken.
async fn load(config: &Config, settings: &Settings) -> anyhow::Result<ExitCode> {
    let shows = std::io::stderr().is_terminal();
    let show = |progress: &Progress| {
        if shows {
            show(&format!("\r{progress}\x1b[K"));
        }
    };
    let report = pasar::app::load(config, settings, stop_signal()?, show).await;
    if shows {
        self::show("\r\x1b[K");
    }
    let report = report?;
    if !settings.json {
        print(&report.to_string());
    }
    // The orders have come to rest.
    let verified = reports(config).await;
    if settings.json {
        let mut all = serde_json::to_value(&report)?;
        // Null: they could not be read.
        all["invariants"] = serde_json::to_value(verified.as_ref().ok())?;
        print(&format!("{}\n", serde_json::to_string_pretty(&all)?));
    } else if let Ok(reports) = &verified {
        print(&verify::text(reports));
    }
    if report.complete {
        return Ok(if is_any_broken(&verified?) { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    if let Err(error) = verified {
        eprintln!("pasar: {error:#}");
    }
    Ok(ExitCode::FAILURE)
}

/// Removes the databases, after a confirmation if one is required.
fn reset(config: &Config, ask: bool) -> anyhow::Result<ExitCode> {
    let reset = Reset::of(config)?;
    if reset.files().is_empty() {
        print("There is no database to remove.\n");
        return Ok(ExitCode::SUCCESS);
    }
    let files: Vec<_> = reset.files().iter().map(|file| file.display().to_string()).collect();
    let files = files.join(", ");
    if ask {
        print(&format!("This removes {files}, with everything in them, for good. Go on? [y/N] "));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if !["y", "yes", "ya"].contains(&answer.trim().to_lowercase().as_str()) {
            print("Nothing was removed.\n");
            return Ok(ExitCode::SUCCESS);
        }
    }
    reset.run()?;
    print(&format!("Removed {files}.\n"));
    Ok(ExitCode::SUCCESS)
}

/// Prints to standard output. A closed output is no reason to stop.
fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints to standard error, within a line.
fn show(text: &str) {
    let mut out = std::io::stderr().lock();
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
