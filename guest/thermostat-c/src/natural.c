#include "natural.h"

#include <stdlib.h>
#include <string.h>

#define LIMB_BITS 32u

static void push(struct natural *number, uint32_t limb) {
    if (number->length == NATURAL_LIMBS)
        abort();
    number->limbs[number->length++] = limb;
}

static void drop_leading_zeros(struct natural *number) {
    while (number->length > 0 && number->limbs[number->length - 1] == 0)
        number->length--;
}

struct natural natural_of(uint64_t number) {
    struct natural natural = {.limbs = {(uint32_t)number, (uint32_t)(number >> LIMB_BITS)}, .length = 2};
    drop_leading_zeros(&natural);
    return natural;
}

void natural_multiply(struct natural *number, uint32_t factor, uint32_t summand) {
    uint64_t carried = summand;
    for (size_t i = 0; i < number->length; i++) {
        carried += (uint64_t)number->limbs[i] * factor;
        number->limbs[i] = (uint32_t)carried;
        carried >>= LIMB_BITS;
    }
    if (carried)
        push(number, (uint32_t)carried);
}

void natural_scale(struct natural *number, unsigned exponent) {
    for (; exponent >= 9; exponent -= 9)
        natural_multiply(number, 1000000000, 0);
    for (; exponent > 0; exponent--)
        natural_multiply(number, 10, 0);
}

void natural_shift(struct natural *number, unsigned bits) {
    natural_multiply(number, 1u << bits % LIMB_BITS, 0);
    size_t limbs = bits / LIMB_BITS;
    if (number->length == 0 || limbs == 0)
        return;
    if (limbs > NATURAL_LIMBS - number->length)
        abort();
    memmove(number->limbs + limbs, number->limbs, number->length * sizeof number->limbs[0]);
    memset(number->limbs, 0, limbs * sizeof number->limbs[0]);
    number->length += limbs;
}

void natural_add(struct natural *sum, const struct natural *summand) {
    uint64_t carried = 0;
    for (size_t i = 0; i < summand->length || carried; i++) {
        if (i == sum->length)
            push(sum, 0);
        carried += (uint64_t)sum->limbs[i] + (i < summand->length ? summand->limbs[i] : 0);
        sum->limbs[i] = (uint32_t)carried;
        carried >>= LIMB_BITS;
    }
}

void natural_subtract(struct natural *number, const struct natural *less) {
    uint64_t borrowed = 0;
    for (size_t i = 0; i < number->length; i++) {
        uint64_t taken = borrowed + (i < less->length ? less->limbs[i] : 0);
        borrowed = number->limbs[i] < taken;
        number->limbs[i] = (uint32_t)(number->limbs[i] - taken);
    }
    drop_leading_zeros(number);
}

int natural_compare(const struct natural *a, const struct natural *b) {
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    for (size_t i = a->length; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

int natural_bits(const struct natural *number) {
    if (number->length == 0)
        return 0;
    int bits = (int)((number->length - 1) * LIMB_BITS);
    for (uint32_t highest = number->limbs[number->length - 1]; highest > 0; highest >>= 1)
        bits++;
    return bits;
}
