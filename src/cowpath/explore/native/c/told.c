/* SPDX-License-Identifier: MIT */
/*
 * A monitor beside the model: three fields hold a number, and steps that tell something move it.
 *
 * The caller knows what becomes of a number; each answer is kept here for good.  A step may be refused: then
 * another leaf takes its place, which ends the run.  The table grows only while no thread takes steps.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static const uint64_t NEXT = UINT64_C(1) << 62, INSTEAD = UINT64_C(1) << 63;

/* The slot of a key, or the free one where it would be. */
static uint64_t slot_of(const struct monitor *m, uint64_t key)
{
	uint64_t slot = (key * MIX >> 32) & (m->slots - 1);

	while (m->keys[slot] && m->keys[slot] != key)
		slot = (slot + 1) & (m->slots - 1);
	return slot;
}

/* What is kept under a key; UNKNOWN where nothing is. */
static uint32_t look_up(const struct monitor *m, uint64_t key)
{
	uint64_t slot;

	if (m->slots == 0)
		return UNKNOWN;
	slot = slot_of(m, key);
	return m->keys[slot] ? m->after[slot] : UNKNOWN;
}

static bool enlarge(struct monitor *m)
{
	struct monitor larger = *m;

	larger.slots = m->slots ? 2 * m->slots : 1024;
	larger.keys = calloc(larger.slots, sizeof *larger.keys);
	larger.after = malloc(larger.slots * sizeof *larger.after);
	if (!larger.keys || !larger.after) {
		free(larger.keys);
		free(larger.after);
		return false;
	}
	for (uint64_t i = 0; i < m->slots; i++) {
		uint64_t slot;

		if (!m->keys[i])
			continue;
		slot = slot_of(&larger, m->keys[i]);
		larger.keys[slot] = m->keys[i];
		larger.after[slot] = m->after[i];
	}
	free(m->keys);
	free(m->after);
	*m = larger;
	return true;
}

static bool keep(struct monitor *m, uint64_t key, uint32_t after)
{
	uint64_t slot;

	if (2 * (m->count + 1) > m->slots && !enlarge(m))
		return false;
	slot = slot_of(m, key);
	m->count += !m->keys[slot];
	m->keys[slot] = key;
	m->after[slot] = after;
	return true;
}

/* The caller says what a number becomes.  Returns 0; -1: no memory. */
int engine_next(struct engine *e, uint32_t number, uint32_t told, uint32_t after)
{
	return keep(&e->monitor, NEXT | (uint64_t)number << 32 | told, after) ? 0 : -1;
}

/* The caller says that a leaf is refused at a number, and which one takes its place. */
int engine_refused(struct engine *e, uint32_t number, uint32_t leaf, uint32_t instead)
{
	struct monitor *m = &e->monitor;

	return keep(m, NEXT | (uint64_t)number << 32 | e->leaf[leaf].told, REFUSED) &&
			       keep(m, INSTEAD | (uint64_t)number << 32 | leaf, instead)
		       ? 0
		       : -1;
}

/* The part with the monitor's number. */
static struct part *part_of_monitor(struct engine *e)
{
	return &e->part[e->part_of[e->monitor.field]];
}

/* The monitor's number in one of its part's. */
static uint32_t monitor_of(const struct engine *e, const struct part *p, uint64_t number)
{
	uint64_t words[MOST_WORDS];
	uint32_t found = 0;

	memcpy(words + p->first, p->known + number * p->width, p->width * 8);
	for (uint32_t i = 0; i < MONITOR_FIELDS; i++)
		found |= field_of(words, e->places[e->monitor.field + i]) << 8 * i;
	return found;
}

/* The number of a part that differs from another in the monitor's number alone; -1: there is no room. */
static int64_t with_monitor(struct engine *e, struct part *p, uint64_t number, uint32_t after)
{
	uint64_t words[MOST_WORDS];

	memcpy(words + p->first, p->known + number * p->width, p->width * 8);
	for (uint32_t i = 0; i < MONITOR_FIELDS; i++)
		set_field(words, e->places[e->monitor.field + i], after >> 8 * i & 0xFF);
	return number_part(e, p, words);
}

/*
 * Move the monitor in `*root`, the state after a step, by what its leaf tells.  Where that is refused,
 * `*leaf` becomes the one that takes its place, and nothing is moved.  False where something is missing,
 * which the batch then says.
 */
bool tell(struct engine *e, struct thread *t, struct batch *b, uint64_t state, uint64_t *root, uint32_t *leaf)
{
	struct part *p = part_of_monitor(e);
	uint64_t key = NEXT | (uint64_t)e->leaf[*leaf].told << 32 | number_in(p, *root);
	struct memo *m = &t->parts[key * MIX >> (64 - MEMO_BITS)];
	uint32_t number, after;
	int64_t moved;

	if (likely(m->key == key)) {
		*root = with_number(p, *root, m->value);
		return true;
	}
	number = monitor_of(e, p, number_in(p, *root));
	after = look_up(&e->monitor, NEXT | (uint64_t)number << 32 | e->leaf[*leaf].told);
	if (after == REFUSED)
		after = look_up(&e->monitor, INSTEAD | (uint64_t)number << 32 | *leaf);
	else if (after != UNKNOWN) {
		moved = with_monitor(e, p, number_in(p, *root), after);
		b->full |= moved < 0;
		if (moved < 0)
			return false;
		*m = (struct memo){key, (uint64_t)moved};
		*root = with_number(p, *root, (uint64_t)moved);
		return true;
	}
	if (after == UNKNOWN)
		report(b, EVENT_TOLD, *leaf, state, number);
	else
		*leaf = after;
	return after != UNKNOWN;
}
