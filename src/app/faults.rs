//! `pasar fault`: arms and removes faults at running services, and lists them with their receipts.

use std::fmt::Write;

use reqwest::Method;
use serde_json::json;

use super::shop::Shop;
use crate::config::{ArmFault, Config, FaultCommand};
use crate::faults::Rule;
use crate::faults::api::{Fault, FaultList};

/// Does what the command says. Returns the faults that it is about: those that are armed now, or were until now.
pub async fn fault(config: &Config, command: &FaultCommand) -> anyhow::Result<Vec<Fault>> {
    let shop = Shop::of(config)?;
    match command {
        FaultCommand::List => of_all(&shop, Method::GET).await,
        FaultCommand::Clear { name: None } => of_all(&shop, Method::DELETE).await,
        FaultCommand::Clear { name: Some(name) } => {
            let armed = of_all(&shop, Method::GET).await?;
            let mut removed = Vec::new();
            for fault in armed.iter().filter(|fault| fault.name == *name) {
                let rule = Rule::new(&fault.from, &fault.to, fault.kind)?;
                removed.push(shop.service(rule.fires_at())?.send(Method::DELETE, &path(name), None).await?);
            }
            anyhow::ensure!(!removed.is_empty(), "no fault is named {name}");
            Ok(removed)
        }
        FaultCommand::Arm(fault) => Ok(vec![arm(&shop, fault).await?]),
    }
}

async fn arm(shop: &Shop, fault: &ArmFault) -> anyhow::Result<Fault> {
    let ArmFault { from, to, kind, method, path: route, delay, times, percent, name } = fault;
    let rule = Rule::new(from, to.name(), *kind)?;
    let name = name.clone().unwrap_or_else(|| format!("{from}-{}-{}", to.name(), kind.as_str()));
    let mut body = json!({"from": from, "to": to.name(), "kind": kind});
    let delay = delay.map(|delay| json!(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)));
    for (member, value) in [
        ("method", method.as_ref().map(|method| json!(method.to_uppercase()))),
        ("path", route.as_ref().map(|path| json!(path))),
        ("delay_ms", delay),
        ("times", times.map(|times| json!(times))),
        ("percent", percent.map(|percent| json!(percent))),
    ] {
        if let Some(value) = value {
            body[member] = value;
        }
    }
    shop.service(rule.fires_at())?.send(Method::PUT, &path(&name), Some(&body)).await
}

fn path(name: &str) -> String {
    format!("/faults/{name}")
}

/// The faults of all services: listed, or removed.
async fn of_all(shop: &Shop, method: Method) -> anyhow::Result<Vec<Fault>> {
    let mut all: Vec<Fault> = Vec::new();
    for (_, reader) in shop.services() {
        let FaultList { faults, .. } = reader.send(method.clone(), "/faults", None).await?;
        // Two services on one server have the same list.
        let id = |fault: &Fault| (fault.name.clone(), fault.from.clone(), fault.to.clone());
        let is_known = |fault: &Fault| all.iter().any(|one| id(one) == id(fault));
        let found: Vec<_> = faults.into_iter().filter(|fault| !is_known(fault)).collect();
        all.extend(found);
    }
    Ok(all)
}

/// The faults as text for people: a line each, and the newest calls that it struck.
pub fn text(faults: &[Fault]) -> String {
    if faults.is_empty() {
        return "No fault is armed.\n".to_owned();
    }
    let mut text = String::new();
    for fault in faults {
        let Fault { name, from, to, kind, method, path, times, percent, met, fired, spent, calls, .. } = fault;
        let limit = times.map_or("∞".to_owned(), |times| times.to_string());
        let route: Vec<_> = [method, path].into_iter().flatten().map(String::as_str).collect();
        let share = if *percent < 100 { format!("  {percent} % of {met}") } else { String::new() };
        let state = if *spent { "  done" } else { "" };
        let line = format!("{name:<24}  {from} → {to}  {:<11}  fired {fired}/{limit}{share}{state}", kind.as_str());
        // Writing to a text can't fail.
        let _ = writeln!(text, "{}", format!("{line}  {}", route.join(" ")).trim_end());
        for call in calls.iter().rev().take(3) {
            let _ = writeln!(text, "    {}  call {}  trace {}", call.at, call.call, call.trace);
        }
    }
    text
}
