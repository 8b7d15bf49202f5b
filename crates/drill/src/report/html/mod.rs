//! One file that a browser shows without asking anybody for anything: no script, no font, no image from elsewhere.
//!
//! [`drill`] tells one drill, [`suite`] puts a table before many. [`chart`] draws the timeline over the rate.

mod chart;
mod drill;
mod flags;
mod rate;
mod scale;
mod sparkline;
mod suite;
mod window;

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};
use papo_witness::evidence::Evidence;

use super::clean::{all_cleaned, cleaned};
use crate::suite::NotHeld;

const STYLE: &str = include_str!("style.css");

/// One drill as a page.
pub fn html(evidence: &Evidence) -> String {
    let evidence = cleaned(evidence);
    let title = format!("{}: {}", evidence.drill, evidence.verdict);
    page(&title, &drill::article(&evidence, 0, drill::Place::Alone))
}

/// Many drills as one page: a table of all with their figures, and every drill in full below.
pub fn suite_html(drills: &[Evidence], not_held: &[NotHeld]) -> String {
    let drills: Vec<Evidence> = drills.iter().map(cleaned).collect();
    page(&suite::title(&drills), &suite::body(&drills, &all_cleaned(not_held)))
}

fn page(title: &str, body: &Markup) -> String {
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                // Whatever a text of the evidence might smuggle in, the browser neither runs nor fetches it.
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Papo drill" }
                style { (PreEscaped(STYLE)) }
            }
            body { main { (body) } }
        }
    };
    page.into_string()
}
