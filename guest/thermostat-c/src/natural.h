/* Natural numbers as large as it takes to read and print floating-point numbers exactly. */
#ifndef NATURAL_H
#define NATURAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 4,096 bits. The largest that number.c comes to has under 3,800: 10 to the 1101st, and a factor of a few bits. */
#define NATURAL_LIMBS 128

/* Its digits to the base of 2^32, the lowest first; the highest is not 0. A number too large ends the instance. */
struct natural {
    uint32_t limbs[NATURAL_LIMBS];
    size_t length;
};

struct natural natural_of(uint64_t number);

/* number = number * factor + summand */
void natural_multiply(struct natural *number, uint32_t factor, uint32_t summand);

/* number = number * 10^exponent */
void natural_scale(struct natural *number, unsigned exponent);

/* number = number * 2^bits */
void natural_shift(struct natural *number, unsigned bits);

/* sum = sum + summand */
void natural_add(struct natural *sum, const struct natural *summand);

/* number = number - less, which is not greater than the number. */
void natural_subtract(struct natural *number, const struct natural *less);

/* Below 0, 0, or above 0, as a is less than b, equal, or greater. */
int natural_compare(const struct natural *a, const struct natural *b);

/* How many binary digits it has; 0 for 0. */
int natural_bits(const struct natural *number);

#endif
