/* JSON strings of text that somebody else chose. */
#ifndef CONTROL_JSON_TEXT_H
#define CONTROL_JSON_TEXT_H

#include <jansson.h>

/** The text, or, where it is not UTF-8, the text in quotes with what is not escaped as \xHH: a path or a
 * plugin's name never makes an answer fail. NULL gives JSON's null; NULL is given without memory. */
json_t *json_text(const char *text);

#endif
