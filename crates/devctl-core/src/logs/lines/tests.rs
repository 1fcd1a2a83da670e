use super::*;
use bytes::Bytes;

const FIRST: &str = "2026-11-23T14:00:00.000000001Z";
const SECOND: &str = "2026-11-23T14:00:00.000000002Z";
const THIRD: &str = "2026-11-23T14:00:00.000000003Z";

fn lines(timed: bool) -> Lines {
    Lines::new(Wanted {
        timed,
        times: timed,
        grep: None,
    })
}

fn frame(stream: OutputStream, begins: bool, text: &str) -> LogFrame {
    LogFrame {
        stream,
        begins,
        bytes: Bytes::copy_from_slice(text.as_bytes()),
    }
}

fn out(text: &str) -> LogFrame {
    frame(OutputStream::Stdout, true, text)
}

/// The lines that were put together, each with a letter for its stream.
fn told(lines: &mut Lines) -> Vec<String> {
    let batch = lines.batch();
    batch
        .lines()
        .map(|line| {
            let stream = match line.stream {
                LogStream::Stdout => "o",
                LogStream::Stderr => "e",
                LogStream::Note => "n",
            };
            let text = String::from_utf8_lossy(line.bytes);
            format!(
                "{stream} {}{text}",
                line.at.map(|at| &at[28..29]).unwrap_or_default()
            )
        })
        .collect()
}

#[test]
fn lines_are_put_together_for_each_stream_and_lose_the_engines_time() {
    let mut lines = lines(true);
    lines.take(&out(&format!("{FIRST} hel")));
    lines.take(&frame(OutputStream::Stderr, true, &format!("{SECOND} bad\n")));
    // The engine cuts long lines, and puts the time before each part.
    lines.take(&out(&format!("{FIRST} lo\r\n")));
    lines.take(&out(&format!("{THIRD} \n")));
    lines.take(&out("no time"));
    lines.end();
    assert_eq!(
        told(&mut lines),
        ["e 2bad\n", "o 1hello\r\n", "o 3\n", "o no time"]
    );
}

#[test]
fn it_does_not_matter_where_the_bytes_are_cut() {
    let whole = format!("{FIRST} one\n{SECOND} two and more\r\n{THIRD} three\nx\n");
    for piece in 1..whole.len() {
        let mut lines = lines(true);
        for cut in whole.as_bytes().chunks(piece) {
            lines.take(&frame(
                OutputStream::Stdout,
                false,
                std::str::from_utf8(cut).unwrap(),
            ));
        }
        lines.end();
        assert_eq!(
            told(&mut lines),
            ["o 1one\n", "o 2two and more\r\n", "o 3three\n", "o x\n"],
            "in pieces of {piece}"
        );
    }
}

#[test]
fn without_times_bytes_stay_as_they_are() {
    let mut lines = lines(false);
    lines.take(&out(&format!("{FIRST} a\n")));
    lines.take(&out("b"));
    lines.end();
    assert_eq!(told(&mut lines), [&format!("o {FIRST} a\n"), "o b"]);
}

#[test]
fn a_very_long_line_comes_in_pieces() {
    let mut lines = lines(true);
    let part = "x".repeat(16 * 1024);
    for _ in 0..6 {
        lines.take(&out(&format!("{FIRST} {part}")));
    }
    lines.take(&out(&format!("{FIRST} end\n")));
    let batch = lines.batch();
    let (count, bytes) = batch.lines().fold((0, 0), |(count, bytes), line| {
        (count + 1, bytes + line.bytes.len())
    });
    assert_eq!((count, bytes), (2, 6 * 16 * 1024 + 4));
    assert!(batch.lines().all(|line| line.at == Some(FIRST)));
    assert!(lines.size() < 1024, "nothing is kept");
}

#[test]
fn what_was_passed_on_before_a_break_is_passed_over() {
    let mut lines = lines(true);
    let script = [
        out(&format!("{FIRST} a\n")),
        out(&format!("{SECOND} b\n")),
        out(&format!("{SECOND} b\n")),
        out(&format!("{SECOND} c\n")),
        out(&format!("{THIRD} d\n")),
    ];
    script[..3].iter().for_each(|frame| lines.take(frame));
    lines.take(&out(&format!("{SECOND} half of the li")));
    assert_eq!(told(&mut lines), ["o 1a\n", "o 2b\n", "o 2b\n"]);
    assert_eq!(lines.newest(), Some(SECOND));
    for _ in 0..2 {
        // It breaks off twice, the second time before anything new has come.
        lines.resume();
        script[..2].iter().for_each(|frame| lines.take(frame));
        assert!(told(&mut lines).is_empty() && !lines.heard);
    }
    lines.resume();
    // The other stream was silent before: all of it is new.
    lines.take(&frame(OutputStream::Stderr, true, &format!("{FIRST} e\n")));
    script.iter().for_each(|frame| lines.take(frame));
    assert_eq!(told(&mut lines), ["e 1e\n", "o 2c\n", "o 3d\n"]);
    assert!(lines.heard);
    lines.resume();
    script.iter().for_each(|frame| lines.take(frame));
    assert!(told(&mut lines).is_empty());
}

#[test]
fn only_lines_that_are_looked_for_are_passed_on() {
    let mut lines = Lines::new(Wanted {
        timed: true,
        times: false,
        grep: Some(Regex::new("^b+$").unwrap()),
    });
    for text in ["a", "bb", "bc", "b\r"] {
        lines.take(&out(&format!("{FIRST} {text}\n")));
    }
    assert_eq!(told(&mut lines), ["o bb\n", "o b\r\n"]);
}
