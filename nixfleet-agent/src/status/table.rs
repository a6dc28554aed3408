//! The table of five, for people.
//!
//! Its own characters are ASCII, so that it is right in every locale; names and subjects are shown as they were written.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use nixfleet_core::Age;
use nixfleet_core::model::{Colour, Compartment, CompartmentStatus, HostStatus};
use textwrap::{Options, WordSplitter};

use crate::printable::printable;

/// How much room there is.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Layout<'a> {
    /// The width of the terminal; lines are as long as they are where there is none.
    pub(super) columns: Option<usize>,
    /// What goes on while the table is shown.
    pub(super) note: Option<&'a str>,
}

/// A reason in fewer columns is hard to read: it then gets lines of its own.
const REASON_COLUMNS_MINIMUM: usize = 28;
const COMPARTMENT_COLUMNS: usize = 8;
const STATE_COLUMNS: usize = 10;
const NOTHING: &str = "-";

/// The table with escape sequences for colours; the stream that it goes to removes them where they are not wanted.
pub(super) fn render(status: &HostStatus, layout: &Layout<'_>) -> String {
    let mut text = String::new();
    header(&mut text, status, layout);
    let rows: Vec<_> = status.compartments.iter().map(|(compartment, of)| Row::new(compartment, of, status)).collect();
    let age = rows.iter().map(|row| row.age.len()).fold("FOR".len(), usize::max);
    let action = rows.iter().map(|row| row.action.len()).fold("NEXT STEP".len(), usize::max);
    let before_reason = COMPARTMENT_COLUMNS + STATE_COLUMNS + age + 2 + action + 2;
    if layout.columns.is_some_and(|columns| columns < before_reason + REASON_COLUMNS_MINIMUM) {
        for row in &rows {
            row.stacked(&mut text, layout.columns);
        }
        return text;
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{:8}{:10}{:age$}  {:action$}  REASON", "", "STATE", "FOR", "NEXT STEP");
    for row in &rows {
        let _ = write!(text, "{}{:age$}  {:action$}  ", row.title_and_state(), row.age, row.action);
        let _ = writeln!(text, "{}", wrapped(&row.of.reason, layout.columns, before_reason));
    }
    text
}

fn header(text: &mut String, status: &HostStatus, layout: &Layout<'_>) {
    let bold = Style::new().bold();
    let host = printable(&status.host);
    let mut line = format!("{bold}{host}{bold:#}  {}", status.at.strftime("%Y-%m-%d %H:%M:%S UTC"));
    if let Some(note) = layout.note {
        let _ = write!(line, "  {note}");
    }
    let _ = writeln!(text, "{}", wrapped(&line, layout.columns, 0));
}

struct Row<'a> {
    title: &'static str,
    of: &'a CompartmentStatus,
    age: String,
    action: String,
}

impl<'a> Row<'a> {
    fn new(compartment: Compartment, of: &'a CompartmentStatus, status: &HostStatus) -> Self {
        let age = of.since.map(|since| Age::between(since, status.at).to_string());
        let action = of.action.map(|action| action.to_string());
        Self {
            title: compartment.title(),
            of,
            age: age.unwrap_or_else(|| NOTHING.to_owned()),
            action: action.unwrap_or_else(|| NOTHING.to_owned()),
        }
    }

    fn title_and_state(&self) -> String {
        let (bold, style) = (Style::new().bold(), style(self.of.state.colour()));
        format!("{bold}{:8}{bold:#}{style}{:10}{style:#}", self.title, self.of.state)
    }

    /// On lines of its own, for narrow terminals.
    fn stacked(&self, text: &mut String, columns: Option<usize>) {
        let _ = writeln!(text, "{}{}", self.title_and_state(), self.age);
        let _ = writeln!(text, "  {}", wrapped(&self.of.reason, columns, 2));
        if self.action != NOTHING {
            let _ = writeln!(text, "  {}", wrapped(&format!("next step: {}", self.action), columns, 2));
        }
    }
}

/// The text, which begins in column `indent`, within `columns`. Words are kept whole where they fit on a line.
fn wrapped(text: &str, columns: Option<usize>, indent: usize) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let spaces = " ".repeat(indent);
    let options = Options::new(columns.saturating_sub(indent).max(1)).word_splitter(WordSplitter::NoHyphenation);
    textwrap::wrap(text, options).join(&format!("\n{spaces}"))
}

pub(crate) const fn style(colour: Colour) -> Style {
    let colour = match colour {
        Colour::Green => AnsiColor::Green,
        Colour::Yellow => AnsiColor::Yellow,
        Colour::Red => AnsiColor::Red,
        Colour::Blue => AnsiColor::Blue,
        // The palette's gray is the background's colour in some themes.
        Colour::Gray => return Style::new().dimmed(),
    };
    colour.on_default().bold()
}

#[cfg(test)]
mod tests;
