/* Names become numbers when the configuration is loaded: whoever checks a peer must not ask a name service,
 * and a name that nobody has is a mistake that a person should see. */
#include "config/accounts.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "config/value.h"

static int
read_account(const struct key *key, const struct cfg_node *node, const struct cfg_source *source,
	struct cfg_account *ret, struct cfg_report *report)
{
	bool is_group = key->type == KEY_GROUPS;
	int64_t number;
	int code = cfg_node_text(node, key->name, &ret->name, report);

	if (code < 0)
		return code;
	if (ret->name[0] != '\0' && ret->name[strspn(ret->name, "0123456789")] == '\0') {
		/* -1 is what the kernel says for "nobody known". */
		if (parse_integer(ret->name, &number, NULL) < 0 || number >= UINT32_MAX)
			return cfg_report_error(report, &node->place, "'%s': %.40s is not the number of a %s",
				key->name, ret->name, is_group ? "group" : "user");
		ret->id = (uint32_t)number;
		return 0;
	}
	code = source->account(source->arg, ret->name, is_group, &ret->id);
	if (code == -ENOMEM)
		return cfg_report_no_memory(report);
	if (code == -ENOENT)
		return cfg_report_error(report, &node->place, "'%s': there is no %s '%.60s'", key->name,
			is_group ? "group" : "user", ret->name);
	if (code < 0)
		return cfg_report_error(report, &node->place, "'%s': cannot look up '%.60s': %s", key->name,
			ret->name, strerror(-code));
	return 0;
}

int
accounts_read(const struct key *key, const struct cfg_node *node, const struct cfg_source *source,
	struct arena *arena, struct cfg_accounts *ret, struct cfg_report *report)
{
	bool is_list = node->kind == CFG_LIST;
	size_t count = is_list ? node->count : cfg_node_is_null(node) ? 0 : 1;
	struct cfg_account *accounts = arena_array(arena, count, sizeof *accounts);
	int failed = 0;

	if (accounts == NULL)
		return cfg_report_no_memory(report);
	for (size_t i = 0; i < count; i++) {
		int code = read_account(key, is_list ? node->items[i] : node, source, &accounts[i], report);

		if (code == -ENOMEM)
			return code;
		failed = code < 0 ? code : failed;
	}
	if (failed == 0)
		*ret = (struct cfg_accounts){
			.at = accounts, .count = count, .written = cfg_node_is_null(node) ? NULL : node
		};
	return failed;
}
