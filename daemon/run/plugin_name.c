/* In a configuration file a bare name that ends in `.so` is refused: which folder it means could only be
 * guessed there. */
#include "run/plugin_name.h"

#include <string.h>

void
plugin_name_add(struct strbuf *s, const char *word)
{
	size_t n = strlen(word);

	if (strchr(word, '/') == NULL && n > 3 && strcmp(word + n - 3, ".so") == 0)
		strbuf_add(s, "./");
	strbuf_add(s, word);
}
