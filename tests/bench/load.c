/* The load generator: one run is one mode against one target for a bounded time, and prints one line of JSON.
 * The rate, the latencies and the errors are the client's view; CPU and memory are what the kernel says of
 * the server's processes. */
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] =
	"usage: load MODE TARGET [options]     prints one line of JSON\n"
	"\n"
	"modes\n"
	"  blocks      each connection has up to --window bytes in --size blocks unanswered; MB/s echoed, "
	"one way\n"
	"  roundtrips  each connection sends --size bytes, waits for all of them, repeats; round trips a "
	"second\n"
	"  connects    each slot connects, has --size bytes echoed, closes, repeats; connections a second\n"
	"  datagrams   each socket has up to --flight datagrams unanswered; answers a second, and what was "
	"lost\n"
	"  idle        opens all connections, lets them idle; bytes of server memory for each\n"
	"\n"
	"targets  tcp://HOST:PORT  tls://HOST:PORT  unix:PATH  udp://HOST:PORT  unixgram:PATH\n"
	"\n"
	"options\n"
	"  --size N (64; blocks 16384)      --connections N (1)    --threads N (1)\n"
	"  --seconds X (2)                  --warmup X (0.3)       --window N (blocks: 262144)\n"
	"  --flight N (8)                   --resume               TLS: resume the last session\n"
	"  --server PID,PID                 adds CPU and memory of these processes\n"
	"\n"
	"client_cpu near 1 for each thread means that the generator was the limit: compare cost_us, the "
	"server's\n"
	"CPU for each operation (blocks: for each MB), rather than the rate.\n";

static const struct {
	const char *name;
	void (*run)(struct lane *lane); /* NULL: idle */
	bool datagrams;
} modes[] = {
	{ "blocks", lane_run_streams, false },
	{ "roundtrips", lane_run_streams, false },
	{ "connects", lane_run_connects, false },
	{ "datagrams", lane_run_datagrams, true },
	{ "idle", NULL, false },
};
enum { MODE_COUNT = sizeof modes / sizeof modes[0], LANES_MAX = 64 };

static pthread_barrier_t connected, started;
static struct lane *lanes[LANES_MAX];

/* ---- what lanes need ---- */

bool
lane_continues(struct lane *lane, uint64_t now_ns)
{
	lane->end_ns = now_ns;
	if (!lane->measuring && now_ns >= lane->load->begin_ns) {
		lane->measuring = true;
		lane->begun_ns = now_ns;
		memset(&lane->tally, 0, sizeof lane->tally);
	}
	return now_ns < lane->load->end_ns;
}

void
lane_watch(struct lane *lane, int fd, void *data)
{
	if (epoll_ctl(lane->epoll, EPOLL_CTL_ADD, fd,
		    &(struct epoll_event){ .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = data }) < 0)
		die("epoll_ctl");
}

void
lane_wait_for_start(void)
{
	pthread_barrier_wait(&connected);
	pthread_barrier_wait(&started);
}

static struct lane *
lane_new(const struct load *load, unsigned index)
{
	struct lane *lane = calloc(1, sizeof *lane);

	if (lane == NULL)
		die("calloc");
	lane->load = load;
	lane->index = index;
	lane->connections = load->connections / load->lanes + (index < load->connections % load->lanes);
	lane->epoll = epoll_create1(EPOLL_CLOEXEC);
	lane->scratch = malloc(SCRATCH);
	if (lane->epoll < 0 || lane->scratch == NULL)
		die("epoll_create");
	return lane;
}

/* ---- the report ---- */

void
report_begin(const struct load *load)
{
	printf("{\"mode\":\"%s\",\"target\":\"%s\",\"size\":%zu,\"connections\":%u,\"threads\":%u",
		load->mode, load->url, load->size, load->connections, load->lanes);
}

/* What the run used, ours and the server's. */
struct use {
	double own_s, server_s, wall_s;
};

static struct use
use_now(const struct load *load)
{
	struct rusage own;

	getrusage(RUSAGE_SELF, &own);
	return (struct use){ .server_s = server_cpu_s(&load->server),
		.wall_s = (double)clock_ns() / 1e9,
		.own_s = (double)(own.ru_utime.tv_sec + own.ru_stime.tv_sec) +
			 (double)(own.ru_utime.tv_usec + own.ru_stime.tv_usec) / 1e6 };
}

static int
report(const struct load *load, const struct tally *t, double seconds, struct use from, struct use to)
{
	bool blocks = strcmp(load->mode, "blocks") == 0;
	double amount = blocks ? (double)t->bytes / 1e6 : (double)t->operations,
	       wall_s = to.wall_s - from.wall_s;

	report_begin(load);
	printf(",\"seconds\":%.3f,\"rate\":%.1f,\"unit\":\"%s\"", seconds, amount / seconds,
		blocks ? "MB/s" : "/s");
	printf(",\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f", histogram_us(&t->latency, .5),
		histogram_us(&t->latency, .99), histogram_us(&t->latency, .999));
	printf(",\"errors\":%lu,\"lost\":%lu,\"resumed\":%lu", t->errors, t->lost, t->resumed);
	printf(",\"client_cpu\":%.2f", (to.own_s - from.own_s) / wall_s);
	if (load->server.count > 0)
		printf(",\"server_cpu\":%.2f,\"cost_us\":%.4f", (to.server_s - from.server_s) / wall_s,
			amount > 0 ? (to.server_s - from.server_s) * 1e6 / amount : 0);
	puts("}");
	return t->errors > 0 || t->operations == 0 ? 1 : 0;
}

/* ---- a timed run ---- */

static void (*lane_body)(struct lane *lane);

static void *
lane_thread(void *arg)
{
	lane_body(arg);
	return NULL;
}

static void
sleep_until(uint64_t at_ns)
{
	struct timespec at = { .tv_sec = (time_t)(at_ns / 1000000000u),
		.tv_nsec = (long)(at_ns % 1000000000u) };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

static void
tally_merge(struct tally *to, const struct tally *from)
{
	to->bytes += from->bytes;
	to->operations += from->operations;
	to->errors += from->errors;
	to->lost += from->lost;
	to->resumed += from->resumed;
	histogram_merge(&to->latency, &from->latency);
}

static int
run_timed(struct load *load)
{
	static struct tally sum;
	pthread_t threads[LANES_MAX];
	double seconds = 0;
	struct use from, to;

	pthread_barrier_init(&connected, NULL, load->lanes + 1);
	pthread_barrier_init(&started, NULL, load->lanes + 1);
	for (unsigned i = 0; i < load->lanes; i++) {
		lanes[i] = lane_new(load, i);
		if (pthread_create(&threads[i], NULL, lane_thread, lanes[i]) != 0)
			die("pthread_create");
	}
	pthread_barrier_wait(&connected);
	load->begin_ns = clock_ns() + (uint64_t)(load->warmup_s * 1e9);
	load->end_ns = load->begin_ns + (uint64_t)(load->seconds * 1e9);
	pthread_barrier_wait(&started);
	sleep_until(load->begin_ns);
	from = use_now(load);
	sleep_until(load->end_ns);
	to = use_now(load);
	for (unsigned i = 0; i < load->lanes; i++) {
		pthread_join(threads[i], NULL);
		tally_merge(&sum, &lanes[i]->tally);
		seconds += (double)(lanes[i]->end_ns - lanes[i]->begun_ns) / 1e9 / load->lanes;
	}
	return report(load, &sum, seconds, from, to);
}

/* ---- the command line ---- */

static unsigned
number(const char *text, unsigned long max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	errno = 0;
	if (end == text || *end != '\0' || n < 1 || n > max)
		die("a number is out of range (see --help)");
	return (unsigned)n;
}

static void
parse_option(struct load *load, int option)
{
	switch (option) {
	case 's':
		load->size = number(optarg, 64 << 20);
		break;
	case 'c':
		load->connections = number(optarg, 1 << 20);
		break;
	case 't':
		load->lanes = number(optarg, LANES_MAX);
		break;
	case 'd':
		load->seconds = atof(optarg);
		break;
	case 'u':
		load->warmup_s = atof(optarg);
		break;
	case 'w':
		load->window = number(optarg, 1 << 30);
		break;
	case 'f':
		load->flight = number(optarg, 100000);
		break;
	case 'r':
		load->resume = true;
		break;
	case 'p':
		load->server = server_parse(optarg);
		break;
	case 'h':
		fputs(usage, stdout);
		exit(0);
	default:
		fputs(usage, stderr);
		exit(2);
	}
}

static unsigned
parse(struct load *load, int argc, char **argv)
{
	static const struct option options[] = { { "size", 1, NULL, 's' }, { "connections", 1, NULL, 'c' },
		{ "threads", 1, NULL, 't' }, { "seconds", 1, NULL, 'd' }, { "warmup", 1, NULL, 'u' },
		{ "window", 1, NULL, 'w' }, { "flight", 1, NULL, 'f' }, { "resume", 0, NULL, 'r' },
		{ "server", 1, NULL, 'p' }, { "help", 0, NULL, 'h' }, { 0 } };
	unsigned mode = MODE_COUNT;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1)
		parse_option(load, option);
	for (unsigned i = 0; i < MODE_COUNT && optind + 2 == argc; i++)
		if (strcmp(argv[optind], modes[i].name) == 0)
			mode = i;
	if (mode == MODE_COUNT || load->seconds <= 0) {
		fputs(usage, stderr);
		exit(2);
	}
	load->mode = modes[mode].name;
	load->url = argv[optind + 1];
	load->target = target_parse(load->url);
	errno = 0;
	if (target_is_datagram(&load->target) != modes[mode].datagrams)
		die("this mode does not fit this target");
	return mode;
}

static void
complete(struct load *load)
{
	bool blocks = strcmp(load->mode, "blocks") == 0;

	if (load->size == 0)
		load->size = blocks ? 16384 : 64;
	if (target_is_datagram(&load->target) && load->size < 16)
		load->size = 16; /* what we write into it */
	if (!blocks || load->window < load->size)
		load->window = load->size;
	if (load->lanes > load->connections || strcmp(load->mode, "idle") == 0)
		load->lanes = load->lanes > load->connections ? load->connections : 1;
	load->payload = malloc(load->size);
	if (load->payload == NULL)
		die("malloc");
	for (size_t i = 0; i < load->size; i++)
		load->payload[i] = (unsigned char)(i * 7 + i / 251);
}

int
main(int argc, char **argv)
{
	struct load load = {
		.connections = 1, .lanes = 1, .flight = 8, .seconds = 2, .warmup_s = 0.3, .window = 262144
	};
	unsigned mode = parse(&load, argc, argv);

	complete(&load);
	raise_descriptor_limit();
	signal(SIGPIPE, SIG_IGN);
	alarm((unsigned)(load.seconds + load.warmup_s) + 120); /* whatever happens, it ends */
	link_prepare(&load.target, load.resume);
	if (modes[mode].run == NULL)
		return idle_run(lane_new(&load, 0));
	lane_body = modes[mode].run;
	return run_timed(&load);
}
