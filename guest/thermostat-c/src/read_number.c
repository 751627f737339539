#include "read_number.h"

#include "binary64.h"
#include "natural.h"

#include <math.h>

/* No more tell a number from the middle between two doubles, if one more digit says whether others followed. */
#define MOST_DIGITS 768

/* What ends well beyond all doubles, or well below them. */
#define LARGEST_POSITION 310
#define SMALLEST_POSITION (-330)

/* Exponents written down are counted no further; no text is so long that its digits could make up for it. */
#define LARGEST_EXPONENT INT64_C(1000000000000)

/* digits * 10^exponent */
struct decimal {
    struct natural digits;
    int64_t exponent;
    /* How many digits there are, and whether one was left out that is not 0. */
    int64_t count;
    bool more;
};

static bool is_digit(char character) {
    return character >= '0' && character <= '9';
}

static void take_digit(struct decimal *decimal, char digit, bool after_point) {
    if (decimal->count == 0 && digit == '0') {
        decimal->exponent -= after_point;
    } else if (decimal->count < MOST_DIGITS) {
        natural_multiply(&decimal->digits, 10, (uint32_t)(digit - '0'));
        decimal->count++;
        decimal->exponent -= after_point;
    } else {
        decimal->more |= digit != '0';
        decimal->exponent += !after_point;
    }
}

/* Takes an exponent off the front of a text, behind its e. */
static bool take_exponent(struct text *text, int64_t *exponent) {
    bool negative = text->length > 0 && text->at[0] == '-';
    if (text->length > 0 && (text->at[0] == '-' || text->at[0] == '+'))
        *text = (struct text){text->at + 1, text->length - 1};
    if (text->length == 0)
        return false;
    int64_t written = 0;
    for (; text->length > 0 && is_digit(text->at[0]); text->at++, text->length--) {
        if (written < LARGEST_EXPONENT)
            written = written * 10 + (text->at[0] - '0');
    }
    *exponent += negative ? -written : written;
    return text->length == 0;
}

/* Reads a number without its sign. */
static bool read_decimal(struct text text, struct decimal *decimal) {
    bool any = false, after_point = false;
    for (; text.length > 0; text.at++, text.length--) {
        if (is_digit(text.at[0])) {
            take_digit(decimal, text.at[0], after_point);
            any = true;
        } else if (text.at[0] == '.' && !after_point) {
            after_point = true;
        } else {
            break;
        }
    }
    if (!any)
        return false;
    if (text.length == 0)
        return true;
    struct text exponent = {text.at + 1, text.length - 1};
    return (text.at[0] == 'e' || text.at[0] == 'E') && take_exponent(&exponent, &decimal->exponent);
}

/* The double nearest to numerator / denominator, neither of them 0. */
static double nearest(struct natural *numerator, struct natural *denominator) {
    /* Shifted against each other until the quotient is at least 1 and less than 2: then it is quotient * 2^exponent. */
    int exponent = natural_bits(numerator) - natural_bits(denominator);
    if (exponent > 0)
        natural_shift(denominator, (unsigned)exponent);
    else
        natural_shift(numerator, (unsigned)-exponent);
    if (natural_compare(numerator, denominator) < 0) {
        natural_shift(numerator, 1);
        exponent--;
    }
    struct binary64 parts = {0, exponent - (BINARY64_DIGITS - 1)};
    int digits = BINARY64_DIGITS;
    if (parts.exponent < BINARY64_LEAST_EXPONENT) {
        digits -= BINARY64_LEAST_EXPONENT - parts.exponent;
        parts.exponent = BINARY64_LEAST_EXPONENT;
    }
    if (digits < 0)
        return 0;
    for (; digits > 0; digits--) {
        parts.significand <<= 1;
        if (natural_compare(numerator, denominator) >= 0) {
            natural_subtract(numerator, denominator);
            parts.significand |= 1;
        }
        natural_shift(numerator, 1);
    }
    /* What is left has been doubled: it is half a digit when it equals the denominator. */
    int half = natural_compare(numerator, denominator);
    parts.significand += half > 0 || (half == 0 && (parts.significand & 1));
    return binary64_to_double(parts);
}

static double to_double(struct decimal *decimal) {
    if (decimal->more) {
        natural_multiply(&decimal->digits, 10, 1);
        decimal->count++;
        decimal->exponent--;
    }
    int64_t position = decimal->count + decimal->exponent;
    if (decimal->count == 0 || position < SMALLEST_POSITION)
        return 0;
    if (position > LARGEST_POSITION)
        return INFINITY;
    struct natural denominator = natural_of(1);
    if (decimal->exponent < 0)
        natural_scale(&denominator, (unsigned)-decimal->exponent);
    else
        natural_scale(&decimal->digits, (unsigned)decimal->exponent);
    return nearest(&decimal->digits, &denominator);
}

bool read_number(struct text text, double *number) {
    bool negative = text.length > 0 && text.at[0] == '-';
    if (text.length > 0 && (text.at[0] == '-' || text.at[0] == '+'))
        text = (struct text){text.at + 1, text.length - 1};
    struct decimal decimal = {0};
    if (!read_decimal(text, &decimal))
        return false;
    double magnitude = to_double(&decimal);
    *number = negative ? -magnitude : magnitude;
    return !isinf(magnitude);
}
