//! One command line to a command (RFC 5321 section 4.1.2, RFC 1870, RFC 6152, RFC 6531).

use crate::limits;

/// What a peer may ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Command {
    Lhlo,
    Mail {
        sender: String,
        size: u64,
        utf8: bool,
    },
    Rcpt {
        recipient: String,
    },
    Data,
    Rset,
    Noop,
    Vrfy,
    Help,
    Quit,
    /// HELO or EHLO: the peer takes us for an SMTP server.
    Smtp,
    /// A command of an extension that is not announced.
    Extension,
}

/// Why a line is no command: the reply to it.
pub(super) type Refused = &'static str;

const SYNTAX: Refused = "501 5.5.4 syntax error in arguments";
const PARAMETER: Refused = "555 5.5.4 parameter not supported";
const ADDRESS: Refused = "501 5.1.3 not an address";

/// Parses a line without its CRLF.
pub(super) fn parse(line: &[u8]) -> Result<Command, Refused> {
    let line = std::str::from_utf8(line).map_err(|_| "500 5.5.2 not UTF-8")?;
    if line.bytes().any(|b| b < b' ' || b == 0x7f) {
        return Err("500 5.5.2 control character in a command");
    }
    let (verb, args) = line.split_once(' ').unwrap_or((line, ""));
    let bare = |command| {
        if args.trim().is_empty() {
            Ok(command)
        } else {
            Err(SYNTAX)
        }
    };
    match verb.to_ascii_uppercase().as_str() {
        "LHLO" if args.trim().is_empty() => Err(SYNTAX),
        "LHLO" => Ok(Command::Lhlo),
        "MAIL" => mail(args),
        "RCPT" => rcpt(args),
        "DATA" => bare(Command::Data),
        "RSET" => bare(Command::Rset),
        "QUIT" => bare(Command::Quit),
        "NOOP" => Ok(Command::Noop),
        "VRFY" => Ok(Command::Vrfy),
        "HELP" => Ok(Command::Help),
        "HELO" | "EHLO" => Ok(Command::Smtp),
        "BDAT" | "EXPN" | "STARTTLS" | "AUTH" | "ETRN" | "TURN" => Ok(Command::Extension),
        _ => Err("500 5.5.1 unknown command"),
    }
}

fn mail(args: &str) -> Result<Command, Refused> {
    let (sender, parameters) = path(args, "FROM:")?;
    let (mut size, mut utf8) = (0, false);
    for parameter in parameters.split_ascii_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match name.to_ascii_uppercase().as_str() {
            "SIZE" => size = number(value)?,
            "BODY" if value.eq_ignore_ascii_case("7BIT") => {}
            "BODY" if value.eq_ignore_ascii_case("8BITMIME") => {}
            "SMTPUTF8" if value.is_empty() => utf8 = true,
            _ => return Err(PARAMETER),
        }
    }
    if !sender.is_empty() {
        check_address(sender)?;
    }
    let sender = sender.to_owned();
    Ok(Command::Mail { sender, size, utf8 })
}

fn rcpt(args: &str) -> Result<Command, Refused> {
    let (recipient, parameters) = path(args, "TO:")?;
    if !parameters.trim().is_empty() {
        return Err(PARAMETER);
    }
    check_address(recipient)?;
    let recipient = recipient.to_owned();
    Ok(Command::Rcpt { recipient })
}

/// The address between the brackets, without a source route, and what follows.
fn path<'a>(args: &'a str, keyword: &str) -> Result<(&'a str, &'a str), Refused> {
    let (head, rest) = args.split_at_checked(keyword.len()).ok_or(SYNTAX)?;
    if !head.eq_ignore_ascii_case(keyword) {
        return Err(SYNTAX);
    }
    let rest = rest.trim_start().strip_prefix('<').ok_or(SYNTAX)?;
    let end = unquoted(rest).find(|(_, c)| *c == '>').ok_or(SYNTAX)?.0;
    let (inside, behind) = rest.split_at(end);
    let behind = behind.get(1..).unwrap_or_default();
    if !behind.is_empty() && !behind.starts_with(' ') {
        return Err(SYNTAX);
    }
    // RFC 5321 appendix C: a source route is accepted and ignored.
    let address = match inside.strip_prefix('@') {
        Some(route) => route.split_once(':').ok_or(ADDRESS)?.1,
        None => inside,
    };
    Ok((address, behind))
}

/// The characters outside of quoted strings, with their places.
fn unquoted(s: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quoted, mut escaped) = (false, false);
    s.char_indices().filter(move |(_, c)| {
        let outside = !quoted;
        if escaped {
            escaped = false;
        } else if quoted && *c == '\\' {
            escaped = true;
        } else if *c == '"' {
            quoted = !quoted;
        }
        outside
    })
}

/// A plain name, or a local part and a domain. Whether it exists is not ours to say.
fn check_address(address: &str) -> Result<(), Refused> {
    let mut at = unquoted(address).filter(|(_, c)| *c == '@');
    let domain = at.next().map(|(i, _)| i);
    let odd = unquoted(address).any(|(_, c)| " <>()[],;:\\".contains(c));
    // An address literal (`user@[192.0.2.1]`) is nobody's address here.
    let whole = match domain {
        Some(i) => i > 0 && i + 1 < address.len(),
        None => !address.is_empty(),
    };
    if whole && !odd && at.next().is_none() && address.len() <= limits::ADDRESS_BYTES_MAX {
        Ok(())
    } else {
        Err(ADDRESS)
    }
}

/// Up to 20 digits (RFC 1870 section 4), nothing else.
fn number(value: &str) -> Result<u64, Refused> {
    if value.is_empty() || value.len() > 20 || !value.bytes().all(|b| b.is_ascii_digit()) {
        return Err(SYNTAX);
    }
    Ok(value.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rcpt(recipient: &str) -> Result<Command, Refused> {
        let recipient = recipient.to_owned();
        Ok(Command::Rcpt { recipient })
    }

    #[test]
    fn paths() {
        let check = |line: &str, expect| assert_eq!(parse(line.as_bytes()), expect, "{line}");
        check("RCPT TO:<a@b.c>", rcpt("a@b.c"));
        check("rcpt to: <a@b.c>  ", rcpt("a@b.c"));
        check("RCPT TO:<alice>", rcpt("alice"));
        check("RCPT TO:<a+b@c>", rcpt("a+b@c"));
        check("RCPT TO:<@x,@y:a@b.c>", rcpt("a@b.c"));
        check(r#"RCPT TO:<"a > b"@c>"#, rcpt(r#""a > b"@c"#));
        check(r#"RCPT TO:<"a\"@b"@c>"#, rcpt(r#""a\"@b"@c"#));
        check("RCPT TO:<jörg@b.c>", rcpt("jörg@b.c"));
        for bad in [
            "<>",
            "<@b.c>",
            "<a@>",
            "<a@b@c>",
            "<a b@c>",
            "<@x>",
            "<a@[1.2.3.4]>",
        ] {
            check(&format!("RCPT TO:{bad}"), Err(ADDRESS));
        }
        for bad in [
            "RCPT TO:a@b",
            "RCPT TO:<a@b",
            "RCPT FROM:<a@b>",
            "RCPT",
            "RCPT TO:<a@b>x",
        ] {
            check(bad, Err(SYNTAX));
        }
        check(&format!("RCPT TO:<{}@b>", "a".repeat(600)), Err(ADDRESS));
        check("RCPT TO:<a@b> NOTIFY=NEVER", Err(PARAMETER));
    }

    #[test]
    fn parameters_of_mail() {
        let check = |line: &str, expect| assert_eq!(parse(line.as_bytes()), expect, "{line}");
        let mail = |sender: &str, size, utf8| {
            let sender = sender.to_owned();
            Ok(Command::Mail { sender, size, utf8 })
        };
        check("MAIL FROM:<>", mail("", 0, false));
        check(
            "mail from:<a@b> size=12 body=8bitmime smtputf8",
            mail("a@b", 12, true),
        );
        check(
            "MAIL FROM:<a@b> SIZE=99999999999999999999",
            mail("a@b", u64::MAX, false),
        );
        for bad in ["SIZE=+1", "SIZE=", "SIZE=1x", "SIZE"] {
            check(&format!("MAIL FROM:<> {bad}"), Err(SYNTAX));
        }
        for bad in ["BODY=BINARYMIME", "SMTPUTF8=1", "RET=FULL", "AUTH=<>"] {
            check(&format!("MAIL FROM:<> {bad}"), Err(PARAMETER));
        }
    }
}
