// SPDX-License-Identifier: MIT
/*
 * Fuzzing led by coverage: programs that reach what none has reached before are
 * kept, and changed into others. And the corpus of earlier runs run again.
 *
 * All of it goes into the kernel's log before it is run, so that a log that ends
 * in a panic has the program, and those kept before it, in it.
 */
#include "program.h"

#include <time.h>

#define CORPUS_ROOM 900
#define RENDER_FD 205

static struct program *corpus;
static uint32_t num_corpus;
static struct program *current;			/* shared with the child */
static uint64_t num_run, num_kept, num_modelled, num_racy;

/* ---- running one ---------------------------------------------------------- */

static void log_program(const struct program *p, uint64_t number)
{
	char text[900];

	program_head(p, text, sizeof(text));
	watch_log("%s # %llu", text, (unsigned long long)number);
	for (uint32_t i = 0; i < p->num_ops; i++) {
		op_write(&p->ops[i], text, sizeof(text));
		watch_log("%s", text);
	}
}

/* The current one: how many edges are new. */
static uint32_t run_program(void)
{
	const struct program *p = current;
	char what[64];
	int fd;

	current->number = ++num_run;
	num_modelled += program_modelled(p);
	num_racy += program_threads(p) > 1;
	snprintf(what, sizeof(what), "program %llu", (unsigned long long)num_run);
	cover_clear();
	/*
	 * The child's render file is closed here, when nothing is under way any
	 * more: DRM's scheduler of Linux 6.1 has a use after free where that is
	 * done while a job is handed to the GPU.
	 */
	fd = render_open(fz.gpu);
	fz.render = SYS(fcntl(fd, F_DUPFD_CLOEXEC, RENDER_FD));
	ASSERT_GE(fz.render, 0);
	close(fd);
	watch_child(what, program_main, current, program_any(p, OP_KILLS));
	usleep(scaled(2000, 20000));
	close(fz.render);
	return cover_collect(NULL, 0, NULL);
}

static void setup(uint64_t seed)
{
	int fd = svm_open();

	ASSERT_GE(fd, 0);
	fz.gpu = svm_gpu(fd, 0);
	close(fd);
	fz.seed = seed;
	/* Not for children: to copy it takes longer than what they do. */
	corpus = mmap(NULL, CORPUS_ROOM * sizeof(*corpus),
			   PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT(corpus != MAP_FAILED);
	ASSERT_EQ(SYS(madvise(corpus, CORPUS_ROOM * sizeof(*corpus),
			      MADV_DONTFORK)), 0);
	current = mmap(NULL, sizeof(*current), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT(current != MAP_FAILED);
}

/* ---- the corpus ----------------------------------------------------------- */

static char *file_text(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t room = MiB(4), n;
	char *text = malloc(room);

	ASSERT(file && text);
	n = fread(text, 1, room, file);
	ASSERT_LT(n, room);
	text[n] = '\0';
	fclose(file);
	return text;
}

/* The current one. */
static void keep(void)
{
	if (num_corpus < CORPUS_ROOM)
		corpus[num_corpus++] = *current;
}

/* ---- making new ones ------------------------------------------------------ */

static uint32_t any_kind(struct rng *r)
{
	uint32_t sum = 0, pick, i = 0;

	for (uint32_t k = 0; k < num_op_kinds; k++)
		sum += op_kinds[k].weight;
	pick = below(r, sum);
	while (pick >= op_kinds[i].weight)
		pick -= op_kinds[i++].weight;
	return i;
}

/* Ends the process. */
static uint32_t ending_kind(struct rng *r)
{
	uint32_t first = num_op_kinds;

	while (!op_kinds[first - 1].weight)
		first--;
	return first + below(r, num_op_kinds - first);
}

static void new_op(struct rng *r, struct op *op, uint32_t thread, bool modelled)
{
	memset(op, 0, sizeof(*op));
	do
		op->kind = one_in(r, 100) ? ending_kind(r) : any_kind(r);
	while (modelled && !(op_kinds[op->kind].flags & OP_MODEL));
	op->thread = thread;
	op->seed = draw(r) >> 40;
}

static uint32_t any_mode(struct rng *r)
{
	uint32_t mode = one_in(r, 4) ? PROGRAM_MMAP : 0;

	if (one_in(r, 6))
		mode |= PROGRAM_SIGNALS;
	if (one_in(r, 10))
		mode = PROGRAM_BARE | (mode & PROGRAM_SIGNALS);
	return mode;
}

static uint32_t kind_named(const char *name)
{
	uint32_t kind = 0;

	while (strcmp(op_kinds[kind].name, name))
		kind++;
	return kind;
}

static void generate(struct rng *r, struct program *p)
{
	bool modelled = one_in(r, 2);
	uint32_t threads = 1;

	memset(p, 0, sizeof(*p));
	if (!modelled && !one_in(r, 3))
		threads = 2 + below(r, MAX_RACERS - 1);
	p->mode = any_mode(r);
	p->num_ops = 4 + below(r, MAX_OPS - 12);
	for (uint32_t i = 0; i < p->num_ops; i++)
		new_op(r, &p->ops[i], below(r, threads), modelled);
	if (!modelled && one_in(r, 4))
		p->ops[p->num_ops - 1].kind = ending_kind(r);
	if (p->mode & PROGRAM_BARE)
		p->ops[0].kind = kind_named("open");
	else if (one_in(r, 6))
		/* Later there are buffers, and it is refused. */
		p->ops[0].kind = p->ops[1].kind = kind_named("reserve");
}

static const struct program *any_program(struct rng *r)
{
	uint32_t half = num_corpus / 2;

	/* What was found late is farther in. */
	if (half && one_in(r, 2))
		return &corpus[half + below(r, num_corpus - half)];
	return &corpus[below(r, num_corpus)];
}

static void insert_op(struct program *p, uint32_t at, const struct op *op)
{
	if (p->num_ops == MAX_OPS)
		return;
	memmove(&p->ops[at + 1], &p->ops[at], (p->num_ops - at) * sizeof(*op));
	p->ops[at] = *op;
	p->num_ops++;
}

static void delete_op(struct program *p, uint32_t at)
{
	p->num_ops--;
	memmove(&p->ops[at], &p->ops[at + 1], (p->num_ops - at) * sizeof(*p->ops));
}

/* The end of another one instead of the own, or in the middle. */
static void splice_with(struct rng *r, struct program *p, bool end)
{
	const struct program *other = any_program(r);
	uint32_t at = below(r, p->num_ops + 1), from, count;
	/* What a model follows stays so most of the time. */
	bool modelled = program_modelled(p) && !one_in(r, 6);

	if (!other->num_ops)
		return;
	from = below(r, other->num_ops);
	count = end ? other->num_ops - from : 1 + below(r, other->num_ops - from);
	if (end)
		p->num_ops = at;
	for (uint32_t i = from; i < from + count; i++) {
		if (modelled && (other->ops[i].thread ||
				 !(op_kinds[other->ops[i].kind].flags & OP_MODEL)))
			continue;
		insert_op(p, at++, &other->ops[i]);
	}
}

/* All of another one, at the same time. */
static void attach(struct rng *r, struct program *p)
{
	const struct program *other = any_program(r);
	uint32_t thread = 1 + below(r, MAX_RACERS - 1);

	for (uint32_t i = 0; i < other->num_ops && p->num_ops < MAX_OPS; i++) {
		p->ops[p->num_ops] = other->ops[i];
		p->ops[p->num_ops++].thread = thread;
	}
}

static void change_choice(struct rng *r, struct op *op)
{
	struct tape *t = &op->tape;
	uint64_t *choice;

	if (!t->count) {
		op->seed = draw(r) >> 40;
		return;
	}
	choice = &t->choices[below(r, t->count)];
	switch (below(r, 6)) {
	case 0: *choice += 1; break;
	case 1: *choice -= *choice ? 1 : 0; break;
	case 2: *choice ^= 1ull << below(r, 16); break;
	case 3: *choice = below(r, 4); break;
	case 4: *choice = draw(r) >> 48; break;
	case 5: t->count = choice - t->choices; op->seed = draw(r) >> 40; break;
	}
}

static void mutate_program(struct rng *r, struct program *p)
{
	uint32_t at = p->num_ops ? below(r, p->num_ops) : 0;
	uint32_t pick = p->num_ops ? below(r, 20) : 0;
	bool modelled = program_modelled(p) && !one_in(r, 6);
	struct op op;

	if (modelled && (pick == 16 || pick == 17))
		pick = 18;

	switch (pick) {
	case 0 ... 3:
		new_op(r, &op, p->num_ops ? p->ops[at].thread : 0, modelled);
		insert_op(p, at, &op);
		break;
	case 4 ... 5:
		delete_op(p, at);
		break;
	case 6:
		op = p->ops[at];
		insert_op(p, below(r, p->num_ops + 1), &op);
		break;
	case 7:
		op = p->ops[at];
		delete_op(p, at);
		insert_op(p, below(r, p->num_ops + 1), &op);
		break;
	case 8 ... 13:
		change_choice(r, &p->ops[at]);
		break;
	case 14:
		p->ops[at].seed = draw(r) >> 40;
		p->ops[at].tape.count = 0;
		break;
	case 15:
		p->mode = any_mode(r);
		break;
	case 16:
		attach(r, p);
		break;
	case 17:
		p->ops[at].thread = below(r, MAX_RACERS);
		break;
	default:
		splice_with(r, p, pick == 18);
	}
}

static void next_program(struct rng *r, struct program *p)
{
	uint32_t times = 1 + below(r, 4);

	if (!num_corpus || one_in(r, 5)) {
		generate(r, p);
		return;
	}
	*p = *any_program(r);
	while (times--)
		mutate_program(r, p);
}

/* ---- the minimal corpus --------------------------------------------------- */

#define LIST_ROOM 8192

static struct covered {
	struct program *program;
	uint64_t *edges;
	uint32_t count;
} *covered;

/*
 * Those with most edges first; but what is killed comes last: the scheduler of
 * Linux 6.1's DRM may use memory of a killed process after it is freed, which a
 * debug kernel sees at times.
 */
static int by_count(const void *a, const void *b)
{
	const struct covered *x = a, *y = b;
	bool x_killed = program_any(x->program, OP_KILLS);
	bool y_killed = program_any(y->program, OP_KILLS);

	if (x_killed != y_killed)
		return x_killed - y_killed;
	return (int)y->count - (int)x->count;
}

/* The programs of @text whose edges none before has; they go into the log. */
static void minimize(const char *text)
{
	static uint64_t list[LIST_ROOM];
	uint32_t count = 0, kept = 0;

	covered = calloc(8 * CORPUS_ROOM, sizeof(*covered));
	ASSERT(covered);
	while ((text = program_read(current, text)) && count < 8 * CORPUS_ROOM) {
		struct covered *c = &covered[count++];

		run_program();
		c->program = malloc(sizeof(*current));
		ASSERT(c->program);
		*c->program = *current;
		cover_collect(list, LIST_ROOM, &c->count);
		c->edges = malloc(c->count * sizeof(*list));
		memcpy(c->edges, list, c->count * sizeof(*list));
	}
	qsort(covered, count, sizeof(*covered), by_count);
	cover_forget();
	for (uint32_t i = 0; i < count; i++) {
		if (!cover_add(covered[i].edges, covered[i].count))
			continue;
		kept++;
		log_program(covered[i].program, kept);
		watch_log("kept");
	}
	watch_log("corpus of %u programs, of %u", kept, count);
	cover_log();
}

/* ---- the whole ------------------------------------------------------------ */

static void log_state(time_t since)
{
	char text[256];

	snprintf(text, sizeof(text),
		 "%llu programs (%llu with a model, %llu with threads) in %lld s, %llu kept, %u points, %u edges, %lu reports",
		 (unsigned long long)num_run, (unsigned long long)num_modelled,
		 (unsigned long long)num_racy, (long long)(time(NULL) - since),
		 (unsigned long long)num_kept, cover_points(), cover_edges(),
		 watch_reports());
	watch_log("%s", text);
	say("%s", text);
}

static void load(const char *path)
{
	const char *text = file_text(path);

	while (!watch_useless() && (text = program_read(current, text))) {
		log_program(current, num_run + 1);
		run_program();
		keep();
	}
}

uint64_t guided_run(const struct guided *options)
{
	struct rng r = { options->seed, NULL };
	time_t start = time(NULL), said = start;

	setup(options->seed);
	if (!cover_init())
		say("no coverage: this kernel or this module has no KCOV");
	if (options->minimize) {
		minimize(file_text(options->corpus));
		return num_run;
	}
	if (options->corpus)
		load(options->corpus);
	log_state(start);
	while (time(NULL) - start < (time_t)options->seconds && !watch_useless()) {
		next_program(&r, current);
		log_program(current, num_run + 1);
		if (run_program()) {
			num_kept++;
			/* With its tapes as they have become. */
			log_program(current, num_run);
			watch_log("kept");
			keep();
		}
		if (time(NULL) - said >= 30) {
			log_state(start);
			said = time(NULL);
		}
	}
	log_state(start);
	cover_log();
	return num_run;
}

uint64_t guided_replay(const char *path, uint64_t first, uint64_t count)
{
	const char *text = file_text(path);
	uint64_t number = 0, done = 0;

	setup(1);
	while ((!count || done < count) && !watch_useless() &&
	       (text = program_read(current, text))) {
		if (++number < first)
			continue;
		log_program(current, number);
		run_program();
		done++;
	}
	ASSERT_GT(done, 0);
	return done;
}
