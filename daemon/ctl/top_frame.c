/* A counter that fell is another daemon's, one that was started meanwhile: it has counted what it shows. */
#include "ctl/top_frame.h"

#include <errno.h>
#include <string.h>

#include "ctl/table.h"

/* What is shown as a rate, and the counter that it is the rate of. */
static const struct rate {
	const char *shown, *counter;
} rates[] = {
	{ "new_rate", "accepted" },
	{ "rx_rate", "rx" },
	{ "tx_rate", "tx" },
	{ "datagrams_rx_rate", "datagrams_rx" },
	{ "datagrams_tx_rate", "datagrams_tx" },
};

static const struct ctl_column columns[] = {
	{ "NAME", "name", CTL_SHOW_TEXT, NULL },
	{ "STATE", "state", CTL_SHOW_TEXT, NULL },
	{ "OPEN", "open", CTL_SHOW_NUMBER, NULL },
	{ "LIMIT", "limit", CTL_SHOW_NUMBER, NULL },
	{ "NEW/s", "new_rate", CTL_SHOW_NUMBER, NULL },
	{ "RX/s", "rx_rate", CTL_SHOW_BYTES, NULL },
	{ "TX/s", "tx_rate", CTL_SHOW_BYTES, NULL },
	{ "DGRAMS-RX/s", "datagrams_rx_rate", CTL_SHOW_NUMBER, NULL },
	{ "DGRAMS-TX/s", "datagrams_tx_rate", CTL_SHOW_NUMBER, NULL },
	{ 0 },
};

void
top_look_fini(struct top_look *look)
{
	json_decref(look->status);
	json_decref(look->listeners);
	*look = (struct top_look){ 0 };
}

static json_int_t
number(json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static const char *
text(json_t *object, const char *member)
{
	const char *value = json_string_value(json_object_get(object, member));

	return value != NULL ? value : "?";
}

static json_t *
find(json_t *rows, const char *name)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (strcmp(text(row, "name"), name) == 0)
			return row;
	}
	return NULL;
}

/* A second, to the nearest whole; one that was not there before is as good as zero. */
static json_int_t
rate_of(json_t *before, json_t *now, const char *counter, int64_t ms)
{
	json_int_t was = number(before, counter), is = number(now, counter);
	json_int_t grown = is >= was ? is - was : is;

	return ms > 0 ? (json_int_t)((double)grown * 1000.0 / (double)ms + 0.5) : 0;
}

static json_t *
make_row(json_t *before, json_t *now, int64_t ms)
{
	json_t *row = json_copy(now);

	for (size_t i = 0; row != NULL && i < array_len(rates); i++) {
		if (json_object_get(now, rates[i].counter) == NULL)
			continue; /* streams have no datagrams, and the other way round */
		if (json_object_set_new(row, rates[i].shown,
			    json_integer(rate_of(before, now, rates[i].counter, ms))) < 0) {
			json_decref(row);
			return NULL;
		}
	}
	return row;
}

static bool
is_busier(json_t *one, json_t *other)
{
	json_int_t bytes = number(one, "rx_rate") + number(one, "tx_rate");
	json_int_t than = number(other, "rx_rate") + number(other, "tx_rate");

	return bytes != than ? bytes > than : number(one, "open") > number(other, "open");
}

/* In its place among those that are there: of equals, the one that the file names first. */
static int
insert(json_t *rows, json_t *row)
{
	size_t at = json_array_size(rows);

	while (at > 0 && is_busier(row, json_array_get(rows, at - 1)))
		at--;
	return json_array_insert_new(rows, at, row);
}

static void
print_head(json_t *status, json_t *rows, FILE *out)
{
	json_int_t new_rate = 0, rx = 0, tx = 0;
	char uptime[32], read[32], written[32];
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		new_rate += number(row, "new_rate");
		rx += number(row, "rx_rate");
		tx += number(row, "tx_rate");
	}
	fprintf(out, "sockd %s %s, up %s: %lld open, %lld new/s, %s/s read, %s/s written\n\n",
		text(status, "version"), text(status, "state"),
		table_duration(number(status, "uptime_ms"), uptime), (long long)number(status, "connections"),
		(long long)new_rate, table_bytes(rx, read), table_bytes(tx, written));
}

int
top_frame_print(const struct top_look *before, const struct top_look *now, FILE *out)
{
	json_t *rows = json_array(), *row;
	int code = rows != NULL ? 0 : -ENOMEM;
	size_t i;

	json_array_foreach(now->listeners, i, row)
	{
		json_t *made =
			make_row(find(before->listeners, text(row, "name")), row, now->at_ms - before->at_ms);

		if (made == NULL || insert(rows, made) < 0)
			code = -ENOMEM;
	}
	if (code == 0) {
		print_head(now->status, rows, out);
		code = table_print(rows, columns, out);
	}
	json_decref(rows);
	return code;
}
