/* Any messages of a worker to its supervisor: each is understood, or costs the worker its wire; the
 * supervisor goes on. The input is a row of messages: what is asked of the worker before, a type, a number,
 * two bytes of size, the body. */
#include <stdint.h>
#include <stdlib.h>

#include "../unit/supervisor/child_case.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ASK_DRAIN = 1, ASK_TEXT = 2, ASK_KNOCK = 4 };

static unsigned asked, answered;

static void
on_answer(void *arg, int code, const char *text)
{
	(void)arg;
	if (code > 0 || text == NULL)
		abort();
	answered++;
}

static void
ask(struct generations *all, unsigned what)
{
	struct generation *g = generations_first(all);

	if (g == NULL || g->worker == NULL || case_child->wire == NULL)
		return;
	if (what & ASK_DRAIN)
		generations_drain(all, 1000, 0);
	if (what & ASK_KNOCK)
		(void)case_ops.knock(g->worker); /* nobody waits for what it says */
	if (what & ASK_TEXT) {
		asked++;
		case_ops.ask(g->worker, "{\"ask\":\"listeners\"}", on_answer, NULL);
	}
}

static void
say(const uint8_t *head, const uint8_t *body, size_t size)
{
	int code = wire_send(case_worker, head[1], head[2], body, size, NULL, 0);

	if (code == 0)
		child_hear(case_child);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct event_base *base = event_base_new();
	struct cfg_report report = { 0 };
	struct snapshot snapshot = { 0 };
	struct generations *all;

	asked = answered = 0;
	all = case_generations(base, &snapshot, &report);
	while (size >= 5 && case_child->wire != NULL) {
		const uint8_t *head = data;
		size_t part = data[3] | (size_t)(data[4] & 0x0f) << 8;

		data += 5;
		size -= 5;
		if (part > size)
			part = size;
		ask(all, head[0]);
		say(head, data, part);
		data += part;
		size -= part;
	}
	case_fini(base, all, &snapshot);
	if (answered != asked) /* whoever asks gets one answer, whatever becomes of the worker */
		abort();
	cfg_report_fini(&report);
	return 0;
}
