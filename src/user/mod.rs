//! The user service: who buys.

pub mod api;
pub mod client;
mod handlers;
mod store;

use serde_json::json;

use crate::error::{EMAIL_TAKEN, Result, USER_NOT_FOUND};
use crate::storage::Db;
use crate::web::{Doc, Routes};
use api::{NewUser, User};

pub const NAME: &str = "UserService";

/// What the handlers work with.
pub struct State {
    pub db: Db,
}

pub fn routes(routes: &mut Routes) {
    let bambang = || json!({"id": 1, "name": "Bambang"});
    routes.get(
        "/users",
        handlers::list,
        Doc::new("Mengambil daftar semua user", "All users, oldest first").lists::<User>(json!([bambang()])),
    );
    routes.post(
        "/users",
        handlers::create,
        Doc::new("Mendaftarkan user baru", "Adds a user")
            .takes::<NewUser>(json!({"name": "Bob"}))
            .creates::<User>(json!({"id": 2, "name": "Bob"}))
            .fails(&[&EMAIL_TAKEN]),
    );
    routes.get(
        "/users/{id}",
        handlers::show,
        Doc::new("Mengambil data user berdasarkan id", "One user").id(&USER_NOT_FOUND).shows::<User>(bambang()),
    );
}

/// Adds the demo data to a database that never had a user.
pub async fn seed(db: &Db) -> Result<()> {
    db.write(store::seed).await
}
