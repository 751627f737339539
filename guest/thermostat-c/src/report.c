#include "report.h"

#include "json.h"
#include "print_number.h"
#include "utf8.h"

/* Of a wrong time; a payload may be as large as an answer, and then leaves no room for one around it. */
#define QUOTED_CHARACTERS 80

void append_message(struct builder *answer, struct text message) {
    append_literal(answer, "{\"message\":");
    append_json_string(answer, message);
    append_character(answer, '}');
}

static void append_time_member(struct builder *answer, const char *name, struct moment moment) {
    append_literal(answer, name);
    append_literal(answer, ":\"");
    append_moment(answer, moment);
    append_character(answer, '"');
}

static void append_report(struct builder *answer, const struct summary *summary, struct moment now) {
    /* Readings are kept to the millisecond, and the report is no finer. */
    now.nanoseconds -= now.nanoseconds % 1000000;
    append_literal(answer, "{\"avgTemp\":");
    append_double(answer, summary->mean);
    append_time_member(answer, ",\"endTime\"", now);
    append_literal(answer, ",\"maxTemp\":");
    append_unsigned(answer, summary->highest);
    append_literal(answer, ",\"minTemp\":");
    append_unsigned(answer, summary->lowest);
    append_time_member(answer, ",\"startTime\"", summary->oldest);
    append_character(answer, '}');
}

static void append_nothing_kept(struct builder *message, const struct window *readings, const struct moment *since) {
    struct moment newest;
    if (!since || !window_newest(readings, &newest)) {
        append_literal(message, "there is no reading yet");
        return;
    }
    append_literal(message, "there is no reading since ");
    append_moment(message, *since);
    append_literal(message, "; the last one is of ");
    append_moment(message, newest);
}

/* Reads when the report begins; `any` without a time. False: the message says what is wrong. */
static bool read_since(const struct text *payload, bool *any, struct moment *since, struct builder *message) {
    static const char takes[] = "getMaxMinReport takes an RFC 3339 date and time ";
    struct builder text = {0};
    bool sound = true;
    *any = !payload || json_is_null(*payload);
    if (!*any && !json_string(*payload, &text)) {
        append_literal(message, takes);
        append_literal(message, "in a string, or nothing: it is neither");
        sound = false;
    } else if (text.length == 0) {
        *any = true;
    } else if (!read_moment(built(&text), since)) {
        append_literal(message, takes);
        append_literal(message, "such as 2026-01-31T12:00:00Z, not ");
        append_json_string(message, utf8_beginning(built(&text), QUOTED_CHARACTERS));
        append_literal(message, ": there is no such time, or it is written otherwise");
        sound = false;
    }
    discard(&text);
    return sound;
}

uint16_t report_answer(const struct window *readings, const struct text *payload, struct moment now,
                       struct builder *answer) {
    struct builder message = {0};
    struct moment since;
    struct summary summary;
    bool any;
    uint16_t status = 200;
    if (!read_since(payload, &any, &since, &message)) {
        status = 400;
    } else if (!window_summary(readings, any ? NULL : &since, &summary)) {
        status = 404;
        append_nothing_kept(&message, readings, any ? NULL : &since);
    }
    if (status == 200)
        append_report(answer, &summary, now);
    else
        append_message(answer, built(&message));
    discard(&message);
    return status;
}
