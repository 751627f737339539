#include "settings.h"

#include "binary64.h"
#include "json.h"
#include "read_number.h"
#include "surroundings.h"

/* As often as the sample measures. */
#define DEFAULT_INTERVAL (UINT64_C(8) * NANOSECONDS)
#define LONGEST_INTERVAL ((uint64_t)DAY * NANOSECONDS)
/* An hour of readings at the default interval. */
#define DEFAULT_WINDOW 450
/* About a megabyte of readings. */
#define LARGEST_WINDOW 100000

/* Rounds to the nearest nanosecond, and from the middle between two to the even one. Takes 0 to 2^17 seconds. */
static uint64_t nanoseconds(double seconds) {
    /* What 2^-32 s and less round to. */
    if (seconds < 0x1p-32)
        return 0;
    struct binary64 parts = binary64_of(seconds);
    /* The product has 83 bits: 2^32 times the one part, and the other. */
    uint64_t low = (parts.significand & UINT32_MAX) * NANOSECONDS;
    uint64_t high = (parts.significand >> 32) * NANOSECONDS + (low >> 32);
    low &= UINT32_MAX;
    /* Of it, -exponent binary digits are behind the point: 35 to 84. */
    int behind_point = -parts.exponent - 32;
    uint64_t whole = high >> behind_point;
    uint64_t rest = high & ((UINT64_C(1) << behind_point) - 1);
    uint64_t half = UINT64_C(1) << (behind_point - 1);
    return whole + (rest > half || (rest == half && (low > 0 || whole % 2 == 1)));
}

static bool read_interval(struct text text, uint64_t *interval) {
    double seconds;
    /* Compared before it is rounded: the largest numbers are no nanoseconds. */
    if (!read_number(text_trimmed(text), &seconds) || !(seconds > 0 && seconds < 2 * DAY))
        return false;
    *interval = nanoseconds(seconds);
    return *interval > 0 && *interval <= LONGEST_INTERVAL;
}

static bool read_window(struct text text, size_t *window) {
    text = text_trimmed(text);
    size_t sign = text.length > 0 && text.at[0] == '+';
    *window = 0;
    for (size_t at = sign; at < text.length; at++) {
        if (text.at[at] < '0' || text.at[at] > '9')
            return false;
        *window = *window * 10 + (size_t)(text.at[at] - '0');
        if (*window > LARGEST_WINDOW)
            return false;
    }
    return *window > 0;
}

static bool refuse(struct builder *refusal, const char *range, struct text value) {
    append_literal(refusal, range);
    append_literal(refusal, ", not ");
    append_json_string(refusal, value);
    return false;
}

bool read_settings(struct settings *settings, struct builder *refusal) {
    *settings = (struct settings){DEFAULT_INTERVAL, DEFAULT_WINDOW};
    struct builder value = {0};
    bool sound = true;
    if (host_config("interval", &value) && !read_interval(built(&value), &settings->interval))
        sound = refuse(refusal, "config interval is a number of seconds above 0 and at most 86400", built(&value));
    value.length = 0;
    if (sound && host_config("window", &value) && !read_window(built(&value), &settings->window))
        sound = refuse(refusal, "config window is a number of readings from 1 to 100000", built(&value));
    discard(&value);
    return sound;
}
