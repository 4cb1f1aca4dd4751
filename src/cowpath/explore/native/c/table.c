/* SPDX-License-Identifier: MIT */
/*
 * Every state, exactly: its root, the class of the invariants to judge in it, and a table of 32-bit slots
 * (some bits of hash, then 1 + the number).  A tag that agrees is always followed by a comparison of roots.
 *
 * One thread alone enters states.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static const double FULLEST = 0.8;
enum { CHUNK = 256 }; /* questions that are put to memory at once */

static uint64_t hash_root(uint64_t root)
{
	uint64_t mixed = root * MIX;

	mixed ^= mixed >> 32;
	mixed *= MIX2;
	mixed ^= mixed >> 32;
	return mixed * MIX;
}

static uint64_t slot_of(const struct engine *e, uint64_t hash)
{
	return (hash >> 32) * e->slots >> 32;
}

static uint32_t tag_of(const struct engine *e, uint64_t hash)
{
	return (uint32_t)(hash >> 1) & (uint32_t)((uint64_t)UINT32_MAX >> e->bits);
}

static uint32_t slot_value(const struct engine *e, uint64_t hash, uint64_t number)
{
	return (uint32_t)((uint64_t)tag_of(e, hash) << e->bits | (number + 1));
}

static uint32_t number_bits(uint64_t slots)
{
	return 64 - (uint32_t)__builtin_clzll(slots + 1);
}

/* Bytes taken: states so far, tables and parts. */
uint64_t bytes_used(const struct engine *e)
{
	uint64_t used = 9 * e->count + 4 * e->slots + 4 * e->retreats;

	for (uint32_t part = 0; part < e->parts; part++)
		used += part_bytes(&e->part[part]);
	return used;
}

/* Build the table from the roots. */
void refill(struct engine *e)
{
	uint64_t hashes[CHUNK];

	memset(e->table, 0, e->slots * 4);
	for (uint64_t first = 0; first < e->count; first += CHUNK) {
		uint64_t many = e->count - first < CHUNK ? e->count - first : CHUNK;

		for (uint64_t i = 0; i < many; i++) {
			hashes[i] = hash_root(e->roots[first + i]);
			__builtin_prefetch(e->table + slot_of(e, hashes[i]), 1);
		}
		for (uint64_t i = 0; i < many; i++) {
			uint64_t slot = slot_of(e, hashes[i]);

			while (e->table[slot])
				if (++slot == e->slots)
					slot = 0;
			e->table[slot] = slot_value(e, hashes[i], first + i);
		}
	}
}

/* A table of so many slots; false where there is no memory, and then there is one as before, if possible. */
static bool rebuild(struct engine *e, uint64_t slots)
{
	uint32_t *larger;

	if (slots >= UINT32_MAX)
		return false;
	free(e->table); /* first, so that both are never there at once */
	larger = malloc(slots * 4);
	e->table = larger ? larger : malloc(e->slots * 4);
	if (!e->table)
		return false;
	if (larger) {
		e->slots = slots;
		e->bits = number_bits(slots);
	}
	refill(e);
	return larger != NULL;
}

static bool reserve_states(struct engine *e, uint64_t wanted)
{
	uint64_t room = e->capacity + e->capacity / 2;
	uint64_t *roots;
	uint8_t *classes;

	if (wanted <= e->capacity)
		return true;
	room = room < wanted ? wanted : room;
	if (!(roots = realloc(e->roots, room * 8)))
		return false;
	e->roots = roots;
	if (!(classes = realloc(e->state_class, room)))
		return false;
	e->state_class = classes;
	e->capacity = room;
	return true;
}

/* Make sure that so many states can be entered; false where that takes more memory than is allowed. */
bool make_room(struct engine *e, uint64_t more)
{
	uint64_t wanted = e->count + more, used = bytes_used(e) + 9 * more, slots;

	if (used > e->memory || !reserve_states(e, wanted))
		return false;
	if ((double)wanted <= FULLEST * (double)e->slots)
		return true;
	slots = e->slots + e->slots / 2;
	if ((double)wanted > FULLEST * (double)slots)
		slots = (uint64_t)((double)wanted / FULLEST) + 1;
	if (4 * (slots - e->slots) > e->memory - used)
		slots = e->slots + (e->memory - used) / 4;
	return (double)wanted <= FULLEST * (double)slots && rebuild(e, slots);
}

/* The number of a state, or -1. */
int64_t find_state(const struct engine *e, uint64_t root)
{
	uint64_t hash = hash_root(root), slot = slot_of(e, hash), low = (UINT64_C(1) << e->bits) - 1;
	uint32_t tag = tag_of(e, hash), held;

	while ((held = e->table[slot])) {
		if ((uint64_t)held >> e->bits == tag && e->roots[(held & low) - 1] == root)
			return (int64_t)(held & low) - 1;
		if (++slot == e->slots)
			slot = 0;
	}
	return -1;
}

/* The number of a successor, a new one if it is new. */
static uint64_t number_of(struct engine *e, uint64_t root, uint64_t hash, uint32_t leaf)
{
	uint64_t slot = slot_of(e, hash), low = (UINT64_C(1) << e->bits) - 1;
	uint32_t tag = tag_of(e, hash), held;

	while ((held = e->table[slot])) {
		if ((uint64_t)held >> e->bits == tag && e->roots[(held & low) - 1] == root)
			return (held & low) - 1;
		if (++slot == e->slots)
			slot = 0;
	}
	e->roots[e->count] = root;
	e->state_class[e->count] = e->leaf[leaf].watch;
	e->table[slot] = slot_value(e, hash, e->count);
	return e->count++;
}

/*
 * Number the new states among the successors of a batch, in their order; there is room for all.  Notes the
 * states of the batch that have no successor with a higher number.  False where there is no memory.
 */
bool enter(struct engine *e, struct batch *b)
{
	uint64_t hashes[CHUNK], low = (UINT64_C(1) << e->bits) - 1;
	uint32_t held[CHUNK], end = b->begins[b->done];

	for (uint32_t first = 0; first < end; first += CHUNK) {
		uint32_t many = end - first < CHUNK ? end - first : CHUNK;

		for (uint32_t i = 0; i < many; i++) { /* so that memory answers many questions at once */
			hashes[i] = hash_root(b->to[first + i]);
			__builtin_prefetch(e->table + slot_of(e, hashes[i]), 1);
		}
		for (uint32_t i = 0; i < many; i++) {
			held[i] = e->table[slot_of(e, hashes[i])];
			if (held[i])
				__builtin_prefetch(e->roots + (held[i] & low) - 1);
		}
		for (uint32_t i = 0; i < many; i++) {
			uint64_t root = b->to[first + i], number;
			uint32_t from = b->from[first + i];

			if (unlikely(root == NO_ROOT))
				continue;
			if (likely(held[i] && e->roots[(held[i] & low) - 1] == root))
				number = (held[i] & low) - 1;
			else
				number = number_of(e, root, hashes[i], b->leaf[first + i]);
			if (number > b->first + from)
				b->forward[from] = 1;
			e->transitions++;
		}
	}
	for (uint32_t i = 0; i < b->done; i++) {
		uint32_t room = (uint32_t)e->retreat_room;

		if (b->forward[i])
			continue;
		if (!reserve(&e->retreating, &room, e->retreats + 1, sizeof *e->retreating))
			return false;
		e->retreat_room = room;
		e->retreating[e->retreats++] = (uint32_t)(b->first + i);
	}
	return true;
}

/* A table of so many slots for the first state. */
bool rebuild_table(struct engine *e, uint64_t slots)
{
	return reserve_states(e, slots) && rebuild(e, slots);
}
