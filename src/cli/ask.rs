//! Questions to whoever sits at the terminal.

use super::Failure;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// A new password: the first line of standard input, or asked for twice.
pub(super) fn new_password(from_stdin: bool) -> Result<String, Failure> {
    let password = if from_stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    } else if io::stdin().is_terminal() {
        let first = rpassword::prompt_password("Password: ")?;
        if rpassword::prompt_password("Again: ")? != first {
            return Err(Failure::new(
                "the two are not the same; nothing was changed",
            ));
        }
        first
    } else {
        return Err(Failure::new(
            "no terminal to ask for a password; use --password-stdin",
        ));
    };
    if password.is_empty() {
        return Err(Failure::new("an empty password is none"));
    }
    Ok(password)
}

/// Asks before something is lost.
pub(super) fn confirm(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::new("no terminal to ask; say --yes"));
    }
    let mut out = io::stdout();
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
