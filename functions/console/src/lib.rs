//! The console: pages and a JSON API for operators and property managers.
