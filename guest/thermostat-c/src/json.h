/* JSON, RFC 8259: as much of it as a device reads and writes. */
#ifndef JSON_H
#define JSON_H

#include "text.h"

/* Null, which the contract writes as no value at all. */
bool json_is_null(struct text document);

/* Reads a document that is a number. False when it is something else, or beyond all doubles. */
bool json_number(struct text document, double *number);

/* Reads a document that is a string, and adds it to what has been built. False when it is something else, or has half a
   character in it; what has been added by then stays. */
bool json_string(struct text document, struct builder *string);

void append_json_string(struct builder *builder, struct text string);

/* What is left of a document that is read piece by piece. Whoever reads stops at the first piece that is not there. */
struct reader {
    const char *at;
    const char *end;
};

struct reader reader_of(struct text document);

/* The next piece is this character, one of JSON's own. Not there: nothing is taken. */
bool read_mark(struct reader *reader, char mark);

/* A string, added to what has been built. */
bool read_string(struct reader *reader, struct builder *string);

/* A number that a double can hold. */
bool read_double(struct reader *reader, double *number);

/* A number from lowest to highest without point and exponent; -0 is none. */
bool read_integer(struct reader *reader, int64_t lowest, int64_t highest, int64_t *integer);

/* Any value, which is passed over. */
bool read_value(struct reader *reader);

/* Nothing is left. */
bool read_end(struct reader *reader);

#endif
