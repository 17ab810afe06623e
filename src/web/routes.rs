//! The table of routes. Each route is declared once; it is served, listed, documented and measured from there.

use std::sync::Arc;

use actix_web::dev::Handler;
use actix_web::http::{Method, header};
use actix_web::web::ServiceConfig;
use actix_web::{FromRequest, HttpResponse, Responder, Route, web};

use super::docs::openapi::{Doc, Endpoint};
use super::{middleware, route};

/// The routes of a service and the state of their handlers.
#[derive(Clone)]
pub struct Mount {
    /// The service's name.
    pub service: &'static str,
    pub routes: fn(&mut Routes),
    /// Adds the state, once for each worker: a client of other services belongs to the runtime of its worker.
    pub state: Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>,
}

impl Mount {
    /// If `state` fails, the worker answers 500: any other state might be unsafe.
    pub fn new<S: 'static>(
        service: &'static str,
        routes: fn(&mut Routes),
        state: impl Fn() -> anyhow::Result<S> + Send + Sync + 'static,
    ) -> Self {
        let state = move |config: &mut ServiceConfig| match state() {
            Ok(state) => {
                config.app_data(web::Data::new(state));
            }
            Err(error) => log::error!("{service}: a worker has no state: {error:#}"),
        };
        Self { service, routes, state: Arc::new(state) }
    }
}

/// What a route belongs to.
#[derive(Clone, Copy)]
struct Of {
    service: &'static str,
    recorded: bool,
}

/// A table of routes under construction.
#[derive(Default)]
pub struct Routes {
    /// The service whose routes are being added.
    pub service: &'static str,
    /// Whether they are calls of the service, which are recorded, and not the pages and documents of every server.
    pub recorded: bool,
    endpoints: Vec<Endpoint>,
    /// The route of each endpoint, and what it belongs to.
    routes: Vec<(Of, Route)>,
}

impl Routes {
    pub fn get<H, A>(&mut self, path: &'static str, handler: H, doc: Doc)
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::GET, path, handler, doc);
    }

    pub fn post<H, A>(&mut self, path: &'static str, handler: H, doc: Doc)
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::POST, path, handler, doc);
    }

    pub fn put<H, A>(&mut self, path: &'static str, handler: H, doc: Doc)
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::PUT, path, handler, doc);
    }

    pub fn patch<H, A>(&mut self, path: &'static str, handler: H, doc: Doc)
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::PATCH, path, handler, doc);
    }

    pub fn delete<H, A>(&mut self, path: &'static str, handler: H, doc: Doc)
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        self.add(Method::DELETE, path, handler, doc);
    }

    fn add<H, A>(&mut self, method: Method, path: &'static str, handler: H, doc: Doc)
    where
        H: Handler<A>,
        A: FromRequest + 'static,
        H::Output: Responder + 'static,
    {
        let of = Of { service: self.service, recorded: self.recorded };
        self.routes.push((of, web::method(method.clone()).to(handler)));
        self.endpoints.push(Endpoint { service: self.service, method, path, doc });
    }

    pub fn into_endpoints(self) -> Vec<Endpoint> {
        self.endpoints
    }

    /// Registers every path once, with its methods, `OPTIONS`, and a 405 for all other methods.
    pub fn register(self, config: &mut ServiceConfig) {
        let mut left: Vec<(Endpoint, (Of, Route))> = self.endpoints.into_iter().zip(self.routes).collect();
        while let Some((path, of)) = left.first().map(|(endpoint, (of, _))| (endpoint.path, *of)) {
            let (here, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|(endpoint, _)| endpoint.path == path);
            left = others;
            let allow = allow(here.iter().map(|(endpoint, _)| &endpoint.method));
            let allow_too = allow.clone();
            let access = here.iter().map(|(endpoint, _)| (endpoint.method.clone(), endpoint.doc.access)).collect();
            let resource =
                here.into_iter().fold(web::resource(path), |resource, (_, (_, route))| resource.route(route));
            config.service(
                resource
                    .route(web::method(Method::OPTIONS).to(move || {
                        let answer = HttpResponse::NoContent().insert_header((header::ALLOW, allow.clone())).finish();
                        async move { answer }
                    }))
                    .default_service(web::to(move || {
                        let answer =
                            HttpResponse::MethodNotAllowed().insert_header((header::ALLOW, allow_too.clone())).finish();
                        async move { answer }
                    }))
                    .app_data(route::Route { service: of.service, pattern: path, access, recorded: of.recorded })
                    .wrap(actix_web::middleware::from_fn(middleware::guard)),
            );
        }
    }
}

/// The `Allow` header of a path with these methods; `HEAD` comes with `GET`.
fn allow<'a>(methods: impl Iterator<Item = &'a Method>) -> String {
    let mut names = Vec::new();
    for method in methods {
        names.push(method.as_str());
        if method == Method::GET {
            names.push("HEAD");
        }
    }
    names.push("OPTIONS");
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::{App, test};

    use super::*;

    /// The status of a handler that needs the state of `mount`.
    async fn status(mount: &Mount) -> StatusCode {
        let handler = web::get().to(|_: web::Data<u8>| async { HttpResponse::Ok().finish() });
        let app = App::new().configure(|config| (mount.state)(config)).route("/", handler);
        let app = test::init_service(app).await;
        test::call_service(&app, test::TestRequest::default().to_request()).await.status()
    }

    #[test]
    fn a_worker_without_state_refuses() {
        let filled = Mount::new("order", |_| (), || Ok(1_u8));
        let failing = Mount::new("order", |_| (), || anyhow::Result::<u8>::Err(anyhow::anyhow!("no TLS")));
        actix_web::rt::System::new().block_on(async {
            assert_eq!(status(&filled).await, StatusCode::OK);
            assert_eq!(status(&failing).await, StatusCode::INTERNAL_SERVER_ERROR);
        });
    }
}
