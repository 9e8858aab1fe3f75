/* jansson refuses what is not UTF-8, which is right for a protocol and wrong for a file name. */
#include "control/json_text.h"

#include <string.h>

#include "base/strbuf.h"

json_t *
json_text(const char *text)
{
	auto_of(strbuf) struct strbuf escaped = { 0 };
	json_t *string = text != NULL ? json_string(text) : json_null();

	if (string != NULL)
		return string;
	strbuf_add_quoted(&escaped, text, strlen(text));
	return escaped.failed ? NULL : json_string(escaped.data);
}
