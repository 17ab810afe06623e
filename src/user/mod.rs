//! The user service: who buys.

pub mod api;
pub mod client;
mod handlers;
mod store;

use crate::error::Result;
use crate::storage::Db;
use crate::web::{Doc, Routes};

pub const NAME: &str = "UserService";

/// What the handlers work with.
pub struct State {
    pub db: Db,
}

pub fn routes(routes: &mut Routes) {
    routes.get("/users", handlers::list, Doc::new("Mengambil daftar semua user", "All users, oldest first"));
    routes.post("/users", handlers::create, Doc::new("Mendaftarkan user baru", "Adds a user"));
    routes.get("/users/{id}", handlers::show, Doc::new("Mengambil data user berdasarkan id", "One user"));
}

/// Adds the demo data to a database that never had a user.
pub async fn seed(db: &Db) -> Result<()> {
    db.write(store::seed).await
}
