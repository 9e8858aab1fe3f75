/* How an event looks outside: a line of text, a JSON object, a journal entry, a syslog message. */
#ifndef BASE_LOG_FORMAT_H
#define BASE_LOG_FORMAT_H

#include "base/log_record.h"
#include "base/strbuf.h"

/** `2026-11-24T00:15:23.123Z notice event=listening listener=echo` and a newline. */
void log_format_text(struct strbuf *s, const struct log_view *v);

/** {"time":"...","level":"...","event":"...",...} and a newline. */
void log_format_json(struct strbuf *s, const struct log_view *v);

/** An entry of the journal's native protocol: MESSAGE (what text or JSON says, without time and level if it
 * is text), PRIORITY, SYSLOG_IDENTIFIER, SOCKD_EVENT, and each field as SOCKD_KEY with its bytes as they
 * came. */
void log_format_journal(struct strbuf *s, const struct log_view *v, bool json);

/** What a local syslog socket takes: `<PRI>Mmm dd hh:mm:ss sockd[pid]: message`, local time, no host (the
 * form of RFC 3164 that syslog(3) writes), facility daemon, no newline. */
void log_format_syslog(struct strbuf *s, const struct log_view *v, bool json);

/** One whole message for what the descriptor carries. */
void log_format(struct strbuf *s, const struct log_view *v, enum log_protocol protocol, bool json);

#endif
