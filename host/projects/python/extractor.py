"""The plugin `{{name}}`: number, date and total of an invoice. The contract is `.ocriva/wit/extract.wit`."""

import json
import re

from wit_world import exports

# Most words and lines that are asked for at one time.
CAP = 10_000

MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()


def find(lines, labels):
    """The text behind a label in its line, with its place."""
    for label in labels:
        wanted = label.split()
        for words, page, source in lines:
            folded = [re.sub(r"\W", "", word.text.lower()) for word in words]
            for start in range(len(folded)):
                value = words[start + len(wanted) :]
                if folded[start : start + len(wanted)] == wanted and value:
                    return " ".join(word.text for word in value), value, page, source
    return None


def field(found, parse):
    """A field of the answer: `parse` makes its value of the text, or None."""
    value = parse(found[0]) if found else None
    if value is None:
        return {"value": None, "confidence": 0}
    text, words, page, source = found
    boxes = [word.bbox for word in words]
    return {
        "value": value,
        "confidence": min(0.9, *(word.confidence for word in words)),
        "page": page,
        "box": [
            min(box.x0 for box in boxes),
            min(box.y0 for box in boxes),
            max(box.x1 for box in boxes),
            max(box.y1 for box in boxes),
        ],
        "source": source,
        "text": text,
    }


def date(text):
    """`2026-03-14` for `14 March 2026`."""
    parts = re.search(r"(\d{1,2})\s+([^\W\d]{3})[^\W\d]*\s+(\d{4})", text)
    if not parts or parts[2].lower() not in MONTHS:
        return None
    return f"{parts[3]}-{MONTHS.index(parts[2].lower()) + 1:02}-{int(parts[1]):02}"


def amount(text):
    """1284.5 for `1,284.50 EUR`."""
    parts = re.search(r"\d[\d,]*\.\d{2}", text)
    return float(parts[0].replace(",", "")) if parts else None


class Extractor(exports.Extractor):
    def describe(self) -> str:
        """Who the plugin is."""
        return json.dumps(
            {
                "name": "{{name}}",
                "version": "0.1.0",
                "description": "Reads number, date and total of an invoice",
            }
        )

    def extract(self, input, request: str) -> str:
        """Reads a document; a failure of the host, such as a page that cannot be read, passes through."""
        lines = []
        for index in range(input.page_count()):
            page = input.page(index)
            words = page.words()
            for line in words.lines(0, CAP):
                lines.append((words.slice(line.first_word, line.word_count), page.number(), words.source()))
        fields = {
            "number": field(find(lines, ["invoice number", "invoice no"]), lambda text: text.split()[0]),
            "date": field(find(lines, ["date"]), date),
            "total": field(find(lines, ["total", "amount due"]), amount),
        }
        return json.dumps({"fields": fields, "tables": [], "warnings": []})
