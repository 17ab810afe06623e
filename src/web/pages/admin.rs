//! The admin's desk: what waits for a person, orders, revenue, stock, history. `static/admin.js` fills it.

use actix_web::{HttpRequest, HttpResponse, web};
use maud::{Markup, html};

use super::frame::{self, Page, Say, Section, icon};
use super::login;
use crate::domain::{Language, Sentence};
use crate::error::Result;
use crate::web::state::Server;

const TEXTS: &[(&str, Sentence)] = &[
    ("service-user", Sentence::new("Layanan pengguna", "The user service")),
    ("service-product", Sentence::new("Layanan barang", "The product service")),
    ("service-order", Sentence::new("Layanan pesanan", "The order service")),
    ("away", Sentence::new("{service} tidak menjawab.", "{service} does not answer.")),
    ("retry", Sentence::new("Coba sekarang", "Try now")),
    ("repeatable", Sentence::new("Coba lagi: tidak akan dilakukan dua kali.", "Try again: it is not done twice.")),
    (
        "unsure",
        Sentence::new(
            "Mungkin sudah tersimpan: lihat daftarnya dulu.",
            "It may have been saved: look at the list first.",
        ),
    ),
    ("no", Sentence::new("Tidak", "No")),
    ("close", Sentence::new("Tutup", "Close")),
    ("fill-in", Sentence::new("harus diisi", "has to be filled in")),
    ("left", Sentence::new("Sisa", "Left")),
    ("save", Sentence::new("Simpan", "Save")),
    ("required", Sentence::new("wajib", "required")),
    (
        "not-admin",
        Sentence::new(
            "Anda masuk sebagai {name}, yang bukan admin. Masuklah dengan akun admin.",
            "You are logged in as {name}, who is not an admin. Log in with an admin's account.",
        ),
    ),
    ("live", Sentence::new("langsung", "live")),
    ("lost", Sentence::new("terputus, mencoba lagi", "cut off, trying again")),
    ("units-of", Sentence::new("{name}, {n} barang", "{name}, {n} pcs")),
    ("more-waiting", Sentence::new("{n} lagi menunggu", "{n} more waiting")),
    ("confirm", Sentence::new("Konfirmasi", "Confirm")),
    ("ship", Sentence::new("Kirim", "Ship")),
    ("complete", Sentence::new("Selesaikan", "Complete")),
    ("decline", Sentence::new("Tolak", "Decline")),
    ("cancel", Sentence::new("Batalkan", "Cancel")),
    ("ask-decline", Sentence::new("Uang {amount} akan dikembalikan. Lanjutkan?", "{amount} will be refunded. Go on?")),
    ("ask-cancel", Sentence::new("Pesanan ini akan dibatalkan. Lanjutkan?", "This order will be cancelled. Go on?")),
    ("yes-decline", Sentence::new("Ya, tolak", "Yes, decline")),
    ("yes-cancel", Sentence::new("Ya, batalkan", "Yes, cancel")),
    (
        "moved",
        Sentence::new(
            "Status pesanan #{id} sudah berubah menjadi {state}.",
            "Order #{id} has changed already. It is now: {state}.",
        ),
    ),
    ("state-pending", Sentence::new("Menunggu bayar", "Awaiting payment")),
    ("state-paid", Sentence::new("Dibayar", "Paid")),
    ("state-confirmed", Sentence::new("Dikonfirmasi", "Confirmed")),
    ("state-shipped", Sentence::new("Dikirim", "Shipped")),
    ("state-completed", Sentence::new("Selesai", "Completed")),
    ("state-cancelled", Sentence::new("Dibatalkan", "Cancelled")),
    ("state-expired", Sentence::new("Kedaluwarsa", "Expired")),
    ("state-failed", Sentence::new("Gagal", "Failed")),
    ("did-pending", Sentence::new("Pesanan {order} dibuat", "Order {order} was placed")),
    ("did-paid", Sentence::new("Pesanan {order} dibayar", "Order {order} was paid")),
    ("did-confirmed", Sentence::new("Pesanan {order} dikonfirmasi", "Order {order} was confirmed")),
    ("did-shipped", Sentence::new("Pesanan {order} dikirim", "Order {order} was shipped")),
    ("did-completed", Sentence::new("Pesanan {order} selesai", "Order {order} was completed")),
    ("did-cancelled", Sentence::new("Pesanan {order} dibatalkan", "Order {order} was cancelled")),
    ("did-expired", Sentence::new("Pesanan {order} kedaluwarsa", "Order {order} expired")),
    ("did-failed", Sentence::new("Pembayaran pesanan {order} gagal", "The payment of order {order} failed")),
    ("payment-pending", Sentence::new("Belum dibayar", "Not paid yet")),
    ("payment-paid", Sentence::new("Lunas", "Paid")),
    ("payment-failed", Sentence::new("Gagal", "Failed")),
    ("payment-expired", Sentence::new("Kedaluwarsa", "Expired")),
    ("payment-cancelled", Sentence::new("Dibatalkan sebelum dibayar", "Cancelled before it was paid")),
    ("payment-refunded", Sentence::new("Dikembalikan", "Refunded")),
    ("order", Sentence::new("Pesanan #{id}", "Order #{id}")),
    ("buyer", Sentence::new("Pembeli", "Buyer")),
    ("time", Sentence::new("Waktu", "Time")),
    ("status", Sentence::new("Status", "Status")),
    ("payment", Sentence::new("Pembayaran", "Payment")),
    ("goods", Sentence::new("Barang", "Goods")),
    ("total", Sentence::new("Total", "Total")),
    ("progress", Sentence::new("Perjalanan", "Progress")),
    ("page", Sentence::new("Halaman {n}", "Page {n}")),
    ("of-total", Sentence::new(", {n} pesanan", ", {n} in all")),
    ("only-page", Sentence::new("Cocok di halaman ini: {n} dari {all}.", "Matches on this page: {n} of {all}.")),
    ("new-orders", Sentence::new("Pesanan baru: {n}", "New orders: {n}")),
    ("new-rows", Sentence::new("{n} baru", "{n} new")),
    (
        "chart-orders",
        Sentence::new(
            "Pesanan per menit, 30 menit terakhir: {placed} jadi, {refused} ditolak, paling banyak {most} dalam satu menit.",
            "Orders per minute, the last 30 minutes: {placed} placed, {refused} refused, at most {most} in one minute.",
        ),
    ),
    (
        "chart-revenue",
        Sentence::new(
            "Pendapatan hari ini sampai sekarang {revenue}, {gained} di antaranya dalam 30 menit terakhir.",
            "Revenue today so far is {revenue}, {gained} of it in the last 30 minutes.",
        ),
    ),
    ("receive", Sentence::new("Tambah", "Add")),
    ("edit", Sentence::new("Ubah", "Edit")),
    ("remove", Sentence::new("Hapus", "Remove")),
    ("change", Sentence::new("Jumlah yang datang (minus untuk mengurangi)", "Units that came in (minus to take away)")),
    ("received", Sentence::new("Diterima sampai sekarang: {n}", "Received so far: {n}")),
    ("untracked", Sentence::new("tanpa batas", "without limit")),
    ("sold-out", Sentence::new("Habis", "Sold out")),
    ("low", Sentence::new("Menipis", "Low")),
    (
        "split",
        Sentence::new(
            "{stock} tersedia, {reserved} ditahan, {sold} terjual",
            "{stock} available, {reserved} held, {sold} sold",
        ),
    ),
    ("add-product", Sentence::new("Barang baru", "New product")),
    ("name", Sentence::new("Nama", "Name")),
    ("price", Sentence::new("Harga (Rp)", "Price (Rp)")),
    ("stock", Sentence::new("Stok", "Stock")),
    ("stock-help", Sentence::new("Kosongkan jika stoknya tidak dihitung.", "Leave it empty if stock is not counted.")),
    ("category", Sentence::new("Kategori", "Category")),
    ("description", Sentence::new("Keterangan", "Description")),
    ("saved", Sentence::new("{name} tersimpan", "{name} was saved")),
    ("removed", Sentence::new("{name} dihapus", "{name} was removed")),
    ("ask-remove", Sentence::new("Hapus {name} dari katalog?", "Remove {name} from the catalogue?")),
    ("yes-remove", Sentence::new("Ya, hapus", "Yes, remove")),
];

pub async fn desk(request: HttpRequest, server: web::Data<Server>) -> Result<HttpResponse> {
    frame::answer(&request, &server, "/admin/", page)
}

fn page(language: Language) -> Markup {
    let say = Say(language);
    let content = html! {
        main #content tabindex="-1" {
            noscript { p.notice { (say.of("Halaman ini memerlukan JavaScript.", "This page needs JavaScript.")) } }
            (login::form(say))
            div.desk #desk hidden {
                header.desk-head {
                    h1 { (say.of("Di balik lapak", "Behind the stall")) }
                    span.tag #live role="status" { span.dot.down {} span { (say.of("menyambung", "connecting")) } }
                    span.small.faint.num.push #now {}
                    button.btn.quiet #logout hidden { (say.of("Keluar", "Log out")) }
                }
                (waiting(say))
                (charts(say))
                (orders(say))
                div.lower { (stock(say)) (history(say)) }
            }
        }
        (order(say))
    };
    let header = frame::header(language, Section::Admin);
    frame::document(
        language,
        Page { title: "Admin", class: "", style: "admin", module: "admin", texts: TEXTS, symbols: "", header, content },
    )
}

fn waiting(say: Say) -> Markup {
    html! {
        section.wait #waiting aria-labelledby="waiting-title" {
            h2 #waiting-title tabindex="-1" { (say.of("Menunggu Anda", "Waiting for you")) " " span.count.num data-count hidden {} }
            div data-notice {}
            ol {}
            p.muted data-empty hidden { (say.of("Tidak ada yang menunggu.", "Nobody is waiting.")) }
            button.link.small data-more hidden {}
        }
    }
}

fn charts(say: Say) -> Markup {
    let table = |columns: [&str; 2]| {
        html! {
            details.twin {
                summary.link.small.muted { (say.of("Lihat sebagai tabel", "View as a table")) }
                div.scroll tabindex="0" role="region" aria-label=(columns.join(", ")) {
                    table.table {
                        thead { tr { th { (say.of("Menit", "Minute")) } @for name in columns { th.r { (name) } } } }
                        tbody {}
                    }
                }
            }
        }
    };
    let [placed, refused] = [say.of("jadi", "placed"), say.of("ditolak", "refused")];
    html! {
        section #charts aria-label=(say.of("Grafik", "Charts")) {
            div data-notice {}
            div.charts #figures hidden {
                figure {
                    figcaption {
                        span { (say.of("Pesanan per menit", "Orders per minute")) } b.num {}
                        span.key { i.k-ok {} (placed) i.k-bad {} (refused) }
                    }
                    div data-chart {}
                    p.axis.tiny.faint.num {}
                    (table([placed, refused]))
                }
                figure {
                    figcaption { span { (say.of("Pendapatan hari ini", "Revenue today")) } b.num {} }
                    div data-chart {}
                    p.axis.tiny.faint.num {}
                    (table([say.of("pendapatan", "revenue"), say.of("seluruhnya", "in all")]))
                }
            }
        }
    }
}

fn orders(say: Say) -> Markup {
    html! {
        section.orders #orders aria-labelledby="orders-title" {
            div.bar {
                h2 #orders-title tabindex="-1" { (say.of("Pesanan", "Orders")) }
                div.seg role="group" aria-label="Status" {
                    button data-statuses="" aria-pressed="true" { (say.of("Semua", "All")) }
                    (segment("paid", say.of("Dibayar", "Paid")))
                    (segment("shipped", say.of("Dikirim", "Shipped")))
                    (segment("cancelled,expired,failed", say.of("Bermasalah", "In trouble")))
                }
                select.input.others aria-label=(say.of("Status lain", "Other statuses")) {
                    option value="" { (say.of("Status lain…", "Others…")) }
                }
                label.search.push {
                    span.sr { (say.of("Cari pesanan", "Search orders")) }
                    (icon("search"))
                    input.input type="search" data-search placeholder=(say.of("Nomor, user:ID, nama, barang", "Number, user:ID, name, goods"));
                }
            }
            div data-notice {}
            p.small.muted data-hint hidden {}
            button.btn.fresh data-fresh hidden {}
            div.scroll-x {
                table.table {
                    thead {
                        tr {
                            th { (say.of("No.", "No.")) }
                            th { (say.of("Waktu", "Time")) }
                            th { (say.of("Pembeli", "Buyer")) }
                            th { (say.of("Barang", "Goods")) }
                            th.r { "Total" }
                            th { "Status" }
                            th.acts { span.sr { (say.of("Tindakan", "Action")) } }
                        }
                    }
                }
            }
            p.empty data-empty hidden { (say.of("Tidak ada pesanan yang cocok.", "No order matches.")) }
            div.pages.small.muted { span.num data-where {} (pager(say, say.of("Lebih baru", "Newer"), say.of("Lebih lama", "Older"))) }
        }
    }
}

fn segment(statuses: &str, name: &str) -> Markup {
    html! { button data-statuses=(statuses) aria-pressed="false" { (name) span.faint.num {} } }
}

/// The two buttons that leaf through a list.
fn pager(say: Say, back: &str, on: &str) -> Markup {
    html! {
        span.row.push data-pager role="group" aria-label=(say.of("Halaman", "Pages")) hidden {
            button.btn { (icon("left")) (back) }
            button.btn { (on) (icon("right")) }
        }
    }
}

fn stock(say: Say) -> Markup {
    html! {
        section.stock #stock aria-labelledby="stock-title" {
            div.bar {
                h2 #stock-title tabindex="-1" { (say.of("Stok", "Stock")) }
                button.btn data-add { (icon("plus")) (say.of("Barang baru", "New product")) }
                label.search.push {
                    span.sr { (say.of("Cari barang", "Search products")) }
                    (icon("search"))
                    input.input type="search" data-stock-search placeholder=(say.of("Nama barang", "Name of a product"));
                }
            }
            div data-added {}
            div data-notice {}
            p.key { i.k-a {} (say.of("tersedia", "available")) i.k-h {} (say.of("ditahan", "held")) i.k-s {} (say.of("terjual", "sold")) }
            div.scroll-x {
                table.table {
                    thead {
                        tr {
                            th { (say.of("Barang", "Goods")) }
                            th.r { (say.of("Sisa", "Left")) }
                            th.r { (say.of("Ditahan", "Held")) }
                            th.r { (say.of("Terjual", "Sold")) }
                            th { span.sr { (say.of("Perbandingan", "Proportion")) } }
                            th { span.sr { (say.of("Tanda", "Sign")) } }
                            th.acts { span.sr { (say.of("Tindakan", "Action")) } }
                        }
                    }
                }
            }
            p.empty data-empty hidden { (say.of("Tidak ada barang yang cocok.", "No product matches.")) }
            div.pages { (pager(say, say.of("Sebelumnya", "Previous"), say.of("Berikutnya", "Next"))) }
        }
    }
}

fn history(say: Say) -> Markup {
    html! {
        section #history aria-labelledby="history-title" {
            div.bar { h2 #history-title tabindex="-1" { (say.of("Riwayat", "History")) } }
            div data-notice {}
            button.btn.fresh data-fresh hidden {}
            ol.history {}
            p.muted data-empty hidden { (say.of("Belum ada yang terjadi.", "Nothing has happened yet.")) }
            button.btn.quiet data-older hidden { (say.of("Lebih lama", "Older")) }
        }
    }
}

/// The panel with the details of one order.
fn order(say: Say) -> Markup {
    html! {
        section.order.float #order data-panel role="dialog" aria-labelledby="order-title" hidden {
            div.row {
                h2.grow #order-title tabindex="-1" {}
                button.iconbtn data-closes aria-label=(say.of("Tutup", "Close")) { (icon("x")) }
            }
            div data-notice {}
            div data-body {}
        }
    }
}
