//! The real app in this process, on its own ports.

use std::time::{Duration, Instant};

use pasar::app::App;
use pasar::config::{Action, Config};
use pasar::product::Seeded;
use pasar::service::ServiceName;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::{Api, Clock, PATIENCE, services_with_address};

/// All services, running. Dropping it stops them and waits until they have ended.
pub struct TestApp {
    pub user: Api,
    pub product: Api,
    pub order: Api,
    pub payment: Api,
    database: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<anyhow::Result<()>>>,
    /// Dropped last, when the database is not in use any more.
    _folder: Option<TempDir>,
}

impl TestApp {
    /// With a new database and the demo data.
    pub async fn spawn() -> Self {
        Self::with_flags(&[]).await
    }

    /// With a new database and these flags.
    pub async fn with_flags(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut app = Self::in_folder(&folder, flags).await;
        app._folder = Some(folder);
        app
    }

    /// With a new database, these flags and this clock.
    pub async fn with_clock(flags: &[&str], clock: &Clock) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut app = Self::in_folder_with_clock(&folder, flags, clock).await;
        app._folder = Some(folder);
        app
    }

    /// With the database in `folder`, which is kept after the app.
    pub async fn in_folder(folder: &TempDir, flags: &[&str]) -> Self {
        Self::in_folder_with_clock(folder, flags, &Clock::system()).await
    }

    /// With the database in `folder` and this clock.
    pub async fn in_folder_with_clock(folder: &TempDir, flags: &[&str], clock: &Clock) -> Self {
        let clock = clock.clone();
        let database = format!("sqlite:{}", folder.path().join("pasar.db").display());
        let addresses: Vec<_> =
            services_with_address().map(|service| format!("--{}-addr=127.0.0.1:0", service.name())).collect();
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        let args = [&["pasar"], &addresses[..], &["--database-url", &database], flags].concat();
        let config = Config::from_args(args).unwrap();

        let (started, start) = oneshot::channel();
        let (stop, stopping) = oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            runtime.block_on(async {
                let app = App::start(&config, clock).await?;
                let _ = started.send(app.addresses().collect::<Vec<_>>());
                app.run_until(async { stopping.await.unwrap_or_default() }).await
            })
        });
        let Ok(addresses) = start.await else {
            panic!("the app does not start: {:?}", thread.join());
        };
        let api = |service| {
            let (_, addr) = addresses.iter().find(|(one, _)| *one == service).unwrap();
            Api::of(*addr)
        };
        Self {
            user: api(ServiceName::User),
            product: api(ServiceName::Product),
            order: api(ServiceName::Order),
            payment: api(ServiceName::Payment),
            database,
            stop: Some(stop),
            thread: Some(thread),
            _folder: None,
        }
    }

    pub fn services(&self) -> [(&'static str, &Api); 3] {
        [("user", &self.user), ("product", &self.product), ("order", &self.order)]
    }

    /// Adds a product, with this stock if it is tracked, and returns its id.
    pub async fn sells(&self, name: &str, price: i64, stock: Option<i64>) -> i64 {
        let new = json!({"name": name, "price": price, "stock": stock});
        self.product.post("/products", &new).await.expect(201)["product"]["id"].as_i64().unwrap()
    }

    /// Registers an account with this e-mail address and [`PASSWORD`].
    pub async fn registers(&self, email: &str) -> Visitor {
        let new = json!({"name": "Siti", "email": email, "password": PASSWORD});
        Visitor::of(&self.user.post("/auth/register", &new).await.expect(201))
    }

    /// Logs in to a registered account.
    pub async fn logs_in(&self, email: &str) -> Visitor {
        let login = json!({"email": email, "password": PASSWORD});
        Visitor::of(&self.user.post("/auth/login", &login).await.expect(200))
    }

    /// Makes an account an admin, or with `--remove` a customer, as the command line does. Its tokens are revoked.
    pub async fn makes_admin(&self, email: &str, flags: &[&str]) {
        let args = [&["pasar", "--database-url", &self.database, "admin", email], flags].concat();
        let config = Config::from_args(args).unwrap();
        let Action::SetRole { email, role } = &config.action else { panic!("{:?}", config.action) };
        pasar::app::set_role(&config, email, *role).await.unwrap();
    }

    /// Adds the shop's catalogue, as the command line does.
    pub async fn seeds_shop(&self) -> Seeded {
        let config = Config::from_args(["pasar", "--database-url", &self.database, "seed", "shop"]).unwrap();
        pasar::app::seed(&config).await.unwrap().1
    }

    /// A new admin, logged in.
    pub async fn admin(&self) -> Visitor {
        self.registers("admin@example.com").await;
        self.makes_admin("admin@example.com", &[]).await;
        self.logs_in("admin@example.com").await
    }

    /// The stock, reserved and sold units of a product. Their sum is always what was received.
    pub async fn stock_levels(&self, product: i64) -> [i64; 3] {
        let level = self.product.get(&format!("/products/{product}/stock")).await.expect(200);
        let of = |column: &str| level[column].as_i64().unwrap_or_else(|| panic!("no {column} in {level}"));
        let levels = ["stock", "reserved", "sold"].map(of);
        assert!(levels.iter().all(|units| *units >= 0), "{level}");
        assert_eq!(levels.iter().sum::<i64>(), of("received"), "{level}");
        levels
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().map(std::thread::JoinHandle::join);
        if !std::thread::panicking() {
            assert!(matches!(ended, Some(Ok(Ok(())))), "the app ended with {ended:?}");
        }
    }
}

/// The password of all accounts, except in tests about passwords.
pub const PASSWORD: &str = "tiga ekor kucing";

/// Somebody who has logged in.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub id: i64,
    pub token: String,
}

impl Visitor {
    pub fn of(session: &Value) -> Self {
        let token = session["access_token"].as_str().unwrap().to_owned();
        Self { id: session["user"]["id"].as_i64().unwrap(), token }
    }
}

/// Repeats `condition` until it returns a value. The pause only saves processor time.
pub async fn eventually<T>(what: &str, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
