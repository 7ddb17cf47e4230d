//! Mails to deliver, by what is special about them: headers, an attachment, or an invitation that
//! have one line other than usual.

/// Lines of headers or of iCalendar: those that are named in `special` take the places of the usual
/// ones.
fn merged(usual: &str, special: &str) -> String {
    let name = |line: &str| {
        line.split_once([':', ';'])
            .map_or(line, |(name, _)| name)
            .to_ascii_lowercase()
    };
    let taken: Vec<_> = special.lines().map(name).collect();
    let kept = usual.lines().filter(|line| !taken.contains(&name(line)));
    kept.chain(special.lines())
        .map(|line| format!("{line}\n"))
        .collect()
}

/// A mail with these headers.
pub(super) fn headed(headers: &str) -> String {
    written(headers, "hello\n")
}

/// A mail with these headers and this body.
pub(super) fn written(headers: &str, body: &str) -> String {
    let usual = "From: Bob <bob@example.org>\nTo: Alice <alice@example.org>\nSubject: one\nDate: Thu, 1 Jan 2026 10:00:00 +0000\nMIME-Version: 1.0\n";
    format!("{}\n{body}", merged(usual, headers))
}

/// A mail with a file that has these headers.
pub(super) fn with_file(headers: &str) -> String {
    let usual = "Content-Type: application/pdf\nContent-Disposition: attachment; filename=f.pdf\nContent-Transfer-Encoding: base64\n";
    let file = merged(usual, headers);
    // Ten bytes; of a message, which is not encoded, one with a header.
    let content = match file.contains("message/rfc822") {
        true => "Subject: x",
        false => "MDEyMzQ1Njc4OQ==",
    };
    let body = format!(
        "--b\nContent-Type: text/html\n\n<p>hello<img src=\"cid:c1\"></p>\n--b\n{file}\n{content}\n--b--\n"
    );
    written("Content-Type: multipart/mixed; boundary=b", &body)
}

/// An invitation whose event has these lines.
pub(super) fn invitation(lines: &str) -> String {
    meeting("REQUEST", lines)
}

/// A message about a meeting.
pub(super) fn meeting(method: &str, lines: &str) -> String {
    let usual = "UID:u1@example.org\nDTSTAMP:20260101T000000Z\nDTSTART:20260105T120000Z\nDTEND:20260105T130000Z\nSUMMARY:Lunch\nORGANIZER;CN=Bob:mailto:bob@example.org\nATTENDEE;CN=Alice;RSVP=TRUE:mailto:alice@example.org\n";
    let event = merged(usual, lines);
    let body = format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//x//x//EN\nMETHOD:{method}\nBEGIN:VEVENT\n{event}END:VEVENT\nEND:VCALENDAR\n"
    );
    let headers = format!("Content-Type: text/calendar; method={method}; charset=utf-8");
    written(&headers, &body)
}

/// An invitation whose event has a reminder so many minutes before.
pub(super) fn reminding(minutes: u32) -> String {
    invitation(&format!(
        "BEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nTRIGGER:-PT{minutes}M\nEND:VALARM"
    ))
}
