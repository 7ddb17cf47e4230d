//! WBXML: tokens, a pull reader, a push writer, code pages.
