//! What holds of a collection from one request to the next: the options, and `Supported`.

use crate::eas::classes::Supported;
use crate::eas::options::Options;
use crate::mailbox::Window;
use crate::pim::Class;

const DAY_MS: i64 = 86_400_000;

/// The sticky part of a collection's state.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// The last `Options`; none yet: what holds where the client says nothing.
    pub options: Options,
    /// What the client said with key 0.
    pub supported: Supported,
}

impl Kept {
    /// The form in which the mailbox keeps it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        self.options.write_to(&mut out);
        self.supported.write_to(&mut out);
        out
    }

    /// From that form; the default for what is none.
    #[must_use]
    pub fn from_bytes(mut bytes: &[u8]) -> Self {
        let bytes = &mut bytes;
        let options = Options::read_from(bytes).unwrap_or_default();
        let supported = Supported::read_from(bytes).unwrap_or_default();
        Self { options, supported }
    }
}

/// Which items a FilterType means, at `now_ms`; none for a class that has no such filter. The edge
/// moves once a day, at midnight UTC: each move takes items from the device.
#[must_use]
pub fn window(options: &Options, class: Class, now_ms: i64) -> Option<Window> {
    if !options.filter_fits(class) {
        return None;
    }
    let days = match (class, options.filter) {
        (Class::Contacts | Class::Notes, _) | (_, 0) => return Some(Window::ALL),
        (_, 1) => 1,
        (_, 2) => 3,
        (_, 3) => 7,
        (_, 4) => 14,
        (_, 5) => 31,
        (_, 6) => 92,
        (_, 7) => 183,
        _ => {
            return Some(Window {
                incomplete_only: true,
                ..Window::ALL
            });
        }
    };
    let today_ms = now_ms - now_ms.rem_euclid(DAY_MS);
    Some(Window::since(today_ms.saturating_sub(days * DAY_MS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_and_read_again() {
        let kept = Kept {
            options: Options {
                filter: 3,
                ..Options::default()
            },
            supported: Supported::default(),
        };
        assert_eq!(Kept::from_bytes(&kept.to_bytes()), kept);
        assert_eq!(Kept::from_bytes(&[]), Kept::default());
        assert_eq!(Kept::from_bytes(&[9; 5]), Kept::default());
    }

    #[test]
    fn windows() {
        let now_ms = 10 * DAY_MS + 5;
        let check = |class, filter, expect| {
            let options = Options {
                filter,
                ..Options::default()
            };
            assert_eq!(window(&options, class, now_ms), expect);
        };
        check(Class::Email, 0, Some(Window::ALL));
        check(Class::Email, 1, Some(Window::since(9 * DAY_MS)));
        check(Class::Email, 8, None);
        check(Class::Calendar, 1, None);
        check(Class::Contacts, 3, Some(Window::ALL));
        let incomplete = Window {
            incomplete_only: true,
            ..Window::ALL
        };
        check(Class::Tasks, 8, Some(incomplete));
    }
}
