//! The style and the scripts that every page carries. `web/vendored.txt` says where those of others come from.

/// The page's looks.
pub const STYLE: &str = include_str!("web/report.css");

/// Sorts a table by the column whose heading is clicked: sortable-tablesort.
pub const SORTABLE: &str = include_str!("web/sortable.min.js");

/// Draws curves on a canvas: uPlot.
pub const UPLOT: &str = include_str!("web/uPlot.iife.min.js");

/// What uPlot's elements look like.
pub const UPLOT_STYLE: &str = include_str!("web/uPlot.min.css");

/// Lets the curves answer to the pointer and the keyboard.
pub const LIVE: &str = include_str!("web/report.js");

#[cfg(test)]
mod tests {
    use super::*;

    /// Each with the end of its element.
    const ALL: [(&str, &str); 5] = [
        (STYLE, "</style"),
        (UPLOT_STYLE, "</style"),
        (SORTABLE, "</script"),
        (UPLOT, "</script"),
        (LIVE, "</script"),
    ];

    #[test]
    fn no_asset_ends_its_own_element_or_has_line_ends_that_a_browser_changes() {
        for (asset, end) in ALL {
            let text = asset.to_lowercase();
            assert!(!text.contains(end) && !text.contains("<!--") && !text.contains('\r'));
        }
    }

    #[test]
    fn no_asset_asks_for_anything_from_elsewhere() {
        for (asset, _) in ALL {
            // A comment that names where it is from.
            let asset = asset.replace("/*! https://github.com/leeoniya/uPlot (v1.6.32) */", "");
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
