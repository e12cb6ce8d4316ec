//! Pieces as HTML. Text from files is escaped by its type; nothing of it becomes markup or script.

use maud::{Markup, PreEscaped, html};

use super::piece::Piece;
use super::sort_key::sort_key;
use crate::views::plots::{NamedPicture, PlotError};
use crate::views::section::{Block, Side, Table};
use crate::visible;

/// A piece; `about` names its section for those who do not see it.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn piece(piece: &Piece, about: &str) -> Result<Markup, PlotError> {
    Ok(match piece {
        Piece::Lead(words) => html! { p.lead { (shown(words)) } },
        Piece::Plain(block) => return self::block(block, about),
        Piece::Live { json, still } => html! {
            div data-live="curves" hidden="hidden" {
                // No letter of it is markup; a browser takes it for data and runs none of it.
                script type="application/json" { (PreEscaped(json)) }
            }
            div.still { (figure(still)?) }
        },
        Piece::Folded { caption, table } => html! {
            details {
                summary { (shown(caption)) }
                (self::table(table, caption))
            }
        },
        Piece::Commands(commands) => code(commands),
        Piece::File { name, text } => html! {
            details.file {
                summary { (shown(name)) }
                pre tabindex="0" aria-label=(shown(name)) { code { (visible::escape_lines(text).into_owned()) } }
            }
        },
    })
}

/// Text with whatever would act on its surroundings escaped, such as turned directions of writing.
pub fn shown(text: &str) -> String {
    visible::escape_line(text).into_owned()
}

fn block(block: &Block, about: &str) -> Result<Markup, PlotError> {
    Ok(match block {
        Block::Text(words) => html! { p { (shown(words)) } },
        Block::Note(words) => html! { p.note { (shown(words)) } },
        Block::Table(table) => self::table(table, about),
        Block::List(items) => html! {
            ul { @for item in items { li { (shown(item)) } } }
        },
        Block::Code(commands) => code(commands),
        Block::Figure(named) => return figure(named),
    })
}

fn code(commands: &str) -> Markup {
    html! {
        pre tabindex="0" aria-label="Commands" { code { (visible::escape_lines(commands).into_owned()) } }
    }
}

/// A table whose headings are buttons that sort it.
fn table(table: &Table, about: &str) -> Markup {
    let class = |side: Side| (side == Side::Right).then_some("num");
    let key = |side: Side, cell: &str| match side {
        Side::Right => sort_key(cell).map(|key| key.to_string()),
        Side::Left => None,
    };
    html! {
        div.scroll tabindex="0" role="group" aria-label=(shown(about)) {
            table.sortable.asc.n-last {
                thead { tr {
                    @for (name, side) in &table.header {
                        th scope="col" class=[class(*side)] { button type="button" { (shown(name)) } }
                    }
                } }
                tbody {
                    @for row in &table.rows { tr {
                        @for (place, (cell, (_, side))) in row.iter().zip(&table.header).enumerate() {
                            @if place == 0 {
                                th scope="row" { (shown(cell)) }
                            } @else {
                                td class=[class(*side)] data-sort=[key(*side, cell)] { (shown(cell)) }
                            }
                        }
                    } }
                }
            }
        }
    }
}

/// The SVG that the program draws, or why there is none. Its numbers stand in a table beside it, and its words are
/// hidden from screen readers, to which they would be single labels without a place.
fn figure(named: &NamedPicture) -> Result<Markup, PlotError> {
    Ok(match named.svg()? {
        Ok(svg) => html! {
            figure {
                div.plot role="img" tabindex="0" aria-label=(shown(named.title())) { (PreEscaped(svg)) }
            }
        },
        Err(reason) => html! { p.note { "No figure: " (shown(&reason)) "." } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::samples::small_table;

    const HOSTILE: &str =
        "</td></script><script>alert(1)</script><img src=x onerror='alert(2)'>\" onclick=\"alert(3) &lt; \u{202e}";

    fn markup(piece: &Piece) -> String {
        super::piece(piece, HOSTILE).unwrap().into_string()
    }

    #[test]
    fn text_is_never_markup_wherever_it_stands() {
        let mut table = small_table();
        table.rows[0][0] = HOSTILE.to_owned();
        table.rows[1][1] = HOSTILE.to_owned();
        table.header[1].0 = HOSTILE.to_owned();
        for piece in [
            Piece::Lead(HOSTILE.to_owned()),
            Piece::text(HOSTILE),
            Piece::note(HOSTILE),
            Piece::Plain(Block::List(vec![HOSTILE.to_owned()])),
            Piece::table(table.clone()),
            Piece::Folded {
                caption: HOSTILE.to_owned(),
                table,
            },
            Piece::Commands(HOSTILE.to_owned()),
            Piece::File {
                name: HOSTILE.to_owned(),
                text: HOSTILE.to_owned(),
            },
        ] {
            let html = markup(&piece);
            assert!(
                !html.contains("<script") && !html.contains("<img") && !html.contains("\" onclick"),
                "{html}"
            );
            assert!(
                html.contains("&lt;script&gt;alert(1)") && html.contains("&amp;lt;"),
                "{html}"
            );
            assert!(!html.contains('\u{202e}') && html.contains("\\u{202e}"), "{html}");
        }
    }

    #[test]
    fn a_table_sorts_by_numbers_and_its_first_cells_name_the_rows() {
        let html = markup(&Piece::table(small_table()));
        assert!(
            html.contains("<th scope=\"row\">a|b</th><td class=\"num\" data-sort=\"3\">3</td>"),
            "{html}"
        );
        assert!(
            html.contains("<th scope=\"col\" class=\"num\"><button type=\"button\">n</button></th>"),
            "{html}"
        );
    }
}
