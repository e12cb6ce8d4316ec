//! The page: its sections in their order, and what stands around them.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::assets::{LIVE, SORTABLE, STYLE, UPLOT, UPLOT_STYLE};
use super::markup::{piece, shown};
use super::piece::Piece;
use super::policy::policy;
use super::sections::{SECTIONS, Section};
use super::studied::{Reported, Studied};
use crate::views::plots::PlotError;

/// A section with what the studies have of it, by their place.
struct Filled {
    section: &'static Section,
    of_studies: Vec<(usize, Vec<Piece>)>,
}

/// The page of one or several result folders, side by side.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn page(reported: &[Reported]) -> Result<String, PlotError> {
    let studied: Vec<Studied<'_>> = reported.iter().map(Studied::of).collect();
    let filled: Vec<Filled> = (SECTIONS.iter())
        .map(|section| Filled {
            section,
            of_studies: (studied.iter().enumerate())
                .map(|(place, study)| (place, (section.pieces)(study)))
                .filter(|(_, pieces)| !pieces.is_empty())
                .collect(),
        })
        .filter(|filled| !filled.of_studies.is_empty())
        .collect();
    let mut sections = Vec::new();
    for one in &filled {
        sections.push(section_markup(one, &studied)?);
    }
    let is_alone = studied.len() == 1;
    let pieces = filled
        .iter()
        .flat_map(|one| &one.of_studies)
        .flat_map(|(_, pieces)| pieces);
    // Curves need a script of 50 KB, which a page without them does not carry.
    let is_live = pieces.into_iter().any(|piece| matches!(piece, Piece::Live { .. }));
    let (styles, scripts): (&[&str], &[&str]) = match is_live {
        true => (&[STYLE, UPLOT_STYLE], &[SORTABLE, UPLOT, LIVE]),
        false => (&[STYLE], &[SORTABLE]),
    };
    let names: Vec<String> = studied.iter().map(|study| shown(study.grouped.name())).collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy(styles, scripts));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="generator" content={ "densenet-bench " (env!("CARGO_PKG_VERSION")) };
                title { (names.join(", ")) " – densenet-bench" }
                @for style in styles { style { (PreEscaped(style)) } }
            }
            body class=[(!is_alone).then_some("several")] {
                a.skip href="#answer" { "Skip to the answer" }
                header {
                    h1 { (names.join(" beside ")) }
                    (questions(&studied))
                }
                nav aria-label="Sections" {
                    ol {
                        @for one in &filled {
                            li { a href={ "#" (one.section.id) } { (one.section.title) } }
                        }
                    }
                }
                main { @for section in &sections { (section) } }
                footer { p { "Written by densenet-bench " (env!("CARGO_PKG_VERSION")) "; the page needs no network." } }
                @for script in scripts { script { (PreEscaped(script)) } }
            }
        }
    };
    Ok(page.into_string())
}

/// The question of each study.
fn questions(studied: &[Studied<'_>]) -> Markup {
    html! {
        section id="question" aria-label="The question" {
            @for study in studied {
                @if studied.len() > 1 { p.of { (shown(&study.reported.folder)) } }
                p.question { (shown(study.grouped.question())) }
            }
        }
    }
}

fn section_markup(filled: &Filled, studied: &[Studied<'_>]) -> Result<Markup, PlotError> {
    let Section { id, title, .. } = filled.section;
    let mut columns = Vec::new();
    for (place, pieces) in &filled.of_studies {
        let folder = shown(&studied[*place].reported.folder);
        let about = match studied.len() {
            1 => (*title).to_owned(),
            _ => format!("{title}, {folder}"),
        };
        let pieces: Result<Vec<Markup>, PlotError> = pieces.iter().map(|one| piece(one, &about)).collect();
        columns.push((folder, pieces?));
    }
    let heading = format!("{id}-heading");
    Ok(html! {
        section id=(id) aria-labelledby=(heading) {
            h2 id=(heading) { (title) }
            @if studied.len() == 1 {
                @for (_, pieces) in &columns { @for one in pieces { (one) } }
            } @else {
                div.columns {
                    @for (folder, pieces) in &columns {
                        article {
                            h3 { (folder) }
                            @for one in pieces { (one) }
                        }
                    }
                }
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::study::Study;
    use crate::views::samples::{SampleVariant, empty, measured, trained, with_profile, with_samples};

    fn reported(folder: &str, study: Study) -> Reported {
        Reported {
            folder: folder.to_owned(),
            study,
            environment: serde_json::json!({"cpu": "a processor", "command_line": ["densenet-bench", "run", "a.toml"]}),
            file: "name = \"growth\"\n".to_owned(),
        }
    }

    /// Trials and measurements of two variants.
    fn whole() -> Study {
        let variants = ["growth-rate=8", "growth-rate=24"];
        let trained = trained(&variants.map(SampleVariant::new), 4, 6);
        Study {
            ablation: trained.ablation,
            trials: trained.trials,
            epochs: trained.epochs,
            ..with_profile(with_samples(measured(&variants, &[16, 64]), 3, 8))
        }
    }

    fn headings(html: &str) -> Vec<&str> {
        let parts = html.split("<h2 ").skip(1);
        let titles = parts.filter_map(|part| part.split("</h2>").next()?.split('>').nth(1));
        titles.collect()
    }

    #[test]
    fn the_sections_stand_in_their_order_and_those_without_content_are_left_out() {
        let page_of = |study: Study| page(&[reported("results/growth", study)]).unwrap();
        let whole_page = page_of(whole());
        let expected: Vec<&str> = SECTIONS
            .iter()
            .map(|section| section.title)
            .filter(|title| *title != "What failed")
            .collect();
        assert_eq!(headings(&whole_page), expected);
        assert_eq!(
            headings(&page_of(empty())),
            ["The answer", "Environment", "How to run it again"]
        );
        let question = whole_page.find("What does a larger growth rate buy").unwrap();
        assert!(question < whole_page.find("id=\"answer\"").unwrap());
    }

    #[test]
    fn every_link_leads_to_a_section_and_every_id_stands_once() {
        let html = page(&[reported("a", whole()), reported("b", whole())]).unwrap();
        let ids: Vec<&str> = html
            .split(" id=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len(), "{ids:?}");
        for link in html.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(ids.contains(&link), "{link}");
        }
    }

    #[test]
    fn several_studies_stand_side_by_side_in_each_section() {
        let html = page(&[reported("results/a", whole()), reported("results/b", empty())]).unwrap();
        assert!(html.contains("<h1>growth beside growth</h1>"), "{}", &html[..4000]);
        let answer = html
            .split("id=\"answer\"")
            .nth(1)
            .unwrap()
            .split("</section>")
            .next()
            .unwrap();
        assert!(
            answer.contains("<h3>results/a</h3>") && answer.contains("<h3>results/b</h3>"),
            "{answer}"
        );
        let variants = html
            .split("id=\"variants\"")
            .nth(1)
            .unwrap()
            .split("</section>")
            .next()
            .unwrap();
        assert!(!variants.contains("results/b</h3>"), "{variants}");
    }

    #[test]
    fn figures_bring_neither_ids_nor_styles_nor_scripts_and_every_colour_has_its_dark_one() {
        let html = page(&[reported("results/growth", whole())]).unwrap();
        let figures: Vec<&str> = html
            .split("<svg ")
            .skip(1)
            .filter_map(|rest| rest.split("</svg>").next())
            .collect();
        assert!(figures.len() > 8, "{}", figures.len());
        for figure in figures {
            for word in [" id=", "style=", "<script", "<image", "href", " on"] {
                // Words of labels are not attributes.
                let tags = figure.split('<').filter_map(|part| part.split('>').next());
                assert!(tags.clone().all(|tag| !tag.contains(word)), "{word}");
            }
            for paint in ["fill=\"#", "stroke=\"#"] {
                for color in figure.split(paint).skip(1).filter_map(|rest| rest.get(..6)) {
                    let rule = format!("[{paint}{color}\"]");
                    assert!(STYLE.contains(&rule), "{rule}");
                }
            }
        }
    }
}
