//! [`Route`]: what a request has matched.

use actix_web::body::BoxBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::Method;

use crate::auth::Access;

/// The route that a request matched.
pub struct Route {
    /// The service that it belongs to.
    pub service: &'static str,
    /// Its pattern, such as `/users/{id}`: the label of the metrics, whose cardinality is bounded.
    pub pattern: &'static str,
    /// Who may call which method.
    pub access: Vec<(Method, Access)>,
    /// Whether its calls are recorded.
    pub recorded: bool,
}

pub(super) type Answer = Result<ServiceResponse<BoxBody>, actix_web::Error>;
