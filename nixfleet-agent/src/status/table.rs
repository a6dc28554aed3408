//! The table of five, for people.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use nixfleet_core::Age;
use nixfleet_core::model::{Colour, HostStatus};

/// The table with escape sequences for colours; the stream that it goes to removes them where they are not wanted.
pub(super) fn render(status: &HostStatus) -> String {
    let mut text = String::new();
    let bold = Style::new().bold();
    let actions = status.compartments.iter().map(|(_, of)| of.action.map_or(0, |action| action.to_string().len()));
    let action_width = actions.max().unwrap_or(0).max("NEXT STEP".len());
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{bold}{}{bold:#}  {}", status.host, status.at.strftime("%Y-%m-%d %H:%M:%S UTC"));
    let _ = writeln!(text, "{:8}{:10}{:9}{:action_width$}  REASON", "", "STATE", "SINCE", "NEXT STEP");
    for (compartment, of) in status.compartments.iter() {
        let style = style(of.state.colour());
        let since = of.since.map_or_else(|| "–".to_owned(), |since| since_text(since, status.at));
        let action = of.action.map_or_else(String::new, |action| action.to_string());
        let _ = writeln!(
            text,
            "{bold}{:8}{bold:#}{style}{:10}{style:#}{since:9}{action:action_width$}  {}",
            compartment.title(),
            of.state,
            of.reason
        );
    }
    text
}

fn since_text(since: Timestamp, now: Timestamp) -> String {
    Age::between(since, now).to_string()
}

const fn style(colour: Colour) -> Style {
    let colour = match colour {
        Colour::Green => AnsiColor::Green,
        Colour::Yellow => AnsiColor::Yellow,
        Colour::Red => AnsiColor::Red,
        Colour::Blue => AnsiColor::Blue,
        Colour::Gray => AnsiColor::BrightBlack,
    };
    colour.on_default().bold()
}
