//! Conversations, written by hand: who says what, and how long after the one before.

/// Somebody in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cast {
    Alice,
    Bob,
    /// One of the acquaintances, by number.
    Other(usize),
}

/// What hangs on a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extra {
    Nothing,
    Picture(&'static str),
    Document(&'static str, &'static [&'static str]),
    Archive(&'static str),
    Table(&'static str, &'static str),
}

/// One mail of a conversation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub(super) who: Cast,
    /// Hours after the mail before.
    pub(super) after_h: u32,
    pub(super) text: &'static str,
    pub(super) extra: Extra,
}

/// A conversation; everybody who speaks gets every mail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Thread {
    pub(super) subject: &'static str,
    /// What replies put before the subject.
    pub(super) reply: &'static str,
    /// Days before now that it began.
    pub(super) days_ago: u32,
    /// A folder of its own, or empty.
    pub(super) folder: &'static str,
    pub(super) lines: &'static [Line],
}

const fn says(who: Cast, after_h: u32, text: &'static str) -> Line {
    Line {
        who,
        after_h,
        text,
        extra: Extra::Nothing,
    }
}

const fn with(who: Cast, after_h: u32, text: &'static str, extra: Extra) -> Line {
    Line {
        who,
        after_h,
        text,
        extra,
    }
}

use Cast::{Alice, Bob, Other};

/// The conversations.
pub(super) const THREADS: &[Thread] = &[
    Thread {
        subject: "The lighthouse book: cover",
        reply: "Re: ",
        days_ago: 12,
        folder: "Projects/Lighthouse",
        lines: &[
            with(
                Alice,
                0,
                "Hi Bob,\n\nthe illustrator sent the first harbour scene for the cover. I like the light, but the \
                 boats look as if they had been parked. What do you think?\n\nAlice",
                Extra::Picture("harbour-v1.png"),
            ),
            says(
                Bob,
                5,
                "Morning Alice,\n\nlovely sky. You are right about the boats: nobody would dare to step off one of \
                 them. Could she tilt the left one by a few degrees? And the title needs calm water behind it, so \
                 please nothing in the lower third.\n\nBob",
            ),
            says(
                Other(3),
                20,
                "Hello both,\n\ntilted the boat, calmed the water. It took longer than I will ever admit. New file \
                 tomorrow, when the colours have slept over it.\n",
            ),
            with(
                Other(3),
                22,
                "Here it is. The red of the hull is the red of the old ferry, if anyone asks.\n",
                Extra::Picture("harbour-v2.png"),
            ),
            says(
                Alice,
                2,
                "That is the one. Thank you!\n\nBob, I am sending it to the printer unless you shout before five.\n\nAlice",
            ),
            says(Bob, 1, "No shouting from Boston. Send it.\n"),
        ],
    },
    Thread {
        subject: "Angebot Papier, Frühjahr",
        reply: "AW: ",
        days_ago: 26,
        folder: "",
        lines: &[
            with(
                Other(7),
                0,
                "Sehr geehrte Frau Archer,\n\nvielen Dank für Ihre Anfrage. Anbei finden Sie unser Angebot über 12.000 \
                 Bogen Werkdruck, 90 g, gelblichweiß. Die Preise gelten bis zum Monatsende; danach müssten wir neu \
                 rechnen, weil die Mühle die Zuschläge ändert.\n\nMit freundlichen Grüßen",
                Extra::Document(
                    "Angebot-2211.pdf",
                    &[
                        "12 000 Bogen Werkdruck 90 g",
                        "Lieferung frei Haus",
                        "Zahlbar in 30 Tagen",
                    ],
                ),
            ),
            says(
                Alice,
                19,
                "Guten Morgen,\n\ndas sieht gut aus. Eine Frage noch: Liegt der Preis auch bei 15.000 Bogen auf dieser \
                 Höhe, oder gibt es eine Staffel? Wir überlegen, das zweite Buch gleich mitzudrucken.\n\nViele Grüße\nAlice Archer",
            ),
            says(
                Other(7),
                4,
                "Liebe Frau Archer,\n\nab 14.000 Bogen gehen noch einmal vier Prozent herunter. Ich habe es Ihnen \
                 eingerechnet und halte die Menge bis Freitag für Sie zurück.\n",
            ),
            says(
                Alice,
                26,
                "Wunderbar, dann bitte 15.000. Die Bestellung kommt heute Nachmittag.\n\nAlice Archer",
            ),
        ],
    },
    Thread {
        subject: "Lunch on Thursday?",
        reply: "Re: ",
        days_ago: 3,
        folder: "",
        lines: &[
            says(
                Other(11),
                0,
                "Are you two still in town on Thursday? The dumpling place behind the fish market has reopened, and \
                 somebody has to check whether it is as good as it was.\n",
            ),
            says(Alice, 1, "In the name of science: yes. 12:30?\n"),
            says(
                Bob,
                3,
                "My train gets in at 11:50, so 12:30 works if you order something crisp for me before I arrive.\n\nB.",
            ),
            says(
                Other(11),
                1,
                "Table for three, 12:30, under the clock. Crisp things will be ordered.\n",
            ),
        ],
    },
    Thread {
        subject: "Traduction du chapitre 4",
        reply: "Re : ",
        days_ago: 17,
        folder: "Projects/Lighthouse",
        lines: &[
            with(
                Other(19),
                0,
                "Chère Alice,\n\nvoici le chapitre 4. J’ai gardé « le phare » au singulier partout, même là où l’anglais \
                 hésite. Il reste deux passages surlignés : le dicton du gardien, et la recette de la soupe, qui me \
                 paraît dangereuse telle quelle.\n\nBien à vous,",
                Extra::Archive("chapitre-4.zip"),
            ),
            says(
                Alice,
                30,
                "Bonjour,\n\nmerci, c’est très beau. Pour la soupe : l’auteur confirme trois oignons, et non treize. \
                 Pour le dicton, je préfère votre seconde version.\n\nAlice",
            ),
            says(
                Other(19),
                18,
                "Trois oignons, me voilà rassurée. Je corrige et je vous envoie le tout lundi.\n",
            ),
        ],
    },
    Thread {
        subject: "Numbers for the third quarter",
        reply: "Re: ",
        days_ago: 33,
        folder: "Projects/Figures",
        lines: &[
            with(
                Bob,
                0,
                "Alice,\n\nthe table for the third quarter is attached. Three things to notice: the backlist carries us \
                 again, returns are down by a fifth, and somebody in Oslo bought forty copies of the knot book.\n\nBob",
                Extra::Table(
                    "q3.csv",
                    "Title;Sold;Returned\nThe Quiet Harbour;1840;112\nForty Useful Knots;960;31\nTides;715;64\n",
                ),
            ),
            says(
                Alice,
                9,
                "Forty copies of forty knots. I hope they are well.\n\nCould you add last year next to it, so that I can show one page on Monday?\n",
            ),
            with(
                Bob,
                12,
                "Here you are, with last year in the next column.\n",
                Extra::Table(
                    "q3-both-years.csv",
                    "Title;2025;2026\nThe Quiet Harbour;1610;1840\nForty Useful Knots;402;960\nTides;798;715\n",
                ),
            ),
        ],
    },
    Thread {
        subject: "Fiesta de fin de curso",
        reply: "Re: ",
        days_ago: 41,
        folder: "",
        lines: &[
            says(
                Other(23),
                0,
                "Hola a todas y todos:\n\nel sábado por la tarde celebramos el fin de curso en el patio. Hay limonada, hay \
                 música y hay, sobre todo, una mesa larga a la que le faltan tortillas. ¿Quién trae una?\n\nUn abrazo",
            ),
            says(
                Bob,
                6,
                "Llevo dos tortillas, una con cebolla y otra sin, para que nadie discuta.\n\nBob",
            ),
            says(
                Other(24),
                3,
                "¡La de sin cebolla es ya una discusión! Yo llevo aceitunas y una guitarra.\n",
            ),
            says(
                Other(23),
                2,
                "Perfecto. Empezamos a las seis; la guitarra, cuando salga la luna.\n",
            ),
        ],
    },
    Thread {
        subject: "Server room: new lock",
        reply: "Re: ",
        days_ago: 9,
        folder: "",
        lines: &[
            says(
                Other(31),
                0,
                "Dear all,\n\non Wednesday the lock of the small server room will be replaced. The old keys stop working at \
                 noon. New ones are at the reception, against a signature and, according to a house rule of 1998, a \
                 smile.\n",
            ),
            says(
                Bob,
                2,
                "Will the emergency exit next to it stay open during the work? We have a delivery at 11.\n",
            ),
            says(
                Other(31),
                1,
                "It will. I have asked the locksmith to keep his toolbox out of the corridor.\n",
            ),
        ],
    },
    Thread {
        subject: "Wanderung am Sonntag",
        reply: "Re: ",
        days_ago: 5,
        folder: "",
        lines: &[
            with(
                Other(40),
                0,
                "Hallo ihr Lieben,\n\nam Sonntag soll es trocken bleiben. Vorschlag: mit dem Zug um 8:41 Uhr bis \
                 Windmühlenberg, dann am Fluss entlang und über den Deich zurück. Gut vier Stunden, eine Einkehr, kein \
                 einziger Gipfel.\n\nDas Bild ist vom letzten Mal. 🌤️",
                Extra::Picture("deich.png"),
            ),
            says(
                Alice,
                8,
                "Ich bin dabei! Kein Gipfel ist genau meine Höhe. Ich bringe Pflaumenkuchen mit. 🥾\n",
            ),
            says(
                Other(41),
                4,
                "Wir kommen zu dritt, plus Hund. Der Hund isst keinen Pflaumenkuchen, sagt er.\n",
            ),
            says(
                Other(40),
                12,
                "Schön! Treffpunkt 8:30 Uhr unter der Uhr. Bitte Regenjacken einpacken, dann bleibt es sicher trocken.\n",
            ),
        ],
    },
    Thread {
        subject: "Typo on page 112",
        reply: "Re: ",
        days_ago: 2,
        folder: "Projects/Lighthouse",
        lines: &[
            says(
                Other(12),
                0,
                "Dear Harbour Press,\n\nI enjoyed \"Tides\" very much. On page 112, however, the moon rises twice in one \
                 night. Either this is a remarkable event that deserves its own chapter, or it is a typo.\n\nKind regards",
            ),
            says(
                Alice,
                15,
                "Dear reader,\n\nthank you for the kindest bug report of the year. The second moonrise will set for good in \
                 the next printing. May we send you a copy?\n\nAlice Archer",
            ),
            says(Other(12), 7, "You may. I promise to count the moons.\n"),
        ],
    },
    Thread {
        subject: "La barca del nonno",
        reply: "R: ",
        days_ago: 48,
        folder: "",
        lines: &[
            with(
                Other(55),
                0,
                "Ciao Alice,\n\nabbiamo finalmente tirato fuori la barca del nonno. Lo scafo è sano, la vernice molto meno. \
                 Ti mando una foto: il rosso è ancora quello di una volta, sotto tre strati di blu.\n\nUn abbraccio",
                Extra::Picture("barca.png"),
            ),
            says(
                Alice,
                22,
                "Che meraviglia! Vengo a carteggiare quando volete, purché si mangi alle otto.\n\nAlice",
            ),
            says(
                Other(55),
                5,
                "Si mangia alle otto, come sempre. Porta i guanti.\n",
            ),
        ],
    },
    Thread {
        subject: "Interview for the newsletter",
        reply: "Re: ",
        days_ago: 21,
        folder: "",
        lines: &[
            says(
                Other(60),
                0,
                "Hi Bob,\n\nwould you answer five questions for our autumn letter? Short answers are fine, wrong ones too, \
                 as long as they are entertaining.\n\n1. What do you read on trains?\n2. Which book do you lend and never get \
                 back?\n3. Hardcover or paperback?\n4. A sentence you would have liked to write?\n5. What is on your desk \
                 that should not be there?\n",
            ),
            says(
                Bob,
                28,
                "With pleasure:\n\n> 1. What do you read on trains?\nTimetables, out of politeness.\n\n> 2. Which book do you \
                 lend and never get back?\nThe one about memory.\n\n> 3. Hardcover or paperback?\nPaperback, unless I have to \
                 hold a door open.\n\n> 4. A sentence you would have liked to write?\n\"The list is complete.\"\n\n> 5. What is on \
                 your desk that should not be there?\nA cactus that was a present for a colleague, two years ago.\n",
            ),
            says(
                Other(60),
                3,
                "Perfect. Please give the cactus our regards.\n",
            ),
        ],
    },
    Thread {
        subject: "Boekenbeurs: wie staat wanneer?",
        reply: "Antw: ",
        days_ago: 14,
        folder: "Projects/Fair",
        lines: &[
            with(
                Other(70),
                0,
                "Beste allemaal,\n\nin de bijlage het rooster voor onze stand. Wie niet kan, ruilt onderling en laat het me \
                 weten. De koffie staat links achter het gordijn, de verlengsnoeren rechts. Verwissel ze niet.\n\nGroet",
                Extra::Table(
                    "rooster.csv",
                    "Dag;Ochtend;Middag\nvrijdag;Alice;Bob\nzaterdag;Bob;Alice\nzondag;allen;opruimen\n",
                ),
            ),
            says(
                Bob,
                10,
                "Saturday morning is fine, if Alice takes the reading at eleven. My Dutch is good enough for coffee, not for poems.\n\nBob",
            ),
            says(Alice, 1, "Deal. Poems for me, extension cords for you.\n"),
            says(Other(70), 4, "Genoteerd! Tot vrijdag.\n"),
        ],
    },
    Thread {
        subject: "Office plants",
        reply: "Re: ",
        days_ago: 1,
        folder: "",
        lines: &[
            says(
                Other(80),
                0,
                "Hello,\n\nthe fern in the corridor has been watered by at least four people on the same day, all of whom \
                 meant well. Please use the list on the window sill. The fern thanks you, as soon as it has dried.\n",
            ),
            says(Alice, 2, "Guilty. I will hand my can over to the list.\n"),
            says(
                Bob,
                5,
                "I only ever talked to it. Does that count as watering?\n",
            ),
            says(Other(80), 1, "It counts as noise. The fern likes it.\n"),
        ],
    },
    Thread {
        subject: "Kontrakt på svenska utgåvan",
        reply: "SV: ",
        days_ago: 38,
        folder: "Projects/Rights",
        lines: &[
            with(
                Other(90),
                0,
                "Hej Alice,\n\nhär kommer utkastet till kontraktet för den svenska utgåvan. Vi har ändrat paragraf 6, så att \
                 ljudboken räknas för sig, precis som vi sade på mässan.\n\nMed vänliga hälsningar",
                Extra::Document(
                    "kontrakt-utkast.pdf",
                    &[
                        "1. Title and territory",
                        "6. Audio rights are counted apart",
                        "9. Law of the seller's country",
                    ],
                ),
            ),
            says(
                Alice,
                44,
                "Hej,\n\ntack, det ser bra ut. Vår jurist vill bara ha ett datum i paragraf 9, sedan skriver vi under.\n\nAlice",
            ),
            says(Other(90), 20, "Datum tillagt. Skål på det!\n"),
        ],
    },
    Thread {
        subject: "Lost: one umbrella, green",
        reply: "Re: ",
        days_ago: 7,
        folder: "",
        lines: &[
            says(
                Other(33),
                0,
                "Has anyone seen a green umbrella with a wooden handle? It went to the meeting on Monday and did not come back.\n",
            ),
            says(
                Bob,
                1,
                "There is a green one in the stand by the lift. It looks as if it is waiting for somebody.\n",
            ),
            says(
                Other(33),
                1,
                "That is mine. It has been reunited with its owner, who is very happy and slightly wet.\n",
            ),
        ],
    },
    Thread {
        subject: "読書会のお知らせ",
        reply: "Re: ",
        days_ago: 19,
        folder: "",
        lines: &[
            says(
                Other(100),
                0,
                "皆さま\n\n来月の読書会は第二土曜日の午後三時からです。今回の本は「静かな港」です。お茶とお菓子は用意します。\n\nよろしくお願いします。",
            ),
            says(Alice, 7, "参加します。楽しみにしています。📚\n\nアリス"),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_conversation_has_one_of_the_users_and_fits_into_its_days() {
        for thread in THREADS {
            let has_user = thread.lines.iter().any(|l| matches!(l.who, Alice | Bob));
            let hours: u32 = thread.lines.iter().map(|l| l.after_h).sum();
            assert!(has_user, "{}", thread.subject);
            assert!(hours < thread.days_ago * 24, "{}", thread.subject);
            assert!(
                thread.lines.iter().all(|l| !l.text.contains("  ")),
                "{}",
                thread.subject
            );
        }
    }
}
