//! The shop: the catalogue with the cart, an order with its payment, and the history of a customer. The modules in
//! `static/` fill them.

mod panels;
mod texts;

use actix_web::{HttpRequest, HttpResponse, web};
use maud::{Markup, html};

use super::frame::{self, Page, Say};
use crate::domain::{Language, Sentence};
use crate::error::Result;
use crate::web::state::Server;

const SYMBOLS: &str = include_str!("../../../static/icons-shop.svg");
const ORDER_SYMBOLS: &str =
    concat!(include_str!("../../../static/icons-shop.svg"), include_str!("../../../static/icons-order.svg"));

pub async fn catalogue(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    frame::answer(&request, &server, "/shop/", |language| {
        let say = Say(language);
        let header = panels::header(language, &panels::search(language), true);
        let content = html! {
            main.stall #content tabindex="-1" {
                div.hello {
                    h1 { (say.of("Yang ada di pasar hari ini", "What is in the market today")) }
                    p.muted { (say.of("Setiap pesanan di sini sungguh melewati empat service.", "Every order here is a real call between four services.")) }
                }
                (filters(language))
                div data-notice {}
                ul.grid data-catalogue {}
                div.more data-more {}
            }
            (panels::cart(language))
            (panels::product(language))
        };
        page(language, say.of("Toko", "Shop"), "shop", SYMBOLS, texts::CATALOGUE, &header, &content)
    })
}

pub async fn order(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    frame::answer(&request, &server, "/shop/order", |language| {
        let say = Say(language);
        let header = panels::header(language, &panels::back(language), false);
        let content = html! {
            main.checkout #content tabindex="-1" {
                section.pay {
                    div.view data-view {
                        h1 tabindex="-1" { (say.of("Pesanan", "Order")) }
                        p.muted { (say.of("Sedang dibaca dari OrderService.", "Being read from OrderService.")) }
                    }
                    div data-notice {}
                }
                aside.bill data-bill hidden aria-label=(say.of("Nota", "Receipt")) {}
            }
        };
        page(language, say.of("Pesanan", "Order"), "order", ORDER_SYMBOLS, texts::ORDER, &header, &content)
    })
}

pub async fn orders(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    frame::answer(&request, &server, "/shop/orders", |language| {
        let title = Say(language).of("Pesanan saya", "My orders");
        let header = panels::header(language, &panels::back(language), false);
        let content = html! {
            main.stall #content tabindex="-1" {
                div.hello { h1 { (title) } }
                div data-notice {}
                ul.history data-orders {}
                div.more data-more {}
            }
        };
        page(language, title, "orders", SYMBOLS, texts::ORDERS, &header, &content)
    })
}

fn page(
    language: Language,
    title: &str,
    module: &str,
    symbols: &'static str,
    texts: &[(&'static str, Sentence)],
    header: &Markup,
    content: &Markup,
) -> Markup {
    let texts = [texts::COMMON, texts].concat();
    let content = html! {
        (content)
        (panels::notifications(language))
        (panels::customer(language))
        (panels::last_call(language))
    };
    let header = header.clone();
    frame::document(
        language,
        Page { title, class: "shop", style: "shop", module, texts: &texts, symbols, header, content },
    )
}

fn filters(language: Language) -> Markup {
    let say = Say(language);
    let sorts = [
        ("-id", say.of("Paling baru", "Newest first")),
        ("price", say.of("Harga terendah", "Lowest price")),
        ("-price", say.of("Harga tertinggi", "Highest price")),
        ("name", say.of("Nama", "Name")),
    ];
    html! {
        form.filters data-filters aria-label=(say.of("Saring barang", "Filter products")) {
            div.pills data-categories role="group" aria-label=(say.of("Kategori", "Category")) {}
            label.check { input type="checkbox" name="in_stock"; " " span { (say.of("Hanya yang tersedia", "In stock only")) } }
            label.row.sort {
                span.small.muted { (say.of("Urutkan", "Sort")) }
                select.input name="sort" { @for (sort, name) in sorts { option value=(sort) { (name) } } }
            }
        }
    }
}
