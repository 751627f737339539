#include "json.h"

#include "read_number.h"
#include "utf8.h"

#include <string.h>

static bool more(const struct reader *reader) {
    return reader->at < reader->end;
}

static void pass_space(struct reader *reader) {
    while (more(reader) && (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r'))
        reader->at++;
}

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

struct reader reader_of(struct text document) {
    /* Nothing added to no pointer would be undefined. */
    return document.length ? (struct reader){document.at, document.at + document.length} : reader_of(text_of(" "));
}

bool read_end(struct reader *reader) {
    pass_space(reader);
    return !more(reader);
}

/* Without space before it. */
static bool take(struct reader *reader, char character) {
    bool is_there = more(reader) && *reader->at == character;
    reader->at += is_there;
    return is_there;
}

bool read_mark(struct reader *reader, char mark) {
    pass_space(reader);
    return take(reader, mark);
}

static bool read_word(struct reader *reader, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(reader->end - reader->at) < length || memcmp(reader->at, word, length) != 0)
        return false;
    reader->at += length;
    return true;
}

static bool read_digits(struct reader *reader) {
    const char *first = reader->at;
    while (more(reader) && is_digit(*reader->at))
        reader->at++;
    return reader->at > first;
}

/* Finds where a number ends. */
static bool read_number_text(struct reader *reader, struct text *number) {
    pass_space(reader);
    const char *first = reader->at;
    take(reader, '-');
    if (!take(reader, '0') && !read_digits(reader))
        return false;
    if (take(reader, '.') && !read_digits(reader))
        return false;
    if (take(reader, 'e') || take(reader, 'E')) {
        if (!take(reader, '-'))
            take(reader, '+');
        if (!read_digits(reader))
            return false;
    }
    *number = (struct text){first, (size_t)(reader->at - first)};
    return true;
}

bool read_double(struct reader *reader, double *number) {
    struct text text;
    return read_number_text(reader, &text) && read_number(text, number);
}

bool read_integer(struct reader *reader, int64_t lowest, int64_t highest, int64_t *integer) {
    struct text text;
    if (!read_number_text(reader, &text) || text_equals(text, "-0"))
        return false;
    bool negative = text.at[0] == '-';
    uint64_t magnitude = 0, largest = negative ? 0 - (uint64_t)INT64_MIN : (uint64_t)INT64_MAX;
    for (size_t at = negative; at < text.length; at++) {
        if (!is_digit(text.at[at]))
            return false;
        uint64_t digit = (uint64_t)(text.at[at] - '0');
        if (magnitude > (largest - digit) / 10)
            return false;
        magnitude = magnitude * 10 + digit;
    }
    /* Without naming the opposite of the lowest one, which there is not. */
    *integer = negative && magnitude ? -(int64_t)(magnitude - 1) - 1 : (int64_t)magnitude;
    return *integer >= lowest && *integer <= highest;
}

static bool read_four_hex(struct reader *reader, uint32_t *unit) {
    *unit = 0;
    for (int digits = 0; digits < 4; digits++) {
        if (!more(reader))
            return false;
        char digit = *reader->at++;
        uint32_t value;
        if (is_digit(digit))
            value = (uint32_t)(digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = (uint32_t)(digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F')
            value = (uint32_t)(digit - 'A' + 10);
        else
            return false;
        *unit = *unit << 4 | value;
    }
    return true;
}

/* Reads what follows a backslash. Strings that are only passed over may have half a character in them. */
static bool read_escape(struct reader *reader, struct builder *string) {
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    if (!more(reader))
        return false;
    char name = *reader->at++;
    const char *found = memchr(names, name, sizeof names - 1);
    if (found) {
        if (string)
            append_character(string, meanings[found - names]);
        return true;
    }
    uint32_t unit, second;
    if (name != 'u' || !read_four_hex(reader, &unit))
        return false;
    if (!string)
        return true;
    if (unit >= 0xd800 && unit < 0xe000) {
        /* The first half of a character, which takes two such units in UTF-16. */
        if (unit >= 0xdc00 || !read_word(reader, "\\u") || !read_four_hex(reader, &second) || second < 0xdc00 ||
            second >= 0xe000)
            return false;
        unit = 0x10000 + ((unit - 0xd800) << 10 | (second - 0xdc00));
    }
    append_utf8(string, unit);
    return true;
}

/* Without a string to build, passes it over. */
static bool read_string_into(struct reader *reader, struct builder *string) {
    if (!read_mark(reader, '"'))
        return false;
    while (more(reader)) {
        if (take(reader, '"'))
            return true;
        if (take(reader, '\\')) {
            if (!read_escape(reader, string))
                return false;
            continue;
        }
        if ((unsigned char)*reader->at < 0x20)
            return false;
        size_t length = string ? utf8_first((struct text){reader->at, (size_t)(reader->end - reader->at)}) : 1;
        if (length == 0)
            return false;
        if (string)
            append(string, (struct text){reader->at, length});
        reader->at += length;
    }
    return false;
}

bool read_string(struct reader *reader, struct builder *string) {
    return read_string_into(reader, string);
}

static bool read_simple_value(struct reader *reader) {
    struct text number;
    pass_space(reader);
    if (more(reader) && *reader->at == '"')
        return read_string_into(reader, NULL);
    return read_word(reader, "null") || read_word(reader, "true") || read_word(reader, "false") ||
           read_number_text(reader, &number);
}

/* What comes before a value in the array or object that is open, if one is. */
static bool read_key(struct reader *reader, const struct builder *open) {
    bool in_object = open->length > 0 && open->at[open->length - 1] == '}';
    return !in_object || (read_string_into(reader, NULL) && read_mark(reader, ':'));
}

/* Without a call for each level: whoever wrote the document decides how many there are, and the stack is small. */
bool read_value(struct reader *reader) {
    /* What each array and object that is open will end with. */
    struct builder open = {0};
    bool sound = true, complete = false;
    while (sound && !complete) {
        bool array = read_mark(reader, '[');
        if (array || read_mark(reader, '{')) {
            char end = array ? ']' : '}';
            if (!read_mark(reader, end)) {
                append_character(&open, end);
                sound = read_key(reader, &open);
                continue;
            }
        } else {
            sound = read_simple_value(reader);
        }
        while (sound && open.length > 0 && read_mark(reader, open.at[open.length - 1]))
            open.length--;
        complete = open.length == 0;
        if (sound && !complete)
            sound = read_mark(reader, ',') && read_key(reader, &open);
    }
    discard(&open);
    return sound;
}

bool json_is_null(struct text document) {
    return text_equals(text_trimmed(document), "null");
}

bool json_number(struct text document, double *number) {
    struct reader reader = reader_of(document);
    return read_double(&reader, number) && read_end(&reader);
}

bool json_string(struct text document, struct builder *string) {
    struct reader reader = reader_of(document);
    return read_string(&reader, string) && read_end(&reader);
}

void append_json_string(struct builder *builder, struct text string) {
    static const char escaped[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt", hex[] = "0123456789abcdef";
    append_character(builder, '"');
    for (size_t at = 0; at < string.length; at++) {
        char character = string.at[at];
        const char *found = memchr(escaped, character, sizeof escaped - 1);
        if (found) {
            append_character(builder, '\\');
            append_character(builder, names[found - escaped]);
        } else if ((unsigned char)character < 0x20) {
            append_literal(builder, "\\u00");
            append_character(builder, hex[character >> 4]);
            append_character(builder, hex[character & 0xf]);
        } else {
            append_character(builder, character);
        }
    }
    append_character(builder, '"');
}
