/* Text that lies somewhere else, and text that is being put together. Mostly it is UTF-8, but for saved states. */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed. It may hold zeros and does not end with one. */
struct text {
    const char *at;
    size_t length;
};

/* For a string literal. */
struct text text_of(const char *literal);

bool text_equals(struct text text, const char *literal);

/* Without spaces, tabs, line ends and form feeds around it. */
struct text text_trimmed(struct text text);

/* Owned. Begins as {0} and ends with discard. */
struct builder {
    char *at;
    size_t length;
    size_t room;
};

void append(struct builder *builder, struct text text);
void append_literal(struct builder *builder, const char *literal);
void append_character(struct builder *builder, char character);
void append_unsigned(struct builder *builder, uint64_t number);
void append_signed(struct builder *builder, int64_t number);

/* With zeros before it, so that it has at least so many digits. */
void append_padded(struct builder *builder, uint64_t number, size_t digits);

/* What has been put together so far; borrowed from the builder until that changes. */
struct text built(const struct builder *builder);

void discard(struct builder *builder);

#endif
