//! Mail to guests: templates, addresses, languages. No I/O.
