//! Sizes, durations, processor counts and limits, in the notations of the docker command line.

use serde::Serialize;

/// A limit of processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Ulimit {
    /// One of the names of `setrlimit`, in lower case.
    pub name: String,
    /// The soft limit; -1 is unlimited.
    pub soft: i64,
    /// The hard limit; -1 is unlimited.
    pub hard: i64,
}

const ULIMITS: [&str; 15] = [
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];

/// Bytes from `512m`, `1.5g`, `2GiB`, `1024`; every unit is a power of 1024, as docker has it.
pub fn bytes(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a size such as 512m or 2g");
    let digits = text
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| wrong())?;
    let unit = text[digits..]
        .strip_prefix(' ')
        .unwrap_or(&text[digits..])
        .to_ascii_lowercase();
    let power = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "ki" | "kib" => 1,
        "m" | "mb" | "mi" | "mib" => 2,
        "g" | "gb" | "gi" | "gib" => 3,
        "t" | "tb" | "ti" | "tib" => 4,
        "p" | "pb" | "pi" | "pib" => 5,
        _ => return Err(wrong()),
    };
    let total = number * 1024_f64.powi(power);
    if total >= i64::MAX as f64 {
        return Err(format!("{text:?} is too large"));
    }
    Ok(total as i64)
}

/// Bytes of a memory limit where -1 means unlimited.
pub fn bytes_or_unlimited(text: &str) -> Result<i64, String> {
    if text == "-1" { Ok(-1) } else { bytes(text) }
}

/// Nanoseconds from the notation of Go: `1h2m3.5s`, `300ms`, `0`.
pub fn duration(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a duration such as 30s or 1m30s");
    if text == "0" {
        return Ok(0);
    }
    let mut rest = text;
    let mut total = 0_f64;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !(c.is_ascii_digit() || c == '.'))
            .ok_or_else(wrong)?;
        let number: f64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        let scale = match &rest[..end] {
            "ns" => 1.0,
            "us" | "µs" | "μs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3600e9,
            _ => return Err(wrong()),
        };
        total += number * scale;
        rest = &rest[end..];
    }
    if text.is_empty() || total >= i64::MAX as f64 {
        return Err(wrong());
    }
    Ok(total as u64)
}

/// Billionths of a processor from `1.5`; at most nine digits after the point.
pub fn nano_cpus(text: &str) -> Result<i64, String> {
    let wrong = || format!("{text:?} is not a number of processors such as 1.5");
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if fraction.len() > 9
        || !is_digits(whole)
        || !is_digits(fraction)
        || (whole.is_empty() && fraction.is_empty())
    {
        return Err(wrong());
    }
    format!("{whole}{fraction:0<9}").parse().map_err(|_| wrong())
}

/// A limit from `name=soft[:hard]`.
pub fn ulimit(text: &str) -> Result<Ulimit, String> {
    let wrong = || format!("{text:?} is not a limit such as nofile=1024:2048");
    let (name, limits) = text.split_once('=').ok_or_else(wrong)?;
    let name = name.to_ascii_lowercase();
    if !ULIMITS.contains(&name.as_str()) {
        return Err(format!("{name:?} is no limit; known are {}", ULIMITS.join(", ")));
    }
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let soft: i64 = soft.parse().map_err(|_| wrong())?;
    let hard: i64 = hard.parse().map_err(|_| wrong())?;
    if hard != -1 && (soft == -1 || soft > hard) {
        return Err(format!("{text:?}: the soft limit is above the hard limit"));
    }
    Ok(Ulimit { name, soft, hard })
}

/// A truth value as the docker command line takes it.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// The fields of one line of comma-separated values, in which a field may stand in double quotes.
pub fn comma_fields(text: &str) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = text;
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut field = String::new();
            let mut tail = quoted;
            loop {
                let end = tail
                    .find('"')
                    .ok_or_else(|| format!("{text:?}: a quote is not closed"))?;
                field.push_str(&tail[..end]);
                tail = &tail[end + 1..];
                match tail.strip_prefix('"') {
                    Some(more) => {
                        field.push('"');
                        tail = more;
                    }
                    None => break,
                }
            }
            fields.push(field);
            if tail.is_empty() {
                return Ok(fields);
            }
            rest = tail
                .strip_prefix(',')
                .ok_or_else(|| format!("{text:?}: text after a closing quote"))?;
        } else {
            let (field, tail) = match rest.split_once(',') {
                Some((field, tail)) => (field, Some(tail)),
                None => (rest, None),
            };
            if field.contains('"') {
                return Err(format!("{text:?}: a quote in the middle of a field"));
            }
            fields.push(field.to_owned());
            match tail {
                Some(tail) => rest = tail,
                None => return Ok(fields),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, expected) in [
            ("1024", 1024),
            ("1k", 1024),
            ("512m", 536_870_912),
            ("1.5g", 1_610_612_736),
            ("2GiB", 2_147_483_648),
            ("64 MB", 67_108_864),
            ("0", 0),
            ("10b", 10),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "-1", "m", "1x", "1.2.3", "1 2", "9999999p", "1k b"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert_eq!(bytes_or_unlimited("-1"), Ok(-1));
    }

    #[test]
    fn durations_are_those_of_go() {
        assert_eq!(duration("1m30s"), Ok(90_000_000_000));
        assert_eq!(duration("1.5s"), Ok(1_500_000_000));
        assert_eq!(duration("300ms"), Ok(300_000_000));
        assert_eq!(duration("0"), Ok(0));
        for text in ["", "5", "s", "-1s", "1d", "1..2s"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn processors_limits_and_truth() {
        assert_eq!(nano_cpus("1.5"), Ok(1_500_000_000));
        assert_eq!(nano_cpus(".5"), Ok(500_000_000));
        assert!(nano_cpus("1.0000000001").is_err() && nano_cpus("-1").is_err() && nano_cpus("").is_err());
        assert_eq!(
            ulimit("nofile=1:2"),
            Ok(Ulimit {
                name: "nofile".into(),
                soft: 1,
                hard: 2
            })
        );
        assert_eq!(
            ulimit("memlock=-1"),
            Ok(Ulimit {
                name: "memlock".into(),
                soft: -1,
                hard: -1
            })
        );
        assert!(ulimit("nofile=2:1").is_err() && ulimit("x=1").is_err() && ulimit("nofile").is_err());
        assert_eq!(boolean("T"), Ok(true));
        assert!(boolean("yes").is_err());
    }

    #[test]
    fn fields_may_be_quoted() {
        assert_eq!(comma_fields("a,b"), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(comma_fields(r#""a,b",c"#), Ok(vec!["a,b".into(), "c".into()]));
        assert_eq!(comma_fields(r#""a""b""#), Ok(vec!["a\"b".into()]));
        assert!(
            comma_fields("\"a").is_err() && comma_fields("\"a\"b").is_err() && comma_fields("a\"b").is_err()
        );
    }
}
