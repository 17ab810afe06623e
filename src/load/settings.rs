//! What the customers do, how many there are, and where the services are.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use reqwest::Url;
use serde::Serialize;

/// The most customers at once: each has a connection to each service.
pub const MAX_CUSTOMERS: u32 = 1000;
/// The most arrivals a second.
pub const MAX_RATE: f64 = 100_000.0;
/// The largest weight in a mix.
const MAX_WEIGHT: u32 = 1_000_000;

#[derive(Clone, Debug)]
pub struct Settings {
    /// Arrivals a second; `None`: as fast as the customers allow.
    pub rate: Option<f64>,
    pub customers: u32,
    pub duration: Duration,
    pub mix: Mix,
    /// Whether the report is JSON.
    pub json: bool,
    /// Whether customers have to log in.
    pub auth_required: bool,
}

/// Where each service is: the URL that its paths are appended to.
#[derive(Clone, Debug)]
pub struct Services {
    pub user: Url,
    pub product: Url,
    pub order: Url,
    pub payment: Url,
}

impl Services {
    pub fn named(&self) -> [(&'static str, &Url); 4] {
        [("user", &self.user), ("product", &self.product), ("order", &self.order), ("payment", &self.payment)]
    }
}

/// What a customer comes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Visit {
    Browse,
    /// Orders and pays.
    Order,
    /// Orders and cancels.
    Cancel,
    /// Orders, and pays too late or not at all.
    Late,
}

impl Visit {
    const ALL: [Self; 4] = [Self::Browse, Self::Order, Self::Cancel, Self::Late];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Order => "order",
            Self::Cancel => "cancel",
            Self::Late => "late",
        }
    }
}

/// How often customers come for what, in proportion: `browse=6,order=3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mix(Vec<(Visit, u32)>);

impl Mix {
    /// A visit at random.
    pub fn pick(&self) -> Visit {
        let mut at = fastrand::u32(0..self.total().max(1));
        for (visit, weight) in &self.0 {
            match at.checked_sub(*weight) {
                Some(rest) => at = rest,
                None => return *visit,
            }
        }
        Visit::Browse
    }

    fn total(&self) -> u32 {
        self.0.iter().map(|(_, weight)| weight).sum()
    }
}

impl FromStr for Mix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut mix = Self(Vec::new());
        for entry in text.split(',') {
            let (name, weight) = entry.split_once('=').ok_or("a mix is written browse=6,order=3")?;
            let found = Visit::ALL.into_iter().find(|visit| visit.name() == name.trim());
            let visit = found.ok_or_else(|| format!("{name} is none of {}", Visit::ALL.map(Visit::name).join(", ")))?;
            let weight = weight.trim().parse().ok().filter(|weight| *weight <= MAX_WEIGHT);
            let weight = weight.ok_or_else(|| format!("the weight of {name} is a number up to {MAX_WEIGHT}"))?;
            if mix.0.iter().any(|(known, _)| *known == visit) {
                return Err(format!("{name} is there twice"));
            }
            mix.0.push((visit, weight));
        }
        if mix.total() == 0 {
            return Err("one of the weights is more than 0".to_owned());
        }
        Ok(mix)
    }
}

impl fmt::Display for Mix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: Vec<_> = self.0.iter().map(|(visit, weight)| format!("{}={weight}", visit.name())).collect();
        f.write_str(&entries.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_come_in_the_proportions_of_the_mix() {
        let mix: Mix = "order=3,browse=1,late=0".parse().unwrap();
        let visits: Vec<_> = (0..4000).map(|_| mix.pick()).collect();
        let count = |visit| visits.iter().filter(|one| **one == visit).count();
        assert_eq!((count(Visit::Late), count(Visit::Cancel)), (0, 0));
        assert!((2700..=3300).contains(&count(Visit::Order)), "{}", count(Visit::Order));
        assert_eq!(mix.to_string(), "order=3,browse=1,late=0");
    }

    #[test]
    fn a_mix_without_meaning_is_refused() {
        for text in
            ["", "order", "order=x", "order=-1", "sleep=1", "order=0", "order=1,order=2", "order=1,", "order=1000001"]
        {
            assert!(text.parse::<Mix>().is_err(), "{text}");
        }
    }
}
