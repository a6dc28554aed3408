//! The two text formats of Prometheus, and which of them a client gets.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use crate::{Snapshot, metrics};

/// A format of `/metrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The classic text format 0.0.4: for everyone who does not ask for the other.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Format {
    /// The value of the header `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format for a request with this `Accept` header (RFC 9110, section 12.5.1): the one with the greater weight,
    /// then the one named more precisely, then [`Format::Text`]. A client that accepts neither gets text all the same.
    #[must_use]
    pub fn negotiate(accept: &str) -> Self {
        let ranges: Vec<MediaRange<'_>> = accept.split(',').filter_map(MediaRange::parse).collect();
        let preference = |format| ranges.iter().filter_map(|range| range.matches(format)).max_by_key(|found| found.0);
        let (text, openmetrics) = (preference(Self::Text), preference(Self::OpenMetrics));
        match (text, openmetrics) {
            (_, None | Some((_, 0))) => Self::Text,
            (None, Some(_)) => Self::OpenMetrics,
            (Some((text_precision, text_weight)), Some((precision, weight))) => {
                if (weight, precision) > (text_weight, text_precision) { Self::OpenMetrics } else { Self::Text }
            }
        }
    }

    /// The snapshot in this format.
    pub fn encode(self, snapshot: &Arc<Snapshot>) -> Result<String, fmt::Error> {
        let openmetrics = metrics::openmetrics(snapshot)?;
        match self {
            Self::OpenMetrics => Ok(openmetrics),
            Self::Text => classic(&openmetrics),
        }
    }
}

/// How precisely a media range names a format: `*/*` 0, `type/*` 1, `type/subtype` 2, one more with its version.
type Precision = u8;

/// A weight in thousandths, as RFC 9110 has them.
type Weight = u16;

/// One element of an `Accept` header.
#[derive(Debug)]
struct MediaRange<'a> {
    kind: &'a str,
    version: Option<&'a str>,
    weight: Weight,
}

impl<'a> MediaRange<'a> {
    /// Absent where the element is malformed: it then asks for nothing.
    fn parse(element: &'a str) -> Option<Self> {
        let mut parts = element.split(';').map(str::trim);
        let kind = parts.next().filter(|kind| kind.contains('/'))?;
        let mut range = Self { kind, version: None, weight: 1000 };
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else { continue };
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "q" => range.weight = weight(value)?,
                "version" => range.version = Some(value),
                _ => {}
            }
        }
        Some(range)
    }

    fn matches(&self, format: Format) -> Option<(Precision, Weight)> {
        let (main, full, version) = match format {
            Format::Text => ("text/*", "text/plain", "0.0.4"),
            Format::OpenMetrics => ("application/*", "application/openmetrics-text", "1.0.0"),
        };
        let precision = match self.version {
            _ if self.kind == "*/*" => 0,
            _ if self.kind.eq_ignore_ascii_case(main) => 1,
            None if self.kind.eq_ignore_ascii_case(full) => 2,
            Some(wanted) if self.kind.eq_ignore_ascii_case(full) && wanted == version => 3,
            _ => return None,
        };
        Some((precision, self.weight))
    }
}

/// `0` to `1` with at most three decimals.
fn weight(text: &str) -> Option<Weight> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths: Weight = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1000),
        _ => None,
    }
}

/// The classic text format of what is given in OpenMetrics: counters and infos are declared under the names of their
/// series, an info is a gauge, and units and the end mark have no place. Lines with values are the same in both.
fn classic(openmetrics: &str) -> Result<String, fmt::Error> {
    let mut text = String::with_capacity(openmetrics.len() + 1024);
    let mut help = None;
    for line in openmetrics.lines() {
        if let Some(declaration) = line.strip_prefix("# HELP ") {
            help = declaration.split_once(' ').map(|(_, words)| words);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            let (suffix, kind) = match kind {
                "counter" => ("_total", "counter"),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                other => ("", other),
            };
            if let Some(words) = help.take() {
                writeln!(text, "# HELP {name}{suffix} {words}")?;
            }
            writeln!(text, "# TYPE {name}{suffix} {kind}")?;
        } else if !line.starts_with('#') {
            writeln!(text, "{line}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiation() {
        let prometheus_2 = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
        for (accept, expected) in [
            (prometheus_2, Format::OpenMetrics),
            (prometheus_3, Format::OpenMetrics),
            (browser, Format::Text),
            ("", Format::Text),
            ("*/*", Format::Text),
            ("text/plain", Format::Text),
            ("text/*", Format::Text),
            ("application/*", Format::OpenMetrics),
            ("application/json", Format::Text),
            ("application/openmetrics-text", Format::OpenMetrics),
            ("Application/OpenMetrics-Text; Version=\"1.0.0\"; charset=utf-8", Format::OpenMetrics),
            ("application/openmetrics-text;version=0.0.1", Format::Text),
            ("application/openmetrics-text;version=2.0.0", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=0,*/*", Format::Text),
            ("application/openmetrics-text;q=0.5,text/plain;version=0.0.4;q=0.3", Format::OpenMetrics),
            ("application/openmetrics-text;q=0.3,text/plain;version=0.0.4;q=0.5", Format::Text),
            ("application/openmetrics-text;q=0.4,*/*;q=0.5", Format::Text),
            ("text/plain;q=0.5,application/openmetrics-text;q=0.5", Format::Text),
            ("application/openmetrics-text;q=2", Format::Text),
            ("application/openmetrics-text;q=NaN,,;;;=,/,\u{1f980}", Format::Text),
            (
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
                Format::Text,
            ),
        ] {
            assert_eq!(Format::negotiate(accept), expected, "{accept}");
        }
    }

    #[test]
    fn from_openmetrics_to_the_classic_format() {
        let openmetrics = "# HELP a_seconds Words, # TYPE b info.\n# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n\
             # HELP b B.\n# TYPE b info\nb_info{x=\"# EOF\"} 1\n# HELP c C.\n# TYPE c counter\nc_total 2\n\
             # TYPE d unknown\nd 3\n# EOF\n";
        let text = "# HELP a_seconds Words, # TYPE b info.\n# TYPE a_seconds gauge\na_seconds 1\n\
             # HELP b_info B.\n# TYPE b_info gauge\nb_info{x=\"# EOF\"} 1\n# HELP c_total C.\n# TYPE c_total counter\nc_total 2\n\
             # TYPE d untyped\nd 3\n";
        assert_eq!(classic(openmetrics).unwrap(), text);
    }
}
