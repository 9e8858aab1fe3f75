/* All formats start from the same view of a record. Lines for people are escaped here, whatever they carry;
 * the journal gets the bytes as they came, since its protocol has a form for any bytes and its readers escape
 * them. */
#include "base/log_format.h"

#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SYSLOG_FACILITY_DAEMON = 3 };

/* Digits by hand: printf() would take most of the time that a line costs. */
static void
add_digits(struct strbuf *s, uint64_t number, size_t width, char end)
{
	char digits[24], *p = digits + sizeof digits;

	*--p = end;
	for (size_t n = 0; n < width || number > 0; n++, number /= 10)
		*--p = (char)('0' + number % 10);
	strbuf_add_bytes(s, p, (size_t)(digits + sizeof digits - p) - (end == '\0'));
}

static void
add_time(struct strbuf *s, int64_t time_ns)
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	add_digits(s, (uint64_t)tm.tm_year + 1900, 4, '-');
	add_digits(s, (uint64_t)tm.tm_mon + 1, 2, '-');
	add_digits(s, (uint64_t)tm.tm_mday, 2, 'T');
	add_digits(s, (uint64_t)tm.tm_hour, 2, ':');
	add_digits(s, (uint64_t)tm.tm_min, 2, ':');
	add_digits(s, (uint64_t)tm.tm_sec, 2, '.');
	add_digits(s, (uint64_t)(time_ns % 1000000000 / 1000000), 3, 'Z');
}

static void
add_number(struct strbuf *s, const struct log_view_field *f)
{
	uint64_t number = (uint64_t)f->number;

	if (f->kind == LOG_NUMBER && f->number < 0) {
		strbuf_add_char(s, '-');
		number = -number;
	}
	add_digits(s, number, 1, '\0');
}

static void
add_text_body(struct strbuf *s, const struct log_view *v)
{
	strbuf_add(s, "event=");
	strbuf_add_quoted(s, v->event, v->event_size);
	for (size_t i = 0; i < v->count; i++) {
		const struct log_view_field *f = &v->fields[i];

		strbuf_add_char(s, ' ');
		strbuf_add(s, f->key);
		strbuf_add_char(s, '=');
		if (f->kind == LOG_TEXT)
			strbuf_add_quoted(s, f->text, f->size);
		else
			add_number(s, f);
	}
}

static void
add_json_text(struct strbuf *s, const char *bytes, size_t size)
{
	strbuf_add_char(s, '"');
	strbuf_add_json(s, bytes, size);
	strbuf_add_char(s, '"');
}

static void
add_json_body(struct strbuf *s, const struct log_view *v)
{
	strbuf_add(s, "{\"time\":\"");
	add_time(s, v->time_ns);
	strbuf_add(s, "\",\"level\":\"");
	strbuf_add(s, log_level_name(v->level));
	strbuf_add(s, "\",\"event\":");
	add_json_text(s, v->event, v->event_size);
	for (size_t i = 0; i < v->count; i++) {
		const struct log_view_field *f = &v->fields[i];

		strbuf_add(s, ",\"");
		strbuf_add(s, f->key); /* the view's keys need no escapes */
		strbuf_add(s, "\":");
		if (f->kind == LOG_TEXT)
			add_json_text(s, f->text, f->size);
		else
			add_number(s, f);
	}
	strbuf_add_char(s, '}');
}

void
log_format_text(struct strbuf *s, const struct log_view *v)
{
	add_time(s, v->time_ns);
	strbuf_add_char(s, ' ');
	strbuf_add(s, log_level_name(v->level));
	strbuf_add_char(s, ' ');
	add_text_body(s, v);
	strbuf_add_char(s, '\n');
}

void
log_format_json(struct strbuf *s, const struct log_view *v)
{
	add_json_body(s, v);
	strbuf_add_char(s, '\n');
}

static void
add_message(struct strbuf *s, const struct log_view *v, bool json)
{
	if (json)
		add_json_body(s, v);
	else
		add_text_body(s, v);
}

/* NAME=value and a newline, or for values with control characters: NAME, newline, the size in eight
 * little-endian bytes, the value, newline. */
static void
add_journal_value(struct strbuf *s, const char *bytes, size_t size)
{
	bool plain = true;

	for (size_t i = 0; i < size && plain; i++)
		plain = (unsigned char)bytes[i] >= ' ';
	strbuf_add_char(s, plain ? '=' : '\n');
	for (unsigned shift = 0; !plain && shift < 64; shift += 8)
		strbuf_add_char(s, (char)((uint64_t)size >> shift & 0xff));
	strbuf_add_bytes(s, bytes, size);
	strbuf_add_char(s, '\n');
}

static void
add_journal_field(struct strbuf *s, const struct log_view_field *f)
{
	strbuf_add(s, "SOCKD_");
	for (const char *k = f->key; *k != '\0'; k++)
		strbuf_add_char(s, *k >= 'a' && *k <= 'z' ? (char)(*k - 'a' + 'A') : *k);
	if (f->kind == LOG_TEXT) {
		add_journal_value(s, f->text, f->size);
		return;
	}
	strbuf_add_char(s, '=');
	add_number(s, f);
	strbuf_add_char(s, '\n');
}

void
log_format_journal(struct strbuf *s, const struct log_view *v, bool json)
{
	strbuf_add(s, "MESSAGE="); /* never holds a newline */
	add_message(s, v, json);
	strbuf_printf(s, "\nPRIORITY=%d\nSYSLOG_IDENTIFIER=sockd\nSOCKD_EVENT", v->level);
	add_journal_value(s, v->event, v->event_size);
	for (size_t i = 0; i < v->count; i++)
		add_journal_field(s, &v->fields[i]);
}

void
log_format_syslog(struct strbuf *s, const struct log_view *v, bool json)
{
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
		"Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(v->time_ns / 1000000000);
	struct tm tm;

	localtime_r(&seconds, &tm);
	strbuf_printf(s, "<%d>%s %2d %02d:%02d:%02d sockd[%d]: ", SYSLOG_FACILITY_DAEMON << 3 | v->level,
		months[tm.tm_mon], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)getpid());
	add_message(s, v, json);
}

void
log_format(struct strbuf *s, const struct log_view *v, enum log_protocol protocol, bool json)
{
	if (protocol == LOG_TO_JOURNAL)
		log_format_journal(s, v, json);
	else if (protocol == LOG_TO_SYSLOG)
		log_format_syslog(s, v, json);
	else if (json)
		log_format_json(s, v);
	else
		log_format_text(s, v);
}
