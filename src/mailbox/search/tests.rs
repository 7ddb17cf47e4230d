//! Searches of a small account, and of a random one against a pass over every text.

use super::*;
use crate::mailbox::By;
use crate::mailbox::testing::{NEW_YEAR_MS, account, block_on, mail, mailbox, task};
use crate::pim::words::{Field, Term, phrase, terms};
use crate::pim::{Class, Message};

async fn house() -> (Mailbox, Scope) {
    let mailbox = mailbox();
    let scope = mailbox.add_account(&account("anna")).await.unwrap();
    (mailbox, scope)
}

async fn add(mailbox: &Mailbox, scope: Scope, folder: FolderId, record: Record) -> ServerId {
    let row = mailbox.folder(scope, folder).await.unwrap();
    let record = Box::new(record);
    let mut tx = mailbox.transaction(scope, By::default());
    let item = Box::pin(tx.add(&row, &*record)).await.unwrap();
    Box::pin(tx.commit()).await.unwrap();
    ServerId { folder, item }
}

fn letter(subject: &str, text: &str, minute: i64) -> Message {
    Message {
        text_head: text.into(),
        text_bytes: u32::try_from(text.len()).unwrap(),
        ..mail(subject, NEW_YEAR_MS + minute * 60_000)
    }
}

fn words(text: &str) -> Expr {
    Expr::of_terms(Field::Any, terms(text, 100))
}

fn query(expr: Expr) -> Query {
    Query {
        expr,
        classes: Vec::new(),
        folders: Vec::new(),
        deep: false,
    }
}

async fn search(mailbox: &Mailbox, scope: Scope, query: &Query, results: usize) -> Found {
    let bounds = Bounds {
        results,
        wanted: &|| true,
    };
    let pool = Pool::inline();
    Box::pin(mailbox.search(scope, query, bounds, &pool))
        .await
        .unwrap()
}

#[test]
fn the_newest_of_all_folders_come_first() {
    block_on(async {
        let (mailbox, scope) = house().await;
        let (inbox, sent) = (FolderId::INBOX, FolderId::SENT);
        let mut all = Vec::new();
        for n in 0..20 {
            let folder = if n % 3 == 0 { sent } else { inbox };
            let record = Record::Message(letter("Report", &format!("number n{n}"), n));
            all.push(add(&mailbox, scope, folder, record).await);
        }
        all.reverse();
        let found = search(&mailbox, scope, &query(words("repo NUMB")), 100).await;
        assert_eq!((found.hits.as_slice(), found.total), (all.as_slice(), 20));
        assert!(found.is_whole);
        let found = search(&mailbox, scope, &query(words("report")), 5).await;
        assert_eq!(found.hits, all[..5]);
        assert!(!found.is_whole);
        let one = search(&mailbox, scope, &query(words("report n13")), 5).await;
        assert_eq!(one.hits, [all[6]]);
        let none = search(&mailbox, scope, &query(words("report nothing")), 5).await;
        assert_eq!((none.hits.len(), none.total, none.is_whole), (0, 0, true));
    });
}

#[test]
fn classes_folders_and_dates_narrow_a_search() {
    block_on(async {
        let (mailbox, scope) = house().await;
        let kind = FolderKind::UserMail;
        let sub = mailbox.create_folder(scope, FolderId::INBOX, "sub", kind);
        let sub = sub.await.unwrap();
        let first = Record::Message(letter("x", "", 1));
        let first = add(&mailbox, scope, FolderId::INBOX, first).await;
        let second = add(&mailbox, scope, sub, Record::Message(letter("x", "", 2))).await;
        let third = Record::Task(task("x", NEW_YEAR_MS + 180_000, false));
        let third = add(&mailbox, scope, FolderId::TASKS, third).await;
        let check = async |narrow: &dyn Fn(&mut Query), expect: &[ServerId]| {
            let mut query = query(words("x"));
            narrow(&mut query);
            assert_eq!(search(&mailbox, scope, &query, 9).await.hits, expect);
        };
        check(&|_| {}, &[third, second, first]).await;
        check(&|q| q.classes = vec![Class::Email], &[second, first]).await;
        check(&|q| q.classes = vec![Class::Notes], &[]).await;
        check(&|q| q.folders = vec![FolderId::INBOX], &[first]).await;
        let deep = |q: &mut Query| (q.folders, q.deep) = (vec![FolderId::INBOX], true);
        check(&deep, &[second, first]).await;
        let dated = |from: i64, to: i64| {
            let at = |minute: i64| NEW_YEAR_MS + minute * 60_000;
            Expr::And(vec![words("x"), Expr::Dated(at(from), at(to))])
        };
        check(&|q| q.expr = dated(2, 3), &[third, second]).await;
        check(&|q| q.expr = dated(1, 1), &[first]).await;
        check(&|q| q.expr = dated(3, 1), &[]).await;
        let unknown = Query {
            folders: vec![FolderId(99)],
            ..query(words("x"))
        };
        let bounds = Bounds {
            results: 9,
            wanted: &|| true,
        };
        let pool = Pool::inline();
        let found = Box::pin(mailbox.search(scope, &unknown, bounds, &pool)).await;
        assert_eq!(found, Err(Error::NotFound));
    });
}

#[test]
fn what_the_index_cannot_tell_the_item_tells() {
    block_on(async {
        let (mailbox, scope) = house().await;
        let raw = format!(
            "Subject: long\r\n\r\n{}quick brown fox\r\n",
            "lorem ".repeat(2_000)
        );
        let blob = mailbox.put_mime(raw.as_bytes()).await.unwrap();
        let (mut long, seen) = mail::inspect(raw.as_bytes(), NEW_YEAR_MS);
        long.mime.hash = blob.0;
        let words = crate::pim::words::of_mail(&long, Some(&seen.text));
        let inbox = mailbox.folder(scope, FolderId::INBOX).await.unwrap();
        let mut tx = mailbox.transaction(scope, By::default());
        let record = Record::Message(long);
        let long = tx.add(&inbox, (&record, Some(&words))).await.unwrap();
        tx.commit().await.unwrap();
        let mut short = letter("short", "brown and quick", 1);
        (short.read, short.importance) = (true, 2);
        short.categories = vec!["Private".into()];
        let short = add(&mailbox, scope, inbox.id, Record::Message(short)).await;
        let check = async |expr: Expr, expect: &[ItemId]| {
            let found = search(&mailbox, scope, &query(expr.clone()), 9).await;
            let items: Vec<_> = found.hits.iter().map(|hit| hit.item).collect();
            assert_eq!(items, expect, "{expr:?}");
        };
        let quoted = |text| match phrase(text, 9) {
            Some(Term::Phrase(words)) => Expr::Phrase(Field::Any, words),
            other => panic!("{other:?}"),
        };
        let not = |expr| Expr::Not(Box::new(expr));
        check(quoted("quick brown"), &[long]).await;
        check(quoted("brown and"), &[short.item]).await;
        check(not(quoted("quick brown")), &[short.item]).await;
        check(Expr::Mark(Mark::Read), &[short.item]).await;
        check(not(Expr::Mark(Mark::Read)), &[long]).await;
        check(Expr::Mark(Mark::Importance(2)), &[short.item]).await;
        check(Expr::Mark(Mark::Category("PRIVATE".into())), &[short.item]).await;
        check(Expr::Mark(Mark::Flagged), &[]).await;
        let either = Expr::Or(vec![quoted("quick brown"), Expr::Mark(Mark::Read)]);
        check(either, &[short.item, long]).await;
    });
}

#[test]
fn a_search_that_nobody_wants_any_more_ends() {
    block_on(async {
        let (mailbox, scope) = house().await;
        add(
            &mailbox,
            scope,
            FolderId::INBOX,
            Record::Message(letter("x", "", 1)),
        )
        .await;
        let bounds = Bounds {
            results: 9,
            wanted: &|| false,
        };
        let pool = Pool::inline();
        let query = query(words("x"));
        let found = Box::pin(mailbox.search(scope, &query, bounds, &pool)).await;
        let found = found.unwrap();
        assert_eq!((found.hits.len(), found.is_whole), (0, false));
    });
}

/// A small generator of our own: the same numbers everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn text(&mut self, words: usize) -> String {
        const WORDS: [&str; 12] = [
            "Anna",
            "ananas",
            "Ännchen",
            "Bär",
            "baer",
            "ba",
            "straße",
            "東京都",
            "京都",
            "42",
            "an-na",
            "x.y",
        ];
        let mut text = String::new();
        for _ in 0..words {
            text.push_str(WORDS[self.roll(WORDS.len())]);
            text.push_str([" ", ", ", "\r\n"][self.roll(3)]);
        }
        text
    }
}

/// The same by the letter: every word of the query begins one of the texts, folded the slow way.
fn naive(record: &Record, text: &str) -> bool {
    let spoken = |text: &str| {
        let mut all = Vec::new();
        crate::pim::words::tokens(text, &mut |token| {
            let words = [
                Some(token.word.to_owned()),
                token.variant.map(str::to_owned),
            ];
            all.push((words, token.is_pair));
            true
        });
        all
    };
    let mut texts = Vec::new();
    crate::pim::words::texts(record, None, &mut |_, text| texts.push(spoken(text)));
    let begins = |a: &[Option<String>; 2], b: &[Option<String>; 2]| {
        let mut pairs = a
            .iter()
            .flatten()
            .flat_map(|a| b.iter().flatten().map(move |b| (a, b)));
        pairs.any(|(a, b)| a.starts_with(b.as_str()))
    };
    spoken(text).iter().all(|(wanted, _)| {
        let has = |text: &Vec<([Option<String>; 2], bool)>| {
            text.iter().any(|(word, _)| begins(word, wanted))
        };
        texts.iter().any(has)
    })
}

#[test]
fn a_search_finds_what_a_pass_over_all_texts_finds() {
    block_on(async {
        let mut hits = 0;
        for seed in 1..=20 {
            let mut dice = Dice(seed);
            let (mailbox, scope) = house().await;
            let mut all = Vec::new();
            for n in 0..60 {
                let minute = i64::try_from(dice.roll(40)).unwrap();
                let subject = dice.text(2);
                let record = Record::Message(letter(&subject, &dice.text(4), minute));
                let folder = [FolderId::INBOX, FolderId::SENT, FolderId::DELETED][n % 3];
                let id = add(&mailbox, scope, folder, record.clone()).await;
                all.push((minute, id.item, id, record));
            }
            all.sort_by_key(|(minute, item, ..)| Reverse((*minute, *item)));
            for _ in 0..30 {
                // A longer run is a phrase, which this reference does not know.
                let text = dice.text(2).replace("東京都", "京都");
                let expect: Vec<_> = all
                    .iter()
                    .filter(|(.., record)| naive(record, &text))
                    .map(|(_, _, id, _)| *id)
                    .collect();
                let found = search(&mailbox, scope, &query(words(&text)), 1_000).await;
                hits += found.hits.len();
                assert_eq!(found.hits, expect, "seed {seed}: {text}");
                let few = search(&mailbox, scope, &query(words(&text)), 3).await;
                assert_eq!(
                    few.hits,
                    expect[..expect.len().min(3)],
                    "seed {seed}: {text}"
                );
            }
        }
        assert!(hits > 1_000, "{hits}");
    });
}
