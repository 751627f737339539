#include "check.h"
#include "print_number.h"
#include "read_number.h"

#include <math.h>
#include <string.h>

static void prints(double number, const char *expected) {
    struct builder text = {0};
    append_double(&text, number);
    CHECK_TEXT(built(&text), expected);
    discard(&text);
}

static void prints_number(double number, const char *expected) {
    struct builder text = {0};
    append_number(&text, number);
    CHECK_TEXT(built(&text), expected);
    discard(&text);
}

static void reads(const char *text, double expected) {
    double number;
    CHECK(read_number(text_of(text), &number));
    if (memcmp(&number, &expected, sizeof number) == 0)
        return;
    struct builder got = {0};
    append_double(&got, number);
    CHECK_TEXT(built(&got), text);
    discard(&got);
}

static void numbers_are_printed_with_the_fewest_digits(void) {
    prints(0, "0.0");
    prints(-0.0, "-0.0");
    prints(49, "49.0");
    prints(10.96, "10.96");
    prints(0.1 + 0.2, "0.30000000000000004");
    prints(61.0 / 3, "20.333333333333332");
    prints(-1.7976931348623157e308, "-1.7976931348623157e+308");
    prints(5e-324, "5e-324");
    /* A power of two: the numbers below it lie closer than those above. */
    prints(9007199254740992.0, "9007199254740992.0");
    prints(0x1p-44, "5.684341886080802e-14");
    prints(9e23, "9e+23");
    prints(1e23, "1e+23");
}

static void exponents_begin_where_zeros_would_be_many(void) {
    prints(1e15, "1000000000000000.0");
    prints(1.5e15, "1500000000000000.0");
    prints(1e16, "1e+16");
    prints(1.25e16, "1.25e+16");
    prints(1e-5, "0.00001");
    prints(1.25e-5, "0.0000125");
    prints(1e-6, "1e-6");
    prints(1.25e-6, "1.25e-6");
}

static void whole_numbers_are_integers_as_far_as_those_are_exact(void) {
    prints_number(20, "20");
    prints_number(-0.0, "0");
    prints_number(-40.5, "-40.5");
    prints_number(9007199254740992.0, "9007199254740992");
    prints_number(-9007199254740992.0, "-9007199254740992");
    prints_number(9007199254740994.0, "9007199254740994.0");
    prints_number(1e300, "1e+300");
}

static void the_nearest_number_is_read(void) {
    reads("42.5", 42.5);
    reads("-0", -0.0);
    reads("1E2", 100);
    reads("007", 7);
    reads("+.5", 0.5);
    reads("8.", 8);
    reads("8.50572354863045e-19", 8.50572354863045e-19);
    reads("123456789012345678901234567890", 123456789012345678901234567890.0);
    reads("0e999999999999999999999", 0);
    reads("1e-400", 0);
    reads("1.7976931348623158e308", 1.7976931348623157e308);
    /* Half way between two numbers goes to the even one; a digit after 800 zeros goes beyond half way. */
    reads("9007199254740993", 9007199254740992.0);
    struct builder above = {0};
    append_literal(&above, "9007199254740993.");
    for (int zeros = 0; zeros < 800; zeros++)
        append_character(&above, '0');
    append_literal(&above, "1");
    append_character(&above, '\0');
    reads(above.at, 9007199254740994.0);
    discard(&above);
}

static void what_is_no_number_is_not_read(void) {
    static const char *const wrong[] = {"",   ".",   "-",  "e5",  "1e",  "1e+",  "1e5x",
                                        "0x8", "1_0", "nan", "inf", "8 8", "--8", "1.8e308"};
    double number;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK(!read_number(text_of(wrong[i]), &number));
}

int main(void) {
    numbers_are_printed_with_the_fewest_digits();
    exponents_begin_where_zeros_would_be_many();
    whole_numbers_are_integers_as_far_as_those_are_exact();
    the_nearest_number_is_read();
    what_is_no_number_is_not_read();
    return failures();
}
