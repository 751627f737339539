#include "state.h"

#include "json.h"
#include "print_number.h"

/* A later version of the thermostat may save more, under another number; this one reads only its own. */
#define VERSION 1

static void append_times(struct builder *builder, const struct window *readings) {
    uint64_t before = 0;
    for (size_t reading = 0; reading < readings->count; reading++) {
        /* Unsigned, for differences that are too large begin anew from the other end. */
        uint64_t at = (uint64_t)window_time(readings, reading);
        append_literal(builder, reading ? "," : "");
        append_signed(builder, (int64_t)(at - before));
        before = at;
    }
}

static void append_temperatures(struct builder *builder, const struct window *readings) {
    for (size_t reading = 0; reading < readings->count; reading++) {
        append_literal(builder, reading ? "," : "");
        append_unsigned(builder, window_temperature(readings, reading));
    }
}

void append_state(struct builder *builder, const struct state *state) {
    append_literal(builder, "{\"version\":");
    append_unsigned(builder, VERSION);
    append_literal(builder, ",\"maximum\":");
    append_double(builder, state->maximum);
    append_literal(builder, ",\"target\":");
    append_double(builder, state->target);
    append_literal(builder, ",\"times\":[");
    append_times(builder, &state->readings);
    append_literal(builder, "],\"temperatures\":[");
    append_temperatures(builder, &state->readings);
    append_literal(builder, "]}");
}

/* A saved state as it is being read. Members may come in any order, so that readings are put together in the end. */
struct saved {
    int64_t version;
    double maximum, target;
    /* Where the columns begin in the text. */
    struct reader times, temperatures;
    size_t count_of_times, count_of_temperatures;
};

enum member { MEMBER_VERSION, MEMBER_MAXIMUM, MEMBER_TARGET, MEMBER_TIMES, MEMBER_TEMPERATURES, MEMBERS };

static const char *const member_names[MEMBERS] = {"version", "maximum", "target", "times", "temperatures"};

static bool pass_column(struct reader *reader, int64_t lowest, int64_t highest, struct reader *column, size_t *count) {
    int64_t number;
    if (!read_mark(reader, '['))
        return false;
    *column = *reader;
    *count = 0;
    if (read_mark(reader, ']'))
        return true;
    do {
        if (!read_integer(reader, lowest, highest, &number))
            return false;
        ++*count;
    } while (read_mark(reader, ','));
    return read_mark(reader, ']');
}

static bool read_member(struct reader *reader, enum member member, struct saved *saved) {
    switch (member) {
    case MEMBER_VERSION:
        return read_integer(reader, 0, UINT32_MAX, &saved->version);
    case MEMBER_MAXIMUM:
        return read_double(reader, &saved->maximum);
    case MEMBER_TARGET:
        return read_double(reader, &saved->target);
    case MEMBER_TIMES:
        return pass_column(reader, INT64_MIN, INT64_MAX, &saved->times, &saved->count_of_times);
    case MEMBER_TEMPERATURES:
        return pass_column(reader, 0, UINT8_MAX, &saved->temperatures, &saved->count_of_temperatures);
    default:
        return read_value(reader);
    }
}

static enum member member_named(struct text name) {
    enum member member = 0;
    while (member < MEMBERS && !text_equals(name, member_names[member]))
        member++;
    return member;
}

static const char *read_saved(struct reader *reader, struct saved *saved) {
    static const char no_json[] = "it is not the JSON that a thermostat writes";
    bool there[MEMBERS + 1] = {false};
    struct builder name = {0};
    const char *wrong = read_mark(reader, '{') ? NULL : no_json;
    bool more = !wrong && !read_mark(reader, '}');
    while (more) {
        name.length = 0;
        wrong = read_string(reader, &name) && read_mark(reader, ':') ? NULL : no_json;
        enum member member = member_named(built(&name));
        if (!wrong && member < MEMBERS && there[member])
            wrong = "a member is there twice";
        there[member] = true;
        if (!wrong && !read_member(reader, member, saved))
            wrong = "a member is not of its type, or out of its range";
        more = !wrong && read_mark(reader, ',');
        if (!wrong && !more && !read_mark(reader, '}'))
            wrong = no_json;
    }
    discard(&name);
    for (enum member member = 0; member < MEMBERS && !wrong; member++)
        wrong = there[member] ? NULL : "a member is missing";
    return wrong ? wrong : read_end(reader) ? NULL : no_json;
}

const char *read_state(struct text text, size_t window, struct state *state) {
    struct reader reader = reader_of(text);
    struct saved saved;
    const char *wrong = read_saved(&reader, &saved);
    if (wrong)
        return wrong;
    if (saved.version != VERSION)
        return "it is of another version than 1";
    if (saved.count_of_times != saved.count_of_temperatures)
        return "it has not as many times as temperatures";
    *state = (struct state){saved.maximum, saved.target, window_of(window)};
    uint64_t at = 0;
    for (size_t reading = 0; reading < saved.count_of_times; reading++) {
        int64_t difference = 0, temperature = 0;
        read_integer(&saved.times, INT64_MIN, INT64_MAX, &difference);
        read_integer(&saved.temperatures, 0, UINT8_MAX, &temperature);
        read_mark(&saved.times, ',');
        read_mark(&saved.temperatures, ',');
        at += (uint64_t)difference;
        window_push(&state->readings, moment_milliseconds(moment_of_milliseconds((int64_t)at)), (uint8_t)temperature);
    }
    return NULL;
}
