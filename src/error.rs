//! The error type of requests, and the catalogue of all error codes.
//!
//! An [`Error`] says what happened in terms of the domain; it knows nothing of HTTP. `web` maps each [`Kind`] to a
//! status and shows [`Code::message`] to people. The source of an unexpected error is logged once, there, and never
//! leaves the process.

use std::fmt;

use crate::domain::Sentence;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of a failure; `web` maps each to one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request is malformed: not JSON, a wrong type, a bad query or header.
    BadRequest,
    /// The principal is unknown: no token, or one that is not valid.
    Unauthorized,
    /// The principal may not do this.
    Forbidden,
    NotFound,
    MethodNotAllowed,
    /// The client did not finish its request in time.
    Timeout,
    /// In conflict with the current state: taken, changed, in use.
    Conflict,
    /// Another request with the same key is in progress. A later retry may succeed.
    UnderWay,
    TooLarge,
    UnsupportedMediaType,
    /// Sent to a host that this server does not answer for.
    Misdirected,
    /// A rule is broken, or a field is missing or unknown.
    Invalid,
    /// Too many requests. A later retry may succeed.
    TooMany,
    /// Temporary: a full queue or disk, a peer that is down. A later retry may succeed.
    Unavailable,
    /// A bug of ours.
    Internal,
}

/// An entry of the catalogue: an error that clients can tell from others by [`Code::name`].
#[derive(Debug)]
pub struct Code {
    /// Stable, snake_case; the `code` of a problem document.
    pub name: &'static str,
    pub kind: Kind,
    /// The sentence for people, in their language.
    pub message: Sentence,
    /// Why it happens, for developers.
    pub cause: &'static str,
    /// What to do about it, for developers.
    pub remedy: &'static str,
}

macro_rules! catalogue {
    ($($ident:ident $kind:ident $name:literal: $id:literal, $en:literal, $cause:literal, $remedy:literal;)*) => {
        $(#[doc = $cause] pub static $ident: Code = Code {
            name: $name,
            kind: Kind::$kind,
            message: Sentence::new($id, $en),
            cause: $cause,
            remedy: $remedy,
        };)*

        /// Every code, in the order in which the documentation lists them.
        pub static CATALOGUE: &[&Code] = &[$(&$ident),*];
    };
}

catalogue! {
    BAD_JSON BadRequest "bad_json":
        "Isi permintaan bukan JSON yang benar.", "The body is not valid JSON.",
        "The body is empty, not UTF-8, not JSON, or repeats a key.",
        "Send one JSON object in UTF-8, without a byte order mark.";
    WRONG_TYPE BadRequest "wrong_type":
        "Tipe data dalam permintaan salah.", "The body has a value of the wrong type.",
        "The body is not an object, or a field holds another JSON type than documented.",
        "Compare the field named in `errors` with the documentation: numbers are not strings, whole numbers have no fraction.";
    BAD_QUERY BadRequest "bad_query":
        "Parameter kueri tidak benar.", "The query is not valid.",
        "A query parameter is unknown, repeated, or has a value that it can't have.",
        "Correct the parameter named in `errors`; take cursors only from a `Link` header.";
    BAD_HEADER BadRequest "bad_header":
        "Header permintaan tidak benar.", "A request header is not valid.",
        "A header is repeated, missing, or has a value that it can't have.",
        "Correct the header named in `detail`.";
    TOKEN_MISSING Unauthorized "token_missing":
        "Silakan masuk terlebih dahulu.", "Please log in first.",
        "The call needs a token, and the request has none.",
        "Get one from `POST /auth/login` of the user service and send it as `Authorization: Bearer …`.";
    TOKEN_MALFORMED Unauthorized "token_malformed":
        "Token tidak dikirim dengan benar.", "The token was not sent properly.",
        "The `Authorization` header or the ticket is repeated, too long, beside the other, or not of the form `Bearer <token>`.",
        "Send one header, `Authorization: Bearer <token>`, with the token as `POST /auth/login` gave it.";
    TOKEN_INVALID Unauthorized "token_invalid":
        "Token tidak sah.", "The token is not valid.",
        "The token was not made by this shop or not for this service, was changed, or is not valid yet.",
        "Log in again. If it is a service that was refused: AUTH and JWT_SECRET must be the same for all services.";
    TOKEN_EXPIRED Unauthorized "token_expired":
        "Sesi telah berakhir, silakan masuk lagi.", "The session is over; please log in again.",
        "The token's time is over.",
        "Log in again.";
    TOKEN_REVOKED Unauthorized "token_revoked":
        "Sesi ini sudah tidak berlaku, silakan masuk lagi.", "This session has been ended; please log in again.",
        "Since the token was made its user logged out, changed the password, got another role, or was removed.",
        "Log in again.";
    WRONG_CREDENTIALS Unauthorized "wrong_credentials":
        "Email atau kata sandi salah.", "The e-mail address or the password is wrong.",
        "No account has this address with this password.",
        "Correct them, or register first.";
    NOT_ALLOWED Forbidden "not_allowed":
        "Anda tidak berhak melakukan ini.", "You may not do this.",
        "The token is good, but not for this call.",
        "Ask an admin; `pasar admin EMAIL` makes an account one.";
    ORIGIN_NOT_ALLOWED Forbidden "origin_not_allowed":
        "Asal halaman ini tidak diizinkan.", "Pages of this origin may not call this service.",
        "A web page of another origin sent the request.",
        "Serve the page from this machine, or add its origin to CORS_ORIGINS.";
    ROUTE_NOT_FOUND NotFound "route_not_found":
        "Alamat tidak ditemukan.", "There is nothing at this address.",
        "No route has this path.",
        "`GET /` lists the endpoints of the service.";
    USER_NOT_FOUND NotFound "user_not_found":
        "Pengguna tidak ditemukan.", "User not found.",
        "No user has this id.",
        "`GET /users` lists those there are.";
    PRODUCT_NOT_FOUND NotFound "product_not_found":
        "Produk tidak ditemukan.", "Product not found.",
        "No product has this id.",
        "`GET /products` lists those there are.";
    ORDER_NOT_FOUND NotFound "order_not_found":
        "Pemesanan tidak ditemukan.", "Order not found.",
        "No order has this id.",
        "`GET /orders` lists those there are.";
    PAYMENT_NOT_FOUND NotFound "payment_not_found":
        "Pembayaran tidak ditemukan.", "Payment not found.",
        "No payment has this id, or the order has none.",
        "`GET /payments` lists those there are.";
    RESERVATION_NOT_FOUND NotFound "reservation_not_found":
        "Reservasi tidak ditemukan.", "Reservation not found.",
        "No reservation has this key, or the key is not a UUID in lower case.",
        "Make the reservation before you commit it.";
    METHOD_NOT_ALLOWED MethodNotAllowed "method_not_allowed":
        "Metode ini tidak didukung di alamat ini.", "This address does not support the method.",
        "The path exists, but not with this method.",
        "Use one of the methods in the `Allow` header.";
    REQUEST_TIMEOUT Timeout "request_timeout":
        "Permintaan tidak selesai pada waktunya.", "The request took too long.",
        "The body was not complete within the time limit. Nothing was kept.",
        "Send the whole request at once, and try again.";
    EMAIL_TAKEN Conflict "email_taken":
        "Email sudah terdaftar.", "The e-mail address is taken.",
        "Another user has this e-mail address.",
        "Use another address, or the user that has it.";
    INSUFFICIENT_STOCK Conflict "insufficient_stock":
        "Stok tidak mencukupi.", "There is not enough stock.",
        "Fewer units are left than are asked for; `detail` names the product and what is left.",
        "Ask for fewer, or wait until there are more.";
    STOCK_TOO_LARGE Conflict "stock_too_large":
        "Stok menjadi terlalu besar.", "The stock becomes too large.",
        "A product can have at most 1000000000 units in stock.",
        "Add fewer units.";
    STOCK_HELD Conflict "stock_held":
        "Stok produk ini sedang ditahan oleh pesanan.", "Orders hold stock of this product.",
        "A product whose stock is held by orders can't be removed, nor can its stock stop being tracked.",
        "Confirm or cancel the orders first.";
    RESERVATION_DIFFERS Conflict "reservation_differs":
        "Kunci reservasi ini sudah dipakai untuk barang lain.", "This key is of a reservation of other items.",
        "The key was used before with other items.",
        "Use a fresh key for a new reservation; repeat a key only with the very same items.";
    RESERVATION_RELEASED Conflict "reservation_released":
        "Reservasi ini sudah dilepas.", "This reservation has been released.",
        "The stock was given back, or the key was given up before it was used.",
        "Reserve anew under a fresh key.";
    RESERVATION_COMMITTED Conflict "reservation_committed":
        "Reservasi ini sudah menjadi penjualan.", "This reservation has become a sale.",
        "What is sold can't be given back by its reservation.",
        "Adjust the stock of the product if the goods came back.";
    TOO_MANY_OPEN_ORDERS Conflict "too_many_open_orders":
        "Terlalu banyak pesanan yang belum dibayar.", "Too many orders wait to be paid.",
        "An account can have so many orders that wait to be paid (MAX_PENDING_ORDERS); `detail` says how many.",
        "Pay or cancel one of them, or wait until one expires.";
    TOO_MANY_HELD_UNITS Conflict "too_many_held_units":
        "Pesanan yang belum dibayar menahan terlalu banyak barang.", "Unpaid orders hold too many units.",
        "The unpaid orders of an account can hold so many units of products whose stock is tracked (MAX_HELD_UNITS); `detail` says how many.",
        "Ask for fewer, pay or cancel an order, or wait until one expires.";
    ORDER_STATE Conflict "order_state":
        "Status pesanan tidak mengizinkan ini.", "The order's status does not allow this.",
        "The order has moved on, or has not come so far; `detail` names its status.",
        "Read the order again and decide anew.";
    PRICE_DIFFERS Conflict "price_differs":
        "Harga tidak sama dengan harga di katalog.", "The price is not the catalogue's.",
        "The catalogue has a product of this name at another price, which `detail` names.",
        "Order at the catalogue's price.";
    PAYMENT_TOO_LATE Conflict "payment_too_late":
        "Waktu pembayaran telah habis.", "The time for the payment is over.",
        "The payment, or the order that it is for, was not paid in time; both have expired.",
        "Place a new order.";
    PAYMENT_OPEN Conflict "payment_open":
        "Pesanan ini sudah memiliki pembayaran yang terbuka.", "The order has an open payment already.",
        "An order has one open payment at a time; `detail` names it.",
        "Confirm that payment, or wait until it expires.";
    PAYMENT_DECLINED Conflict "payment_declined":
        "Pembayaran ditolak.", "The payment was declined.",
        "The payment gateway declined the charge; the order has failed and its stock is back.",
        "Place a new order and pay by another method.";
    PAYMENT_MISMATCH Conflict "payment_mismatch":
        "Data pembayaran tidak sesuai dengan pesanan.", "The payment does not match the order.",
        "The amount or the user is not the order's; `detail` names what the order says.",
        "Leave these fields out, or send what the order says.";
    KEY_UNDER_WAY UnderWay "key_under_way":
        "Permintaan yang sama sedang diproses.", "The same request is being worked on.",
        "A request with this Idempotency-Key has not been answered yet.",
        "Wait for `Retry-After` and send it again.";
    BODY_TOO_LARGE TooLarge "body_too_large":
        "Isi permintaan terlalu besar.", "The body is too large.",
        "The body is larger than 64 KiB.",
        "Send less at once.";
    UNSUPPORTED_MEDIA_TYPE UnsupportedMediaType "unsupported_media_type":
        "Isi permintaan harus application/json.", "The body must be application/json.",
        "The `Content-Type` is missing or not JSON, or the body is compressed.",
        "Send `Content-Type: application/json` and no `Content-Encoding`.";
    HOST_NOT_ALLOWED Misdirected "host_not_allowed":
        "Nama host ini tidak dilayani.", "This server does not answer for that host.",
        "The `Host` header names neither this machine's loopback address nor an allowed name.",
        "Use localhost, or add the name to ALLOWED_HOSTS.";
    TOO_MANY_ATTEMPTS TooMany "too_many_attempts":
        "Terlalu banyak percobaan, coba lagi nanti.", "Too many attempts; please try again later.",
        "There were too many attempts at the password of this account, or too many attempts and registrations from this network.",
        "Wait for `Retry-After`; `detail` says which limit it was.";
    INVALID_FIELDS Invalid "invalid_fields":
        "Ada isian yang tidak benar.", "Some fields are not valid.",
        "A field is missing, unknown, or breaks a rule.",
        "`errors` names each field and what is wrong with it.";
    IDEMPOTENCY_KEY_REUSED Invalid "idempotency_key_reused":
        "Idempotency-Key ini sudah dipakai untuk permintaan lain.",
        "This Idempotency-Key was used for another request.",
        "The key was sent before with another body.",
        "Use a fresh key for a new request; repeat a key only with the very same body.";
    PAYMENT_STATUS_INVALID Invalid "payment_status_invalid":
        "Status pembayaran tidak valid.", "The payment status is not valid.",
        "`payment_status` is not one of those that there are.",
        "Send `pending`, `paid`, `failed` or `expired`.";
    BUSY Unavailable "busy":
        "Layanan sedang sibuk, coba lagi sebentar.", "The service is busy; please try again shortly.",
        "More work is waiting than the service takes on.",
        "Wait for `Retry-After` and try again.";
    TOO_SLOW Unavailable "too_slow":
        "Layanan terlalu lama menjawab.", "The service took too long to answer.",
        "The answer was not ready in time. A change that was asked for may have been made all the same.",
        "Look whether it was made, or repeat the request with the same Idempotency-Key. Narrow a search with further filters.";
    STORAGE_UNAVAILABLE Unavailable "storage_unavailable":
        "Penyimpanan data sedang tidak tersedia.", "The storage is unavailable at the moment.",
        "The database is locked, full, damaged or failing. Nothing of the request was kept.",
        "Make room or repair the disk; the service goes on by itself. Restore a damaged file and restart. Then try again.";
    PEER_UNAVAILABLE Unavailable "peer_unavailable":
        "Layanan lain sedang tidak dapat dihubungi.", "Another service can't be reached at the moment.",
        "A service that this call needs is down, too slow, or answers nonsense. Nothing was kept.",
        "Start the service named in `detail`, or wait for `Retry-After`, and try again.";
    PAYMENT_UNSETTLED Unavailable "payment_unsettled":
        "Pembayaran sedang diselesaikan.", "The payment is being settled.",
        "It was confirmed in time, but the order service or the gateway does not answer yet. It does not expire any more.",
        "Nothing: it settles by itself. Ask for the payment again after `Retry-After`.";
    INTERNAL Internal "internal":
        "Terjadi kesalahan pada layanan.", "Something went wrong in the service.",
        "A mistake in the service itself; its log has the details under the request id.",
        "Report it with the `X-Request-Id` of the answer.";
}

/// An error: its catalogue entry and the details of this occurrence.
pub struct Error(Box<Occurrence>);

struct Occurrence {
    code: &'static Code,
    detail: Option<String>,
    fields: Vec<(String, Sentence)>,
    retry_after: Option<u64>,
    /// Whether another try would most likely end the same way.
    unlikely_to_recover: bool,
    source: Option<anyhow::Error>,
}

impl Error {
    pub fn new(code: &'static Code) -> Self {
        let (fields, retry_after, unlikely_to_recover) = (Vec::new(), None, false);
        Self(Box::new(Occurrence { code, detail: None, fields, retry_after, unlikely_to_recover, source: None }))
    }

    /// A bug of ours; the client learns nothing else about it.
    pub fn internal(source: impl Into<anyhow::Error>) -> Self {
        Self::new(&INTERNAL).caused_by(source)
    }

    /// Adds details for developers, in English. They reach the client.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds why a field was refused.
    pub fn field(mut self, name: impl Into<String>, why: Sentence) -> Self {
        self.0.fields.push((name.into(), why));
        self
    }

    /// Sets after how many seconds a retry is worthwhile.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Marks that a retry would most likely fail in the same way.
    pub fn unlikely_to_recover(mut self) -> Self {
        self.0.unlikely_to_recover = true;
        self
    }

    /// Adds the underlying error, for the log only.
    pub fn caused_by(mut self, source: impl Into<anyhow::Error>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    pub fn code(&self) -> &'static Code {
        self.0.code
    }

    pub fn is(&self, code: &Code) -> bool {
        self.0.code.name == code.name
    }

    pub fn details(&self) -> Option<&str> {
        self.0.detail.as_deref()
    }

    pub fn fields(&self) -> &[(String, Sentence)] {
        &self.0.fields
    }

    /// After how many seconds a retry is worthwhile, if that is known.
    pub fn wait(&self) -> Option<u64> {
        self.0.retry_after
    }

    /// Whether another try would most likely end the same way.
    pub fn is_unlikely_to_recover(&self) -> bool {
        self.0.unlikely_to_recover
    }

    pub fn source(&self) -> Option<&anyhow::Error> {
        self.0.source.as_ref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.code.name)?;
        if let Some(detail) = &self.0.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(source) = &self.0.source {
            write!(f, ": {source:#}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
