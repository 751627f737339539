#include "check.h"

#include <stdio.h>
#include <string.h>

static int failed;

void check(bool holds, const char *what, const char *file, int line) {
    if (holds)
        return;
    failed++;
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
}

void check_text(struct text got, struct text expected, const char *file, int line) {
    if (got.length == expected.length && (got.length == 0 || memcmp(got.at, expected.at, got.length) == 0))
        return;
    failed++;
    fprintf(stderr, "%s:%d: got\n%.*s\nand expected\n%.*s\n", file, line, (int)got.length, got.at ? got.at : "",
            (int)expected.length, expected.at ? expected.at : "");
}

int failures(void) {
    return failed > 0;
}
