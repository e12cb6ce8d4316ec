//! Letters that the built-in font lacks: from a font of the machine, or as their code points.

#![cfg(feature = "burn")]

mod workplace;

use std::fs;

use densenet_bench::formats::tables::{EpochRow, Row, TrialRow, read_rows, write_rows};
use workplace::Workplace;

/// Private letters, which no font of the machine that runs the test has but the one made here.
const KNOWN: [char; 2] = ['\u{f1001}', '\u{f1002}'];
const UNKNOWN: [char; 2] = ['\u{f2001}', '\u{f2002}'];

/// A font whose letters are all the same square, 0.8 em high and wide.
fn square_font(letters: &[char]) -> Vec<u8> {
    let words = |values: &[u16]| -> Vec<u8> { values.iter().flat_map(|value| value.to_be_bytes()).collect() };
    let longs = |values: &[u32]| -> Vec<u8> { values.iter().flat_map(|value| value.to_be_bytes()).collect() };
    let signed = |values: &[i16]| -> Vec<u8> { values.iter().flat_map(|value| value.to_be_bytes()).collect() };
    let square = [
        signed(&[1, 100, 0, 900, 800]),
        words(&[3, 0]),
        vec![1; 4],
        signed(&[100, 800, 0, -800, 0, 0, 800, 0]),
    ]
    .concat();
    let groups = letters.iter().map(|&letter| longs(&[letter.into(), letter.into(), 1]));
    let groups: Vec<u8> = groups.collect::<Vec<_>>().concat();
    let tables: [(&[u8; 4], Vec<u8>); 7] = [
        (
            b"cmap",
            [
                words(&[0, 1, 3, 10]),
                longs(&[12]),
                words(&[12, 0]),
                longs(&[16 + groups.len() as u32, 0, letters.len() as u32]),
                groups,
            ]
            .concat(),
        ),
        (b"glyf", square.clone()),
        (
            b"head",
            [
                longs(&[0x0001_0000, 0x0001_0000, 0, 0x5f0f_3cf5]),
                words(&[0, 1000]),
                vec![0; 16],
                signed(&[0, 0, 1000, 1000]),
                words(&[0, 8, 2, 1, 0]),
            ]
            .concat(),
        ),
        (
            b"hhea",
            [
                longs(&[0x0001_0000]),
                signed(&[800, -200, 0, 1000]),
                vec![0; 22],
                words(&[2]),
            ]
            .concat(),
        ),
        (b"hmtx", words(&[1000, 0, 1000, 100])),
        (b"loca", longs(&[0, 0, square.len() as u32])),
        (b"maxp", [longs(&[0x0000_5000]), words(&[2])].concat()),
    ];
    let mut directory = [longs(&[0x0001_0000]), words(&[tables.len() as u16, 0, 0, 0])].concat();
    let mut content = Vec::new();
    for (tag, table) in &tables {
        let start = 12 + 16 * tables.len() + content.len();
        directory.extend_from_slice(*tag);
        directory.extend(longs(&[0, start as u32, table.len() as u32]));
        content.extend(table);
        content.resize(content.len().next_multiple_of(4), 0);
    }
    [directory, content].concat()
}

/// A folder with one finished trial of an ablation that asks that question.
fn place(question: &str) -> Workplace {
    let place = Workplace::new();
    fs::create_dir_all(place.path("results/small")).unwrap();
    fs::create_dir_all(place.path("home/.fonts")).unwrap();
    let ablation = format!(
        "name = \"small\"\nquestion = \"{question}\"\n[data]\ndataset = \"digits\"\n[model]\nblock-layers = [1]\n\
         growth-rate = 4\n[train]\nsteps = 3\n"
    );
    place.write("results/small/ablation.toml", &ablation);
    let header = TrialRow::header().join(",");
    let row = "small,t,base,0,ok,,cpu,plain,f32,densenet,digits,1,4,false,1.0,8,0.0,1000,2000,1,64,3,2.1,0.5,,,2.2,0.25,,800.0,\
               1,2,00ff,,,,,,,,,";
    write::<TrialRow>(&place, &format!("{header}\n{row}\n"));
    let header = EpochRow::header().join(",");
    write::<EpochRow>(
        &place,
        &format!("{header}\nt,base,0,0,2.1,0.5,,,2.2,0.25,1000,800,200\n"),
    );
    place
}

fn write<T: Row>(place: &Workplace, text: &str) {
    let rows: Vec<T> = read_rows(text.as_bytes(), T::FILE).unwrap();
    fs::write(place.path("results/small").join(T::FILE), write_rows(&rows).unwrap()).unwrap();
}

/// The PNG of the loss curves, the SVG, and stderr.
fn plotted(place: &Workplace) -> (Vec<u8>, String, String) {
    let mut command = place.command(&["plot", "results/small"]);
    command
        .env("HOME", place.path("home"))
        .env_remove("XDG_DATA_HOME")
        .env_remove("XDG_DATA_DIRS");
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let plot = place.path("results/small/plots/loss-curves.png");
    let svg = fs::read_to_string(plot.with_extension("svg")).unwrap();
    (fs::read(plot).unwrap(), svg, said)
}

/// Width and height.
fn size(png: &[u8]) -> (u32, u32) {
    let image = image::load_from_memory(png).unwrap();
    (image.width(), image.height())
}

fn text(letters: &[char]) -> String {
    letters.iter().collect()
}

#[test]
fn letters_of_a_font_of_the_machine_are_in_the_png_and_nothing_is_missing() {
    let place = place(&text(&KNOWN));
    fs::write(place.path("home/.fonts/square.ttf"), square_font(&KNOWN)).unwrap();
    let (png, svg, said) = plotted(&place);
    assert!(!said.contains("letters"), "{said}");
    assert!(svg.contains(&text(&KNOWN)));
    // Two squares of 0.8 em, set in 11 points with two pixels to a point, are filled.
    let image = image::load_from_memory(&png).unwrap().to_luma8();
    let is_filled = |x: u32, y: u32| (0..16).all(|i| (0..16).all(|j| image.get_pixel(x + i, y + j).0[0] < 128));
    let filled = (0..100).any(|x| (0..100).any(|y| is_filled(x, y)));
    assert!(filled, "the square is drawn");
}

#[test]
fn letters_that_no_font_has_are_named_on_the_terminal_and_below_the_png() {
    let (whole, ..) = plotted(&place("?"));
    let lacking = place(&text(&UNKNOWN));
    fs::write(lacking.path("home/.fonts/broken.ttf"), &square_font(&UNKNOWN)[..150]).unwrap();
    fs::write(lacking.path("home/.fonts/text.otf"), "not a font").unwrap();
    let (png, svg, said) = plotted(&lacking);
    assert!(said.contains("U+F2001 and U+F2002"), "{said}");
    assert!(said.contains("install a font that has them"), "{said}");
    assert!(svg.contains(&text(&UNKNOWN)), "the SVG leaves them to its viewer");
    let ((width, height), (usual_width, usual_height)) = (size(&png), size(&whole));
    assert_eq!(width, usual_width);
    assert!(height > usual_height, "the PNG says so below");
}

#[test]
fn two_titles_of_missing_letters_never_look_the_same() {
    let plots = UNKNOWN.map(|letter| plotted(&place(&letter.to_string())).0);
    assert_ne!(plots[0], plots[1]);
}

#[test]
fn a_plot_without_foreign_letters_is_the_same_whatever_fonts_there_are() {
    let one = place("growth-rate = 12, θ = 0.5?");
    let (png, ..) = plotted(&one);
    let everything: Vec<char> = (' '..='~').collect();
    fs::write(one.path("home/.fonts/square.ttf"), square_font(&everything)).unwrap();
    assert_eq!(plotted(&one).0, png);
}

#[test]
fn east_asian_letters_without_a_font_come_with_the_package_that_has_them() {
    let place = place("学习率 학습률");
    let (_, svg, said) = plotted(&place);
    assert!(svg.contains("学习率 학습률"));
    // A machine that has such fonts has nothing to say.
    if said.contains("letters that no font here has") {
        assert!(said.contains("U+4E60") && said.contains("fonts-noto-cjk"), "{said}");
    }
}
