/* Any bytes to a server that shakes hands, in any pieces: it fails, or goes on waiting, and never more. */
#include <stdint.h>

#include "tls_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the client sends, a piece at a time; the answers go nowhere. */
struct feed {
	const uint8_t *at;
	size_t left, piece;
};

static ssize_t
feed_read(void *arg, void *buf, size_t size)
{
	struct feed *f = arg;
	size_t n = f->left < f->piece ? f->left : f->piece;

	n = n < size ? n : size;
	if (n == 0)
		return f->left == 0 ? 0 : -EAGAIN;
	memcpy(buf, f->at, n);
	f->at += n;
	f->left -= n;
	f->piece -= n;
	return (ssize_t)n;
}

static int
feed_write(void *arg, const void *bytes, size_t size)
{
	(void)arg, (void)bytes, (void)size;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tls_io io = { feed_read, feed_write };
	static struct tls_context *context;
	struct cfg_report report = { 0 };
	struct tls_session *s;
	struct feed f;
	int r = -EAGAIN;

	if (context == NULL)
		context = tls_memory_context(TLS_SERVER,
			"certificates: [{cert: a.crt, key: a.key}], alpn: [a/1], client: {verify: optional, "
			"ca: a.crt}",
			0, true, &report);
	cfg_report_fini(&report);
	if (context == NULL)
		abort();
	if (size == 0)
		return 0;
	f = (struct feed){ .at = data + 1, .left = size - 1 };
	if (tls_session_new(context, &io, &f, NULL, &s) < 0)
		return 0;
	while (r == -EAGAIN && f.left > 0) {
		f.piece = data[0] == 0 ? f.left : data[0];
		r = tls_session_handshake(s);
	}
	if (r < 0 && r != -EAGAIN && r != -ECONNRESET && tls_session_failure(s) == NULL)
		abort();
	tls_session_free(s);
	return 0;
}
