//! The operations that are measured, by name.

use crate::answer::{self, Page};
use crate::fixture::{Engine, Fixture, folder_of};
use crate::{house, libwbxml, naive, request, sample, waking};
use roost::pim::{Class, RecordRef};
use roost::wbxml::Writer;
use std::cell::OnceCell;
use std::rc::Rc;

/// Items of a page, commands of a request.
pub const ITEMS: u32 = 100;

/// What is run: returns a number that depends on what it did (bytes, as a rule).
pub type Run = Box<dyn FnMut() -> usize>;

/// Something to measure.
pub struct Operation {
    /// `group/what`.
    pub name: String,
    /// What one run is divided by: how many items it handles.
    pub items: u32,
    prepare: Box<dyn FnOnce() -> Run>,
}

impl Operation {
    pub(crate) fn new(name: String, items: u32, prepare: impl FnOnce() -> Run + 'static) -> Self {
        let prepare = Box::new(prepare);
        Self {
            name,
            items,
            prepare,
        }
    }

    /// Does what has to be done once; what it returns is what is measured.
    #[must_use]
    pub fn prepare(self) -> Run {
        (self.prepare)()
    }

    /// The part of the name behind the slash.
    #[must_use]
    pub fn what(&self) -> &str {
        self.name.split('/').next_back().unwrap_or_default()
    }

    /// The part of the name before the slash.
    #[must_use]
    pub fn group(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }
}

/// Fixtures that are filled when an operation first wants one.
#[derive(Clone, Default)]
struct Fixtures {
    memory: Rc<OnceCell<Rc<Fixture>>>,
    fjall: Rc<OnceCell<Rc<Fixture>>>,
}

impl Fixtures {
    fn of(&self, engine: Engine) -> Rc<Fixture> {
        let cell = match engine {
            Engine::Memory => &self.memory,
            Engine::Fjall => &self.fjall,
        };
        Rc::clone(cell.get_or_init(|| Rc::new(Fixture::new(engine))))
    }
}

/// All operations, in the order in which they are shown.
#[must_use]
pub fn all() -> Vec<Operation> {
    let fixtures = Fixtures::default();
    let mut all = Vec::new();
    for (group, class) in [("contacts", Class::Contacts), ("mails", Class::Email)] {
        all.extend(of_memory(group, class));
        for (on, engine) in [("memory", Engine::Memory), ("fjall", Engine::Fjall)] {
            all.extend(of_store(group, class, on, engine, &fixtures));
        }
    }
    let of_house = fixtures.clone();
    all.extend(house::operations(move || of_house.of(Engine::Memory)));
    all.extend(waking::operations(move || {
        house::parked(&fixtures.of(Engine::Memory))
    }));
    all
}

/// Those of some groups.
#[must_use]
pub fn of_groups(groups: &[&str]) -> Vec<Operation> {
    let mut all = all();
    all.retain(|operation| groups.contains(&operation.group()));
    all
}

/// Without a store.
fn of_memory(group: &str, class: Class) -> Vec<Operation> {
    let folder = folder_of(class).0;
    let operation = |what: &str, prepare: Box<dyn FnOnce() -> Run>| {
        Operation::new(format!("{group}/{what}"), ITEMS, prepare)
    };
    let memcpy = move || -> Run {
        let document = answer::document(folder, &sample::stored(class, ITEMS));
        let mut out = Vec::with_capacity(document.len());
        Box::new(move || {
            out.clear();
            out.extend_from_slice(&document);
            out.len()
        })
    };
    let access = move || -> Run {
        let stored = sample::stored(class, ITEMS);
        Box::new(move || stored.iter().map(|stored| answer::access(stored)).sum())
    };
    // Out of the archives as they lie there: what `checked` does beyond `access`.
    let encode = move || -> Run {
        // For as long as the process: a record cannot be kept beside the bytes that it reads.
        let stored: &'static [Vec<u8>] = sample::stored(class, ITEMS).leak();
        let records = stored.iter().map(|s| crate::must(RecordRef::read(s)).0);
        let (records, mut page): (Vec<_>, _) = (records.collect(), Page::new(folder));
        Box::new(move || {
            page.begin();
            for (item, record) in (0..).zip(&records) {
                page.add_record(item, *record);
            }
            page.end()
        })
    };
    let checked = move || -> Run {
        let (stored, mut page) = (sample::stored(class, ITEMS), Page::new(folder));
        Box::new(move || {
            page.begin();
            for (item, stored) in (0..).zip(&stored) {
                page.add(item, stored);
            }
            page.end()
        })
    };
    let naive = move || -> Run {
        let stored = sample::stored(class, ITEMS);
        let mut w = Writer::with_capacity(answer::DOCUMENT_BYTES);
        let start = w.mark();
        Box::new(move || {
            w.rewind(start);
            naive::write_document(&mut w, folder, &stored);
            w.len()
        })
    };
    let decode = move || -> Run {
        let stored = sample::stored(class, ITEMS);
        let (document, existing) = match class {
            Class::Email => (request::marks(folder, ITEMS), stored),
            _ => (request::adds(folder, &stored), Vec::new()),
        };
        Box::new(move || request::read(&document, class, &existing))
    };
    let libwbxml = move || -> Run {
        let xml = libwbxml::xml(&answer::document(folder, &sample::stored(class, ITEMS)));
        Box::new(move || libwbxml::encode(&xml).len())
    };
    let mut all = vec![
        operation("memcpy", Box::new(memcpy)),
        operation("access", Box::new(access)),
        operation("encode", Box::new(encode)),
        operation("checked", Box::new(checked)),
        operation("naive", Box::new(naive)),
        operation("decode", Box::new(decode)),
    ];
    if libwbxml::is_there() {
        all.push(operation("libwbxml", Box::new(libwbxml)));
    }
    all
}

/// Out of a store.
fn of_store(
    group: &str,
    class: Class,
    on: &str,
    engine: Engine,
    fixtures: &Fixtures,
) -> [Operation; 3] {
    let operation = |what: &str, run: fn(&Fixture, Class, &mut Page) -> usize| {
        let fixtures = fixtures.clone();
        let name = format!("{group}/{what}-{on}");
        Operation::new(name, ITEMS, move || {
            let (fixture, mut page) = (fixtures.of(engine), Page::new(folder_of(class).0));
            Box::new(move || run(&fixture, class, &mut page))
        })
    };
    const COUNT: usize = ITEMS as usize;
    [
        operation("scan", |f, class, _| f.scan(class, COUNT)),
        operation("page", |f, class, page| f.encode_scan(class, COUNT, page)),
        operation("round", |f, class, page| f.encode_round(class, COUNT, page)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contest::allocations_per_item;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique() {
        let all = all();
        let names: HashSet<_> = all.iter().map(|o| o.name.as_str()).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn encoding_out_of_the_archive_allocates_nothing() {
        let allocations = |name: &str| {
            let operation = all().into_iter().find(|o| o.name == name).unwrap();
            let items = operation.items;
            allocations_per_item(&mut operation.prepare(), items)
        };
        for group in ["contacts", "mails"] {
            assert_eq!(allocations(&format!("{group}/encode")), 0.0, "{group}");
            assert_eq!(allocations(&format!("{group}/checked")), 0.0, "{group}");
            assert!(allocations(&format!("{group}/naive")) > 20.0, "{group}");
        }
    }
}
