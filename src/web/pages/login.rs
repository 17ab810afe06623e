//! The form in which an admin logs in, for `static/admin-session.js`.

use maud::{Markup, html};

use super::frame::Say;

pub fn form(say: Say) -> Markup {
    html! {
        link rel="stylesheet" href="/static/login.css";
        form.login.float #login hidden {
            h1 { (say.of("Masuk sebagai admin", "Log in as an admin")) }
            p.muted #login-why {}
            div.field {
                label for="email" { "Email" }
                input.input #email name="email" type="email" autocomplete="username" required;
            }
            div.field {
                label for="password" { (say.of("Kata sandi", "Password")) }
                input.input #password name="password" type="password" autocomplete="current-password" required;
            }
            p.message role="alert" {}
            button.btn.primary type="submit" { (say.of("Masuk", "Log in")) }
        }
    }
}
