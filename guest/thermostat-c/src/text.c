#include "text.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

/* Of the largest 64-bit number. */
#define MOST_DIGITS 20

struct text text_of(const char *literal) {
    return (struct text){literal, strlen(literal)};
}

bool text_equals(struct text text, const char *literal) {
    size_t length = strlen(literal);
    return text.length == length && (length == 0 || memcmp(text.at, literal, length) == 0);
}

static bool is_space(char character) {
    return character == ' ' || character == '\t' || character == '\n' || character == '\r' || character == '\f';
}

struct text text_trimmed(struct text text) {
    while (text.length > 0 && is_space(text.at[0])) {
        text.at++;
        text.length--;
    }
    while (text.length > 0 && is_space(text.at[text.length - 1]))
        text.length--;
    return text;
}

void append(struct builder *builder, struct text text) {
    if (text.length == 0)
        return;
    if (builder->room - builder->length < text.length) {
        /* Twice as much each time, or else a long text would be copied for every piece of it. */
        size_t room = builder->room > SIZE_MAX / 2 ? SIZE_MAX : builder->room * 2;
        if (text.length > SIZE_MAX - builder->length)
            abort();
        if (room < builder->length + text.length)
            room = builder->length + text.length;
        builder->at = resize_memory(builder->at, room, 1);
        builder->room = room;
    }
    memcpy(builder->at + builder->length, text.at, text.length);
    builder->length += text.length;
}

void append_literal(struct builder *builder, const char *literal) {
    append(builder, text_of(literal));
}

void append_character(struct builder *builder, char character) {
    append(builder, (struct text){&character, 1});
}

void append_padded(struct builder *builder, uint64_t number, size_t digits) {
    char text[MOST_DIGITS];
    size_t first = MOST_DIGITS;
    do {
        text[--first] = (char)('0' + number % 10);
        number /= 10;
    } while (first > 0 && (number > 0 || MOST_DIGITS - first < digits));
    append(builder, (struct text){text + first, MOST_DIGITS - first});
}

void append_unsigned(struct builder *builder, uint64_t number) {
    append_padded(builder, number, 1);
}

void append_signed(struct builder *builder, int64_t number) {
    if (number < 0)
        append_character(builder, '-');
    /* The lowest one has no opposite of its own type. */
    append_unsigned(builder, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

struct text built(const struct builder *builder) {
    return (struct text){builder->at, builder->length};
}

void discard(struct builder *builder) {
    free(builder->at);
    *builder = (struct builder){0};
}
