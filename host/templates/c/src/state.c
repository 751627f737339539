#include "state.h"

#include "json.h"

void append_state(struct builder *builder, const struct state *state) {
    append_literal(builder, "{\"count\":");
    append_signed(builder, state->count);
    append_literal(builder, ",\"step\":");
    append_signed(builder, state->step);
    append_character(builder, '}');
}

/* A member of a name that this version does not know is passed over. */
static bool read_member(struct reader *reader, struct text name, struct state *state, bool *has_count, bool *has_step) {
    if (text_equals(name, "count") && !*has_count)
        return *has_count = read_integer(reader, -FURTHEST, FURTHEST, &state->count);
    if (text_equals(name, "step") && !*has_step)
        return *has_step = read_integer(reader, LOWEST_STEP, HIGHEST_STEP, &state->step);
    return !text_equals(name, "count") && !text_equals(name, "step") && read_value(reader);
}

bool read_state(struct text saved, struct state *state) {
    struct reader reader = reader_of(saved);
    struct builder name = {0};
    bool has_count = false, has_step = false;
    bool sound = read_mark(&reader, '{');
    bool more = sound && !read_mark(&reader, '}');
    while (more) {
        name.length = 0;
        sound = read_string(&reader, &name) && read_mark(&reader, ':') &&
                read_member(&reader, built(&name), state, &has_count, &has_step);
        more = sound && read_mark(&reader, ',');
        sound = sound && (more || read_mark(&reader, '}'));
    }
    discard(&name);
    return sound && has_count && has_step && read_end(&reader);
}
