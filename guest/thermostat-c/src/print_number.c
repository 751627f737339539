#include "print_number.h"

#include "binary64.h"
#include "natural.h"

#include <math.h>

/* It takes no more of them to tell any double from all others. */
#define MOST_DIGITS 17

/* Powers of ten up to which a number has no exponent. */
#define LARGEST_PLAIN 15
#define SMALLEST_PLAIN (-5)

/* To here every whole double is an integer of the same value: 2^53. */
#define LARGEST_INTEGER 9007199254740992.0

/* The number is d.ddd * 10^exponent. */
struct digits {
    char digits[MOST_DIGITS];
    size_t count;
    int exponent;
};

/* A number, and how far it is to where the doubles above and below it become nearer; each in units of 1 / scale. */
struct interval {
    struct natural number, above, below, scale;
    /* Whether what lies exactly between two doubles is read as this one. */
    bool closed;
};

static struct interval interval_of(struct binary64 parts) {
    bool closed = parts.significand % 2 == 0;
    /* The doubles below a power of two are twice as close. */
    bool uneven = parts.significand == BINARY64_FIRST_DIGIT && parts.exponent > BINARY64_LEAST_EXPONENT;
    struct interval of = {natural_of(parts.significand), natural_of(1), natural_of(1), natural_of(1), closed};
    unsigned up = parts.exponent > 0 ? (unsigned)parts.exponent : 0;
    unsigned down = parts.exponent < 0 ? (unsigned)-parts.exponent : 0;
    /* Everything is counted in halves of a digit, or in quarters. */
    natural_shift(&of.number, up + 1 + uneven);
    natural_shift(&of.above, up + uneven);
    natural_shift(&of.below, up);
    natural_shift(&of.scale, down + 1 + uneven);
    return of;
}

/* Whether number + above reaches the scale, so that digits are to be looked for one place further left. */
static bool reaches(const struct interval *of) {
    struct natural highest = of->number;
    natural_add(&highest, &of->above);
    int compared = natural_compare(&highest, &of->scale);
    return of->closed ? compared >= 0 : compared > 0;
}

static void next_place(struct interval *of) {
    natural_multiply(&of->number, 10, 0);
    natural_multiply(&of->above, 10, 0);
    natural_multiply(&of->below, 10, 0);
}

/* Steele and White's algorithm, as Burger and Dybvig improved it ("Printing Floating-Point Numbers Quickly and
   Accurately", 1996): digits are produced until what is left no longer tells the number from its neighbours. */
static struct digits shortest(double magnitude) {
    struct binary64 parts = binary64_of(magnitude);
    struct interval of = interval_of(parts);
    struct natural significand = natural_of(parts.significand);
    /* log10(2) is 0.30103; rounded down, this is the power of ten or the one before it. */
    double logarithm = (parts.exponent + natural_bits(&significand) - 1) * 0.30102999566398;
    int exponent = (int)logarithm - (logarithm < 0);
    if (exponent >= 0)
        natural_scale(&of.scale, (unsigned)exponent);
    else
        for (int place = exponent; place < 0; place++)
            next_place(&of);
    /* From here on the number is less than ten times the scale. */
    struct interval larger = of;
    natural_multiply(&larger.scale, 10, 0);
    if (reaches(&larger)) {
        of = larger;
        exponent++;
    }
    struct digits digits = {.count = 0, .exponent = exponent};
    for (;;) {
        char digit = '0';
        for (; natural_compare(&of.number, &of.scale) >= 0; digit++)
            natural_subtract(&of.number, &of.scale);
        int compared = natural_compare(&of.number, &of.below);
        bool low_enough = of.closed ? compared <= 0 : compared < 0;
        bool high_enough = reaches(&of);
        if ((low_enough || high_enough || digits.count == MOST_DIGITS - 1)) {
            natural_shift(&of.number, 1);
            int half = natural_compare(&of.number, &of.scale);
            bool nearer = half > 0 || (half == 0 && (digit - '0') % 2 == 1);
            digit = (char)(digit + (low_enough && high_enough ? nearer : high_enough));
            digits.digits[digits.count++] = digit;
            return digits;
        }
        digits.digits[digits.count++] = digit;
        next_place(&of);
    }
}

static void append_zeros(struct builder *builder, int count) {
    for (; count > 0; count--)
        append_character(builder, '0');
}

void append_double(struct builder *builder, double number) {
    if (signbit(number))
        append_character(builder, '-');
    double magnitude = fabs(number);
    if (magnitude == 0) {
        append_literal(builder, "0.0");
        return;
    }
    struct digits digits = shortest(magnitude);
    struct text all = {digits.digits, digits.count};
    bool plain = digits.exponent >= SMALLEST_PLAIN && digits.exponent <= LARGEST_PLAIN;
    if (plain && digits.exponent < 0) {
        append_literal(builder, "0.");
        append_zeros(builder, -digits.exponent - 1);
        append(builder, all);
        return;
    }
    size_t before_point = plain ? (size_t)digits.exponent + 1 : 1;
    if (all.length <= before_point) {
        append(builder, all);
        append_zeros(builder, (int)(before_point - all.length));
        append_literal(builder, plain ? ".0" : "");
    } else {
        append(builder, (struct text){all.at, before_point});
        append_character(builder, '.');
        append(builder, (struct text){all.at + before_point, all.length - before_point});
    }
    if (!plain) {
        append_literal(builder, digits.exponent < 0 ? "e" : "e+");
        append_signed(builder, digits.exponent);
    }
}

void append_number(struct builder *builder, double number) {
    if (fabs(number) <= LARGEST_INTEGER && (double)(int64_t)number == number)
        append_signed(builder, (int64_t)number);
    else
        append_double(builder, number);
}
