use comfy_table::{Table, presets};

/// Rows of cells as text, a line each: what stands in one column is as wide everywhere, and nothing trails.
pub fn columns<const N: usize>(rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["NAME", "RANK"], ["servidor-1", "1"], ["joão", ""], ["", "22"]];
        let text = columns(rows.map(|row| row.map(str::to_owned)));
        assert_eq!(text, "NAME        RANK\nservidor-1  1\njoão\n            22\n");
    }
}
