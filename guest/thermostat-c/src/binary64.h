/* What a double is made of: IEEE 754's format binary64. */
#ifndef BINARY64_H
#define BINARY64_H

#include <stdint.h>

/* The double is significand * 2^exponent, but for its sign. */
struct binary64 {
    uint64_t significand;
    int exponent;
};

/* Binary digits of a significand; the first is not stored, for it is always 1 but in the smallest numbers. */
#define BINARY64_DIGITS 53
#define BINARY64_FIRST_DIGIT (UINT64_C(1) << (BINARY64_DIGITS - 1))

/* Of the smallest numbers, and the largest that a double has when its significand has all its digits. */
#define BINARY64_LEAST_EXPONENT (-1074)
#define BINARY64_GREATEST_EXPONENT 971

/* Of a finite number. */
struct binary64 binary64_of(double number);

/* The way back: a significand that has all its digits, or the least exponent; one more than the greatest significand is
   taken, too. Infinite when the exponent is too large. */
double binary64_to_double(struct binary64 parts);

#endif
