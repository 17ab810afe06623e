//! The routes of the user service, each with its documentation and its access rule.

use serde_json::json;

use super::api::{
    Login, NewUser, Notification, PasswordChange, Profile, Registration, Session, StreamTicket, User, UserPatch,
    UserRemoval,
};
use super::{accounts, handlers};
use crate::auth::Access;
use crate::error::{EMAIL_TAKEN, TOO_MANY_ATTEMPTS, USER_NOT_FOUND, WRONG_CREDENTIALS};
use crate::web::{Doc, Routes};

pub fn routes(routes: &mut Routes) {
    let bambang = || json!({"id": 1, "name": "Bambang"});
    routes.get(
        "/users",
        handlers::list,
        Doc::new("Mengambil daftar semua user", "All users, oldest first")
            .by(Access::Service)
            .lists::<User>(json!([bambang()])),
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
        Doc::new("Mengambil data user berdasarkan id", "One user")
            .by(Access::UserOrService)
            .id(&USER_NOT_FOUND)
            .shows::<User>(bambang()),
    );
    routes.patch(
        "/users/{id}",
        handlers::edit,
        Doc::new("Mengubah data user", "Changes a user; what is not named stays as it is")
            .by(Access::User)
            .id(&USER_NOT_FOUND)
            .takes::<UserPatch>(json!({"phone": "+62 812 3456 789"}))
            .shows::<User>(json!({"id": 1, "name": "Bambang", "phone": "+62 812 3456 789"}))
            .fails(&[&EMAIL_TAKEN, &TOO_MANY_ATTEMPTS]),
    );
    routes.delete(
        "/users/{id}",
        handlers::remove,
        Doc::new("Menghapus user", "Removes a user, and their account with them; their orders remain")
            .by(Access::User)
            .id(&USER_NOT_FOUND)
            .may_take::<UserRemoval>(json!({"current_password": "tiga ekor kucing"}))
            .deletes()
            .fails(&[&TOO_MANY_ATTEMPTS]),
    );
    let notification = || {
        json!({
            "id": 1,
            "order_id": 1,
            "status": "pending",
            "label": "menunggu pembayaran",
            "message": "Pesanan 1: menunggu pembayaran.",
            "at": "2026-01-31T08:00:00.000Z",
        })
    };
    routes.get(
        "/users/{id}/notifications",
        handlers::notifications,
        Doc::new(
            "Notifikasi status pesanan user",
            "One notification for each status that an order of the user reached",
        )
        .by(Access::User)
        .id(&USER_NOT_FOUND)
        .lists::<Notification>(json!([notification()])),
    );
    routes.get(
        "/users/{id}/notifications/stream",
        handlers::live_notifications,
        Doc::new("Notifikasi secara langsung (server-sent events)", "The notifications, live (server-sent events)")
            .by(Access::Stream)
            .id(&USER_NOT_FOUND)
            .streams::<Notification>("with the first", notification()),
    );
    account_routes(routes);
}

fn account_routes(routes: &mut Routes) {
    let siti = || json!({"id": 2, "name": "Siti", "email": "siti@example.com", "role": "customer"});
    let session = || json!({"access_token": "eyJhbGciOi…", "token_type": "Bearer", "expires_in": 900, "user": siti()});
    routes.post(
        "/auth/register",
        accounts::register,
        Doc::new("Mendaftarkan akun baru", "Adds a user who can log in")
            .by(Access::Anyone)
            .takes::<Registration>(json!({"name": "Siti", "email": "siti@example.com", "password": "tiga ekor kucing"}))
            .creates::<Session>(session())
            .fails(&[&EMAIL_TAKEN, &TOO_MANY_ATTEMPTS]),
    );
    routes.post(
        "/auth/login",
        accounts::login,
        Doc::new("Masuk dengan email dan kata sandi", "Gives a token for the e-mail address and password")
            .by(Access::Anyone)
            .takes::<Login>(json!({"email": "siti@example.com", "password": "tiga ekor kucing"}))
            .shows::<Session>(session())
            .fails(&[&WRONG_CREDENTIALS, &TOO_MANY_ATTEMPTS]),
    );
    routes.get(
        "/auth/me",
        accounts::show,
        Doc::new("Profil pemilik token", "The profile of the token's user")
            .by(Access::Account)
            .shows::<Profile>(siti()),
    );
    routes.patch(
        "/auth/me",
        accounts::edit,
        Doc::new("Mengubah profil pemilik token", "Changes the profile; what is not named stays as it is")
            .by(Access::Account)
            .takes::<UserPatch>(json!({"name": "Siti"}))
            .shows::<Profile>(siti())
            .fails(&[&EMAIL_TAKEN, &TOO_MANY_ATTEMPTS]),
    );
    routes.put(
        "/auth/me/password",
        accounts::change_password,
        Doc::new("Mengganti kata sandi; semua token lama mati", "Changes the password; every older token dies")
            .by(Access::Account)
            .takes::<PasswordChange>(
                json!({"current_password": "tiga ekor kucing", "new_password": "empat ekor kucing"}),
            )
            .deletes()
            .fails(&[&TOO_MANY_ATTEMPTS]),
    );
    routes.post(
        "/auth/logout",
        accounts::logout,
        Doc::new("Keluar dari semua perangkat", "Logs out everywhere: every token of the user dies")
            .by(Access::Account)
            .deletes(),
    );
    routes.post(
        "/auth/ticket",
        accounts::ticket,
        Doc::new(
            "Tiket untuk membuka notifikasi secara langsung",
            "A ticket that opens the live stream once logged in",
        )
        .by(Access::Account)
        .shows::<StreamTicket>(json!({"ticket": "eyJhbGciOi…", "expires_in": 30})),
    );
}
