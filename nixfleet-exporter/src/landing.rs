//! The page at `/`: the table of five for a person with a browser.

use std::fmt::{self, Write as _};

use nixfleet_core::model::{Compartment, CompartmentStatus};

use crate::{Snapshot, build};

/// All of the page's style. The colours hold for light and dark screens, and never tell more than the word beside them.
const STYLE: &str = "\
:root{color-scheme:light dark;--green:#1a7f37;--yellow:#7d5600;--red:#c4202b;--blue:#0b5cc4;--gray:#5f666e}\
@media(prefers-color-scheme:dark){:root{--green:#4cc267;--yellow:#dba726;--red:#ff7b72;--blue:#6cb0ff;--gray:#a0a8b0}}\
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #8886;overflow-wrap:anywhere}\
.state{font-weight:bold;white-space:nowrap}.state::before{content:'\\25CF  '}\
.green{color:var(--green)}.yellow{color:var(--yellow)}.red{color:var(--red)}.blue{color:var(--blue)}.gray{color:var(--gray)}";

/// The page for this snapshot.
pub fn page(snapshot: &Snapshot) -> Result<String, fmt::Error> {
    let status = &snapshot.status;
    let host = if status.host.is_empty() { "this host" } else { &status.host };
    let mut page = String::with_capacity(4096);
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>nixfleet: {host}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<h1>nixfleet: {host}</h1>\n<table>\n<thead><tr>\
         <th scope=\"col\">Compartment</th><th scope=\"col\">State</th><th scope=\"col\">Reason</th>\
         <th scope=\"col\">Suggested action</th><th scope=\"col\">Since</th></tr></thead>\n<tbody>\n",
        host = Escaped(host),
    )?;
    for (compartment, compartment_status) in status.compartments.iter() {
        write_row(&mut page, compartment, compartment_status)?;
    }
    write!(
        page,
        "</tbody>\n</table>\n<p>As of <time>{at:.0}</time>. <a href=\"metrics\">Metrics</a> for Prometheus.</p>\n\
         <p>nixfleet-exporter {version}</p>\n</body>\n</html>\n",
        at = status.at,
        version = Escaped(build::VERSION_LINE),
    )?;
    Ok(page)
}

fn write_row(page: &mut String, compartment: Compartment, status: &CompartmentStatus) -> fmt::Result {
    let colour = status.state.colour().name();
    write!(
        page,
        "<tr><th scope=\"row\">{title}</th><td class=\"state {colour}\">{state} ({colour})</td><td>{reason}</td>",
        title = compartment.title(),
        state = status.state,
        reason = Escaped(&status.reason),
    )?;
    match status.action {
        Some(action) => write!(page, "<td>{}</td>", Escaped(&action.to_string()))?,
        None => page.push_str("<td>–</td>"),
    }
    match status.since {
        Some(since) => writeln!(page, "<td><time>{since:.0}</time></td></tr>"),
        None => writeln!(page, "<td>–</td></tr>"),
    }
}

/// Text as HTML shows it, in an element or in a quoted attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => formatter.write_str("&amp;")?,
                '<' => formatter.write_str("&lt;")?,
                '>' => formatter.write_str("&gt;")?,
                '"' => formatter.write_str("&quot;")?,
                '\'' => formatter.write_str("&#39;")?,
                // HTML has no way to write a control character.
                control if control.is_control() => formatter.write_char(' ')?,
                other => formatter.write_char(other)?,
            }
        }
        Ok(())
    }
}
