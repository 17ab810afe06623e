//! A customer: a user of the shop who comes again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde::Deserialize;
use serde_json::json;

use super::arrivals::Arrivals;
use super::call::{Caller, Outcome, Request, give_up};
use super::journal::{Entry, Expected, Journal};
use super::late::LatePayments;
use super::settings::{Mix, Visit};
use super::stats::Kind;
use crate::domain::{OrderId, OrderStatus, PaymentId, Rupiah, Timestamp};
use crate::error::{
    EMAIL_TAKEN, INSUFFICIENT_STOCK, ORDER_STATE, PAYMENT_DECLINED, PAYMENT_TOO_LATE, PRODUCT_NOT_FOUND, TOKEN_MISSING,
};
use crate::order::api::Summary;
use crate::payment::api::{Method as PaymentMethod, Status as PaymentStatus};
use crate::product::api::Product;
use crate::user::api::User;

/// Products on a page of the catalogue.
const PAGE_ROWS: usize = 20;
/// The most lines of an order, and the most units of a line.
const MAX_LINES: usize = 3;
const MAX_UNITS: i64 = 2;

pub struct Customer {
    caller: Arc<Caller>,
    pub user: User,
    account: Option<Account>,
    /// The page of the catalogue that was seen last; orders are of its products.
    seen: Vec<Product>,
    /// The query of the page after it.
    next_page: Option<String>,
    /// Orders that may have been stored: the call was given up.
    pub unclear_orders: u64,
}

/// The login of a customer.
struct Account {
    email: String,
    password: String,
    token: HeaderValue,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Session {
    access_token: String,
    expires_in: u64,
    user: User,
}

/// A payment that was opened or confirmed.
#[derive(Deserialize)]
struct Payment {
    id: PaymentId,
    order_id: OrderId,
    amount: Rupiah,
    status: PaymentStatus,
    created_at: Timestamp,
    expires_at: Timestamp,
}

/// An error if there is nothing to buy.
pub async fn check_catalogue(caller: &Caller) -> anyhow::Result<()> {
    let request = Request::get(&caller.services.product, format!("/products?limit={PAGE_ROWS}"));
    match caller.call::<Vec<Product>>(&request, Instant::now(), give_up(), |_| true).await {
        Outcome::Done { value, .. } if value.is_empty() => {
            bail!("the shop has no products: `pasar seed shop` adds some")
        }
        Outcome::Done { .. } => Ok(()),
        Outcome::Refused { code, .. } => bail!("the product service refuses to list its products: {}", code.name),
        Outcome::Unclear(symptom) => bail!("the product service does not list its products: {symptom}"),
    }
}

impl Customer {
    /// A new user of the shop, with an account if customers have to log in.
    pub async fn register(caller: Arc<Caller>, has_account: bool) -> anyhow::Result<Self> {
        let (user, account) = if has_account {
            let (user, account) = register(&caller).await?;
            (user, Some(account))
        } else {
            (add_user(&caller).await?, None)
        };
        let (seen, next_page) = (Vec::new(), None);
        Ok(Self { caller, user, account, seen, next_page, unclear_orders: 0 })
    }

    /// Comes whenever it is time, until the last arrival. Returns the customer with what was acknowledged; an error if
    /// that can't be written down.
    pub async fn shop(
        mut self,
        arrivals: &Arrivals,
        mix: &Mix,
        late_payments: LatePayments,
    ) -> anyhow::Result<(Self, Journal)> {
        let mut journal = Journal::new()?;
        while let Some(since) = arrivals.next().await {
            if let Some(entry) = self.visit(mix.pick(), since, &late_payments).await {
                journal.add(&entry)?;
            }
        }
        Ok((self, journal))
    }

    /// Returns the order, if one was acknowledged, and what has to become of it.
    async fn visit(&mut self, visit: Visit, since: Instant, late_payments: &LatePayments) -> Option<Entry> {
        self.renew().await;
        let mut since = since;
        if visit == Visit::Browse || self.seen.is_empty() {
            self.browse(since).await;
            since = Instant::now();
        }
        let basket = self.basket().filter(|_| visit != Visit::Browse)?;
        let order = self.order(&basket, since).await?;
        let now = Instant::now();
        let (expected, due) = match visit {
            Visit::Browse | Visit::Order => (self.pay(&order).await, now),
            Visit::Cancel => (self.cancel(&order).await, now),
            Visit::Late => self.pay_late(&order, late_payments).await,
        };
        Some(Entry { order: order.id, expected, due })
    }

    /// The value of the `Authorization` header.
    pub fn token(&self) -> Option<HeaderValue> {
        self.account.as_ref().map(|account| account.token.clone())
    }

    /// Looks at the next page of the catalogue.
    async fn browse(&mut self, since: Instant) {
        let query = self.next_page.take().unwrap_or_else(|| format!("limit={PAGE_ROWS}"));
        let request = Request::get(&self.caller.services.product, format!("/products?{query}"));
        let request = request.counted(Kind::Browse).by(self.token());
        if let Outcome::Done { value, next } = self.caller.call(&request, since, give_up(), |_| true).await {
            (self.seen, self.next_page) = (value, next);
            self.seen.truncate(PAGE_ROWS);
            self.seen.retain(|product| product.stock.is_none_or(|stock| stock > 0));
        }
    }

    /// One to three lines of products that were there when they were seen.
    fn basket(&self) -> Option<serde_json::Value> {
        let lines = fastrand::choose_multiple(&self.seen, fastrand::usize(1..=MAX_LINES));
        let lines: Vec<_> = lines
            .into_iter()
            .map(|product| {
                let units = fastrand::i64(1..=product.stock.unwrap_or(MAX_UNITS).clamp(1, MAX_UNITS));
                json!({"product_id": product.id, "quantity": units})
            })
            .collect();
        (!lines.is_empty()).then(|| json!({"user_id": self.user.id, "items": lines}))
    }

    /// Places an order; `None` if it was refused or had no clear answer.
    async fn order(&mut self, basket: &serde_json::Value, since: Instant) -> Option<Summary> {
        let request = Request::send(Method::POST, &self.caller.services.order, "/orders", basket.clone())
            .counted(Kind::Order)
            .with_key()
            .by(self.token());
        let user = self.user.id;
        let sound = |order: &Summary| order.user_id == user && order.status == OrderStatus::Pending;
        match self.caller.call(&request, since, give_up(), sound).await {
            Outcome::Done { value, .. } => Some(value),
            Outcome::Refused { code, .. } => {
                // Sold or removed meanwhile: the next order looks again.
                if code.name == INSUFFICIENT_STOCK.name || code.name == PRODUCT_NOT_FOUND.name {
                    self.seen.clear();
                }
                None
            }
            Outcome::Unclear(_) => {
                self.unclear_orders += 1;
                None
            }
        }
    }

    /// Opens a payment; else what becomes of the order without one.
    async fn open_payment(&self, order: &Summary) -> Result<Payment, Expected> {
        let method = fastrand::choice(PaymentMethod::ALL).unwrap_or(PaymentMethod::Transfer);
        let body = json!({"order_id": order.id, "method": method});
        let request = Request::send(Method::POST, &self.caller.services.payment, "/payments", body)
            .counted(Kind::Pay)
            .with_key()
            .by(self.token());
        let sound = |payment: &Payment| payment.order_id == order.id && payment.amount == order.total_price;
        match self.caller.call(&request, Instant::now(), give_up(), sound).await {
            Outcome::Done { value, .. } => Ok(value),
            Outcome::Refused { code, .. } if code.name == PAYMENT_TOO_LATE.name => Err(Expected::Expired),
            Outcome::Refused { .. } | Outcome::Unclear(_) => Err(Expected::Unknown),
        }
    }

    async fn pay(&self, order: &Summary) -> Expected {
        let payment = match self.open_payment(order).await {
            Ok(payment) => payment.id,
            Err(expected) => return expected,
        };
        let body = json!({"payment_id": payment});
        let request = Request::send(Method::POST, &self.caller.services.payment, "/payments/confirm", body)
            .counted(Kind::Confirm)
            .by(self.token());
        let sound = |paid: &Payment| paid.id == payment && paid.status == PaymentStatus::Paid;
        match self.caller.call(&request, Instant::now(), give_up(), sound).await {
            Outcome::Done { .. } => Expected::Paid(payment),
            Outcome::Refused { code, .. } if code.name == PAYMENT_TOO_LATE.name => Expected::Expired,
            Outcome::Refused { code, .. } if code.name == PAYMENT_DECLINED.name => Expected::Failed,
            Outcome::Refused { .. } | Outcome::Unclear(_) => Expected::Unknown,
        }
    }

    /// Opens a payment, and confirms it after its deadline or never. The order has to expire; also when that is due.
    async fn pay_late(&self, order: &Summary, late_payments: &LatePayments) -> (Expected, Instant) {
        let payment = match self.open_payment(order).await {
            Ok(payment) => payment,
            Err(expected) => return (expected, Instant::now()),
        };
        // Both times are of the service's clock, which may differ from ours.
        let time = payment.expires_at.as_millis().saturating_sub(payment.created_at.as_millis());
        let due = Instant::now() + Duration::from_millis(u64::try_from(time).unwrap_or(0).min(MAX_DUE_MILLIS));
        if fastrand::bool() {
            late_payments.confirm_after(due, payment.id, self.token());
        }
        (Expected::Expired, due)
    }

    async fn cancel(&self, order: &Summary) -> Expected {
        let path = format!("/orders/{}/status", order.id);
        let body = json!({"status": "cancelled"});
        let request =
            Request::send(Method::PUT, &self.caller.services.order, path, body).counted(Kind::Cancel).by(self.token());
        let sound = |cancelled: &Summary| cancelled.id == order.id && cancelled.status == OrderStatus::Cancelled;
        match self.caller.call(&request, Instant::now(), give_up(), sound).await {
            Outcome::Done { .. } => Expected::Cancelled,
            // An attempt whose answer was lost has cancelled it.
            Outcome::Refused { code, retried: true } if code.name == ORDER_STATE.name => Expected::Cancelled,
            Outcome::Refused { .. } | Outcome::Unclear(_) => Expected::Unknown,
        }
    }

    /// Logs in again in time. If that fails, the next visits show it.
    pub async fn renew(&mut self) {
        let Some(account) = self.account.as_mut().filter(|account| account.renew_at <= Instant::now()) else { return };
        match log_in(&self.caller, &account.email, &account.password).await {
            Ok((_, token, renew_at)) => (account.token, account.renew_at) = (token, renew_at),
            Err(error) => log::warn!("{error:#}"),
        }
    }
}

/// The longest time to pay that is waited for in full, in milliseconds: a year.
const MAX_DUE_MILLIS: u64 = 366 * 24 * 60 * 60 * 1000;

async fn add_user(caller: &Caller) -> anyhow::Result<User> {
    let request = Request::send(Method::POST, &caller.services.user, "/users", json!({"name": "Load"}));
    match caller.call(&request, Instant::now(), give_up(), |_| true).await {
        Outcome::Done { value, .. } => Ok(value),
        Outcome::Refused { code, .. } if code.name == TOKEN_MISSING.name => {
            bail!("the services have AUTH=required: set it here, too")
        }
        Outcome::Refused { code, .. } => bail!("the user service refuses a customer: {}", code.name),
        Outcome::Unclear(symptom) => bail!("the user service does not add a customer: {symptom}"),
    }
}

async fn register(caller: &Caller) -> anyhow::Result<(User, Account)> {
    let email = format!("load-{}@example.com", uuid::Uuid::now_v7());
    let password = uuid::Uuid::now_v7().to_string();
    let body = json!({"name": "Load", "email": email, "password": password});
    let request = Request::send(Method::POST, &caller.services.user, "/auth/register", body);
    let (user, token, renew_at) = match caller.call::<Session>(&request, Instant::now(), give_up(), |_| true).await {
        Outcome::Done { value, .. } => open(value)?,
        // An attempt whose answer was lost has registered it.
        Outcome::Refused { code, retried: true } if code.name == EMAIL_TAKEN.name => {
            log_in(caller, &email, &password).await?
        }
        Outcome::Refused { code, .. } => bail!("the user service refuses to register a customer: {}", code.name),
        Outcome::Unclear(symptom) => bail!("the user service does not register a customer: {symptom}"),
    };
    Ok((user, Account { email, password, token, renew_at }))
}

async fn log_in(caller: &Caller, email: &str, password: &str) -> anyhow::Result<(User, HeaderValue, Instant)> {
    let body = json!({"email": email, "password": password});
    let request = Request::send(Method::POST, &caller.services.user, "/auth/login", body);
    match caller.call(&request, Instant::now(), give_up(), |_| true).await {
        Outcome::Done { value, .. } => open(value),
        Outcome::Refused { code, .. } => bail!("a customer can't log in: {}", code.name),
        Outcome::Unclear(symptom) => bail!("a customer can't log in: {symptom}"),
    }
}

/// The user, the `Authorization` header of a session, and the moment to log in again: well before it expires.
fn open(session: Session) -> anyhow::Result<(User, HeaderValue, Instant)> {
    let mut token = HeaderValue::from_str(&format!("Bearer {}", session.access_token))
        .context("the user service gave a token that can't be sent")?;
    token.set_sensitive(true);
    let renew_at = Instant::now() + Duration::from_secs(session.expires_in.min(24 * 60 * 60)) / 2;
    Ok((session.user, token, renew_at))
}
