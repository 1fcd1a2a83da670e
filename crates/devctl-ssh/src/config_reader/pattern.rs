//! Patterns of host names (`match.c`): `*`, `?`, nothing else; in lists commas and negation.

/// Whether `text` fits one pattern, as it is written.
pub(crate) fn fits(text: &str, pattern: &str) -> bool {
    let (text, pattern) = (text.as_bytes(), pattern.as_bytes());
    let (mut at, mut in_pattern) = (0, 0);
    // Where to go on after the last `*`: it takes one character more each time.
    let mut retry = None;
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                retry = Some((at, in_pattern + 1));
                in_pattern += 1;
            }
            Some(wanted) if *wanted == b'?' || text.get(at) == Some(wanted) => {
                at += 1;
                in_pattern += 1;
            }
            _ => match retry {
                Some((from, after_star)) => {
                    retry = Some((from + 1, after_star));
                    (at, in_pattern) = (from + 1, after_star);
                }
                None => return false,
            },
        }
    }
    pattern
        .get(in_pattern..)
        .is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// Whether `text` fits one pattern of a list with commas and none that is negated.
pub(crate) fn fits_list(text: &str, list: &str) -> bool {
    let mut is_in = false;
    for pattern in list.split(',') {
        match pattern.strip_prefix('!') {
            Some(negated) if fits(text, negated) => return false,
            Some(_) => {}
            None => is_in |= fits(text, pattern),
        }
    }
    is_in
}

/// As [`fits_list`], for host names: capitals are the same.
pub(crate) fn fits_hosts(host: &str, list: &str) -> bool {
    fits_list(&host.to_ascii_lowercase(), &list.to_ascii_lowercase())
}

/// Whether a host fits the patterns of a `Host` line.
pub(crate) fn fits_host_line(host: &str, patterns: &[String]) -> bool {
    let mut is_in = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(negated) if fits(host, negated) => return false,
            Some(_) => {}
            None => is_in |= fits(host, pattern),
        }
    }
    is_in
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        for (text, pattern) in [
            ("web.devctl", "*.devctl"),
            ("a", "?"),
            ("", "*"),
            ("aXbXc", "a*X*c"),
            ("aab", "*ab"),
            ("mississippi", "m*iss*pi"),
        ] {
            assert!(fits(text, pattern), "{text} {pattern}");
        }
        for (text, pattern) in [
            ("web", "*.devctl"),
            ("", "?"),
            ("ab", "a"),
            ("a", "ab"),
            ("A", "a"),
        ] {
            assert!(!fits(text, pattern), "{text} {pattern}");
        }
        assert!(fits_list("b", "a,b,!c") && !fits_list("b", "*,!b") && !fits_list("b", "!c"));
        assert!(fits_hosts("WEB", "web") && fits_hosts("web", "WEB"));
    }
}
