#include "check.h"
#include "json.h"
#include "moment.h"
#include "utf8.h"

static void strings_are_read_with_their_escapes(void) {
    static const char *const documents[][2] = {
        {"\"\"", ""},
        {" \"warm\"\n", "warm"},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\u00e9\u20ac\U0001f600"},
        {"\"\u00e9\u20ac\U0001f600\"", "\u00e9\u20ac\U0001f600"},
    };
    for (size_t i = 0; i < sizeof documents / sizeof documents[0]; i++) {
        struct builder string = {0};
        CHECK(json_string(text_of(documents[i][0]), &string));
        CHECK_TEXT(built(&string), documents[i][1]);
        discard(&string);
    }
}

static void what_is_no_string_is_not_read(void) {
    static const char *const wrong[] = {
        "",          "5",          "null",          "\"",         "\"a",        "\"a\" b",     "\"\\",    "\"\\x\"",
        "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"",   "\"\\ud800x\"", "\"\\ud800\\u0041\"", "\"\n\"", "\"\xff\"",
        "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xe2\x82\"",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct builder string = {0};
        CHECK(!json_string(text_of(wrong[i]), &string));
        discard(&string);
    }
}

static void strings_are_written_with_the_escapes_they_need(void) {
    struct builder text = {0};
    append_json_string(&text, text_of("\"\\\b\f\n\r\t\x01\x1f\x7f\u00e9"));
    CHECK_TEXT(built(&text), "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\u00e9\"");
    discard(&text);
}

static void texts_begin_with_whole_characters(void) {
    struct text text = text_of("a\u00e9\u20ac\U0001f600");
    CHECK_TEXT(utf8_beginning(text, 0), "");
    CHECK_TEXT(utf8_beginning(text, 3), "a\u00e9\u20ac");
    CHECK_TEXT(utf8_beginning(text, 80), "a\u00e9\u20ac\U0001f600");
}

static bool passes(const char *document) {
    struct reader reader = reader_of(text_of(document));
    return read_value(&reader) && read_end(&reader);
}

static void any_value_is_passed_over(void) {
    static const char *const sound[] = {
        "0",  "-1.5e+3", "true", "false", "null", "\"\\ud800\"", "[]", "{}", " [ 1 , [ ] , { } ] ",
        "{\"a\": [1, {\"b\": null}], \"c\": \"}\"}",
    };
    static const char *const wrong[] = {
        "",        "01",        "1.",    "-",           "1e",  "nul", "[1,]", "[1 2]", "[,]",
        "{\"a\"}", "{\"a\":}", "{1:2}", "{\"a\":1,}", "[1}", "[",   "]",    "1 2",
    };
    for (size_t i = 0; i < sizeof sound / sizeof sound[0]; i++)
        CHECK(passes(sound[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(!passes(wrong[i]));
}

static void values_may_be_nested_as_deep_as_memory_reaches(void) {
    struct builder document = {0};
    for (int depth = 0; depth < 1000000; depth++)
        append_character(&document, '[');
    for (int depth = 0; depth < 1000000; depth++)
        append_character(&document, ']');
    struct reader reader = reader_of(built(&document));
    CHECK(read_value(&reader) && read_end(&reader));
    discard(&document);
}

static void integers_keep_to_their_bounds(void) {
    static const struct {
        const char *text;
        bool sound;
        int64_t integer;
    } integers[] = {
        {"0", true, 0},       {"9223372036854775807", true, INT64_MAX}, {"-9223372036854775808", true, INT64_MIN},
        {"-1", true, -1},     {"9223372036854775808", false, 0},        {"-9223372036854775809", false, 0},
        {"-0", false, 0},     {"1.0", false, 0},                        {"1e0", false, 0},
        {"\"1\"", false, 0},
    };
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        struct reader reader = reader_of(text_of(integers[i].text));
        int64_t integer = 0;
        CHECK(read_integer(&reader, INT64_MIN, INT64_MAX, &integer) == integers[i].sound);
        CHECK(!integers[i].sound || integer == integers[i].integer);
    }
    struct reader reader = reader_of(text_of("256"));
    int64_t integer;
    CHECK(!read_integer(&reader, 0, 255, &integer));
}

/* As it is read and then written, in UTC. */
static void is_moment(const char *text, const char *expected) {
    struct moment moment;
    struct builder written = {0};
    CHECK(read_moment(text_of(text), &moment));
    append_moment(&written, moment);
    CHECK_TEXT(built(&written), expected);
    discard(&written);
}

static void times_are_read_and_written(void) {
    is_moment("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z");
    is_moment("2024-02-29t23:59:59.5z", "2024-02-29T23:59:59.500Z");
    is_moment("2024-01-01 00:00:00.0001+01:00", "2023-12-31T23:00:00.000100Z");
    is_moment("2024-01-01T00:00:00.1234567899-00:30", "2024-01-01T00:30:00.123456789Z");
    is_moment("2024-01-01T00:00:00\u221212:00", "2024-01-01T12:00:00Z");
    is_moment("2016-12-31T23:59:60.25Z", "2016-12-31T23:59:60.250Z");
    is_moment("1900-03-01T00:00:00Z", "1900-03-01T00:00:00Z");
    is_moment("0000-01-01T00:00:00+23:59", "-0001-12-31T00:01:00Z");
    is_moment("9999-12-31T23:59:59-23:59", "+10000-01-01T23:58:59Z");
}

static void what_is_no_time_is_not_read(void) {
    static const char *const wrong[] = {
        "",
        "yesterday",
        "2026-01-01",
        "2026-01-01T00:00:08",
        "2026-02-29T00:00:08Z",
        "1900-02-29T00:00:00Z",
        "2026-00-01T00:00:08Z",
        "2026-13-01T00:00:08Z",
        "2026-01-00T00:00:08Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00Z ",
        "2026-01-01_00:00:00Z",
        "+2026-01-01T00:00:00Z",
    };
    struct moment moment;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(!read_moment(text_of(wrong[i]), &moment));
}

static void milliseconds_reach_over_all_years_there_are(void) {
    struct builder written = {0};
    append_moment(&written, moment_of_milliseconds(FIRST_MILLISECOND));
    append_character(&written, ' ');
    append_moment(&written, moment_of_milliseconds(LAST_MILLISECOND));
    append_character(&written, ' ');
    append_moment(&written, moment_of_milliseconds(LAST_MILLISECOND + 1));
    append_character(&written, ' ');
    append_moment(&written, moment_of_milliseconds(-1));
    CHECK_TEXT(built(&written), "-262143-01-01T00:00:00Z +262142-12-31T23:59:59.999Z 1970-01-01T00:00:00Z "
                                "1969-12-31T23:59:59.999Z");
    discard(&written);
    CHECK(moment_milliseconds(moment_of_milliseconds(FIRST_MILLISECOND)) == FIRST_MILLISECOND);
    CHECK(moment_milliseconds(moment_of_milliseconds(LAST_MILLISECOND)) == LAST_MILLISECOND);
}

int main(void) {
    strings_are_read_with_their_escapes();
    what_is_no_string_is_not_read();
    strings_are_written_with_the_escapes_they_need();
    texts_begin_with_whole_characters();
    any_value_is_passed_over();
    values_may_be_nested_as_deep_as_memory_reaches();
    integers_keep_to_their_bounds();
    times_are_read_and_written();
    what_is_no_time_is_not_read();
    milliseconds_reach_over_all_years_there_are();
    return failures();
}
