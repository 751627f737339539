/* Checks that say where they fail, and go on. */
#ifndef CHECK_H
#define CHECK_H

#include "text.h"

#define CHECK(condition) check((condition), #condition, __FILE__, __LINE__)
#define CHECK_TEXT(got, expected) check_text((got), text_of(expected), __FILE__, __LINE__)
#define CHECK_TEXTS(got, expected) check_text((got), (expected), __FILE__, __LINE__)

void check(bool holds, const char *what, const char *file, int line);
void check_text(struct text got, struct text expected, const char *file, int line);

/* For main to return. */
int failures(void);

#endif
