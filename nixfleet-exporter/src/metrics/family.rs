//! A metric family: what all its series have in common.

use std::fmt;

use jiff::Timestamp;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeLabel, EncodeLabelSet, GaugeValueEncoder, LabelSetEncoder,
    MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::label::Label;

/// A metric family with a fixed number of labels.
#[derive(Debug)]
pub(super) struct Family<const LABELS: usize = 0> {
    /// The name of its series, as Prometheus stores it.
    pub(super) name: &'static str,
    /// What it tells, in one sentence. Without a full stop.
    pub(super) help: &'static str,
    pub(super) kind: Kind,
    /// The names of its labels.
    pub(super) labels: [&'static str; LABELS],
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Gauge,
    /// Its name ends in `_total`.
    Counter,
    /// Its name ends in `_info`, its value is 1.
    Info,
}

/// The value of one series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Value {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

/// One series: its label values and its value.
pub(super) type Series<'v, const LABELS: usize> = ([Label<'v>; LABELS], Value);

impl<const LABELS: usize> Family<LABELS> {
    /// Encodes the family with these series; nothing at all where there is none. Of several series with the same labels
    /// the first counts: twice the same would spoil the whole scrape.
    pub(super) fn encode<'v>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        series: impl IntoIterator<Item = Series<'v, LABELS>>,
    ) -> fmt::Result {
        let series: Vec<_> = series.into_iter().collect();
        if series.is_empty() {
            return Ok(());
        }
        // The library adds the suffixes of the type and of the unit by itself.
        let seconds = self.name.strip_suffix("_seconds");
        let (name, unit, metric_type) = match self.kind {
            Kind::Gauge => (seconds.unwrap_or(self.name), seconds.map(|_| Unit::Seconds), MetricType::Gauge),
            Kind::Counter => (self.name.trim_end_matches("_total"), None, MetricType::Counter),
            Kind::Info => (self.name.trim_end_matches("_info"), None, MetricType::Info),
        };
        let mut metric = encoder.encode_descriptor(name, self.help, unit.as_ref(), metric_type)?;
        for (index, (labels, value)) in series.iter().enumerate() {
            let is_repeated = series.iter().take(index).any(|(earlier, _)| earlier == labels);
            if !is_repeated {
                self.encode_series(&mut metric, labels, *value)?;
            }
        }
        Ok(())
    }

    fn encode_series(&self, metric: &mut MetricEncoder<'_>, labels: &[Label<'_>; LABELS], value: Value) -> fmt::Result {
        let labels = LabelSet { names: &self.labels, values: labels };
        if let Kind::Info = self.kind {
            return metric.encode_info(&labels);
        }
        if LABELS == 0 {
            return self.encode_value(metric, value);
        }
        self.encode_value(&mut metric.encode_family(&labels)?, value)
    }

    fn encode_value(&self, metric: &mut MetricEncoder<'_>, value: Value) -> fmt::Result {
        match (self.kind, value) {
            (Kind::Counter, Value::Unsigned(count)) => metric.encode_counter::<NoLabelSet, _, u64>(&count, None),
            _ => metric.encode_gauge(&value),
        }
    }
}

impl Family {
    /// Encodes the one series of a family without labels, where its value is known.
    pub(super) fn encode_one(&self, encoder: &mut DescriptorEncoder<'_>, value: Option<Value>) -> fmt::Result {
        self.encode(encoder, value.map(|value| ([], value)))
    }
}

impl Value {
    /// The value of an `_info` series.
    pub(super) const ONE: Self = Self::Unsigned(1);
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Unsigned(u64::from(value))
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Unsigned(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Unsigned(u64::try_from(value).unwrap_or(u64::MAX))
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Signed(value.into())
    }
}

/// Seconds since 1970-01-01 UTC. Whole ones: the sources are not more exact than that.
impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Signed(value.as_second())
    }
}

impl EncodeGaugeValue for Value {
    fn encode(&self, encoder: &mut GaugeValueEncoder<'_>) -> fmt::Result {
        match self {
            Self::Signed(value) => value.encode(encoder),
            Self::Unsigned(value) => value.encode(encoder),
            Self::Float(value) => value.encode(encoder),
        }
    }
}

struct LabelSet<'a, 'v> {
    names: &'a [&'static str],
    values: &'a [Label<'v>],
}

impl EncodeLabelSet for LabelSet<'_, '_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        for (name, value) in self.names.iter().zip(self.values) {
            (*name, value.as_str()).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}
