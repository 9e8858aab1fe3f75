/* Any bytes as the state that one supervisor leaves to the next, read as a rehearsal does: refused with a
 * reason, or read to its lists of sockets and orders. Its generations name processes, so they are left out.
 */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "net/files.h"
#include "supervisor/adopt.h"
#include "supervisor/bans_give.h"
#include "supervisor/holds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
read_orders(struct state_reader *r)
{
	struct net_files *files = NULL;
	struct ban_list bans = { 0 };
	struct holds holds = { 0 };

	/* Left, not removed: the paths are the fuzzer's. */
	if (state_unpack_files(r, &files) == 0)
		net_files_leave(files);
	if (bans_unpack(r, &bans) == 0)
		ban_list_fini(&bans);
	if (holds_unpack(r, &holds) == 0)
		holds_fini(&holds);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	struct adopt a;
	int fd, code;

	if (fd_memfd("state", data, size, &fd) < 0)
		abort();
	code = adopt_open(fd, true, NULL, &a, &e);
	if ((code < 0) != (e.text[0] != '\0'))
		abort();
	if (code < 0) {
		close(fd);
		return 0;
	}
	read_orders(&a.state);
	adopt_fini(&a);
	return 0;
}
