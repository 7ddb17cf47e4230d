//! Newsletters and notices: mails that machines send.

/// A newsletter: its sender, and what its issues are made of.
pub(super) struct Newsletter {
    pub(super) name: &'static str,
    pub(super) email: &'static str,
    /// Colour of the head, as CSS has it.
    pub(super) colour: &'static str,
    /// Days between issues.
    pub(super) every_days: u32,
    /// Headline and text.
    pub(super) stories: &'static [(&'static str, &'static str)],
}

/// What both users subscribe to.
pub(super) const NEWSLETTERS: &[Newsletter] = &[
    Newsletter {
        name: "The Lamplighter",
        email: "letter@lamplighter.example",
        colour: "#1f4e5f",
        every_days: 7,
        stories: &[
            (
                "Night trains are back",
                "Three new lines connect the coast with the mountains. We tried the bunk beds and report which side has the window.",
            ),
            (
                "A museum of lost sounds",
                "The click of a dial telephone, the hum of a fridge from 1962: a small museum collects what nobody hears any more.",
            ),
            (
                "Bread, in four hours",
                "Our baker explains why patience is an ingredient, and which shortcut is allowed.",
            ),
            (
                "The librarian of the lighthouse",
                "She lends eleven books a month, all of them by boat.",
            ),
            (
                "How to read a tide table",
                "Two columns, four numbers a day, and one mistake that everybody makes once.",
            ),
            (
                "City of bicycles",
                "What happens when a harbour town gives one lane back to the bikes. Spoiler: fewer horns.",
            ),
            (
                "The clockmaker's apprentice",
                "At seventy-one, she is learning her third trade. It is about time, she says.",
            ),
            (
                "Letters from the ice",
                "A research ship writes home. The penguins send no regards, but they looked interested.",
            ),
            (
                "A map of good benches",
                "Readers recommend places to sit. Number one has a view of a wall, and we agree.",
            ),
        ],
    },
    Newsletter {
        name: "Küchenzettel",
        email: "hallo@kuechenzettel.example",
        colour: "#8c3b2e",
        every_days: 10,
        stories: &[
            (
                "Kürbis, aber anders",
                "Aus dem Ofen, mit Salbei und einem Löffel Honig. Die Kerne nicht wegwerfen!",
            ),
            (
                "Suppe für viele",
                "Ein Topf, zwölf Teller und ein Trick, mit dem die Linsen nicht zerfallen.",
            ),
            (
                "Das gelbe vom Ei",
                "Sechs, acht oder zehn Minuten? Wir haben sechzig Eier gekocht und eine Meinung.",
            ),
            (
                "Pflaumenkuchen, der Klassiker",
                "Mit Hefe, ohne Hektik. Das Blech ist leer, bevor es abkühlt.",
            ),
            (
                "Was der Markt jetzt hergibt",
                "Rote Bete, Birnen, Grünkohl: drei Rezepte, eine Einkaufsliste.",
            ),
            (
                "Brühe auf Vorrat",
                "Ein Sonntag am Herd, acht Gläser im Regal.",
            ),
        ],
    },
    Newsletter {
        name: "Compiler Weekly",
        email: "news@compilerweekly.example",
        colour: "#3d3d6b",
        every_days: 7,
        stories: &[
            (
                "Faster builds by doing less",
                "A tour of what a build system does while you wait, and how to stop it.",
            ),
            (
                "The borrow checker, drawn",
                "Eight comics that explain who owns what. Number five has a dog in it.",
            ),
            (
                "Ping without polling",
                "How a server can keep a hundred thousand phones waiting on a single core.",
            ),
            (
                "A parser in an afternoon",
                "Start with the errors, end with the tree. The code fits on two pages.",
            ),
            (
                "Benchmarks that lie",
                "Six ways in which a number can be right and still be wrong.",
            ),
            (
                "Readable assembly",
                "A gentle look at what the loop has become.",
            ),
            (
                "Undo, redo, undo",
                "The data structure behind the most loved key of the keyboard.",
            ),
            (
                "Fuzzing for the faint-hearted",
                "Let random bytes find the bug before your users do.",
            ),
        ],
    },
];

/// The issue as HTML: a table of a fixed width, as mail programs like it.
pub(super) fn issue_html(letter: &Newsletter, number: u32, stories: &[(&str, &str)]) -> String {
    let mut rows = String::new();
    for (headline, text) in stories {
        rows.push_str(&format!(
            "<tr><td style=\"padding:18px 28px;border-bottom:1px solid #e4e4e4\">\n\
             <h2 style=\"margin:0 0 6px;font-size:20px;color:{}\">{headline}</h2>\n\
             <p style=\"margin:0 0 8px;font-size:15px;line-height:1.5\">{text}</p>\n\
             <a href=\"https://{}/{number}\" style=\"font-size:14px;color:{}\">Read on &rsaquo;</a>\n</td></tr>\n",
            letter.colour,
            domain(letter),
            letter.colour
        ));
    }
    format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{name}</title>\n\
         <style>body{{margin:0;background:#f3f1ec;font-family:Georgia,serif;color:#222}}</style></head>\n\
         <body><table role=\"presentation\" width=\"100%\"><tr><td align=\"center\">\n\
         <table role=\"presentation\" width=\"600\" style=\"background:#fff;border-collapse:collapse\">\n\
         <tr><td style=\"background:{colour};color:#fff;padding:22px 28px\">\n\
         <img src=\"cid:head@{domain}\" width=\"120\" height=\"60\" alt=\"{name}\" style=\"float:right\">\n\
         <div style=\"font-size:28px\">{name}</div><div style=\"font-size:13px\">No. {number}</div></td></tr>\n\
         {rows}<tr><td style=\"padding:16px 28px;font-size:12px;color:#777\">You receive this letter because you asked \
         for it. <a href=\"https://{domain}/goodbye\" style=\"color:#777\">Unsubscribe</a></td></tr>\n\
         </table></td></tr></table></body></html>\n",
        name = letter.name,
        colour = letter.colour,
        domain = domain(letter),
    )
}

/// The issue as text.
pub(super) fn issue_text(letter: &Newsletter, number: u32, stories: &[(&str, &str)]) -> String {
    let mut text = format!("{}, no. {number}\n\n", letter.name);
    for (headline, story) in stories {
        text.push_str(&format!(
            "* {headline}\n\n{story}\nhttps://{}/{number}\n\n",
            domain(letter)
        ));
    }
    text
}

pub(super) fn domain(letter: &Newsletter) -> &'static str {
    letter
        .email
        .split_once('@')
        .map_or("example", |(_, domain)| domain)
}

/// A notice: sender's name, address, subject, text. `{n}` becomes a number.
pub(super) const NOTICES: &[(&str, &str, &str, &str)] = &[
    (
        "Parcel Post",
        "no-reply@parcelpost.example",
        "Your parcel {n} is on its way",
        "Good news: parcel {n} left our depot this morning.\n\nExpected: tomorrow between 9 and 12.\nNot at home? Your \
         neighbour at number 7 has agreed to take it.\n",
    ),
    (
        "City Library",
        "loans@citylibrary.example",
        "Two books are due on Friday",
        "Dear reader,\n\nthese books are due on Friday:\n\n - The Sea in Small Glasses\n - A Short History of Rope\n\nYou may \
         extend them once. Reference {n}.\n",
    ),
    (
        "Build Robot",
        "robot@builds.example",
        "[catalogue] build {n} fixed",
        "Build {n} on branch main: passed (was: failed)\n\n 214 tests, 0 failures, 41 s\n Changed by: 2 people\n\nThe robot is \
         relieved.\n",
    ),
    (
        "Dentist Dr. Hartley",
        "practice@hartley-dental.example",
        "Reminder: your appointment",
        "This is a friendly reminder of your appointment next week.\n\nIf you cannot come, please call us one day ahead. \
         Your number is {n}.\n",
    ),
    (
        "Strom & Licht",
        "service@stromundlicht.example",
        "Ihre Rechnung Nr. {n}",
        "Guten Tag,\n\nIhre Rechnung Nr. {n} über 48,20 € liegt bereit. Der Betrag wird in zehn Tagen abgebucht; Sie \
         müssen nichts tun.\n\nIhr Team von Strom & Licht\n",
    ),
    (
        "Choir calendar",
        "choir@singers.example",
        "Rehearsal moved to 19:30",
        "Dear singers,\n\nthe heating engineer needs the hall until seven, so we start at 19:30. Warm voices, warm socks.\n\n\
         (Notice {n})\n",
    ),
];
