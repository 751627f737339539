#include "binary64.h"

#include <string.h>

#define EXPONENT_BITS 0x7ffu

_Static_assert(sizeof(double) == sizeof(uint64_t), "a double is binary64");

struct binary64 binary64_of(double number) {
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    int stored = (int)(bits >> (BINARY64_DIGITS - 1) & EXPONENT_BITS);
    uint64_t significand = bits & (BINARY64_FIRST_DIGIT - 1);
    if (stored == 0)
        return (struct binary64){significand, BINARY64_LEAST_EXPONENT};
    return (struct binary64){significand | BINARY64_FIRST_DIGIT, BINARY64_LEAST_EXPONENT + stored - 1};
}

double binary64_to_double(struct binary64 parts) {
    uint64_t bits = (uint64_t)EXPONENT_BITS << (BINARY64_DIGITS - 1);
    if (parts.exponent <= BINARY64_GREATEST_EXPONENT) {
        /* A significand without its first digit stores the exponent 0; one with a digit too many adds 1 to it. */
        uint64_t stored = (uint64_t)(parts.exponent - BINARY64_LEAST_EXPONENT);
        bits = (stored << (BINARY64_DIGITS - 1)) + parts.significand;
    }
    double number;
    memcpy(&number, &bits, sizeof number);
    return number;
}
