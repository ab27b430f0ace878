// The plugin `{{name}}`: number, date and total of an invoice. The contract is `.ocriva/wit/extract.wit`.

/** Most words and lines that are asked for at one time. */
const CAP = 10_000;

/** The text behind a label in its line, with its place. */
function find(lines, labels) {
  for (const label of labels) {
    for (const { words, page, source } of lines) {
      const folded = words.map((word) => word.text.toLowerCase().replace(/[^a-z0-9]/g, ""));
      const wanted = label.split(" ");
      const start = folded.findIndex((_, at) => wanted.every((part, index) => folded[at + index] === part));
      const value = start < 0 ? [] : words.slice(start + wanted.length);
      if (value.length > 0) {
        return { text: value.map((word) => word.text).join(" "), words: value, page, source };
      }
    }
  }
  return null;
}

/** A field of the answer: `parse` makes its value of the text, or null. */
function field(found, parse) {
  const value = found && parse(found.text);
  if (value === null || value === undefined) return { value: null, confidence: 0 };
  const boxes = found.words.map((word) => word.bbox);
  return {
    value,
    confidence: Math.min(0.9, ...found.words.map((word) => word.confidence)),
    page: found.page,
    box: [
      Math.min(...boxes.map((box) => box.x0)),
      Math.min(...boxes.map((box) => box.y0)),
      Math.max(...boxes.map((box) => box.x1)),
      Math.max(...boxes.map((box) => box.y1)),
    ],
    source: found.source,
    text: found.text,
  };
}

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** `2026-03-14` for `14 March 2026`. */
function date(text) {
  const parts = /(\d{1,2})\s+([A-Za-z]{3})[A-Za-z]*\s+(\d{4})/.exec(text);
  const month = parts ? MONTHS.indexOf(parts[2].toLowerCase()) + 1 : 0;
  return month > 0 ? `${parts[3]}-${String(month).padStart(2, "0")}-${parts[1].padStart(2, "0")}` : null;
}

/** 1284.5 for `1,284.50 EUR`. */
function amount(text) {
  const parts = /\d[\d,]*\.\d{2}/.exec(text);
  return parts ? Number(parts[0].replaceAll(",", "")) : null;
}

export const extractor = {
  /** Who the plugin is. */
  describe() {
    return JSON.stringify({
      name: "{{name}}",
      version: "0.1.0",
      description: "Reads number, date and total of an invoice",
    });
  },

  /** Reads a document; a failure of the host, such as a page that cannot be read, passes through. */
  extract(input, _request) {
    const lines = [];
    for (let index = 0; index < input.pageCount(); index += 1) {
      const page = input.page(index);
      const words = page.words();
      for (const line of words.lines(0, CAP)) {
        lines.push({ words: words.slice(line.firstWord, line.wordCount), page: page.number(), source: words.source() });
      }
    }
    const fields = {
      number: field(find(lines, ["invoice number", "invoice no"]), (text) => text.split(" ")[0]),
      date: field(find(lines, ["date"]), date),
      total: field(find(lines, ["total", "amount due"]), amount),
    };
    return JSON.stringify({ fields, tables: [], warnings: [] });
  },
};
