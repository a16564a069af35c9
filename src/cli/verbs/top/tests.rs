//! Keys change what is shown as they should, and drawing fits every screen.

use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::super::args::Sort;
use super::draw::draw;
use super::model::{Model, Press};
use super::sample_of;

fn canned(name: &str) -> serde_json::Value {
    let path = format!("{}/tests/cli/canned/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn model(containers: &str) -> Model {
    let mut model = Model::new(Sort::Cpu);
    model.take(sample_of(&canned("status"), &canned(containers)));
    model
}

fn names(model: &Model) -> Vec<String> {
    model.rows().iter().map(|row| row.cells[0].text.clone()).collect()
}

fn screen(model: &Model, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, model, "03:50:05", true)).unwrap();
    let cells = terminal.backend().buffer().content();
    let text = |row: &[ratatui::buffer::Cell]| row.iter().map(|cell| cell.symbol()).collect::<String>();
    cells.chunks(usize::from(width)).map(text).collect()
}

#[test]
fn enter_opens_and_closes_the_selected_project() {
    let mut model = model("containers");
    assert_eq!(names(&model), ["▸ athena", "▸ (no project)", "▸ wxlibrary", "  nova"]);
    model.press(Press::Toggle);
    assert_eq!(names(&model)[..3], ["▾ athena", "    api", "    worker"]);
    model.press(Press::Down);
    model.press(Press::Close);
    assert_eq!(names(&model)[0], "▸ athena");
    assert_eq!(model.selected(&model.rows()), 0, "closing selects the project");
}

#[test]
fn the_selection_follows_its_line_and_stays_inside() {
    let mut model = model("containers");
    for _ in 0..20 {
        model.press(Press::Down);
    }
    assert_eq!(model.selected(&model.rows()), 3);
    let selected = names(&model)[3].clone();
    for _ in 0..4 {
        model.press(Press::Sort);
        let rows = model.rows();
        assert_eq!(rows[model.selected(&rows)].cells[0].text, selected, "{:?}", model.sort);
    }
    model.press(Press::PageUp);
    assert_eq!(model.selected(&model.rows()), 0);
}

#[test]
fn help_covers_and_any_key_uncovers() {
    let mut model = model("containers");
    model.press(Press::Help);
    assert!(screen(&model, 80, 24).iter().any(|line| line.contains(" keys ")));
    assert!(model.press(Press::Other) && !model.help);
    assert!(!model.press(Press::End));
}

#[test]
fn an_answer_that_fails_leaves_the_last_and_says_so() {
    let mut model = model("containers");
    model.take(Err(crate::cli::Failure::new(3, "timeout", "no answer\x1b[2J", "x")));
    let lines = screen(&model, 80, 24);
    assert!(lines[23].starts_with("as of 03:50:05: no answer"), "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("athena")));
}

#[test]
fn every_size_is_drawn_and_nothing_hostile_is() {
    for containers in ["containers", "hostile"] {
        let mut model = model(containers);
        model.open_all();
        for (width, height) in [(80, 24), (200, 60), (40, 10), (10, 5), (1, 1), (80, 2), (300, 3)] {
            for help in [false, true] {
                model.help = help;
                let lines = screen(&model, width, height);
                assert!(lines.iter().all(|line| !line.chars().any(char::is_control)), "{lines:?}");
            }
        }
    }
}

#[test]
fn a_small_screen_scrolls_to_the_selection() {
    let mut model = model("containers");
    model.open_all();
    for _ in 0..20 {
        model.press(Press::Down);
    }
    let lines = screen(&model, 80, 12);
    assert!(lines.iter().any(|line| line.contains("nova")), "{lines:?}");
}
