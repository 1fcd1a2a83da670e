//! Questions to the person at the terminal.

use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::output::Printer;
use devctl_model::{ErrorCode, Problem};
use std::io::{self, BufRead};

/// Asks a question that is answered with yes or no; anything but a clear yes is a no.
pub(crate) async fn confirm(printer: &Printer, question: &str) -> Result<bool, Failure> {
    printer.prompt(&format!("{question} [y/N] "))?;
    Ok(is_yes(&answer(printer).await?))
}

/// Asks for one of several, by its number. None when the answer is none of them.
pub(crate) async fn choose(
    printer: &Printer,
    question: &str,
    count: usize,
) -> Result<Option<usize>, Failure> {
    printer.prompt(&format!("{question} [1-{count}] "))?;
    Ok(chosen(&answer(printer).await?, count))
}

/// Reads a line from standard input; Ctrl-C there is an interruption, as everywhere.
async fn answer(printer: &Printer) -> Result<String, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        line = line => Ok(line.map_err(io::Error::other)??),
        () = interrupts.next() => {
            printer.note("")?;
            Err(Problem::new(ErrorCode::Cancelled, "the question was not answered").into())
        }
    }
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

fn chosen(answer: &str, count: usize) -> Option<usize> {
    let number: usize = answer.trim().parse().ok()?;
    (1..=count).contains(&number).then(|| number - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_clear_yes_is_a_yes() {
        assert!(["y", "Y\n", " yes \n", "YES"].iter().all(|answer| is_yes(answer)));
        assert!(
            ["", "\n", "n", "yeah", "j", "1"]
                .iter()
                .all(|answer| !is_yes(answer))
        );
    }

    #[test]
    fn only_a_number_on_the_list_is_a_choice() {
        assert_eq!(chosen("1\n", 3), Some(0));
        assert_eq!(chosen("3", 3), Some(2));
        assert!(
            ["0", "4", "", "-1", "x"]
                .iter()
                .all(|answer| chosen(answer, 3).is_none())
        );
    }
}
