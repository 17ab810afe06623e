//! The reports as text for people.

use std::fmt::Write;

use crate::invariants::{Report, Verdict};

/// All reports, a line each; below a line what is not good, and what to do. The last line counts them.
pub fn text(reports: &[Report]) -> String {
    let mut text = String::new();
    for report in reports {
        let Report { service, name, sentence, holds, figures, rows, total, what_to_do } = report;
        let figures: Vec<_> = figures.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let line = format!("{} {:<9}  {service:<7}  {name:<21}  {}", mark(*holds), word(*holds), figures.join(" "));
        // Writing to a text can't fail.
        let _ = writeln!(text, "{}", line.trim_end());
        if *holds == Verdict::Good {
            continue;
        }
        let _ = writeln!(text, "    {sentence}\n    {total} at fault: {}", listed(rows, *total));
        if *holds == Verdict::Broken {
            let _ = writeln!(text, "    {what_to_do}");
        }
    }
    let count = |verdict| reports.iter().filter(|report| report.holds == verdict).count();
    let [good, under_way, broken] = [Verdict::Good, Verdict::UnderWay, Verdict::Broken].map(count);
    let _ = writeln!(text, "{good} of {} invariants hold, {under_way} under way, {broken} broken.", reports.len());
    text
}

/// Not the colour alone, nor the mark alone: a word says the same.
fn mark(verdict: Verdict) -> char {
    match verdict {
        Verdict::Good => '✓',
        Verdict::UnderWay => '◷',
        Verdict::Broken => '✗',
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Good => "good",
        Verdict::UnderWay => "under way",
        Verdict::Broken => "BROKEN",
    }
}

/// Ids may be keys that clients chose: they must not write to the terminal.
fn listed(rows: &[String], total: u64) -> String {
    let rows: Vec<String> = rows.iter().map(|row| row.escape_debug().to_string()).collect();
    let more = if total > rows.len() as u64 { ", …" } else { "" };
    format!("{}{more}", rows.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_named_with_its_rows_and_what_to_do() {
        let report = |name: &str, holds, rows: &[&str], total| Report {
            service: "order".to_owned(),
            name: name.to_owned(),
            sentence: "It holds.".to_owned(),
            holds,
            figures: [("orders".to_owned(), 3)].into(),
            rows: rows.iter().map(|row| (*row).to_owned()).collect(),
            total,
            what_to_do: "Look.".to_owned(),
        };
        let reports = [
            report("order_totals", Verdict::Good, &[], 0),
            report("order_jobs", Verdict::UnderWay, &["7"], 1),
            report("order_keys", Verdict::Broken, &["a\u{1b}[2J", "b"], 30),
        ];
        let expected = "\
✓ good       order    order_totals           orders=3
◷ under way  order    order_jobs             orders=3
    It holds.
    1 at fault: 7
✗ BROKEN     order    order_keys             orders=3
    It holds.
    30 at fault: a\\u{1b}[2J, b, …
    Look.
1 of 3 invariants hold, 1 under way, 1 broken.
";
        assert_eq!(text(&reports), expected);
    }
}
