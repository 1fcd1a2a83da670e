//! A problem as people read it.

use super::text::plain;
use super::{BAD, DIM, LINK, Palette, STRONG};
use devctl_model::Problem;

/// The problem as lines of text: what, where, why, the last output, what was not harmed, and what to do.
pub(crate) fn render(problem: &Problem, palette: Palette) -> String {
    let mut lines = vec![format!(
        "{}: {}",
        palette.paint(BAD, &format!("error[{}]", problem.code.as_str())),
        palette.paint(STRONG, &plain(&problem.message))
    )];
    let mut add = |label: &str, text: String| lines.push(format!("  {} {text}", palette.paint(DIM, label)));
    if let Some(at) = &problem.at {
        add("at:", plain(at));
    }
    for why in &problem.why {
        add("why:", plain(why));
    }
    for line in &problem.lines {
        add("|", plain(line));
    }
    for safe in &problem.safe {
        add("safe:", plain(safe));
    }
    for fix in &problem.fixes {
        match &fix.command {
            Some(command) => {
                add("fix:", palette.paint(LINK, &plain(command)));
                if !fix.text.is_empty() {
                    add("    ", palette.paint(DIM, &plain(&fix.text)));
                }
            }
            None => add("fix:", plain(&fix.text)),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use devctl_model::ErrorCode;

    #[test]
    fn a_problem_says_what_where_why_and_what_to_do() {
        let mut problem = Problem::new(ErrorCode::BuildStepFailed, "step 2 of the build failed")
            .at("Dockerfile:3")
            .why("apt-get ended with 100")
            .safe("The container that was there runs on.")
            .fix("Correct the Dockerfile.")
            .fix_command("Builds again.", "devctl up '/a b'");
        problem.lines = vec!["E: no \u{1b}[1mpackage".into()];
        assert_eq!(
            render(&problem, Palette::new(false)),
            "error[build.step_failed]: step 2 of the build failed\n  \
             at: Dockerfile:3\n  \
             why: apt-get ended with 100\n  \
             | E: no \\u{1b}[1mpackage\n  \
             safe: The container that was there runs on.\n  \
             fix: Correct the Dockerfile.\n  \
             fix: devctl up '/a b'\n       Builds again."
        );
    }
}
