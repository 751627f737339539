/* UTF-8, RFC 3629. */
#ifndef UTF8_H
#define UTF8_H

#include "text.h"

/* How many bytes the first character of these takes; 0 when they do not begin with one. */
size_t utf8_first(struct text bytes);

/* As many of the first characters, or all there are. */
struct text utf8_beginning(struct text text, size_t characters);

/* A character that is no surrogate. */
void append_utf8(struct builder *builder, uint32_t character);

#endif
