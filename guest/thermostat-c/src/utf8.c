#include "utf8.h"

static bool continues(struct text bytes, size_t at) {
    return at < bytes.length && ((unsigned char)bytes.at[at] & 0xc0) == 0x80;
}

size_t utf8_first(struct text bytes) {
    if (bytes.length == 0)
        return 0;
    unsigned char first = (unsigned char)bytes.at[0];
    if (first < 0x80)
        return 1;
    size_t length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    for (size_t at = 1; at < length; at++) {
        if (!continues(bytes, at))
            return 0;
    }
    if (length < 3)
        return length;
    unsigned char second = (unsigned char)bytes.at[1];
    /* Written longer than it takes, a surrogate, or beyond the last character. */
    bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    bool surrogate = first == 0xed && second >= 0xa0;
    bool beyond = first == 0xf4 && second >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

struct text utf8_beginning(struct text text, size_t characters) {
    struct text rest = text;
    for (; characters > 0 && rest.length > 0; characters--) {
        size_t length = utf8_first(rest);
        rest = (struct text){rest.at + length, rest.length - length};
    }
    return (struct text){text.at, text.length - rest.length};
}

void append_utf8(struct builder *builder, uint32_t character) {
    if (character < 0x80) {
        append_character(builder, (char)character);
        return;
    }
    /* The last six bits at a time; what is left fits into the first byte. */
    char bytes[4];
    size_t first = sizeof bytes;
    uint32_t room = 0x3f;
    for (; character > room; character >>= 6, room >>= 1)
        bytes[--first] = (char)(0x80 | (character & 0x3f));
    bytes[--first] = (char)((0xff & ~(room * 2 + 1)) | character);
    append(builder, (struct text){bytes + first, sizeof bytes - first});
}
