//! Messages to guests: rendered, and sent once.
