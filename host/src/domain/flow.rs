//! Text without places: what office files, mails and web pages hold before it is laid out on pages.

/// A text in reading order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flow {
    /// What stands one below the other.
    pub blocks: Vec<Block>,
    /// How it is put on pages.
    pub paper: Paper,
}

/// How a text is put on pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paper {
    /// Sheets of A4; what is too wide continues on the next line.
    #[default]
    Sheets,
    /// Long pages as wide as their tables, for spreadsheets: a row stays one row.
    Rolls,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// One or more lines; a tab moves what follows away from what stands before.
    Text(String),
    /// A line whose pieces stand in columns: each with the number of letters before it, in letters of equal width.
    Columns(Vec<(usize, String)>),
    /// White space before what follows.
    Gap,
    /// Rows of cells, each cell of one or more lines. Rows may be of different lengths.
    Table(Vec<Vec<String>>),
    /// What follows begins a page.
    PageBreak,
}

impl Flow {
    /// A text without blocks.
    pub fn new(paper: Paper) -> Self {
        Self { blocks: Vec::new(), paper }
    }

    /// Adds a paragraph; an empty one is white space.
    pub fn text(&mut self, text: impl Into<String>) {
        let text = text.into();
        if text.trim().is_empty() { self.gap() } else { self.blocks.push(Block::Text(text)) }
    }

    /// Adds a line of pieces in columns, each with its first column; without pieces it is white space.
    pub fn columns(&mut self, mut pieces: Vec<(usize, String)>) {
        match pieces.as_mut_slice() {
            [] => self.gap(),
            [(0, text)] => self.blocks.push(Block::Text(std::mem::take(text))),
            _ => self.blocks.push(Block::Columns(pieces)),
        }
    }

    /// Adds white space, unless there is some.
    pub fn gap(&mut self) {
        if matches!(self.blocks.last(), Some(Block::Text(_) | Block::Columns(_) | Block::Table(_))) {
            self.blocks.push(Block::Gap);
        }
    }

    /// Adds a table, unless all of its cells are empty.
    pub fn table(&mut self, rows: Vec<Vec<String>>) {
        if rows.iter().flatten().any(|cell| !cell.trim().is_empty()) {
            self.blocks.push(Block::Table(rows));
        }
    }

    /// Adds rows of cells that hold texts of their own. A row with a table in one of its cells only arranges things on
    /// the page: what its cells hold follows one after the other.
    pub fn rows(&mut self, rows: Vec<Vec<Self>>) {
        let mut plain = Vec::new();
        for row in rows {
            let is_arrangement =
                row.iter().flat_map(|cell| &cell.blocks).any(|block| matches!(block, Block::Table(_)));
            if !is_arrangement {
                plain.push(row.into_iter().map(Self::into_cell).collect());
                continue;
            }
            self.table(std::mem::take(&mut plain));
            for cell in row {
                self.blocks.extend(cell.blocks);
                self.gap();
            }
        }
        self.table(plain);
    }

    /// The lines of a cell.
    fn into_cell(self) -> String {
        let lines = self.blocks.into_iter().filter_map(|block| match block {
            Block::Text(text) => Some(text),
            Block::Columns(pieces) => {
                let texts: Vec<String> = pieces.into_iter().map(|(_, text)| text).collect();
                Some(texts.join("\t"))
            }
            Block::Table(_) | Block::Gap | Block::PageBreak => None,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// Begins a page, unless the last one has nothing on it yet.
    pub fn page_break(&mut self) {
        if self.blocks.iter().any(|block| *block != Block::Gap)
            && !matches!(self.blocks.last(), Some(Block::PageBreak))
        {
            self.blocks.push(Block::PageBreak);
        }
    }

    /// Bytes of all its text.
    pub fn text_bytes(&self) -> usize {
        let bytes = self.blocks.iter().map(|block| match block {
            Block::Text(text) => text.len(),
            Block::Columns(pieces) => pieces.iter().map(|(_, text)| text.len()).sum(),
            Block::Table(rows) => rows.iter().flatten().map(String::len).sum(),
            Block::Gap | Block::PageBreak => 0,
        });
        bytes.sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> Flow {
        Flow { blocks: vec![Block::Text(text.to_owned())], paper: Paper::Sheets }
    }

    #[test]
    fn a_table_around_tables_is_taken_apart_and_others_stay_tables() {
        let mut inner = Flow::default();
        inner.rows(vec![vec![cell("Item"), cell("Price")]]);
        let mut flow = Flow::default();
        flow.rows(vec![vec![cell("left"), cell("right")], vec![cell("Goods"), inner]]);
        let table = |row: [&str; 2]| Block::Table(vec![row.map(str::to_owned).to_vec()]);
        let goods = Block::Text("Goods".to_owned());
        let expected =
            vec![table(["left", "right"]), goods, Block::Gap, table(["Item", "Price"]), Block::Gap];
        assert_eq!(flow.blocks, expected);
    }

    #[test]
    fn white_space_and_page_breaks_do_not_pile_up() {
        let mut flow = Flow::default();
        flow.page_break();
        flow.text(" ");
        flow.text("a");
        flow.text("");
        flow.text("");
        flow.page_break();
        flow.page_break();
        assert_eq!(flow.blocks, [Block::Text("a".to_owned()), Block::Gap, Block::PageBreak]);
    }
}
