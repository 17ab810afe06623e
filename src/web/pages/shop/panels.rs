//! What surrounds the content of the shop's pages: the header, and the panels that open over it.

use maud::{Markup, html};

use crate::domain::Language;
use crate::web::pages::frame::{self, Say, icon};

/// The header with `middle` between the logo and the tools, and the awning below.
pub fn header(language: Language, middle: &Markup, has_cart: bool) -> Markup {
    let say = Say(language);
    html! {
        header.top.shop-top {
            (frame::logo("/shop/"))
            (middle)
            div.tools {
                (frame::tools(language))
                button.iconbtn type="button" data-opens="#notifications" aria-expanded="false" aria-label=(say.of("Notifikasi", "Notifications")) {
                    (icon("bell")) span.badge data-unread hidden {}
                }
                @if has_cart {
                    button.iconbtn type="button" data-opens="#cart" aria-expanded="false" aria-label=(say.of("Keranjang", "Cart")) {
                        (icon("cart")) span.badge data-units hidden {}
                    }
                }
                button.btn.quiet.acct type="button" data-opens="#customer" aria-expanded="false" {
                    (icon("person")) span.cut data-account { (say.of("Masuk", "Log in")) }
                }
            }
        }
        svg.awning aria-hidden="true" width="100%" height="16" {
            defs {
                pattern #tenda width="64" height="16" patternUnits="userSpaceOnUse" {
                    path.a1 d="M0 0h32v5a16 9 0 0 1-32 0z" {}
                    path.a2 d="M32 0h32v5a16 9 0 0 1-32 0z" {}
                }
            }
            rect width="100%" height="16" fill="url(#tenda)" {}
        }
    }
}

pub fn search(language: Language) -> Markup {
    let say = Say(language);
    html! {
        label.search.shop-search {
            span.sr { (say.of("Cari barang", "Search products")) }
            (icon("search"))
            input.input type="search" data-search maxlength="255" autocomplete="off" placeholder=(say.of("Cari kopi, batik, sepatu", "Search for kopi, batik, sepatu"));
        }
    }
}

pub fn back(language: Language) -> Markup {
    html! {
        a.btn.quiet href="/shop/" { (icon("left")) span { (Say(language).of("Kembali ke toko", "Back to the shop")) } }
    }
}

/// The head of a sheet: its title and the button that closes it.
fn sheet_head(title: &str, id: &str, close: &str) -> Markup {
    html! {
        div.sheet-head {
            h2.title #(id) tabindex="-1" { (title) }
            button.iconbtn type="button" data-closes aria-label=(close) { (icon("x")) }
        }
    }
}

pub fn cart(language: Language) -> Markup {
    let say = Say(language);
    html! {
        section.sheet #cart data-panel hidden role="dialog" aria-modal="true" aria-labelledby="cart-title" {
            (sheet_head(say.of("Keranjang", "Your cart"), "cart-title", say.of("Tutup keranjang", "Close the cart")))
            div.sheet-body tabindex="0" role="group" aria-labelledby="cart-title" { ul.items data-lines {} }
            div.sheet-foot {
                div data-cart-notice {}
                p.total { span { "Total" } b.num data-total {} }
                button.btn.primary.big type="button" data-order-now { (say.of("Pesan sekarang", "Place the order")) }
                p.small.muted { (say.of("Stok ditahan untuk Anda begitu pesanan tercatat. Belum ada yang dibayar.", "Stock is held for you once the order is recorded. Nothing is charged yet.")) }
            }
        }
    }
}

pub fn product(language: Language) -> Markup {
    let say = Say(language);
    html! {
        section.sheet #product data-panel hidden role="dialog" aria-modal="true" aria-labelledby="product-title" {
            (sheet_head("", "product-title", say.of("Tutup rincian", "Close the details")))
            div.sheet-body tabindex="0" role="group" aria-labelledby="product-title" data-product {}
            div.sheet-foot data-product-buy {}
        }
    }
}

pub fn notifications(language: Language) -> Markup {
    let say = Say(language);
    html! {
        section.float.notif #notifications data-panel hidden aria-labelledby="notifications-title" {
            div.row { h2 #notifications-title tabindex="-1" { (say.of("Notifikasi", "Notifications")) } span.tag data-live hidden {} }
            ul data-notifications {}
            p.muted.small data-none { (say.of("Belum ada notifikasi.", "No notifications yet.")) }
        }
    }
}

/// Who orders: without an account where the shop is open, or with one.
pub fn customer(language: Language) -> Markup {
    let say = Say(language);
    let name = || field("name", "text", "name", say.of("Nama", "Name"), true);
    let phone = || field("phone", "tel", "tel", say.of("Telepon", "Phone"), false);
    let email = || field("email", "email", "email", say.of("Email", "E-mail"), true);
    let password = |complete| field("password", "password", complete, say.of("Kata sandi", "Password"), true);
    let forms = [
        ("guest", say.of("Tanpa akun", "Without an account"), say.of("Lanjutkan", "Continue"), vec![name(), phone()]),
        ("login", say.of("Masuk", "Log in"), say.of("Masuk", "Log in"), vec![email(), password("current-password")]),
        (
            "register",
            say.of("Daftar", "Register"),
            say.of("Daftar", "Register"),
            vec![name(), email(), phone(), password("new-password")],
        ),
    ];
    html! {
        section.sheet #customer data-panel hidden role="dialog" aria-modal="true" aria-labelledby="customer-title" {
            (sheet_head(say.of("Siapa yang berbelanja", "Who is shopping"), "customer-title", say.of("Tutup", "Close")))
            div.sheet-body {
                p.notice data-customer-notice hidden {}
                div.stack data-known hidden {
                    p { b.wrap data-customer-name {} }
                    div.row {
                        a.btn href="/shop/orders" { (say.of("Pesanan saya", "My orders")) }
                        button.btn.quiet type="button" data-log-out { (say.of("Keluar", "Log out")) }
                    }
                }
                div.stack data-unknown {
                    div.seg role="group" aria-label=(say.of("Cara", "How")) {
                        @for (kind, title, _, _) in &forms {
                            button type="button" data-choose=(kind) aria-pressed="false" { (title) }
                        }
                    }
                    @for (kind, title, submit, fields) in &forms {
                        form.stack data-form=(kind) novalidate hidden aria-label=(title) {
                            @for field in fields { (field) }
                            button.btn.primary.big type="submit" { (submit) }
                        }
                    }
                }
            }
        }
    }
}

fn field(name: &str, kind: &str, complete: &str, label: &str, required: bool) -> Markup {
    html! {
        label.field {
            span.label { (label) }
            input.input type=(kind) name=(name) autocomplete=(complete) aria-required=(required) maxlength="255";
            span.err-text role="alert" {}
        }
    }
}

/// The last call that the page made, and the way to the service that answered it.
pub fn last_call(language: Language) -> Markup {
    let say = Say(language);
    html! {
        footer.behind {
            div.call data-call hidden {
                span data-method {} code.cut data-path {} span data-status {} span.num data-ms {}
                span data-service { span.pip {} span {} }
            }
            a.push href="/live/" data-behind { (say.of("Lihat di balik layar", "See behind the counter")) }
        }
    }
}
