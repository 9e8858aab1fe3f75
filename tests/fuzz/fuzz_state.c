/* Any bytes as the state that one supervisor leaves to the next, read as a rehearsal reads it: refused with a
 * reason, or read to its end; nothing stays open, and no file that it names is touched. */
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "supervisor/child.h"
#include "supervisor/supervisor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = { 0 };
	int before = fd_count_open(), fd, code;

	if (fd_memfd("state", data, size, &fd) < 0)
		abort();
	code = supervisor_rehearse(fd, child_ops(), &e);
	if ((code < 0) != (e.text[0] != '\0') || fd_count_open() != before)
		abort();
	return 0;
}
