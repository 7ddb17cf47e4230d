//! libwbxml, the usual library of this format in C, to compare with: it makes the same document from
//! XML. Loaded when it is there (Debian: `libwbxml2-1`), so that nothing has to be installed to
//! build the benches.

#![expect(unsafe_code, reason = "functions of a C library; in the benches only")]

use libloading::Library;
use std::ffi::{c_int, c_uint, c_void};
use std::ptr::null_mut;
use std::sync::OnceLock;

/// Its number for ActiveSync.
const ACTIVESYNC: c_int = 2402;
/// No indentation.
const COMPACT: c_int = 0;
const NAMES: [&str; 2] = ["libwbxml2.so.1", "libwbxml2.so.0"];

type Create = unsafe extern "C" fn(*mut *mut c_void) -> c_int;
type Set = unsafe extern "C" fn(*mut c_void);
type SetInt = unsafe extern "C" fn(*mut c_void, c_int);
type Run = unsafe extern "C" fn(*mut c_void, *const u8, c_uint, *mut *mut u8, *mut c_uint) -> c_int;

/// One of its two directions.
struct Direction {
    create: Create,
    run: Run,
    destroy: Set,
}

struct Functions {
    to_xml: Direction,
    to_wbxml: Direction,
    set_language: SetInt,
    set_form: SetInt,
    no_string_table: Set,
    no_public_id: Set,
    free: unsafe extern "C" fn(*mut c_void),
}

impl Functions {
    fn load() -> Option<Self> {
        // SAFETY: what runs when the library is loaded and unloaded is what every process that is
        // linked with it runs; it stays loaded.
        let library = NAMES.iter().find_map(|n| unsafe { Library::new(n) }.ok())?;
        let library: &'static Library = Box::leak(Box::new(library));
        // SAFETY: each is declared in wbxml_conv.h and wbxml_mem.h of 0.11 as its type here says;
        // enumerations are as wide as int, WB_ULONG is unsigned int.
        unsafe fn get<T: Copy>(library: &'static Library, name: &str) -> Option<T> {
            // SAFETY: as the caller says of the type.
            unsafe { library.get::<T>(name.as_bytes()) }
                .ok()
                .map(|f| *f)
        }
        // SAFETY: as above.
        unsafe {
            let direction = |name: &str| {
                Some(Direction {
                    create: get(library, &format!("wbxml_conv_{name}_create"))?,
                    run: get(library, &format!("wbxml_conv_{name}_run"))?,
                    destroy: get(library, &format!("wbxml_conv_{name}_destroy"))?,
                })
            };
            Some(Self {
                to_xml: direction("wbxml2xml")?,
                to_wbxml: direction("xml2wbxml")?,
                set_language: get(library, "wbxml_conv_wbxml2xml_set_language")?,
                set_form: get(library, "wbxml_conv_wbxml2xml_set_gen_type")?,
                no_string_table: get(library, "wbxml_conv_xml2wbxml_disable_string_table")?,
                no_public_id: get(library, "wbxml_conv_xml2wbxml_disable_public_id")?,
                free: get(library, "wbxml_free")?,
            })
        }
    }

    /// Converts; `set` sets the converter up.
    fn convert(&self, way: &Direction, from: &[u8], set: impl FnOnce(*mut c_void)) -> Vec<u8> {
        let (mut converter, mut out, mut len) = (null_mut(), null_mut(), 0);
        let bytes = crate::must(c_uint::try_from(from.len()));
        // SAFETY: the converter is made, used and destroyed here; `from` lives through `run`, which
        // only reads it; what `run` made is `len` bytes that are ours until they are freed.
        unsafe {
            assert_eq!((way.create)(&raw mut converter), 0, "no converter");
            set(converter);
            let status = (way.run)(converter, from.as_ptr(), bytes, &raw mut out, &raw mut len);
            (way.destroy)(converter);
            assert_eq!(status, 0, "libwbxml does not convert the document");
            let made = std::slice::from_raw_parts(out, len as usize).to_vec();
            (self.free)(out.cast());
            made
        }
    }
}

fn functions() -> Option<&'static Functions> {
    static FUNCTIONS: OnceLock<Option<Functions>> = OnceLock::new();
    FUNCTIONS.get_or_init(Functions::load).as_ref()
}

/// Whether the library is installed.
#[must_use]
pub fn is_there() -> bool {
    functions().is_some()
}

fn installed() -> &'static Functions {
    crate::must(functions().ok_or("libwbxml is not installed"))
}

/// A document as XML, in its own spelling.
///
/// # Panics
/// If the library is missing, or does not read the document.
#[must_use]
pub fn xml(document: &[u8]) -> Vec<u8> {
    let f = installed();
    f.convert(&f.to_xml, document, |converter| {
        // SAFETY: the converter is one of this direction, and these its settings.
        unsafe {
            (f.set_language)(converter, ACTIVESYNC);
            (f.set_form)(converter, COMPACT);
        }
    })
}

/// XML as a document such as the server writes.
///
/// # Panics
/// If the library is missing, or does not read the XML.
#[must_use]
pub fn encode(xml: &[u8]) -> Vec<u8> {
    let f = installed();
    f.convert(&f.to_wbxml, xml, |converter| {
        // SAFETY: as above.
        unsafe {
            (f.no_string_table)(converter);
            (f.no_public_id)(converter);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{answer, sample};
    use roost::pim::Class;

    #[test]
    fn it_writes_as_much_as_the_server() {
        if !is_there() {
            return;
        }
        for class in [Class::Contacts, Class::Email] {
            let document = answer::document(9, &sample::stored(class, 100));
            let theirs = encode(&xml(&document));
            let bytes = document.len().abs_diff(theirs.len());
            assert!(bytes * 20 < document.len(), "{class:?} {}", theirs.len());
        }
    }
}
