//! Reads the settings, starts the log, runs the services, and exits with what came of it.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context;
use pasar::app::App;
use pasar::clock::Clock;
use pasar::config::{Config, Service, Work, base_url};
use pasar::user::api::User;
use pasar::{logging, order, payment, product, user};

/// A request allocates in small pieces, on several threads: this allocator takes a sixth of the processor
/// time off placing an order.
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
    // Two threads for the timers and the storage's bookkeeping; the servers have threads of their own.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let ended = runtime.block_on(async {
        match &config.work {
            Work::Serve => {}
            Work::CheckHealth => return pasar::app::health(config).await,
            Work::SetRole { email, role } => {
                let User { id, name, email, .. } = pasar::app::set_role(config, email, *role).await?;
                let (email, role) = (email.unwrap_or_default(), role.title());
                print(&format!("User {id}, {name} <{email}>, is {role} now, and has to log in again.\n"));
                return Ok(());
            }
        }
        let stop = stop_signal()?;
        let app = App::start(config, Clock::system()).await?;
        for (service, addr) in app.addresses() {
            print(&first_steps(service, addr, config.auth_required)?);
        }
        app.run_until(stop).await
    });
    log.finish();
    ended
}

/// A line for people: where a service is, and what to try first.
fn first_steps(service: Service, addr: SocketAddr, auth_required: bool) -> anyhow::Result<String> {
    let url = base_url(addr)?;
    let (name, call) = match service {
        Service::User if auth_required => (
            user::NAME,
            format!(
                "curl {url}auth/register -H 'Content-Type: application/json' \
                 -d '{{\"name\": \"Siti\", \"email\": \"siti@example.com\", \"password\": \"tiga ekor kucing\"}}'"
            ),
        ),
        Service::User => (user::NAME, format!("curl {url}users/1")),
        Service::Product => (product::NAME, format!("curl {url}products")),
        Service::Order if auth_required => (order::NAME, format!("curl {url}payments/methods")),
        Service::Order => (
            order::NAME,
            format!("curl {url}orders -H 'Content-Type: application/json' -d '{{\"user_id\": 1, \"product_id\": 1}}'"),
        ),
        Service::Payment => (payment::NAME, format!("curl {url}payments/methods")),
    };
    Ok(format!("{name:<14} {}   {call}\n", url.as_str().trim_end_matches('/')))
}

/// Prints to people; that nobody reads it is no reason to stop.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Ready on the first ctrl-c or SIGTERM. The handlers are installed at once, not at the first poll.
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
