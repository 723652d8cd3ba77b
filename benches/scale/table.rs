//! Lines of tables.

use std::io::{Write, stdout};

/// Prints a line of right-aligned columns.
pub(crate) fn row(cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>11}")).collect();
    println!("{}", cells.join(" "));
    let _ = stdout().flush(); // the next line may take minutes
}

/// Compares with what came first.
#[derive(Debug, Default)]
pub(crate) struct Ratio(Option<f64>);

impl Ratio {
    pub(crate) fn of(&mut self, value: f64) -> String {
        format!("{:.2}", value / *self.0.get_or_insert(value))
    }
}
