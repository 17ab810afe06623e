//! The routes of the product service, each with its documentation and its access rule.

use serde_json::json;
use utoipa::PartialSchema;
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::api::{
    ADDED, NewProduct, NewReservation, NewStock, Product, ProductCreated, ProductPatch, Reservation, ReservationRecord,
    StockCheck, StockLevel,
};
use super::handlers;
use crate::auth::Access;
use crate::domain::{Name, Quantity, Rupiah};
use crate::error::{
    BUSY, INSUFFICIENT_STOCK, INVALID_FIELDS, PRODUCT_NOT_FOUND, RESERVATION_COMMITTED, RESERVATION_DIFFERS,
    RESERVATION_NOT_FOUND, RESERVATION_RELEASED, STOCK_HELD, STOCK_TOO_LARGE, TOO_SLOW,
};
use crate::storage::Sort;
use crate::web::{Doc, Routes};

pub fn routes(routes: &mut Routes) {
    let laptop = || json!({"id": 1, "name": "Laptop Asus", "price": 8_000_000});
    let monitor = || json!({"id": 4, "name": "Monitor LG", "price": 2_500_000});
    let tracked = || json!({"id": 4, "name": "Monitor LG", "price": 2_400_000, "stock": 10, "category": "Layar"});
    let levels = || json!({"product_id": 4, "stock": 10, "reserved": 0, "sold": 0, "received": 10});
    let lines = || json!([{"product_id": 4, "quantity": 2}]);
    let reserved = |state| {
        json!({
            "key": "7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91",
            "state": state,
            "items": [{"product_id": 4, "name": "Monitor LG", "price": 2_400_000, "quantity": 2, "stock": 8}],
        })
    };
    let boolean = ObjectBuilder::new().schema_type(Type::Boolean);
    let sort = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(handlers::SORTS.map(Sort::name)));
    routes.get(
        "/products",
        handlers::list,
        Doc::new("Mengambil daftar semua produk", "All products, oldest first")
            .by(Access::Anyone)
            .lists::<Product>(json!([laptop()]))
            .query("search", Name::schema(), "Words in the name or the description, in any case.")
            .query("name", Name::schema(), "Exactly this name.")
            .query("category", Name::schema(), "Exactly this category.")
            .query("min_price", Rupiah::schema(), "This price or above.")
            .query("max_price", Rupiah::schema(), "This price or below.")
            .query("in_stock", boolean.into(), "`true`: what can be bought; `false`: what is sold out.")
            .query("sort", sort.into(), "`id`, `-id`: oldest or newest first; `price`, `-price`: cheapest or dearest first; `name`; `stock`: least first.")
            .fails(&[&BUSY, &TOO_SLOW]),
    );
    routes.post(
        "/products",
        handlers::create,
        Doc::new("Mendaftarkan produk baru", "Adds a product")
            .takes::<NewProduct>(json!({"name": "Monitor LG", "price": 2_500_000}))
            .creates::<ProductCreated>(json!({"message": ADDED, "product": monitor()})),
    );
    routes.get(
        "/products/{id}",
        handlers::show,
        Doc::new("Mengambil data produk berdasarkan id", "One product")
            .by(Access::Anyone)
            .id(&PRODUCT_NOT_FOUND)
            .shows::<Product>(laptop()),
    );
    routes.put(
        "/products/{id}",
        handlers::replace,
        Doc::new("Mengganti data produk", "Replaces a product")
            .id(&PRODUCT_NOT_FOUND)
            .takes::<NewProduct>(json!({"name": "Monitor LG", "price": 2_400_000, "stock": 10, "category": "Layar"}))
            .shows::<Product>(tracked())
            .fails(&[&STOCK_HELD]),
    );
    routes.patch(
        "/products/{id}",
        handlers::edit,
        Doc::new("Mengubah sebagian data produk", "Edits a product: null removes, what is absent stays")
            .id(&PRODUCT_NOT_FOUND)
            .takes::<ProductPatch>(json!({"price": 2_400_000}))
            .shows::<Product>(tracked())
            .fails(&[&STOCK_HELD]),
    );
    routes.delete(
        "/products/{id}",
        handlers::remove,
        Doc::new("Menghapus produk", "Removes a product that no order holds stock of")
            .id(&PRODUCT_NOT_FOUND)
            .deletes()
            .fails(&[&STOCK_HELD]),
    );
    routes.get(
        "/products/{id}/stock",
        handlers::levels,
        Doc::new("Stok produk: tersedia, ditahan, terjual, diterima", "Where the units of a product are")
            .by(Access::Anyone)
            .id(&PRODUCT_NOT_FOUND)
            .shows::<StockLevel>(levels()),
    );
    routes.put(
        "/products/{id}/stock",
        handlers::set_stock,
        Doc::new("Mengatur atau menambah stok produk", "Sets what is on hand, or changes it by a number")
            .id(&PRODUCT_NOT_FOUND)
            .takes::<NewStock>(json!({"stock": 10}))
            .shows::<StockLevel>(levels())
            .fails(&[&INSUFFICIENT_STOCK, &STOCK_TOO_LARGE]),
    );
    routes.get(
        "/products/{id}/check-stock",
        handlers::check_stock,
        Doc::new("Memeriksa ketersediaan stok", "Whether so many can be bought now")
            .by(Access::Anyone)
            .id(&PRODUCT_NOT_FOUND)
            .query("quantity", Quantity::schema(), "How many; one, unless it is given.")
            .shows::<StockCheck>(json!({"product_id": 4, "quantity": 2, "stock": 10, "available": true})),
    );
    routes.put(
        "/reservations/{key}",
        handlers::reserve,
        Doc::new("Menahan stok untuk pesanan", "Holds stock: all lines or none")
            .by(Access::Service)
            .key(&RESERVATION_NOT_FOUND)
            .takes::<NewReservation>(json!({"items": lines()}))
            .shows::<Reservation>(reserved("held"))
            .fails(&[
                &PRODUCT_NOT_FOUND,
                &INSUFFICIENT_STOCK,
                &RESERVATION_DIFFERS,
                &RESERVATION_RELEASED,
                &INVALID_FIELDS,
            ]),
    );
    routes.delete(
        "/reservations/{key}",
        handlers::release,
        Doc::new("Mengembalikan stok yang ditahan", "Gives back what is held; the key never reserves again")
            .by(Access::Service)
            .key(&RESERVATION_NOT_FOUND)
            .deletes()
            .fails(&[&RESERVATION_COMMITTED]),
    );
    let record = json!({"key": "7f1c3a52-5d1e-4a34-9c5b-0c8f3d2e6a91", "state": "held", "units": 2});
    routes.get(
        "/invariants/reservations",
        handlers::records,
        Doc::new(
            "Reservasi untuk dicocokkan dengan service lain",
            "All reservations by their keys, for a comparison with other services",
        )
        .by(Access::Service)
        .lists::<ReservationRecord>(json!([record]))
        .fails(&[&BUSY, &TOO_SLOW]),
    );
    routes.post(
        "/reservations/{key}/commit",
        handlers::commit,
        Doc::new("Menjadikan stok yang ditahan terjual", "Makes a sale of what is held")
            .by(Access::Service)
            .key(&RESERVATION_NOT_FOUND)
            .shows::<Reservation>(reserved("committed"))
            .changes()
            .fails(&[&RESERVATION_RELEASED]),
    );
}
