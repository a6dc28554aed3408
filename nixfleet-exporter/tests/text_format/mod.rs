//! A reader of both text formats, as small as the tests need it.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// As it is written, a number.
    pub value: String,
}

impl Series {
    pub fn label(&self, name: &str) -> &str {
        &self.labels[name]
    }
}

/// All series. Lines end in `\n` only: any other character may be part of a label's value.
pub fn read(text: &str) -> Vec<Series> {
    text.split('\n').filter(|line| !line.is_empty() && !line.starts_with('#')).map(read_line).collect()
}

pub fn names(text: &str) -> BTreeSet<String> {
    read(text).into_iter().map(|series| series.name).collect()
}

pub fn of<'a>(series: &'a [Series], name: &str) -> Vec<&'a Series> {
    series.iter().filter(|series| series.name == name).collect()
}

fn read_line(line: &str) -> Series {
    let end = line.find(['{', ' ']).unwrap();
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (label, after) = rest.trim_start_matches(',').split_once("=\"").unwrap();
            let (value, after) = read_quoted(after);
            assert!(labels.insert(label.to_owned(), value).is_none(), "twice the label {label}: {line}");
            rest = after;
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').unwrap();
    assert!(value.parse::<f64>().is_ok(), "no value: {line}");
    Series { name: name.to_owned(), labels, value: value.to_owned() }
}

fn read_quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return (value, &text[index + 1..]),
            '\\' => value.push(match characters.next().unwrap().1 {
                'n' => '\n',
                other => other,
            }),
            other => value.push(other),
        }
    }
    panic!("no closing quote: {text}")
}
