//! The pages, inside the binary.

use bellhop_events::Digest;

/// A file.
pub(crate) struct Asset {
    name: &'static str,
    bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal)*) => {
        static ASSETS: &[Asset] = &[$(Asset {
            name: $name,
            bytes: include_bytes!(concat!("../assets/", $name)),
        }),*];
    };
}

assets! {
    "acts.js"
    "api.js"
    "app.css"
    "board.js"
    "bulk.js"
    "calendar.js"
    "channels.js"
    "dashboard.js"
    "diff.js"
    "dom.js"
    "editor.js"
    "format.js"
    "heatmap.js"
    "holds.js"
    "icon.svg"
    "icons.js"
    "index.html"
    "item.js"
    "json.js"
    "live.js"
    "main.js"
    "markdown.js"
    "parts.js"
    "properties.js"
    "property.js"
    "queues.js"
    "review.js"
    "session.js"
    "shell.js"
    "stays.js"
    "tenants.js"
    "tiles.js"
    "views.css"
    "words.js"
}

/// Of a kind that nobody here has heard of: shown to nobody as a page or a script.
const UNKNOWN: &str = "application/octet-stream";

/// The page itself.
const INDEX: &str = "index.html";

/// The file of a path below the console's address; the address itself is the page.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    let name = if path.is_empty() { INDEX } else { path };
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    pub(crate) fn bytes(&self) -> &'static [u8] {
        self.bytes
    }

    /// Changes with the content.
    pub(crate) fn tag(&self) -> String {
        format!("W/\"{}\"", &Digest::of_bytes(self.bytes).to_string()[..20])
    }

    pub(crate) fn content_type(&self) -> &'static str {
        match self.name.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("png") => "image/png",
            Some("woff2") => "font/woff2",
            Some("json" | "webmanifest") => "application/json",
            _ => UNKNOWN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_file_of_the_folder_is_here_and_has_a_type() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/assets");
        let files = std::fs::read_dir(folder).expect("the folder assets");
        let files: BTreeSet<String> =
            files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned()).collect();
        let known: BTreeSet<String> = ASSETS.iter().map(|asset| asset.name.to_owned()).collect();
        assert_eq!(known, files, "name the files of functions/console/assets in functions/console/src/assets.rs");
        assert!(find("").is_some_and(|page| page.content_type().starts_with("text/html")));
        assert!(ASSETS.iter().all(|asset| asset.content_type() != UNKNOWN), "a kind of file without a type");
    }
}
