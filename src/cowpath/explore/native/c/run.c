/* SPDX-License-Identifier: MIT */
/*
 * The loop: batches of states are expanded, and entered in their order.
 *
 * A ring holds the batches under way.  Whoever is free enters the next one in order, if it is ready, or
 * expands another; so one thread at a time numbers states, and numbers do not depend on how many threads
 * there are.  What must happen alone (tables of parts grow, the caller records something) waits until no
 * batch is being expanded.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"

static const uint64_t FIRST_SLOTS = 1 << 12;

/* States after which parts are chosen anew, on the last ones: good parts can halve the memory. */
static const uint64_t TRIALS[] = {2000, 100000};

void engine_free(struct engine *e);

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* -- a new search ----------------------------------------------------------------------------------- */

static bool make_trees(struct engine *e)
{
	e->frame_tree = e->trees = e->invariants + 1;
	e->tree_room = e->trees;
	e->tree = malloc(e->trees * sizeof *e->tree);
	e->tree_entry = calloc(e->trees, sizeof *e->tree_entry);
	e->readers = calloc(e->fields, sizeof *e->readers);
	e->broken_late = calloc(e->invariants + 1, 1);
	if (!e->tree || !e->tree_entry || !e->readers || !e->broken_late)
		return false;
	memset(e->tree, 0xFF, e->trees * sizeof *e->tree);
	e->classes[1] = e->invariants > 63 ? UINT64_MAX : (UINT64_C(1) << e->invariants) - 1;
	e->class_count = 2;
	e->nodes = e->leaves = 1; /* 0 means nothing */
	return reserve(&e->node, &e->node_room, 1, sizeof *e->node) &&
	       reserve(&e->leaf, &e->leaf_room, 1, sizeof *e->leaf);
}

/*
 * A search with nothing recorded: cells, actors and a crash number; for each field how many values it takes,
 * what it is in the first state, and the number of its unit (units are numbered in the order of their first
 * fields).  `monitor` is the first of the three that hold the number of a monitor and are a unit, or
 * NO_MONITOR.  `memory` bounds states, tables and parts, in bytes.  NULL where there is no memory or a state
 * is too large.
 */
struct engine *engine_new(uint32_t cells, uint32_t actors, uint32_t invariants, const uint32_t *sizes,
			  const uint16_t *initial, const uint16_t *unit, uint32_t monitor, uint64_t memory,
			  uint32_t threads)
{
	struct engine *e = calloc(1, sizeof *e);
	uint32_t fields = cells + actors + 1;

	if (!e || actors > MOST_ACTORS) {
		free(e);
		return NULL;
	}
	e->cells = cells, e->actors = actors, e->fields = fields, e->invariants = invariants;
	e->monitor.field = monitor;
	e->memory = memory;
	e->threads = threads;
	e->first_bits = 10;
	e->root_bits = 64;
	e->batch_size = SMALL_BATCH;
	e->largest_batch = BATCH;
	e->helped_from = 1024;
	pthread_mutex_init(&e->lock, NULL);
	pthread_mutex_init(&e->numbering, NULL);
	pthread_mutex_init(&e->filling, NULL);
	pthread_cond_init(&e->changed, NULL);
	e->sizes = malloc(fields * sizeof *e->sizes);
	e->initial = malloc(fields * sizeof *e->initial);
	e->unit = malloc(fields * sizeof *e->unit);
	e->widths = calloc(fields, 1);
	e->part_of = calloc(fields, 1);
	e->places = calloc(fields, sizeof *e->places);
	if (!e->sizes || !e->initial || !e->unit || !e->widths || !e->part_of || !e->places || !make_trees(e)) {
		engine_free(e);
		return NULL;
	}
	memcpy(e->sizes, sizes, fields * sizeof *sizes);
	memcpy(e->initial, initial, fields * sizeof *initial);
	memcpy(e->unit, unit, fields * sizeof *unit);
	if (!start_parts(e)) {
		engine_free(e);
		return NULL;
	}
	return e;
}

/*
 * For tests: the tables of parts begin with so few bits, and their numbers take so few in a root; batches stay
 * small, and another thread helps early.
 */
int engine_small(struct engine *e, uint32_t first_bits, uint32_t root_bits)
{
	for (uint32_t part = 0; part < e->parts; part++)
		free_part(&e->part[part]);
	e->first_bits = first_bits;
	e->root_bits = root_bits;
	e->largest_batch = SMALL_BATCH;
	e->helped_from = SMALL_BATCH;
	return start_parts(e) && compile_trees(e) ? 0 : -1;
}

static void free_batch(struct batch *b)
{
	if (!b)
		return;
	free(b->to);
	free(b->leaf);
	free(b->from);
	free(b->events);
	free(b);
}

static void free_thread(struct thread *t)
{
	free(t->parts);
	free(t->canon);
	free(t->guesses);
	free(t->leaves);
	free(t->counts);
	free(t->words);
	free(t->tasks);
	free(t->sorted);
}

void engine_free(struct engine *e)
{
	void *all[] = {e->sizes, e->widths, e->part_of, e->unit, e->places, e->initial, e->node, e->kid,
		       e->kid_entry, e->leaf, e->op, e->effect, e->group, e->stores, e->tree_entry, e->tree, e->frame,
		       e->unsettled, e->readers, e->broken_late, e->names.table, e->names.group,
		       e->names.becomes, e->names.class, e->names.held, e->roots, e->state_class, e->table,
		       e->retreating, e->levels, e->monitor.keys, e->monitor.after};

	for (uint32_t i = 0; e->names.group && i < e->names.groups; i++) {
		free(e->names.group[i].runs);
		free(e->names.group[i].run_count);
	}
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		free(all[i]);
	for (uint32_t i = 0; i < e->actors; i++)
		free(e->actor[i].frames);
	for (uint32_t i = 0; i < e->parts; i++)
		free_part(&e->part[i]);
	for (uint32_t i = 0; i < RING; i++)
		free_batch(e->ring[i]);
	free_batch(e->alone);
	for (uint32_t i = 0; i < 2; i++)
		free_thread(&e->thread[i]);
	pthread_mutex_destroy(&e->lock);
	pthread_mutex_destroy(&e->numbering);
	pthread_mutex_destroy(&e->filling);
	pthread_cond_destroy(&e->changed);
	free(e);
}

/* Enter the first state; false where there is no room for it. */
static bool begin(struct engine *e)
{
	uint64_t words[MOST_WORDS] = {0};

	for (uint32_t i = 0; i < RING; i++)
		if (!e->ring[i] && !(e->ring[i] = calloc(1, sizeof **e->ring)))
			return false;
	if (!rebuild_table(e, FIRST_SLOTS) || !reserve(&e->levels, &e->level_room, 2, sizeof *e->levels))
		return false;
	for (uint32_t field = 0; field < e->fields; field++)
		set_field(words, e->places[field], e->initial[field]);
	e->roots[0] = root_of(e, words, true);
	e->state_class[0] = 1;
	e->count = e->visible = 1;
	e->levels[0] = 0, e->levels[1] = 1;
	e->level_count = 2;
	refill(e);
	return true;
}

/* -- batches ---------------------------------------------------------------------------------------- */

static struct batch *in_ring(const struct engine *e, uint64_t number)
{
	return e->ring[number % RING];
}

/* What is in the ring is expanded again: roots or trees are others. */
static void drop_ring(struct engine *e)
{
	for (uint64_t i = e->head; i < e->tail; i++)
		in_ring(e, i)->state = PENDING;
}

/* States of one batch are equally far from the initial one, as far as that is known. */
static struct batch *claim(struct engine *e)
{
	struct batch *b;
	uint64_t end = e->visible, most = e->batch_size;

	for (uint64_t i = e->head; i < e->tail; i++)
		if (in_ring(e, i)->state == PENDING)
			return in_ring(e, i);
	if (e->tail - e->head >= (e->helping ? RING : 1) || e->next >= end)
		return NULL;
	while (e->level_at < e->level_count && e->levels[e->level_at] <= e->next)
		e->level_at++;
	if (e->level_at < e->level_count && e->levels[e->level_at] < end)
		end = e->levels[e->level_at];
	b = in_ring(e, e->tail++);
	b->first = e->next;
	if (e->helping && most > SMALL_BATCH + (e->visible - e->next) / RING) /* something for everybody */
		most = SMALL_BATCH + (e->visible - e->next) / RING;
	b->count = (uint32_t)(end - e->next < most ? end - e->next : most);
	e->next += b->count;
	return b;
}

/* Expand a batch.  The lock is held before and after. */
static void expand_batch(struct engine *e, struct thread *t, struct batch *b)
{
	bool ok;

	b->state = BUSY;
	memcpy(b->roots, e->roots + b->first, b->count * sizeof *b->roots);
	memcpy(b->classes, e->state_class + b->first, b->count);
	e->expanding++;
	pthread_mutex_unlock(&e->lock);
	if ((ok = ready_thread(e, t)))
		expand(e, t, b);
	pthread_mutex_lock(&e->lock);
	e->expanding--;
	if (!ok || b->nomem)
		e->stop = NO_MEMORY;
	e->regrow |= b->full;
	b->state = ok && !b->nomem ? READY : PENDING;
	pthread_cond_broadcast(&e->changed);
}

/* What follows once a batch is entered: the rest of it, or the next one. */
static bool finish_batch(struct engine *e, struct batch *b)
{
	uint64_t end = b->first + b->done;

	if (b->done < b->count && !b->full)
		e->batch_size = e->batch_size / 2 > SMALL_BATCH ? e->batch_size / 2 : SMALL_BATCH;
	else if (e->batch_size < e->largest_batch)
		e->batch_size *= 2;
	if (end == e->levels[e->level_count - 1] && end < e->count) {
		if (!reserve(&e->levels, &e->level_room, e->level_count + 1, sizeof *e->levels))
			return false;
		e->levels[e->level_count++] = e->count;
	}
	b->first = end;
	b->count -= b->done;
	b->state = b->count ? PENDING : IDLE;
	if (!b->count)
		e->head++;
	return true;
}

/* Enter the next batch in order.  The lock is held before and after. */
static void enter_batch(struct engine *e, struct batch *b)
{
	bool ok;

	if (!make_room(e, b->begins[b->done])) {
		e->stop = FULL;
		return;
	}
	e->entering = true;
	pthread_mutex_unlock(&e->lock);
	ok = enter(e, b);
	pthread_mutex_lock(&e->lock);
	e->entering = false;
	e->visible = e->count;
	if (!ok || !finish_batch(e, b))
		e->stop = NO_MEMORY;
	else if (e->count > e->max_states)
		e->stop = BOUND;
	else if (now() > e->deadline)
		e->stop = PAUSED;
	pthread_cond_broadcast(&e->changed);
}

/* What must be done while no thread takes steps. */
static void do_alone(struct engine *e)
{
	uint32_t moves = e->moves;

	if (e->regrow) {
		e->regrow = false;
		if (!grow_parts(e))
			e->stop = FULL;
	} else {
		e->chosen_at++;
		if (!choose_parts(e))
			e->stop = NO_MEMORY;
	}
	if (e->moves != moves)
		drop_ring(e);
	renew_infos(e, false);
}

static bool must_choose(const struct engine *e)
{
	return e->chosen_at < sizeof TRIALS / sizeof *TRIALS && e->visible > TRIALS[e->chosen_at];
}

static void *help(void *engine);

static void work(struct engine *e, struct thread *t)
{
	pthread_t helper;
	bool started = false;

	pthread_mutex_lock(&e->lock);
	for (;;) {
		struct batch *head = e->head < e->tail ? in_ring(e, e->head) : NULL, *b;
		bool alone = e->regrow || must_choose(e);

		if (e->stop == RUNNING && head && head->state == READY && head->reported && !alone)
			e->stop = EVENTS;
		if (e->stop != RUNNING && !e->entering && e->expanding == 0)
			break;
		if (e->stop == RUNNING && !head && !e->entering && e->next == e->count) {
			e->stop = DONE;
			pthread_cond_broadcast(&e->changed);
			break;
		}
		if (e->stop == RUNNING && alone) {
			if (e->expanding == 0 && !e->entering) {
				do_alone(e);
				pthread_cond_broadcast(&e->changed);
				continue;
			}
		} else if (e->stop == RUNNING && !e->entering && head && head->state == READY) {
			enter_batch(e, head);
			continue;
		} else if (e->stop == RUNNING && (b = claim(e))) {
			if (!e->helping && e->threads > 1 && e->visible - e->next > e->helped_from) {
				e->helping = true;
				started = pthread_create(&helper, NULL, help, e) == 0;
				e->helping = started;
			}
			expand_batch(e, t, b);
			continue;
		}
		pthread_cond_wait(&e->changed, &e->lock);
	}
	pthread_mutex_unlock(&e->lock);
	if (started) {
		pthread_join(helper, NULL);
		e->helping = false;
	}
}

static void *help(void *engine)
{
	struct engine *e = engine;

	work(e, &e->thread[1]);
	return NULL;
}

/* The caller has recorded something: take it into account. */
bool take_over(struct engine *e)
{
	struct batch *head = e->head < e->tail ? in_ring(e, e->head) : NULL;

	if (e->outgrown) {
		if (!relayout(e))
			return false;
		drop_ring(e);
	} else if (head && head->state == READY) {
		head->reported = 0;
	}
	if (e->rewatch)
		watch_leaves(e);
	renew_infos(e, false);
	return true;
}

/*
 * Search on, for so many seconds.  Returns how it ended: with all states expanded; with events to see to
 * (engine_events); with more states than `max_states`; with time over; without memory.
 */
int engine_run(struct engine *e, uint64_t max_states, double seconds)
{
	e->max_states = max_states;
	e->deadline = now() + seconds;
	e->stop = RUNNING;
	if (!take_over(e) || (e->count == 0 && !begin(e)))
		return NO_MEMORY;
	work(e, &e->thread[0]);
	return e->stop;
}

/* The events of the batch that waits to be entered. */
uint32_t engine_events(const struct engine *e, const struct event **events)
{
	const struct batch *head = in_ring(e, e->head);

	*events = head->events;
	return head->reported;
}

/* -- what there is ---------------------------------------------------------------------------------- */

uint64_t engine_count(const struct engine *e)
{
	return e->count;
}

uint64_t engine_expanded(const struct engine *e)
{
	return e->head < e->tail ? in_ring(e, e->head)->first : e->next;
}

uint64_t engine_transitions(const struct engine *e)
{
	return e->transitions;
}

uint64_t engine_bytes(const struct engine *e)
{
	return bytes_used(e);
}

uint32_t engine_parts(const struct engine *e)
{
	return e->parts;
}

/* How many different ones of a part there are. */
uint32_t engine_part_count(const struct engine *e, uint32_t part)
{
	return e->part[part].count;
}

/* The fields of a state. */
void engine_state(const struct engine *e, uint64_t number, uint16_t *fields)
{
	uint64_t words[MOST_WORDS];

	load_words(e, e->roots[number], words);
	for (uint32_t field = 0; field < e->fields; field++)
		fields[field] = (uint16_t)field_of(words, e->places[field]);
}

/* The number of a state, or -1. */
int64_t engine_find(struct engine *e, const uint16_t *fields)
{
	uint64_t words[MOST_WORDS] = {0}, root;

	for (uint32_t field = 0; field < e->fields; field++) {
		if (fields[field] > e->places[field].mask)
			return -1;
		set_field(words, e->places[field], fields[field]);
	}
	root = root_of(e, words, false);
	return root == NO_ROOT ? -1 : find_state(e, root);
}

/* The first state of each distance from the initial one, and of the next. */
uint32_t engine_levels(const struct engine *e, const uint64_t **levels)
{
	*levels = e->levels;
	return e->level_count;
}
