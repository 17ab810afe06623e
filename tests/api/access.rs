//! Access control: calls every route as every kind of caller.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, Api, Clock, Secret, ServiceToken, TestApp, Tokens, Visitor, eventually};

const SECRET: &str = "kunci rahasia untuk pengujian saja";

/// The expected result for each caller at each `service` with `AUTH=required`. `every` means all services: the pages.
///
/// The `owner` is the customer whom the resource belongs to; `another` is a different customer. For routes about
/// one's own account, each caller uses their own account. The `demoted` admin and the `removed` user show tokens from
/// before. A `service` shows a token for the called service; a `stray` one shows a token for another service.
///
/// `yes`: success; `missing`, `revoked`, `invalid`: 401 `token_…`; `no`: 403; `refused`: 403 `reset_refused`, whoever
/// calls; anything else: 404 `…_not_found`.
const TABLE: &str = include_str!("access.txt");

const CALLERS: [&str; 8] = ["nobody", "owner", "another", "admin", "demoted", "removed", "service", "stray"];

/// Routes that are about the account of the caller.
const ACCOUNT: [&str; 5] =
    ["GET /auth/me", "PATCH /auth/me", "POST /auth/logout", "POST /auth/ticket", "PUT /auth/me/password"];

/// Calls that end the caller's tokens.
const ENDS_SESSION: [&str; 3] = ["DELETE /users/{id}", "PUT /auth/me/password", "POST /auth/logout"];

/// The expected results by service and call, then by caller ([`CALLERS`]).
fn table() -> BTreeMap<(String, String), BTreeMap<&'static str, &'static str>> {
    let mut lines = TABLE.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|row| !row.is_empty());
    assert_eq!(lines.next().unwrap()[2..], CALLERS);
    let mut table = BTreeMap::new();
    for row in lines {
        let [service, method, path] = row[..3] else { panic!("{row:?}") };
        assert_eq!(row.len(), 3 + CALLERS.len(), "{row:?}");
        let services = if service == "every" { vec!["user", "product", "order"] } else { vec![service] };
        for service in services {
            let cells = CALLERS.into_iter().zip(row[3..].iter().copied()).collect();
            let twice = table.insert((service.to_owned(), format!("{method} {path}")), cells);
            assert!(twice.is_none(), "{row:?} is listed twice");
        }
    }
    table
}

/// The expected status of a call that returns something.
fn status(cell: &str) -> u16 {
    match cell {
        "yes" => 200,
        "missing" | "revoked" | "invalid" => 401,
        "no" | "refused" => 403,
        _ => 404,
    }
}

fn assert_allowed_or_refused(answer: &Answer, cell: &str) {
    match cell {
        "yes" => assert!((200..300).contains(&answer.status), "{} {}", answer.status, answer.text()),
        "missing" | "revoked" | "invalid" => {
            answer.problem(401, &format!("token_{cell}"));
            assert!(answer.header("www-authenticate").starts_with("Bearer "), "{:?}", answer.headers);
        }
        "no" => drop(answer.problem(403, "not_allowed")),
        "refused" => drop(answer.problem(403, "reset_refused")),
        thing => drop(answer.problem(404, &format!("{thing}_not_found"))),
    }
}

/// A documented operation.
struct Route {
    service: &'static str,
    /// The service that serves it.
    api: Api,
    method: Method,
    path: String,
    /// `METHOD /path`.
    call: String,
    operation: Value,
}

impl Route {
    fn key(&self) -> (String, String) {
        (self.service.to_owned(), self.call.clone())
    }

    /// The path, filled with the ids of the fixture.
    fn target(&self, fixture: &Fixture) -> String {
        let id = match &*self.path {
            path if path.starts_with("/users/") || path.starts_with("/orders/user/") => fixture.owner.id,
            path if path.starts_with("/products/") => fixture.product,
            "/calls/{id}" => fixture.calls[self.service],
            "/lessons/{id}" => 1,
            path if path.starts_with("/orders/") || path.starts_with("/payments/order/") => fixture.order,
            _ => fixture.payment,
        };
        let mut target = self.path.replace("{id}", &id.to_string()).replace("{key}", &fixture.key);
        for parameter in self.operation["parameters"].as_array().into_iter().flatten() {
            if let (Some(name), Some(example)) = (parameter["name"].as_str(), parameter["example"].as_str()) {
                target = target.replace(&format!("{{{name}}}"), example);
            }
        }
        target
    }

    /// The documented example of the body, filled with the ids of the fixture.
    fn body(&self, fixture: &Fixture) -> Vec<u8> {
        let mut body = self.operation["requestBody"]["content"]["application/json"]["example"].clone();
        fixture.fill_in(&mut body);
        if body.is_null() { Vec::new() } else { body.to_string().into_bytes() }
    }

    fn streams(&self) -> bool {
        self.operation["responses"]["200"]["content"].get("text/event-stream").is_some()
    }

    /// Whether the documentation says that it needs a token.
    fn needs_token(&self) -> bool {
        match self.operation["security"].as_array().map(Vec::as_slice) {
            None | Some([]) => false,
            Some(ways) => !ways.contains(&json!({})),
        }
    }
}

/// All routes in the documents of the running servers.
async fn routes(app: &TestApp) -> Vec<Route> {
    let mut routes = Vec::new();
    for (server, api) in app.services() {
        let document = api.get("/openapi.json").await.expect(200);
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                let method: Method = method.to_uppercase().parse().unwrap();
                let service =
                    if path.starts_with("/payments") || path == "/invariants/payments" { "payment" } else { server };
                let (api, path, operation) = (api.clone(), path.clone(), operation.clone());
                routes.push(Route { service, api, call: format!("{method} {path}"), method, path, operation });
            }
        }
    }
    routes
}

/// The resources that calls are made about.
struct Fixture {
    owner: Visitor,
    email: String,
    product: i64,
    order: i64,
    payment: i64,
    key: String,
    /// A recorded call of each service.
    calls: BTreeMap<&'static str, i64>,
}

impl Fixture {
    /// Replaces the ids of a documented example.
    fn fill_in(&self, example: &mut Value) {
        match example {
            Value::Array(values) => values.iter_mut().for_each(|value| self.fill_in(value)),
            Value::Object(members) => {
                for (name, value) in members {
                    match name.as_str() {
                        "user_id" => *value = self.owner.id.into(),
                        "product_id" => *value = self.product.into(),
                        "order_id" => *value = self.order.into(),
                        "payment_id" => *value = self.payment.into(),
                        "email" => *value = self.email.clone().into(),
                        _ => self.fill_in(value),
                    }
                }
            }
            _ => {}
        }
    }
}

fn new_email() -> String {
    format!("{}@example.com", Uuid::new_v4())
}

/// Registers a new account, then demotes or removes it if `who` says so.
async fn new_visitor(app: &TestApp, who: &str) -> Visitor {
    let email = new_email();
    let mut visitor = app.registers(&email).await;
    if ["admin", "demoted"].contains(&who) {
        app.makes_admin(&email, &[]).await;
        visitor = app.logs_in(&email).await;
    }
    match who {
        "demoted" => app.makes_admin(&email, &["--remove"]).await,
        "removed" => {
            let gone = app.user.with_token(&visitor.token).remove(&format!("/users/{}", visitor.id)).await;
            assert_eq!(gone.status, 204, "{}", gone.text());
        }
        _ => {}
    }
    visitor
}

/// An app whose clock never moves, so that pending orders never expire.
pub async fn spawn_without_expiry(auth: &str) -> TestApp {
    let clock = Clock::standing_at(Clock::system().now().as_millis());
    TestApp::with_clock(&["--auth", auth, "--jwt-secret", SECRET, "--lab", "on"], &clock).await
}

/// An app with one account of each kind.
struct Shop {
    app: TestApp,
    /// By their names in [`CALLERS`], without the callers that have no account.
    visitors: BTreeMap<&'static str, Visitor>,
}

impl Shop {
    async fn open(auth: &str) -> Self {
        let app = spawn_without_expiry(auth).await;
        let mut visitors = BTreeMap::new();
        for who in ["owner", "another", "admin", "demoted", "removed"] {
            visitors.insert(who, new_visitor(&app, who).await);
        }
        let shop = Self { app, visitors };
        for who in ["demoted", "removed"] {
            let token = &shop.visitors[who].token;
            let (product, order) = (shop.app.product.with_token(token), shop.app.order.with_token(token));
            let heard = async || (product.patch("/products/1", &json!({})).await.status == 401).then_some(());
            eventually("the product service has received the revocation", heard).await;
            let heard = async || (order.get("/orders").await.status == 401).then_some(());
            eventually("the order service has received the revocation", heard).await;
            let heard = async || (order.get("/payments").await.status == 401).then_some(());
            eventually("the payment service has received the revocation", heard).await;
        }
        shop
    }

    fn as_admin(&self, api: &Api) -> Api {
        api.with_token(&self.visitors["admin"].token)
    }

    /// New resources for which this call can succeed.
    async fn prepare(&self, call: &str) -> Fixture {
        let [product, order] = [&self.app.product, &self.app.order].map(|api| self.as_admin(api));
        let owner = if ENDS_SESSION.contains(&call) {
            new_visitor(&self.app, "owner").await
        } else {
            self.visitors["owner"].clone()
        };
        let new = json!({"name": "Kopi", "price": 20_000, "stock": 10});
        let added = product.post("/products", &new).await.expect(201)["product"]["id"].as_i64().unwrap();
        let (email, key) = (new_email(), Uuid::new_v4().to_string());
        let mut fixture = Fixture { owner, email, product: added, order: 0, payment: 0, key, calls: BTreeMap::new() };
        order.get("/orders").await.expect(200);
        for (name, api) in self.app.services() {
            let found = self.as_admin(api).get("/calls?limit=1").await.expect(200);
            fixture.calls.insert(name, found["calls"][0]["id"].as_i64().unwrap());
        }
        if call == "POST /auth/login" {
            self.app.registers(&fixture.email).await;
        }
        if call.contains(" /orders/{id}") || call.contains(" /payments") {
            let new = json!({"user_id": fixture.owner.id, "product_id": fixture.product});
            fixture.order = order.post("/orders", &new).await.expect(201)["id"].as_i64().unwrap();
        }
        if call.contains(" /payments/") {
            let new = json!({"order_id": fixture.order});
            fixture.payment = order.post("/payments", &new).await.expect(201)["id"].as_i64().unwrap();
        }
        let at_order = format!("/orders/{}", fixture.order);
        match call {
            "PUT /orders/{id}/confirm" => {
                let paid = json!({"payment_status": "paid"});
                order.put(&format!("{at_order}/payment"), &paid).await.expect(200);
            }
            "POST /payments/{id}/refund" => {
                order.post("/payments/confirm", &json!({"payment_id": fixture.payment})).await.expect(200);
                order.put(&format!("{at_order}/status"), &json!({"status": "cancelled"})).await.expect(200);
            }
            "DELETE /reservations/{key}" | "POST /reservations/{key}/commit" => {
                let lines = json!({"items": [{"product_id": fixture.product, "quantity": 2}]});
                product.put(&format!("/reservations/{}", fixture.key), &lines).await.expect(200);
            }
            "DELETE /faults/{name}" => {
                for (name, api) in self.app.services() {
                    let fault = json!({"from": "client", "to": name, "kind": "delay", "delay_ms": 0});
                    self.as_admin(api).put("/faults/slow", &fault).await.expect(200);
                }
            }
            _ => {}
        }
        fixture
    }

    /// The token that this caller shows to a service.
    fn token(&self, who: &str, service: &'static str) -> Option<String> {
        let audience = match (who, service) {
            ("service", _) => service,
            ("stray", "user") => "product",
            ("stray", _) => "user",
            _ => return self.visitors.get(who).map(|visitor| visitor.token.clone()),
        };
        let token = ServiceToken::new(Tokens::new(&Secret::new(SECRET).unwrap()), audience).header().unwrap();
        Some(token.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned())
    }

    /// The service of a route, with the token of this caller.
    fn api(&self, route: &Route, who: &str) -> Api {
        self.token(who, route.service).map_or_else(|| route.api.clone(), |token| route.api.with_token(&token))
    }

    /// Everything that a refused call could have changed.
    async fn snapshot(&self, fixture: &Fixture) -> Vec<Value> {
        let mut all = Vec::new();
        for (api, path) in [
            (&self.app.user, "/users"),
            (&self.app.product, "/products"),
            (&self.app.product, &*format!("/products/{}/stock", fixture.product)),
            (&self.app.order, "/orders"),
            (&self.app.order, "/payments"),
        ] {
            all.push(self.as_admin(api).get(path).await.expect(200));
        }
        // This also shows that their tokens are still valid.
        for visitor in [&fixture.owner, &self.visitors["another"]] {
            all.push(self.app.user.with_token(&visitor.token).get("/auth/me").await.expect(200));
        }
        all
    }
}

/// Makes the call of a route with these resources.
async fn call(route: &Route, api: &Api, fixture: &Fixture) -> Answer {
    let headers = [("content-type", "application/json")];
    let body = route.body(fixture);
    let headers = if body.is_empty() { &[][..] } else { &headers };
    api.send(route.method.clone(), &route.target(fixture), headers, body).await
}

#[tokio::test]
async fn every_caller_gets_what_the_table_says_and_a_refusal_changes_nothing() {
    let shop = Shop::open("required").await;
    let (routes, table) = (routes(&shop.app).await, table());
    let served: BTreeSet<_> = routes.iter().map(Route::key).collect();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), served, "what the table has and what is served");
    for route in &routes {
        let (allowed, refused): (Vec<_>, Vec<_>) =
            table[&route.key()].iter().map(|(who, cell)| (*who, *cell)).partition(|(_, cell)| *cell == "yes");
        let mut fixture = shop.prepare(&route.call).await;
        let before = shop.snapshot(&fixture).await;
        for (who, cell) in refused {
            println!("{}: {} by {who}: {cell}", route.service, route.call);
            assert_allowed_or_refused(&call(route, &shop.api(route, who), &fixture).await, cell);
        }
        assert_eq!(shop.snapshot(&fixture).await, before, "{}", route.call);
        for (who, cell) in allowed {
            println!("{}: {} by {who}: {cell}", route.service, route.call);
            if route.method != Method::GET {
                // The call before has changed the resources.
                fixture = shop.prepare(&route.call).await;
            }
            let api = match who {
                "owner" => route.api.with_token(&fixture.owner.token),
                _ if ENDS_SESSION.contains(&&*route.call) => {
                    route.api.with_token(&new_visitor(&shop.app, who).await.token)
                }
                _ => shop.api(route, who),
            };
            let answer = if route.streams() {
                api.head_of_stream(&route.target(&fixture)).await
            } else {
                call(route, &api, &fixture).await
            };
            assert_allowed_or_refused(&answer, cell);
        }
    }
}

#[tokio::test]
async fn with_open_auth_only_account_routes_need_a_token() {
    let shop = Shop::open("open").await;
    let mut asked = BTreeSet::new();
    let (others, resets): (Vec<_>, Vec<_>) =
        routes(&shop.app).await.into_iter().partition(|route| route.call != "POST /reset");
    let mut fixture = shop.prepare("POST /reset").await;
    // Last, because it removes the visitors.
    for route in others.into_iter().chain(resets) {
        println!("{}: {}", route.service, route.call);
        if route.call != "POST /reset" {
            fixture = shop.prepare(&route.call).await;
        }
        let answer = if route.streams() {
            route.api.head_of_stream(&route.target(&fixture)).await
        } else {
            call(&route, &route.api, &fixture).await
        };
        if answer.status == 401 {
            assert_allowed_or_refused(&answer, "missing");
            asked.insert(route.call);
        } else {
            assert_allowed_or_refused(&answer, "yes");
        }
    }
    assert_eq!(asked, ACCOUNT.map(str::to_owned).into());
}

#[tokio::test]
async fn the_openapi_document_says_which_calls_need_a_token() {
    let table = table();
    for auth in ["required", "open"] {
        let app = spawn_without_expiry(auth).await;
        for route in routes(&app).await {
            let needed = match auth {
                "required" => table[&route.key()]["nobody"] != "yes",
                _ => ACCOUNT.contains(&&*route.call),
            };
            assert_eq!(route.needs_token(), needed, "AUTH={auth}: {}", route.call);
        }
    }
}

#[tokio::test]
async fn head_is_refused_like_get_and_options_is_always_answered() {
    let shop = Shop::open("required").await;
    let table = table();
    let fixture = shop.prepare("GET /payments/{id}").await;
    for route in routes(&shop.app).await {
        let target = route.target(&fixture);
        println!("{}: {}", route.service, route.call);
        for api in [&route.api, &route.api.with_token("nonsense")] {
            let options = api.send(Method::OPTIONS, &target, &[], Vec::new()).await;
            assert_eq!(options.status, 204, "{}", options.text());
            let allowed: Vec<_> = options.header("allow").split(", ").collect();
            assert!(allowed.contains(&route.method.as_str()), "{allowed:?}");
        }
        if route.method != Method::GET {
            continue;
        }
        for (who, cell) in &table[&route.key()] {
            println!("HEAD by {who}: {cell}");
            let head = shop.api(&route, who).send(Method::HEAD, &target, &[], Vec::new()).await;
            assert_eq!((head.status, head.text().as_str()), (status(cell), ""));
            assert_eq!(head.headers.contains_key("www-authenticate"), head.status == 401, "{:?}", head.headers);
        }
    }
}
