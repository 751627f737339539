#include "moment.h"

/* Between 1970-01-01 and the day before 0000-03-01: years are counted from March, so that a leap day is their last. */
#define DAYS_BEFORE_1970 719468
/* In 400 years, after which the calendar begins again. */
#define DAYS_OF_ERA 146097

struct date {
    int64_t year;
    int month, day;
};

struct moment moment_of_milliseconds(int64_t milliseconds) {
    if (milliseconds < FIRST_MILLISECOND || milliseconds > LAST_MILLISECOND)
        milliseconds = 0;
    int64_t seconds = milliseconds / 1000, rest = milliseconds % 1000;
    if (rest < 0) {
        seconds--;
        rest += 1000;
    }
    return (struct moment){seconds, (uint32_t)rest * 1000000};
}

int64_t moment_milliseconds(struct moment moment) {
    return moment.seconds * 1000 + moment.nanoseconds / 1000000;
}

bool moment_is_before(struct moment a, struct moment b) {
    return a.seconds < b.seconds || (a.seconds == b.seconds && a.nanoseconds < b.nanoseconds);
}

static bool is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* After the algorithms of Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static int64_t days_since_1970(struct date date) {
    int64_t year = date.year - (date.month <= 2);
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t months = date.month > 2 ? date.month - 3 : date.month + 9;
    int64_t day_of_year = (153 * months + 2) / 5 + date.day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_OF_ERA + day_of_era - DAYS_BEFORE_1970;
}

static struct date date_of(int64_t days) {
    days += DAYS_BEFORE_1970;
    int64_t era = (days >= 0 ? days : days - (DAYS_OF_ERA - 1)) / DAYS_OF_ERA;
    int64_t day_of_era = days - era * DAYS_OF_ERA;
    int64_t year = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    int64_t months = (5 * day_of_year + 2) / 153;
    int day = (int)(day_of_year - (153 * months + 2) / 5) + 1;
    int month = (int)(months < 10 ? months + 3 : months - 9);
    return (struct date){year + era * 400 + (month <= 2), month, day};
}

static void append_year(struct builder *builder, int64_t year) {
    if (year < 0 || year > 9999)
        append_character(builder, year < 0 ? '-' : '+');
    append_padded(builder, (uint64_t)(year < 0 ? -year : year), 4);
}

static void append_decimals(struct builder *builder, uint32_t nanoseconds) {
    if (nanoseconds == 0)
        return;
    append_character(builder, '.');
    if (nanoseconds % 1000000 == 0)
        append_padded(builder, nanoseconds / 1000000, 3);
    else if (nanoseconds % 1000 == 0)
        append_padded(builder, nanoseconds / 1000, 6);
    else
        append_padded(builder, nanoseconds, 9);
}

void append_moment(struct builder *builder, struct moment moment) {
    int64_t days = (moment.seconds >= 0 ? moment.seconds : moment.seconds - (DAY - 1)) / DAY;
    uint32_t second = (uint32_t)(moment.seconds - days * DAY);
    uint32_t leap = moment.nanoseconds / NANOSECONDS;
    struct date date = date_of(days);
    append_year(builder, date.year);
    append_character(builder, '-');
    append_padded(builder, (uint64_t)date.month, 2);
    append_character(builder, '-');
    append_padded(builder, (uint64_t)date.day, 2);
    append_character(builder, 'T');
    append_padded(builder, second / 3600, 2);
    append_character(builder, ':');
    append_padded(builder, second / 60 % 60, 2);
    append_character(builder, ':');
    append_padded(builder, second % 60 + leap, 2);
    append_decimals(builder, moment.nanoseconds % NANOSECONDS);
    append_character(builder, 'Z');
}

/* The readers below take what they read off the front of the text. */

static char take(struct text *text) {
    if (text->length == 0)
        return '\0';
    text->length--;
    return *text->at++;
}

static bool take_one(struct text *text, const char *of) {
    char character = take(text);
    for (; character && *of; of++) {
        if (character == *of)
            return true;
    }
    return false;
}

/* So many digits, for a number no larger than `highest`. */
static bool take_number(struct text *text, int digits, int highest, int *number) {
    for (*number = 0; digits > 0; digits--) {
        char digit = take(text);
        if (digit < '0' || digit > '9')
            return false;
        *number = *number * 10 + (digit - '0');
    }
    return *number <= highest;
}

static bool next_is_digit(struct text text) {
    return text.length > 0 && text.at[0] >= '0' && text.at[0] <= '9';
}

/* Digits beyond the ninth are of no account. */
static bool take_decimals(struct text *text, uint32_t *nanoseconds) {
    if (text->length == 0 || text->at[0] != '.')
        return true;
    take(text);
    if (!next_is_digit(*text))
        return false;
    for (uint32_t unit = NANOSECONDS / 10; next_is_digit(*text); unit /= 10)
        *nanoseconds += unit * (uint32_t)(take(text) - '0');
    return true;
}

/* How many minutes local time is ahead of UTC. */
static bool take_offset(struct text *text, int *offset) {
    static const char minus[] = "\u2212";
    int hours, minutes;
    char sign = take(text);
    *offset = 0;
    if (sign == 'Z' || sign == 'z')
        return true;
    bool negative = sign == '-';
    if (sign == minus[0])
        negative = take(text) == minus[1] && take(text) == minus[2];
    if (!negative && sign != '+')
        return false;
    if (!take_number(text, 2, 23, &hours) || !take_one(text, ":") || !take_number(text, 2, 59, &minutes))
        return false;
    *offset = negative ? -(hours * 60 + minutes) : hours * 60 + minutes;
    return true;
}

static bool take_date(struct text *text, struct date *date) {
    static const int days_of_months[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year;
    if (!take_number(text, 4, 9999, &year) || !take_one(text, "-") || !take_number(text, 2, 12, &date->month) ||
        !take_one(text, "-") || !take_number(text, 2, 31, &date->day) || date->month == 0 || date->day == 0)
        return false;
    date->year = year;
    return date->day <= days_of_months[date->month - 1] + (date->month == 2 && is_leap(year));
}

bool read_moment(struct text text, struct moment *moment) {
    struct date date;
    int hour, minute, second, offset;
    uint32_t nanoseconds = 0;
    if (!take_date(&text, &date) || !take_one(&text, "Tt ") || !take_number(&text, 2, 23, &hour) ||
        !take_one(&text, ":") || !take_number(&text, 2, 59, &minute) || !take_one(&text, ":") ||
        !take_number(&text, 2, 60, &second) || !take_decimals(&text, &nanoseconds) || !take_offset(&text, &offset) ||
        text.length > 0)
        return false;
    if (second == 60) {
        second = 59;
        nanoseconds += NANOSECONDS;
    }
    int minutes = hour * 60 + minute - offset;
    *moment = (struct moment){days_since_1970(date) * DAY + minutes * 60 + second, nanoseconds};
    return true;
}
