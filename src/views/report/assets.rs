//! The style and the scripts that every page carries. `web/vendored.txt` says where those of others come from.

/// The page's looks.
pub const STYLE: &str = include_str!("web/report.css");

/// Sorts a table by the column whose heading is clicked: sortable-tablesort.
pub const SORTABLE: &str = include_str!("web/sortable.min.js");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_asset_ends_its_own_element_or_has_line_ends_that_a_browser_changes() {
        for (asset, end) in [(STYLE, "</style"), (SORTABLE, "</script")] {
            let text = asset.to_lowercase();
            assert!(!text.contains(end) && !text.contains("<!--") && !text.contains('\r'));
        }
    }

    #[test]
    fn no_asset_asks_for_anything_from_elsewhere() {
        for asset in [STYLE, SORTABLE] {
            for word in [
                "url(",
                "@import",
                "http:",
                "https:",
                "fetch(",
                "XMLHttpRequest",
                "eval(",
                "Function(",
            ] {
                assert!(!asset.contains(word), "{word}");
            }
        }
    }
}
