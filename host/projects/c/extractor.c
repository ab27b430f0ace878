// The plugin `{{name}}`: number, date and total of an invoice. The contract is `.ocriva/wit/extract.wit`; `asked.h` says the
// same in C, and is made of it by each build.
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asked.h"

// Most words and lines that are asked for at one time.
enum { CAP = 10000 };

typedef ocriva_extract_types_word_t word_t;
typedef ocriva_extract_types_rect_t rect_t;

// The text behind a label in its line, with its place; `text` is NULL where the label is not there.
typedef struct {
    char *text;
    rect_t box;
    float confidence;
    uint32_t page;
} found_t;

// A text that grows.
typedef struct {
    char *bytes;
    size_t length, room;
} text_t;

static void append(text_t *text, const char *bytes, size_t length) {
    if (text->length + length + 1 > text->room) {
        text->room = (text->length + length + 1) * 2;
        text->bytes = realloc(text->bytes, text->room);
    }
    memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = 0;
}

static void append_json_string(text_t *text, const char *string) {
    append(text, "\"", 1);
    for (; *string; string++) {
        char escaped[8];
        unsigned char byte = (unsigned char)*string;
        if (byte == '"' || byte == '\\' || byte < 0x20) {
            append(text, escaped, (size_t)snprintf(escaped, sizeof escaped, "\\u%04x", byte));
        } else {
            append(text, string, 1);
        }
    }
    append(text, "\"", 1);
}

// Whether a word is the first word of a label, but for case and punctuation; `label` then stands behind it.
static bool begins(const word_t *word, const char **label) {
    const char *wanted = *label;
    for (size_t i = 0; i < word->text.len; i++) {
        int letter = word->text.ptr[i];
        if (isalnum(letter) && tolower(letter) != *wanted++) return false;
    }
    if (*wanted != 0 && *wanted != ' ') return false;
    *label = *wanted ? wanted + 1 : wanted;
    return true;
}

static found_t behind(const word_t *words, size_t count, const char *label, uint32_t page) {
    for (size_t start = 0; start < count; start++) {
        const char *left = label;
        size_t at = start;
        while (*left && at < count && begins(&words[at], &left)) at++;
        if (*left || at == count) continue;
        text_t text = {0};
        found_t found = {.box = words[at].bbox, .confidence = 0.9f, .page = page};
        for (size_t i = at; i < count; i++) {
            if (i > at) append(&text, " ", 1);
            append(&text, (const char *)words[i].text.ptr, words[i].text.len);
            rect_t box = words[i].bbox;
            if (box.x0 < found.box.x0) found.box.x0 = box.x0;
            if (box.y0 < found.box.y0) found.box.y0 = box.y0;
            if (box.x1 > found.box.x1) found.box.x1 = box.x1;
            if (box.y1 > found.box.y1) found.box.y1 = box.y1;
            if (words[i].confidence < found.confidence) found.confidence = words[i].confidence;
        }
        found.text = text.bytes;
        return found;
    }
    return (found_t){0};
}

// The value of a text as JSON, in `value`; false where there is none.
typedef bool parse_t(const char *text, char *value, size_t room);

static bool first_word(const char *text, char *value, size_t room) {
    int length = (int)strcspn(text, " ");
    return snprintf(value, room, "\"%.*s\"", length, text) > 2;
}

// `2026-03-14` for `14 March 2026`.
static bool date(const char *text, char *value, size_t room) {
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    int day, year;
    char name[16] = {0};
    if (sscanf(text, "%2d %15[A-Za-z] %4d", &day, name, &year) != 3 || strlen(name) < 3) return false;
    char start[4] = {(char)tolower(name[0]), (char)tolower(name[1]), (char)tolower(name[2]), 0};
    const char *month = strstr(months, start);
    if (!month || (month - months) % 3) return false;
    return snprintf(value, room, "\"%04d-%02d-%02d\"", year, (int)(month - months) / 3 + 1, day) > 0;
}

// 1284.5 for `1,284.50 EUR`.
static bool amount(const char *text, char *value, size_t room) {
    size_t length = 0;
    for (; *text && *text != ' ' && length + 1 < room; text++) {
        if (isdigit((unsigned char)*text) || *text == '.') value[length++] = *text;
    }
    value[length] = 0;
    return length > 0 && strchr(value, '.');
}

static void append_field(text_t *answer, const char *name, found_t found, parse_t *parse, const char *source) {
    char value[64], rest[160];
    if (answer->bytes[answer->length - 1] != '{') append(answer, ",", 1);
    append_json_string(answer, name);
    if (!found.text || !parse(found.text, value, sizeof value)) {
        const char missing[] = ":{\"value\":null,\"confidence\":0}";
        append(answer, missing, sizeof missing - 1);
        return;
    }
    append(answer, ":{\"value\":", 10);
    append(answer, value, strlen(value));
    int length = snprintf(rest, sizeof rest, ",\"confidence\":%.3f,\"page\":%u,\"box\":[%.2f,%.2f,%.2f,%.2f],\"source\":\"%s\",\"text\":",
        found.confidence, (unsigned)found.page, found.box.x0, found.box.y0, found.box.x1, found.box.y1, source);
    append(answer, rest, (size_t)length);
    append_json_string(answer, found.text);
    append(answer, "}", 1);
}

// Who the plugin is.
void exports_ocriva_extract_extractor_describe(asked_string_t *ret) {
    asked_string_dup(ret,
        "{\"name\":\"{{name}}\",\"version\":\"0.1.0\",\"description\":\"Reads number, date and total of an invoice\"}");
}

static bool read_fields(exports_ocriva_extract_extractor_borrow_doc_t input, asked_string_t *ret,
    exports_ocriva_extract_extractor_failure_t *err) {
    static const struct { const char *name, *labels[2]; parse_t *parse; } FIELDS[] = {
        {"number", {"invoice number", "invoice no"}, first_word},
        {"date", {"date"}, date},
        {"total", {"total", "amount due"}, amount},
    };
    enum { COUNT = sizeof FIELDS / sizeof *FIELDS };
    found_t found[COUNT] = {0};
    char source[16] = "text_layer";
    uint32_t pages = ocriva_extract_document_method_doc_page_count(input);
    for (uint32_t index = 0; index < pages; index++) {
        ocriva_extract_document_own_page_t page;
        ocriva_extract_document_own_words_t words;
        if (!ocriva_extract_document_method_doc_page(input, index, &page, err)) return false;
        ocriva_extract_document_borrow_page_t this_page = ocriva_extract_document_borrow_page(page);
        if (!ocriva_extract_document_method_page_words(this_page, &words, err)) return false;
        uint32_t number = ocriva_extract_document_method_page_number(this_page);
        ocriva_extract_document_borrow_words_t all = ocriva_extract_document_borrow_words(words);
        asked_string_t named;
        ocriva_extract_document_method_words_source(all, &named);
        snprintf(source, sizeof source, "%.*s", (int)named.len, (const char *)named.ptr);
        ocriva_extract_document_list_line_t lines;
        ocriva_extract_document_method_words_lines(all, 0, CAP, &lines);
        for (size_t line = 0; line < lines.len; line++) {
            ocriva_extract_document_list_word_t row;
            ocriva_extract_document_method_words_slice(all, lines.ptr[line].first_word, lines.ptr[line].word_count, &row);
            for (size_t field = 0; field < COUNT; field++) {
                for (size_t label = 0; label < 2 && FIELDS[field].labels[label] && !found[field].text; label++) {
                    found[field] = behind(row.ptr, row.len, FIELDS[field].labels[label], number);
                }
            }
            ocriva_extract_document_list_word_free(&row);
        }
        ocriva_extract_document_words_drop_own(words);
        ocriva_extract_document_page_drop_own(page);
    }
    text_t answer = {0};
    append(&answer, "{\"fields\":{", 11);
    for (size_t field = 0; field < COUNT; field++) {
        append_field(&answer, FIELDS[field].name, found[field], FIELDS[field].parse, source);
    }
    append(&answer, "},\"tables\":[],\"warnings\":[]}", 28);
    ret->ptr = (uint8_t *)answer.bytes;
    ret->len = answer.length;
    return true;
}

// Reads a document; a failure of the host, such as a page that cannot be read, passes through. What was lent is given back.
bool exports_ocriva_extract_extractor_extract(exports_ocriva_extract_extractor_borrow_doc_t input, asked_string_t *request,
    asked_string_t *ret, exports_ocriva_extract_extractor_failure_t *err) {
    asked_string_free(request);
    bool is_read = read_fields(input, ret, err);
    ocriva_extract_document_doc_drop_borrow(input);
    return is_read;
}
