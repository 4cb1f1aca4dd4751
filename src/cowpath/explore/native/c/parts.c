/* SPDX-License-Identifier: MIT */
/*
 * The distinct parts of all states: each has a number, its words, and what it decides alone.
 *
 * Threads look parts up without a lock; who numbers a new one holds `numbering`.  Tables grow only while no
 * thread takes steps.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static const double FULLEST = 0.7;

/* A table of 2^bits slots for a part that has none yet; false where there is no memory. */
bool make_part(struct part *p, uint32_t bits)
{
	uint64_t slots = UINT64_C(1) << bits;

	p->slot_mask = slots - 1;
	p->room = (uint32_t)((double)slots * FULLEST);
	p->known = malloc(p->room * (uint64_t)p->width * 8);
	p->info = calloc(p->room, sizeof *p->info);
	p->steps = malloc(p->room * (uint64_t)(p->stride ? p->stride : 1) * 8);
	p->slots = calloc(slots, sizeof *p->slots);
	if (p->known && p->info && p->steps && p->slots)
		return true;
	free_part(p);
	return false;
}

/* Bytes that the tables of a part take. */
uint64_t part_bytes(const struct part *p)
{
	return (p->slot_mask + 1) * 8 + p->room * (p->width * 8 + sizeof *p->info + p->stride * 8);
}

void free_part(struct part *p)
{
	free(p->known);
	free(p->info);
	free(p->steps);
	free((void *)p->slots);
	p->known = NULL, p->info = NULL, p->steps = NULL, p->slots = NULL;
}

static void store_slot(struct part *p, uint64_t hash, uint64_t number)
{
	uint64_t slot = hash & p->slot_mask;

	while (atomic_load_explicit(&p->slots[slot], memory_order_relaxed))
		slot = (slot + 1) & p->slot_mask;
	atomic_store_explicit(&p->slots[slot], hash >> 32 << 32 | (number + 1), memory_order_release);
}

/* Twice the slots, with the same numbers; false where there is no memory, and then all is as it was. */
bool enlarge_part(struct part *p)
{
	struct part larger = *p;
	uint32_t bits = (uint32_t)__builtin_ctzll(p->slot_mask + 1) + 1, count = p->count;

	if (!make_part(&larger, bits))
		return false;
	memcpy(larger.known, p->known, (uint64_t)count * p->width * 8);
	memcpy((void *)larger.info, (const void *)p->info, count * sizeof *p->info);
	memcpy(larger.steps, p->steps, (uint64_t)count * p->stride * 8);
	for (uint32_t number = 0; number < count; number++)
		store_slot(&larger, hash_words(larger.known + (uint64_t)number * p->width, p->width), number);
	free_part(p);
	*p = larger;
	return true;
}

static int64_t look_up(const struct part *p, const uint64_t *words, uint64_t hash)
{
	uint64_t slot = hash & p->slot_mask, held;

	while ((held = atomic_load_explicit(&p->slots[slot], memory_order_acquire))) {
		if (held >> 32 == hash >> 32) {
			uint64_t number = (uint32_t)held - 1;
			const uint64_t *known = p->known + number * p->width;
			uint64_t differs = 0;

			for (uint32_t i = 0; i < p->width; i++)
				differs |= known[i] ^ words[p->first + i];
			if (!differs)
				return (int64_t)number;
		}
		slot = (slot + 1) & p->slot_mask;
	}
	return -1;
}

/* The number of a part of some words, or -1. */
int64_t find_part(const struct part *p, const uint64_t *words)
{
	return look_up(p, words, hash_words(words + p->first, p->width));
}

/* The number of a part of some words, a new one if it is new; -1 where its table is full. */
int64_t number_part(struct engine *e, struct part *p, const uint64_t *words)
{
	uint64_t hash = hash_words(words + p->first, p->width);
	int64_t number = look_up(p, words, hash);

	if (likely(number >= 0))
		return number;
	pthread_mutex_lock(&e->numbering);
	number = look_up(p, words, hash);
	if (number < 0 && p->count < p->room) {
		number = p->count;
		memcpy(p->known + (uint64_t)number * p->width, words + p->first, p->width * 8);
		store_slot(p, hash, (uint64_t)number);
		p->count++;
	}
	pthread_mutex_unlock(&e->numbering);
	return number;
}

/* -- what a part decides alone ---------------------------------------------------------------------- */

/* A walk that ends where it would leave a part, at a choice, or as others do. */
static uint64_t walk_within(const struct engine *e, const struct part *p, uint64_t link, const uint64_t *words)
{
	while (!(link & (LEAF | CHOICE)) && (link >> 8 & 0x7F) - p->first < p->width)
		link = follow(e, link, words);
	return link;
}

/* Whether a leaf tells nothing and changes nothing but one part, and that by itself. */
static bool is_local(const struct engine *e, const struct leaf *leaf, uint32_t part)
{
	const struct group *g = e->group + leaf->first_group;

	return !leaf->told && (leaf->groups == 0 || (leaf->groups == 1 && g->part == part && !g->foreign));
}

/*
 * What an actor does whose frame is here: 0 if this part blocks it.  False where there is no room for what
 * its step leads to; `known` becomes false where more recordings may tell more.
 */
static bool step_of(struct engine *e, uint32_t part, uint32_t number, uint32_t actor, const uint64_t *words,
		    uint64_t *step, bool *known)
{
	struct part *p = &e->part[part];
	uint32_t frame = e->actor[actor].frames[field_of(words, e->places[e->cells + actor])];
	const struct frame *f = &e->frame[frame];
	uint64_t link = walk_within(e, p, e->tree[e->frame_tree + frame], words), after[MOST_WORDS];
	const struct leaf *leaf = &e->leaf[(uint32_t)link];
	int64_t to = number;

	*step = ASK | frame | (f->rest == WAITING ? WAITS : 0);
	if (f->finished)
		*step = 0;
	else if (link == MISSING)
		*known = false;
	else if ((link & LEAF) && leaf->kind == BLOCKED)
		*step = 0;
	else if ((link & LEAF) && f->rest != WAITING && is_local(e, leaf, part)) {
		if (leaf->groups) {
			memcpy(after + p->first, words + p->first, p->width * 8);
			apply_group(e, e->group + leaf->first_group, words, after);
			to = number_part(e, p, after);
		}
		if (to < 0)
			return false;
		*step = LOCAL | (link & 0x3FFFFFFF) << 32 | (uint64_t)to;
	}
	return true;
}

static bool work_out(struct engine *e, uint32_t part, uint32_t number)
{
	struct part *p = &e->part[part];
	struct info *info = &p->info[number];
	uint64_t words[MOST_WORDS], able = 0, holds = 0, link;
	struct place crash = e->places[e->fields - 1];
	bool known = true, rests = true;

	memcpy(words + p->first, p->known + (uint64_t)number * p->width, p->width * 8);
	for (uint32_t actor = 0; actor < e->actors; actor++) {
		uint64_t step;

		if (e->actor_part[actor] != part)
			continue;
		if (!step_of(e, part, number, actor, words, &step, &known))
			return false;
		rests &= e->frame[e->actor[actor].frames[field_of(words, e->places[e->cells + actor])]].rest !=
			 MOVING;
		able |= (uint64_t)(step != 0) << actor;
		p->steps[(uint64_t)number * p->stride + e->actor_slot[actor]] = step;
	}
	if (e->part_of[e->fields - 1] == part && crash.mask && field_of(words, crash))
		able = CRASHED;
	for (uint32_t i = 0; i < e->invariants && i < 63; i++) {
		link = walk_within(e, p, e->tree[i], words);
		known &= link != MISSING;
		if ((link & LEAF) && link != MISSING && e->leaf[(uint32_t)link].kind == HOLDS)
			holds |= UINT64_C(1) << i;
	}
	info->able = able;
	info->holds = holds;
	info->rests = rests;
	if (!known && reserve(&e->unsettled, &e->unsettled_room, e->unsettled_count + 1, sizeof *e->unsettled))
		e->unsettled[e->unsettled_count++] = (struct unsettled){part, number};
	return true;
}

/* Work out what a part decides alone; false where there is no room for a part that it leads to. */
bool fill_info(struct engine *e, uint32_t part, uint32_t number)
{
	struct info *info = &e->part[part].info[number];
	bool done;

	pthread_mutex_lock(&e->filling);
	done = atomic_load_explicit(&info->ready, memory_order_relaxed);
	if (!done && (done = work_out(e, part, number)))
		atomic_store_explicit(&info->ready, true, memory_order_release);
	pthread_mutex_unlock(&e->filling);
	return done;
}

/* More is recorded: work out again what may have changed, or everything.  No thread takes steps. */
void renew_infos(struct engine *e, bool all)
{
	for (uint32_t i = 0; !all && i < e->unsettled_count; i++) {
		struct unsettled u = e->unsettled[i];

		atomic_store_explicit(&e->part[u.part].info[u.number].ready, false, memory_order_relaxed);
	}
	for (uint32_t part = 0; all && part < e->parts; part++)
		for (uint32_t i = 0; i < e->part[part].count; i++)
			atomic_store_explicit(&e->part[part].info[i].ready, false, memory_order_relaxed);
	e->unsettled_count = 0;
}
