//! JSON with comments, with the place of each value.

use std::collections::HashMap;
use std::path::Path;

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, CommentCollectionStrategy, ParseOptions};
use serde_json::{Map, Number, Value};

use crate::error::{Place, SpecError};
use crate::origins::{Inner, Node, Origins};

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// The deepest nesting: what serde_json itself reads back, with room for the document around a configuration.
pub const MAX_DEPTH: usize = 100;

/// A parsed file.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The value; of a repeated key the last one counts.
    pub value: Value,
    /// Where each value stands.
    pub origins: Origins,
}

/// Reads JSON with comments, trailing commas and a byte order mark.
///
/// # Errors
/// [`SpecError::TooLarge`] over [`MAX_BYTES`] or [`MAX_DEPTH`]; [`SpecError::Syntax`] with line and column for all else.
pub fn parse(content: &[u8], file: &Path) -> Result<Parsed, SpecError> {
    let too_large = |position, what| SpecError::TooLarge {
        place: Place {
            file: file.to_path_buf(),
            position,
        },
        what,
    };
    let syntax = |position, what| SpecError::Syntax {
        place: Place {
            file: file.to_path_buf(),
            position,
        },
        what,
    };
    if content.len() > MAX_BYTES {
        return Err(too_large(
            None,
            format!("{} bytes; at most {MAX_BYTES} are read", content.len()),
        ));
    }
    let text = std::str::from_utf8(content).map_err(|error| {
        let readable = String::from_utf8_lossy(&content[..error.valid_up_to()]);
        syntax(
            Some(Lines::of(&readable).position(readable.len())),
            "not UTF-8 text".to_owned(),
        )
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = Lines::of(text);
    if let Some(offset) = too_deep(text) {
        return Err(too_large(
            Some(lines.position(offset)),
            format!("nested deeper than {MAX_DEPTH} levels"),
        ));
    }
    let collect = CollectOptions {
        comments: CommentCollectionStrategy::Off,
        tokens: false,
    };
    let options = ParseOptions {
        allow_comments: true,
        allow_trailing_commas: true,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let tree = jsonc_parser::parse_to_ast(text, &collect, &options)
        .map_err(|error| {
            syntax(
                Some(lines.position(error.range().start)),
                error.kind().to_string(),
            )
        })?
        .value
        .ok_or_else(|| syntax(Some((1, 1)), "the file is empty".to_owned()))?;
    let mut reader = Reader { lines };
    let (value, root) = reader
        .value(&tree, tree.start())
        .map_err(|(offset, what)| syntax(Some(reader.lines.position(offset)), what))?;
    Ok(Parsed {
        value,
        origins: Origins::new(file, Some(root)),
    })
}

struct Reader<'a> {
    lines: Lines<'a>,
}

impl Reader<'_> {
    /// The value, and its place: `start` is that of the property's name where it has one.
    ///
    /// The recursion is as deep as the tree, which [`MAX_DEPTH`] bounds.
    fn value(&mut self, tree: &ast::Value<'_>, start: usize) -> Result<(Value, Node), (usize, String)> {
        let (line, column) = self.lines.position(start);
        let mut inner = Inner::Nothing;
        let value = match tree {
            ast::Value::StringLit(text) => Value::String(text.value.to_string()),
            ast::Value::NumberLit(number) => Value::Number(number_of(number.value).ok_or_else(|| {
                (
                    number.range.start,
                    format!("{} is not a number that can be kept", number.value),
                )
            })?),
            ast::Value::BooleanLit(flag) => Value::Bool(flag.value),
            ast::Value::NullKeyword(_) => Value::Null,
            ast::Value::Array(array) => {
                let mut items = Vec::with_capacity(array.elements.len());
                let mut places = Vec::with_capacity(array.elements.len());
                for element in &array.elements {
                    let (item, place) = self.value(element, element.start())?;
                    items.push(item);
                    places.push(place);
                }
                inner = Inner::Items(places);
                Value::Array(items)
            }
            ast::Value::Object(object) => {
                let mut fields = Map::new();
                let mut places = HashMap::new();
                for property in &object.properties {
                    let name = property.name.as_str();
                    let (field, place) = self.value(&property.value, property.range.start)?;
                    fields.insert(name.to_owned(), field);
                    places.insert(name.to_owned(), place);
                }
                inner = Inner::Fields(places);
                Value::Object(fields)
            }
        };
        Ok((value, Node { line, column, inner }))
    }
}

/// Numbers as JavaScript prints them: `1.0` is 1.
fn number_of(text: &str) -> Option<Number> {
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
    let number: f64 = text.parse().ok()?;
    // Up to 2^53 every whole number has exactly one f64.
    if number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0 {
        return Some((number as i64).into());
    }
    Number::from_f64(number)
}

/// The offset of the first bracket below [`MAX_DEPTH`], found without recursion.
fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(&byte) = bytes.get(at) {
        match (byte, bytes.get(at + 1)) {
            (b'"', _) => {
                at += 1;
                while let Some(&inner) = bytes.get(at) {
                    match inner {
                        b'\\' => at += 1,
                        b'"' => break,
                        _ => {}
                    }
                    at += 1;
                }
            }
            (b'/', Some(b'/')) => at += text.get(at..)?.find('\n').unwrap_or(text.len() - at),
            (b'/', Some(b'*')) => {
                at += text
                    .get(at + 2..)?
                    .find("*/")
                    .map_or(text.len() - at, |end| end + 3);
            }
            (b'[' | b'{', _) => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(at);
                }
            }
            (b']' | b'}', _) => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    None
}

struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    /// The last offset that was asked for, with its column: a long line is not counted anew for each value in it.
    last: (usize, usize),
}

impl<'a> Lines<'a> {
    fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            text,
            starts,
            last: (0, 1),
        }
    }

    fn position(&mut self, offset: usize) -> (u32, u32) {
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let (from, before) = if (start..=offset).contains(&self.last.0) {
            self.last
        } else {
            (start, 1)
        };
        let column = before
            + self
                .text
                .get(from..offset)
                .map_or(0, |between| between.chars().count());
        self.last = (offset, column);
        (
            u32::try_from(line).unwrap_or(u32::MAX),
            u32::try_from(column).unwrap_or(u32::MAX),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str) -> Result<Parsed, SpecError> {
        parse(text.as_bytes(), Path::new("devcontainer.json"))
    }

    #[test]
    fn comments_commas_and_a_mark_are_tolerated() {
        let parsed = read("\u{feff}// a\n{ /* b */ \"x\": [1, 2.0, 1e2,], \"y\": \"// no\", }\n").unwrap();
        assert_eq!(parsed.value, json!({"x": [1, 2, 100], "y": "// no"}));
    }

    #[test]
    fn each_value_knows_its_place() {
        let parsed = read("{\n  \"a/b\": [\n    \"é\", true\n  ]\n}").unwrap();
        let at = |pointer| {
            let origin = parsed.origins.origin(pointer).unwrap();
            (origin.line, origin.column)
        };
        assert_eq!(at("/a~1b"), (2, 3));
        assert_eq!(at("/a~1b/0"), (3, 5));
        assert_eq!(at("/a~1b/1"), (3, 10), "columns are characters, not bytes");
        assert_eq!(
            at("/a~1b/7/x"),
            (2, 3),
            "what has no place has that of what is around it"
        );
        assert_eq!(at("/nothing"), (1, 1));
    }

    #[test]
    fn of_a_repeated_key_the_last_counts() {
        let parsed = read("{\"a\": 1,\n\"a\": 2}").unwrap();
        assert_eq!(parsed.value, json!({"a": 2}));
        assert_eq!(parsed.origins.origin("/a").unwrap().line, 2);
    }

    #[test]
    fn broken_text_names_line_and_column() {
        for (text, code) in [
            ("", "config.syntax"),
            ("// only a comment", "config.syntax"),
            ("{\n  \"a\": \n}", "config.syntax"),
            ("{'a': 1}", "config.syntax"),
            ("{\"a\": 1} x", "config.syntax"),
            ("{\"a\" 1}", "config.syntax"),
            ("{\"a\": 1e999}", "config.syntax"),
            ("{\"a\": NaN}", "config.syntax"),
            ("{\"a\": \"\n", "config.syntax"),
            ("/*", "config.syntax"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
            assert!(
                error.to_string().starts_with("devcontainer.json:"),
                "{text}: {error}"
            );
            assert!(error.fix().is_some());
        }
        assert!(
            read("{\n  \"a\": \n}")
                .unwrap_err()
                .to_string()
                .starts_with("devcontainer.json:3:")
        );
        assert_eq!(
            parse(b"{\"a\": \"\xff\"}", Path::new("x"))
                .unwrap_err()
                .to_string(),
            "x:1:8: not UTF-8 text"
        );
    }

    /// Quadratic reading of any of these would take hours.
    #[test]
    fn one_long_line_and_long_names_are_read_in_linear_time() {
        let flat = format!("[{}1]", "1,".repeat(400_000));
        assert_eq!(
            read(&flat).unwrap().origins.origin("/399999").unwrap().column,
            800_000
        );
        let named = format!("{{\"{}\": [{}1]}}", "k".repeat(400_000), "1,".repeat(200_000));
        assert!(read(&named).is_ok());
    }

    #[test]
    fn depth_and_size_have_limits() {
        for open in ["[", "{\"a\":", "[//]\n"] {
            let error = read(&open.repeat(100_000)).unwrap_err();
            assert_eq!(error.code(), "config.too_large", "{open}");
        }
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
        assert!(read(&deep).is_ok());
        assert!(
            read(&format!("\"{}\"", "[".repeat(500))).is_ok(),
            "brackets in a string are text"
        );
        assert_eq!(
            read(&" ".repeat(MAX_BYTES + 1)).unwrap_err().code(),
            "config.too_large"
        );
    }
}
