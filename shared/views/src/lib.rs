//! What people look at, read from the store: the same for the command line and for the console.
