/* From decimal digits to the double nearest to them. */
#ifndef READ_NUMBER_H
#define READ_NUMBER_H

#include "text.h"

/* Reads all of `text`: a sign or none, digits with or without a point, an exponent or none. Of two doubles that are as
   near, the even one is taken. False when it is written otherwise, or is beyond all doubles. */
bool read_number(struct text text, double *number);

#endif
