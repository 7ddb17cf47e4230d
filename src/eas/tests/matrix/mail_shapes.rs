//! Every tag of the pages of which mail consists: who says it, and what it may say.

use super::letters::{headed, invitation, meeting, reminding, with_file, written};
use super::shapes::{strings, text};
use crate::eas::version::Version;
use crate::wbxml::Tag;
use crate::wbxml::tags::{airsyncbase, calendar, email, email2, tasks};

/// One of the ways in which a tag comes about.
pub(super) enum Shape {
    /// Mails that arrive, and what each is to tell; none: the same in every version, whatever it is.
    Delivered {
        path: Vec<Tag>,
        cases: Vec<(String, Option<String>)>,
    },
    /// A device marks a mail so.
    Marked {
        path: Vec<Tag>,
        values: Vec<String>,
        company: Vec<(Vec<Tag>, String)>,
    },
    /// A device writes it into a draft (16.0+), where it has another path then.
    Drafted {
        path: Vec<Tag>,
        read: Vec<Tag>,
        values: Vec<String>,
        company: Vec<(Vec<Tag>, String)>,
    },
    /// It only holds others.
    Container,
    /// It says something about others, or is never told.
    Other(&'static str),
}

/// The pages of mail.
pub(super) const PAGES: [u8; 3] = [
    email::TO.page(),
    email2::BCC.page(),
    airsyncbase::BODY.page(),
];

/// What flags and invitations have of other pages.
pub(super) const OF_OTHER_PAGES: [Tag; 11] = [
    tasks::SUBJECT,
    tasks::START_DATE,
    tasks::UTC_START_DATE,
    tasks::DUE_DATE,
    tasks::UTC_DUE_DATE,
    tasks::DATE_COMPLETED,
    tasks::REMINDER_SET,
    tasks::REMINDER_TIME,
    tasks::ORDINAL_DATE,
    tasks::SUB_ORDINAL_DATE,
    calendar::UID,
];

fn delivered(path: &[Tag], cases: impl IntoIterator<Item = (String, &'static str)>) -> Shape {
    let cases = cases
        .into_iter()
        .map(|(mail, value)| (mail, (value != "*").then(|| value.to_owned())))
        .collect();
    let path = path.to_vec();
    Shape::Delivered { path, cases }
}

/// Mails with one header each: its name, and what stands there becomes what is told.
fn headers(tag: Tag, name: &str, cases: &[(&str, &'static str)]) -> Shape {
    let letter = |(said, told): &(&str, &'static str)| (headed(&format!("{name}: {said}")), *told);
    delivered(&[tag], cases.iter().map(letter))
}

/// Invitations with one line each.
fn invited(tag: Tag, cases: &[(&str, &'static str)]) -> Shape {
    let letter = |(line, told): &(&str, &'static str)| (invitation(line), *told);
    delivered(&[email::MEETING_REQUEST, tag], cases.iter().map(letter))
}

/// Invitations to a series, with one rule each.
fn series(tag: Tag, cases: &[(&str, &'static str)]) -> Shape {
    let path = [
        email::MEETING_REQUEST,
        email::RECURRENCES,
        email::RECURRENCE,
        tag,
    ];
    let letter = |(rule, told): &(&str, &'static str)| {
        let line = format!(
            "DTSTART;TZID=Europe/Berlin:20260105T120000\nDTEND;TZID=Europe/Berlin:20260105T130000\nRRULE:{rule}"
        );
        (invitation(&line), *told)
    };
    delivered(&path, cases.iter().map(letter))
}

/// Mails with a file each.
fn filed(tag: Tag, cases: &[(&str, &'static str)]) -> Shape {
    let path = [airsyncbase::ATTACHMENTS, airsyncbase::ATTACHMENT, tag];
    let letter = |(headers, told): &(&str, &'static str)| (with_file(headers), *told);
    delivered(&path, cases.iter().map(letter))
}

fn marked(path: &[Tag], values: Vec<String>, company: &[(&[Tag], &str)]) -> Shape {
    Shape::Marked {
        path: path.to_vec(),
        values,
        company: owned(company),
    }
}

/// A property of a flag that is set.
fn flagged(tag: Tag, values: Vec<String>) -> Shape {
    let status: (&[Tag], &str) = (&[email::FLAG, email::STATUS], "2");
    marked(&[email::FLAG, tag], values, &[status])
}

fn drafted(path: &[Tag], values: Vec<String>) -> Shape {
    Shape::Drafted {
        path: path.to_vec(),
        read: path.to_vec(),
        values,
        company: Vec::new(),
    }
}

/// A property of a file that a draft gets.
fn added(tag: Tag, values: &[&str], company: &[(Tag, &str)]) -> Shape {
    use airsyncbase as b;
    let within = |tag| vec![b::ATTACHMENTS, b::ADD, tag];
    let others = [
        (b::CLIENT_ID, "f1"),
        (b::DISPLAY_NAME, "f.txt"),
        (b::CONTENT, "hello"),
    ];
    let is_given = |other| other == tag || company.iter().any(|(tag, _)| *tag == other);
    let others = others.iter().filter(|(other, _)| !is_given(*other));
    Shape::Drafted {
        path: within(tag),
        read: vec![b::ATTACHMENTS, b::ATTACHMENT, tag],
        values: strings(values),
        company: others
            .chain(company)
            .map(|(tag, value)| (within(*tag), (*value).to_owned()))
            .collect(),
    }
}

/// The same in a draft whose HTML shows the file.
fn shown(mut shape: Shape) -> Shape {
    use airsyncbase as b;
    if let Shape::Drafted { company, .. } = &mut shape {
        let html: [(&[Tag], &str); 2] = [
            (&[b::BODY, b::TYPE], "2"),
            (&[b::BODY, b::DATA], "<img src=\"cid:c1@x\">"),
        ];
        company.extend(owned(&html));
    }
    shape
}

fn owned(company: &[(&[Tag], &str)]) -> Vec<(Vec<Tag>, String)> {
    company
        .iter()
        .map(|(path, value)| (path.to_vec(), (*value).to_owned()))
        .collect()
}

/// How a tag comes about.
pub(super) fn shapes(tag: Tag) -> Vec<Shape> {
    match tag.page() {
        page if page == airsyncbase::BODY.page() => base(tag),
        page if page == email2::BCC.page() => newer(tag),
        _ => match meetings(tag) {
            Some(shape) => vec![shape],
            None => mail(tag),
        },
    }
}

fn addresses() -> Vec<String> {
    strings(&[
        "kim@example.org",
        "\"Ünï 漢字\" <kim@example.org>, \"Doe, Jo\" <jo@example.org>",
    ])
}

const PEOPLE: [(&str, &str); 3] = [
    ("kim@example.org", "kim@example.org"),
    (
        "=?utf-8?B?w5xuw68=?= <kim@example.org>, \"Doe, Jo\" <jo@example.org>",
        "\"Ünï\" <kim@example.org>, \"Doe, Jo\" <jo@example.org>",
    ),
    ("\"Kim \\\"K\\\"\" <kim@example.org>", "*"),
];

fn times() -> Vec<String> {
    strings(&["2026-01-05T10:00:00.000Z", "1999-12-31T23:59:59.000Z"])
}

fn mail(tag: Tag) -> Vec<Shape> {
    use email as e;
    match tag {
        e::TO => vec![headers(tag, "To", &PEOPLE), drafted(&[tag], addresses())],
        e::CC => vec![headers(tag, "Cc", &PEOPLE), drafted(&[tag], addresses())],
        e::FROM => vec![headers(tag, "From", &PEOPLE)],
        e::REPLY_TO => vec![
            headers(tag, "Reply-To", &PEOPLE),
            drafted(&[tag], addresses()),
        ],
        e::DISPLAY_TO => vec![headers(
            tag,
            "To",
            &[
                (
                    "Kim <kim@example.org>, jo@example.org",
                    "Kim; jo@example.org",
                ),
                ("kim@example.org", "kim@example.org"),
            ],
        )],
        e::SUBJECT => vec![
            headers(
                tag,
                "Subject",
                &[
                    ("=?utf-8?B?w5xuw68=?= \"x\" <y>", "Ünï \"x\" <y>"),
                    ("Re: one", "Re: one"),
                ],
            ),
            drafted(&[tag], text()),
        ],
        e::THREAD_TOPIC => vec![headers(
            tag,
            "Subject",
            &[("Re: AW: one", "one"), ("Fwd: two", "two"), ("one", "one")],
        )],
        e::DATE_RECEIVED => vec![headers(
            tag,
            "Date",
            &[("Thu, 1 Jan 1998 10:00:00 +0000", "2026-01-01T00:00:00.000Z")],
        )],
        e::IMPORTANCE => vec![
            headers(
                tag,
                "Importance",
                &[("low", "0"), ("normal", "1"), ("high", "2")],
            ),
            headers(tag, "X-Priority", &[("5", "0"), ("1 (Highest)", "2")]),
            drafted(&[tag], strings(&["0", "1", "2"])),
        ],
        e::READ => vec![
            headers(tag, "Subject", &[("one", "0")]),
            marked(&[tag], strings(&["0", "1"]), &[]),
            drafted(&[tag], strings(&["0", "1"])),
        ],
        e::MESSAGE_CLASS => vec![delivered(&[tag], classes())],
        e::CONTENT_CLASS => vec![delivered(
            &[tag],
            [
                (headed(""), "urn:content-classes:message"),
                (invitation(""), "urn:content-classes:calendarmessage"),
            ],
        )],
        e::INTERNET_CPID => vec![headers(
            tag,
            "Content-Type",
            &[
                ("text/plain; charset=utf-8", "65001"),
                ("text/plain; charset=iso-8859-1", "28591"),
                ("text/plain; charset=shift_jis", "932"),
                ("text/plain; charset=koi8-r", "20866"),
            ],
        )],
        e::CATEGORIES | e::FLAG => vec![Shape::Container],
        e::ATTACHMENT | e::ATTACHMENTS | e::ATT_NAME | e::ATT_SIZE | e::ATT_METHOD => {
            vec![Shape::Other(
                "how 2.5 spells the attachments of AirSyncBase",
            )]
        }
        e::DISPLAY_NAME | e::BODY => vec![Shape::Other("how 2.5 spells that of AirSyncBase")],
        e::BODY_SIZE | e::BODY_TRUNCATED => vec![Shape::Other("says something about the body")],
        e::MIME_DATA | e::MIME_SIZE | e::MIME_TRUNCATED => {
            vec![Shape::Other(
                "in place of a body, with MIMESupport; see there",
            )]
        }
        e::ATT_OID | e::ATT_REMOVED => vec![Shape::Other("never used")],
        _ => marks(tag),
    }
}

/// What a user marks a mail with.
fn marks(tag: Tag) -> Vec<Shape> {
    use email as e;
    match tag {
        e::CATEGORY => vec![
            marked(&[e::CATEGORIES, tag], text(), &[]),
            drafted(&[e::CATEGORIES, tag], text()),
        ],
        e::STATUS => vec![flagged_status()],
        e::FLAG_TYPE => vec![flagged(tag, text())],
        e::COMPLETE_TIME | tasks::DATE_COMPLETED => vec![marked(
            &[e::FLAG, tag],
            times(),
            &[(&[e::FLAG, e::STATUS], "1")],
        )],
        tasks::SUBJECT => vec![flagged(tag, text())],
        tasks::REMINDER_SET => vec![flagged(tag, strings(&["0", "1"]))],
        tasks::SUB_ORDINAL_DATE => vec![flagged(tag, strings(&["5", "ab"]))],
        tasks::START_DATE
        | tasks::UTC_START_DATE
        | tasks::DUE_DATE
        | tasks::UTC_DUE_DATE
        | tasks::REMINDER_TIME
        | tasks::ORDINAL_DATE => vec![flagged(tag, times())],
        _ => Vec::new(),
    }
}

fn flagged_status() -> Shape {
    marked(&[email::FLAG, email::STATUS], strings(&["1", "2"]), &[])
}

fn classes() -> Vec<(String, &'static str)> {
    let reply = |answer| {
        let line = format!("ATTENDEE;PARTSTAT={answer}:mailto:alice@example.org");
        meeting("REPLY", &line)
    };
    let signed = "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b";
    let signed = written(
        signed,
        "--b\nContent-Type: text/plain\n\nhello\n--b\nContent-Type: application/pkcs7-signature\nContent-Transfer-Encoding: base64\n\nMDEy\n--b--\n",
    );
    let sealed = headed("Content-Type: application/pkcs7-mime; smime-type=enveloped-data");
    vec![
        (headed(""), "IPM.Note"),
        (invitation(""), "IPM.Schedule.Meeting.Request"),
        (meeting("CANCEL", ""), "IPM.Schedule.Meeting.Canceled"),
        (reply("ACCEPTED"), "IPM.Schedule.Meeting.Resp.Pos"),
        (reply("DECLINED"), "IPM.Schedule.Meeting.Resp.Neg"),
        (reply("TENTATIVE"), "IPM.Schedule.Meeting.Resp.Tent"),
        (signed, "IPM.Note.SMIME.MultipartSigned"),
        (sealed, "IPM.Note.SMIME"),
    ]
}

/// What stands in `MeetingRequest`.
fn meetings(tag: Tag) -> Option<Shape> {
    use email as e;
    let request = |letter: String, told| delivered(&[e::MEETING_REQUEST, tag], [(letter, told)]);
    Some(match tag {
        e::MEETING_REQUEST | e::RECURRENCES | e::RECURRENCE => Shape::Container,
        e::ALL_DAY_EVENT => invited(
            tag,
            &[
                (
                    "DTSTART;VALUE=DATE:20260105\nDTEND;VALUE=DATE:20260106",
                    "1",
                ),
                ("", "0"),
            ],
        ),
        e::DT_STAMP => invited(
            tag,
            &[("DTSTAMP:20260102T030405Z", "2026-01-02T03:04:05.000Z")],
        ),
        e::START_TIME => invited(
            tag,
            &[
                ("DTSTART:20260105T110000Z", "2026-01-05T11:00:00.000Z"),
                (
                    "DTSTART;TZID=Europe/Berlin:20260105T113000",
                    "2026-01-05T10:30:00.000Z",
                ),
            ],
        ),
        e::END_TIME => invited(
            tag,
            &[
                ("DTEND:20260105T140000Z", "2026-01-05T14:00:00.000Z"),
                (
                    "DTEND;TZID=Asia/Kolkata:20260106T000000",
                    "2026-01-05T18:30:00.000Z",
                ),
            ],
        ),
        e::INSTANCE_TYPE => invited(
            tag,
            &[
                ("", "0"),
                ("RRULE:FREQ=DAILY;COUNT=3", "1"),
                ("RECURRENCE-ID:20260105T120000Z", "3"),
            ],
        ),
        e::BUSY_STATUS => invited(
            tag,
            &[
                ("TRANSP:TRANSPARENT", "0"),
                ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", "1"),
                ("", "2"),
                ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", "3"),
            ],
        ),
        e::LOCATION => invited(tag, &[("LOCATION:Ünï\\, 漢字", "Ünï, 漢字")]),
        e::ORGANIZER => invited(
            tag,
            &[
                (
                    "ORGANIZER;CN=Bob:mailto:bob@example.org",
                    "\"Bob\" <bob@example.org>",
                ),
                ("ORGANIZER:mailto:bob@example.org", "bob@example.org"),
            ],
        ),
        e::RECURRENCE_ID => invited(
            tag,
            &[("RECURRENCE-ID:20260105T120000Z", "2026-01-05T12:00:00.000Z")],
        ),
        // Seconds.
        e::REMINDER => request(reminding(15), "900"),
        e::RESPONSE_REQUESTED => invited(
            tag,
            &[
                ("ATTENDEE;RSVP=TRUE:mailto:alice@example.org", "1"),
                ("ATTENDEE;RSVP=FALSE:mailto:alice@example.org", "0"),
            ],
        ),
        e::SENSITIVITY => invited(
            tag,
            &[
                ("", "0"),
                ("CLASS:PRIVATE", "2"),
                ("CLASS:CONFIDENTIAL", "3"),
            ],
        ),
        e::DISALLOW_NEW_TIME_PROPOSAL => invited(
            tag,
            &[("", "0"), ("X-MICROSOFT-DISALLOW-COUNTER:TRUE", "1")],
        ),
        _ => return others_of_meetings(tag),
    })
}

/// Its zone, its names, and what stands in its `Recurrence`.
fn others_of_meetings(tag: Tag) -> Option<Shape> {
    use email as e;
    Some(match tag {
        e::TIME_ZONE => invited(
            tag,
            &[
                ("", "*"),
                ("DTSTART;TZID=America/New_York:20260105T073000", "*"),
            ],
        ),
        e::GLOBAL_OBJ_ID => invited(tag, &[("", "*"), ("UID:other", "*")]),
        calendar::UID => invited(tag, &[("", "u1@example.org"), ("UID:Ünï", "Ünï")]),
        e::TYPE => series(
            tag,
            &[
                ("FREQ=DAILY", "0"),
                ("FREQ=WEEKLY;BYDAY=MO", "1"),
                ("FREQ=MONTHLY;BYMONTHDAY=5", "2"),
                ("FREQ=MONTHLY;BYDAY=1MO", "3"),
                ("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=5", "5"),
                ("FREQ=YEARLY;BYMONTH=1;BYDAY=1MO", "6"),
            ],
        ),
        e::UNTIL => series(
            tag,
            &[("FREQ=DAILY;UNTIL=20260601T100000Z", "20260601T100000Z")],
        ),
        e::OCCURRENCES => series(tag, &[("FREQ=DAILY;COUNT=7", "7")]),
        e::INTERVAL => series(tag, &[("FREQ=DAILY;INTERVAL=3", "3"), ("FREQ=DAILY", "1")]),
        e::DAY_OF_WEEK => series(tag, &[("FREQ=WEEKLY;BYDAY=MO,WE,SA", "74")]),
        e::DAY_OF_MONTH => series(tag, &[("FREQ=MONTHLY;BYMONTHDAY=5", "5")]),
        e::WEEK_OF_MONTH => series(
            tag,
            &[
                ("FREQ=MONTHLY;BYDAY=1MO", "1"),
                ("FREQ=MONTHLY;BYDAY=-1MO", "5"),
            ],
        ),
        e::MONTH_OF_YEAR => series(tag, &[("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=5", "1")]),
        _ => return None,
    })
}

fn newer(tag: Tag) -> Vec<Shape> {
    use email2 as e;
    vec![match tag {
        e::BCC => drafted(&[tag], addresses()),
        e::IS_DRAFT => headers(tag, "Subject", &[("one", "0")]),
        e::SENDER => headers(tag, "Sender", &[("desk@example.org", "desk@example.org")]),
        e::CONVERSATION_ID | e::CONVERSATION_INDEX => headers(
            tag,
            "References",
            &[("<m1@example.org>", "*"), ("<m2@example.org>", "*")],
        ),
        e::LAST_VERB_EXECUTED => headers(tag, "Subject", &[("one", "0")]),
        e::LAST_VERB_EXECUTION_TIME => Shape::Other("set by replies and forwards; see there"),
        e::CALENDAR_TYPE => series(tag, &[("FREQ=MONTHLY;BYMONTHDAY=5", "0")]),
        e::FIRST_DAY_OF_WEEK => series(
            tag,
            &[
                ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;WKST=SU", "0"),
                ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO;WKST=MO", "1"),
            ],
        ),
        e::MEETING_MESSAGE_TYPE => {
            let of = |lines| (invitation(lines), "*");
            delivered(&[email::MEETING_REQUEST, tag], [of(""), of("SEQUENCE:2")])
        }
        e::IS_LEAP_MONTH => Shape::Other("iCalendar without RSCALE has none"),
        e::UM_CALLER_ID | e::UM_USER_NOTES | e::UM_ATT_DURATION | e::UM_ATT_ORDER => {
            Shape::Other("no voice mail")
        }
        e::ACCOUNT_ID => Shape::Other("one account"),
        e::RECEIVED_AS_BCC => Shape::Other("not told: an MTA does not say so"),
        e::SEND => Shape::Other("an order of the client"),
        _ => return Vec::new(),
    }]
}

fn base(tag: Tag) -> Vec<Shape> {
    use airsyncbase as b;
    match tag {
        b::BODY | b::ATTACHMENTS | b::ATTACHMENT | b::LOCATION => vec![Shape::Container],
        b::DATA => {
            let html = written("Content-Type: text/html", "<p>hello</p>\n");
            let quoted = written(
                "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable",
                "Gr=FC=DFe\n",
            );
            let cases = [(headed(""), "hello"), (html, "hello"), (quoted, "Grüße")];
            vec![
                delivered(&[b::BODY, tag], cases),
                Shape::Drafted {
                    path: vec![b::BODY, tag],
                    read: vec![b::BODY, tag],
                    values: strings(&["Ünï 漢字", "two\r\nlines"]),
                    company: vec![(vec![b::BODY, b::TYPE], "1".to_owned())],
                },
            ]
        }
        b::NATIVE_BODY_TYPE => {
            let html = written("Content-Type: text/html", "<p>hello</p>\n");
            vec![delivered(&[tag], [(headed(""), "1"), (html, "2")])]
        }
        b::ADD | b::DELETE | b::CLIENT_ID | b::CONTENT => {
            vec![Shape::Other("orders about the files of a draft")]
        }
        b::CONTENT_TYPE => vec![Shape::Other("of files in answers to ItemOperations")],
        b::TYPE | b::TRUNCATED | b::PREVIEW => vec![Shape::Other("says something about the body")],
        b::BODY_PREFERENCE | b::TRUNCATION_SIZE | b::ALL_OR_NONE | b::BODY_PART_PREFERENCE => {
            vec![Shape::Other("options")]
        }
        b::BODY_PART | b::STATUS => vec![Shape::Other("a second rendition of the body; see there")],
        b::ANNOTATION
        | b::STREET
        | b::CITY
        | b::STATE
        | b::COUNTRY
        | b::POSTAL_CODE
        | b::LATITUDE
        | b::LONGITUDE
        | b::ACCURACY
        | b::ALTITUDE
        | b::ALTITUDE_ACCURACY
        | b::LOCATION_URI => vec![Shape::Other("an invitation names its place in words")],
        b::INSTANCE_ID => vec![Shape::Other("of appointments")],
        _ => files(tag),
    }
}

/// What stands in an attachment.
fn files(tag: Tag) -> Vec<Shape> {
    use airsyncbase as b;
    match tag {
        b::DISPLAY_NAME => vec![
            filed(
                tag,
                &[
                    ("", "f.pdf"),
                    (
                        "Content-Disposition: attachment; filename*=utf-8''%C3%9Cn%C3%AF.pdf",
                        "Ünï.pdf",
                    ),
                ],
            ),
            added(tag, &["f.txt", "Ünï 漢字.txt"], &[]),
        ],
        b::METHOD => vec![
            filed(
                tag,
                &[
                    ("", "1"),
                    (
                        "Content-Type: message/rfc822\nContent-Transfer-Encoding: 7bit",
                        "5",
                    ),
                ],
            ),
            added(tag, &["1"], &[]),
            added(
                tag,
                &["5"],
                &[
                    (b::DISPLAY_NAME, "f.eml"),
                    (b::CONTENT, "Subject: x\r\n\r\nhi"),
                ],
            ),
        ],
        b::FILE_REFERENCE => vec![filed(tag, &[("", "*")])],
        b::ESTIMATED_DATA_SIZE => vec![filed(tag, &[("", "10")])],
        b::CONTENT_ID => vec![
            filed(tag, &[("Content-ID: <c1@x>", "c1@x")]),
            added(tag, &["c1@x"], &[]),
        ],
        b::CONTENT_LOCATION => vec![
            filed(tag, &[("Content-Location: loc", "loc")]),
            added(tag, &["loc"], &[]),
        ],
        b::IS_INLINE => vec![
            filed(
                tag,
                &[(
                    "Content-Type: image/png\nContent-ID: <c1>\nContent-Disposition: inline; filename=f.png",
                    "1",
                )],
            ),
            shown(added(
                tag,
                &["1"],
                &[(b::CONTENT_ID, "c1@x"), (b::CONTENT_TYPE, "image/png")],
            )),
        ],
        _ => Vec::new(),
    }
}

/// The elements in which a version tells a property, from its newest spelling; none: it has no word
/// for it.
pub(super) fn told(path: &[Tag], version: Version) -> Option<Vec<Tag>> {
    use airsyncbase as b;
    let old = version == Version::V2_5;
    let path: Vec<Tag> = match path {
        [b::BODY, b::DATA] if old => vec![email::BODY],
        [b::ATTACHMENTS, b::ATTACHMENT, tag] if old => {
            let tag = match *tag {
                b::DISPLAY_NAME => email::DISPLAY_NAME,
                b::FILE_REFERENCE => email::ATT_NAME,
                b::METHOD => email::ATT_METHOD,
                b::ESTIMATED_DATA_SIZE => email::ATT_SIZE,
                _ => return None,
            };
            vec![email::ATTACHMENTS, email::ATTACHMENT, tag]
        }
        [email::MEETING_REQUEST, email::LOCATION] if version >= Version::V16_0 => {
            vec![email::MEETING_REQUEST, b::LOCATION, b::DISPLAY_NAME]
        }
        // Up to 14.1 it is in the global object id.
        [email::MEETING_REQUEST, calendar::UID] if version < Version::V16_0 => return None,
        path => path.to_vec(),
    };
    path.iter().all(|tag| version.has(*tag)).then_some(path)
}
