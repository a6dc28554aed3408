//! Answers of Prometheus' HTTP API.
//!
//! Source: the documentation of Prometheus, "HTTP API", `/api/v1/query`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// One series of an instant vector.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// An instant vector, and what the server said besides.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Vector {
    pub(super) samples: Vec<Sample>,
    pub(super) warnings: Vec<String>,
}

/// Why there is no vector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoVector {
    /// The server says what is wrong.
    Refused(String),
    /// It is no answer of this API.
    Foreign(String),
}

#[derive(Deserialize)]
struct Answer {
    status: String,
    data: Option<Data>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "resultType")]
    result_type: String,
    result: serde_json::Value,
}

#[derive(Deserialize)]
struct Series {
    metric: BTreeMap<String, String>,
    value: (f64, String),
}

/// Reads the body of an answer.
pub(super) fn parse(body: &str) -> Result<Vector, NoVector> {
    let foreign = |error: serde_json::Error| NoVector::Foreign(error.to_string());
    let answer: Answer = serde_json::from_str(body).map_err(foreign)?;
    if answer.status != "success" {
        let said = answer.error.unwrap_or_else(|| "an error without words".to_owned());
        let kind = answer.error_type.map(|kind| format!("{kind}: ")).unwrap_or_default();
        return Err(NoVector::Refused(format!("{kind}{said}")));
    }
    let data = answer.data.ok_or_else(|| NoVector::Foreign("it has no data".to_owned()))?;
    if data.result_type != "vector" {
        return Err(NoVector::Foreign(format!("it has a {} where a vector was asked for", data.result_type)));
    }
    let series: Vec<Series> = serde_json::from_value(data.result).map_err(foreign)?;
    let sample = |series: Series| {
        // `NaN`, `+Inf` and `-Inf` are read as well.
        let value = series.value.1.parse();
        let value = value.map_err(|_| NoVector::Foreign(format!("{:?} is no number", series.value.1)))?;
        Ok(Sample { labels: series.metric, value })
    };
    Ok(Vector { samples: series.into_iter().map(sample).collect::<Result<_, _>>()?, warnings: answer.warnings })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector() {
        let body = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"__name__":"up","host":"a \"b\" ü"},"value":[1795443706.1,"1"]},
            {"metric":{},"value":[1795443706,"NaN"]}]},"warnings":["one store did not answer"],"infos":["x"]}"#;
        let vector = parse(body).unwrap();
        assert_eq!(vector.samples[0].labels["host"], "a \"b\" ü");
        assert!((vector.samples[0].value - 1.0).abs() < f64::EPSILON && vector.samples[1].value.is_nan());
        assert_eq!(vector.warnings, ["one store did not answer"]);
    }

    #[test]
    fn what_is_no_vector() {
        let refused = r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#;
        assert_eq!(parse(refused), Err(NoVector::Refused("bad_data: parse error".to_owned())));
        for body in [
            "",
            "<!doctype html>",
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"#,
            r#"{"status":"success"}"#,
            r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":{}}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]}}"#,
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"a":1},"value":[1,"1"]}]}}"#,
            "[]",
        ] {
            assert!(matches!(parse(body), Err(NoVector::Foreign(_))), "{body}");
        }
    }
}
