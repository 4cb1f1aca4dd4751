/* SPDX-License-Identifier: MIT */
/*
 * Recorded trees: inserting a run, and giving links and ops to walk by under the present packing.
 *
 * An *entry* is a link in fields: 0 nothing, > 0 a node, < 0 a leaf.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

/* Room for `count` elements of some size; false where there is no memory. */
bool reserve(void *array, uint32_t *room, uint64_t count, size_t size)
{
	void **at = array, *larger;
	uint64_t wanted = *room;

	if (count <= wanted)
		return true;
	while (wanted < count)
		wanted = wanted < 64 ? 64 : wanted + wanted / 2;
	if (wanted > UINT32_MAX || !(larger = realloc(*at, wanted * size)))
		return false;
	memset((char *)larger + *room * size, 0, (wanted - *room) * size);
	*at = larger;
	*room = (uint32_t)wanted;
	return true;
}

static uint64_t link_of(const struct engine *e, int32_t entry)
{
	const struct node *n;
	struct place at;

	if (entry == 0)
		return MISSING;
	if (entry < 0)
		return LEAF | (uint32_t)-entry;
	n = &e->node[entry];
	if (n->field < 0)
		return (uint64_t)n->first << 32 | (uint64_t)-n->field << 16 | CHOICE;
	at = e->places[n->field];
	return (uint64_t)n->first << 32 | (uint64_t)at.mask << 16 | (uint64_t)at.word << 8 | at.shift;
}

/* The part of a word. */
static uint32_t part_of_word(const struct engine *e, uint32_t word)
{
	uint32_t part = 0;

	while (word >= e->part[part].first + e->part[part].width)
		part++;
	return part;
}

static uint32_t ops_of(const struct group *g)
{
	return 3 * g->stores + 2 * g->moves;
}

/*
 * Give a group the effect of an earlier one that does the same, so that what is remembered of one serves the
 * other; false where there is no memory.
 */
static bool share_effect(struct engine *e, uint32_t group)
{
	struct group *g = &e->group[group], *other;
	uint64_t hash = hash_words(e->stores + g->first, ops_of(g)) ^ g->part;

	if (2 * (e->effects + 1) > e->effect_room) {
		uint32_t room = e->effect_room ? 2 * e->effect_room : 1024;
		uint32_t *larger = calloc(room, sizeof *larger);

		if (!larger)
			return false;
		for (uint32_t i = 0; i < e->effect_room; i++) {
			uint64_t slot;

			if (!e->effect[i])
				continue;
			other = &e->group[e->effect[i] - 1];
			slot = (hash_words(e->stores + other->first, ops_of(other)) ^ other->part) & (room - 1);
			while (larger[slot])
				slot = (slot + 1) & (room - 1);
			larger[slot] = e->effect[i];
		}
		free(e->effect);
		e->effect = larger;
		e->effect_room = room;
	}
	for (uint64_t slot = hash & (e->effect_room - 1);; slot = (slot + 1) & (e->effect_room - 1)) {
		if (!e->effect[slot]) {
			e->effect[slot] = group + 1;
			g->effect = group;
			e->effects++;
			return true;
		}
		other = &e->group[e->effect[slot] - 1];
		if (other->part == g->part && other->stores == g->stores && other->moves == g->moves &&
		    !memcmp(e->stores + other->first, e->stores + g->first, ops_of(g) * 8)) {
			g->effect = e->effect[slot] - 1;
			return true;
		}
	}
}

/* Append what a leaf makes of one part; false where there is no memory. */
static bool compile_group(struct engine *e, struct leaf *leaf, uint32_t part)
{
	const struct part *p = &e->part[part];
	const uint16_t *op = e->op + leaf->first_op, *moves = op + 2 * leaf->writes;
	uint64_t keep[MOST_WORDS], set[MOST_WORDS] = {0};
	struct group g = {.first = e->store_count, .part = (uint8_t)part};
	bool touched = false;

	memset(keep, 0xFF, sizeof keep);
	for (uint32_t i = 0; i < leaf->writes; i++) {
		struct place at = e->places[op[2 * i]];

		if (e->part_of[op[2 * i]] != part || !at.mask)
			continue;
		keep[at.word] &= ~((uint64_t)at.mask << at.shift);
		set[at.word] |= (uint64_t)op[2 * i + 1] << at.shift;
	}
	if (!reserve(&e->stores, &e->store_room, e->store_count + 3 * p->width + 2 * leaf->moves, 8))
		return false;
	for (uint32_t word = p->first; word < p->first + p->width; word++) {
		if (~keep[word]) {
			uint64_t *to = e->stores + e->store_count;

			to[0] = word, to[1] = keep[word], to[2] = set[word];
			e->store_count += 3;
			g.stores++;
			touched = true;
		}
	}
	for (uint32_t i = 0; i < leaf->moves; i++) {
		struct place to = e->places[moves[2 * i]], of = e->places[moves[2 * i + 1]];

		if (e->part_of[moves[2 * i]] != part || !to.mask)
			continue;
		e->stores[e->store_count++] = (uint64_t)to.mask << 16 | to.shift << 8 | to.word;
		e->stores[e->store_count++] = (uint64_t)of.shift << 8 | of.word;
		g.foreign |= part_of_word(e, of.word) != part;
		g.moves++;
		touched = true;
	}
	if (!touched)
		return true;
	if (!reserve(&e->group, &e->group_room, e->groups + 1, sizeof g))
		return false;
	e->group[e->groups++] = g;
	leaf->groups++;
	return share_effect(e, e->groups - 1);
}

static bool compile_leaf(struct engine *e, struct leaf *leaf)
{
	leaf->groups = 0;
	leaf->first_group = e->groups;
	for (uint32_t part = 0; part < e->parts; part++)
		if (!compile_group(e, leaf, part))
			return false;
	return true;
}

/* Make all links and ops anew: fields have moved.  False where there is no memory. */
bool compile_trees(struct engine *e)
{
	find_runs(e);
	e->groups = e->store_count = e->effects = 0;
	if (e->effect)
		memset(e->effect, 0, e->effect_room * sizeof *e->effect);
	for (uint32_t i = 1; i < e->leaves; i++)
		if (!compile_leaf(e, &e->leaf[i]))
			return false;
	for (uint32_t i = 0; i < e->kids; i++)
		e->kid[i] = link_of(e, e->kid_entry[i]);
	for (uint32_t i = 0; i < e->trees; i++)
		e->tree[i] = link_of(e, e->tree_entry[i]);
	return true;
}

/* -- which invariants a leaf may change ------------------------------------------------------------- */

/* The class of a set of invariants; where there are too many sets, the class of all. */
static uint8_t class_of(struct engine *e, uint64_t set)
{
	for (uint32_t i = 0; i < e->class_count; i++)
		if (e->classes[i] == set)
			return (uint8_t)i;
	if (e->class_count == 256)
		return 1;
	e->classes[e->class_count] = set;
	return (uint8_t)e->class_count++;
}

static void watch_leaf(struct engine *e, struct leaf *leaf)
{
	const uint16_t *op = e->op + leaf->first_op;
	uint64_t set = 0;

	for (uint32_t i = 0; i < (uint32_t)leaf->writes + leaf->moves; i++)
		set |= e->readers[op[2 * i]];
	leaf->watch = class_of(e, set);
}

/*
 * Note again for every leaf which invariants read a field that it writes: they have come to read more.
 * The others keep their value, since an invariant is a function of the fields on its path.
 */
void watch_leaves(struct engine *e)
{
	for (uint32_t i = 1; i < e->leaves; i++)
		watch_leaf(e, &e->leaf[i]);
	e->rewatch = false;
}

/* -- insertion -------------------------------------------------------------------------------------- */

/* Make sure that a field can hold a value. */
static void let_hold(struct engine *e, uint32_t field, uint32_t value)
{
	if (value >= e->sizes[field])
		e->sizes[field] = value + 1;
	if (value >> e->widths[field])
		e->outgrown = true;
}

/*
 * A new leaf: (field, value) for each write, then (target, source) for each move; `told` is what it tells a
 * monitor, 0: nothing.  Returns its number, 0 where there is no memory.
 */
uint32_t engine_leaf(struct engine *e, uint32_t kind, uint32_t writes, uint32_t moves, const uint16_t *ops,
		     uint32_t told)
{
	struct leaf *leaf;
	uint32_t pairs = writes + moves;

	if (!reserve(&e->leaf, &e->leaf_room, e->leaves + 1, sizeof *leaf) ||
	    !reserve(&e->op, &e->op_room, e->ops + 2 * pairs, 2))
		return 0;
	leaf = &e->leaf[e->leaves];
	*leaf = (struct leaf){.first_op = e->ops, .kind = (uint8_t)kind, .writes = (uint16_t)writes,
			      .moves = (uint16_t)moves, .told = told};
	if (pairs)
		memcpy(e->op + e->ops, ops, pairs * 2 * sizeof *ops);
	for (uint32_t i = 0; i < writes; i++)
		let_hold(e, ops[2 * i], ops[2 * i + 1]);
	if (!compile_leaf(e, leaf))
		return 0;
	watch_leaf(e, leaf);
	e->ops += 2 * pairs;
	return e->leaves++;
}

/* A new node for a field, or with `field` < 0 for a choice among -field options; 0: no memory. */
static int32_t new_node(struct engine *e, int32_t field)
{
	uint32_t many = field < 0 ? (uint32_t)-field : e->sizes[field];

	if (!reserve(&e->node, &e->node_room, e->nodes + 1, sizeof *e->node))
		return 0;
	if (e->kids + many > e->kid_room) {
		uint32_t room = e->kid_room;

		if (!reserve(&e->kid, &room, e->kids + many, sizeof *e->kid) ||
		    !reserve(&e->kid_entry, &e->kid_room, e->kids + many, sizeof *e->kid_entry))
			return 0;
	}
	for (uint32_t i = e->kids; i < e->kids + many; i++) {
		e->kid[i] = MISSING;
		e->kid_entry[i] = 0;
	}
	e->node[e->nodes] = (struct node){field, e->kids};
	e->kids += many;
	return (int32_t)e->nodes++;
}

/* Note that a tree reads a field. */
static void note_read(struct engine *e, uint32_t tree, int32_t field)
{
	uint64_t bit;

	if (tree >= e->frame_tree && field < 0)
		e->frame[tree - e->frame_tree].choice = true;
	if (tree >= e->invariants || field < 0)
		return;
	bit = UINT64_C(1) << (tree < 63 ? tree : 63);
	e->rewatch |= !(e->readers[field] & bit);
	e->readers[field] |= bit;
}

/*
 * Insert a run into a tree: `count` times (field, value) or (-options, chosen), then a leaf.  Returns 0; -1:
 * no memory; -2: the tree reads something else there, or has another leaf.
 */
int engine_insert(struct engine *e, uint32_t tree, uint32_t count, const int32_t *reads, uint32_t leaf)
{
	int32_t *entry = &e->tree_entry[tree], made;
	uint64_t *link = &e->tree[tree];

	e->recordings++;
	for (uint32_t i = 0; i < count; i++) {
		int32_t field = reads[2 * i];
		const struct node *n;
		uint32_t slot;

		note_read(e, tree, field);
		if (*entry == 0) {
			bool top = i == 0;
			uint32_t held = top ? 0 : (uint32_t)(entry - e->kid_entry);

			if (!(made = new_node(e, field)))
				return -1;
			entry = top ? &e->tree_entry[tree] : &e->kid_entry[held]; /* they may have moved */
			link = top ? &e->tree[tree] : &e->kid[held];
			*entry = made;
			*link = link_of(e, made);
		}
		if (*entry < 0 || (n = &e->node[*entry])->field != field)
			return -2;
		slot = n->first + (uint32_t)reads[2 * i + 1];
		entry = &e->kid_entry[slot];
		link = &e->kid[slot];
	}
	if (*entry != 0 && *entry != -(int32_t)leaf)
		return -2;
	*entry = -(int32_t)leaf;
	*link = link_of(e, *entry);
	return 0;
}

/* A new frame of an actor; frames come in the order of their numbers.  Returns it, or -1: no memory. */
int64_t engine_frame(struct engine *e, uint32_t actor, uint32_t rest, uint32_t finished)
{
	struct actor *a = &e->actor[actor];
	uint32_t room = e->tree_room;

	if (!reserve(&a->frames, &a->room, a->count + 1, sizeof *a->frames) ||
	    !reserve(&e->frame, &e->frame_room, e->frames + 1, sizeof *e->frame) ||
	    !reserve(&e->tree, &room, e->trees + 1, sizeof *e->tree) ||
	    !reserve(&e->tree_entry, &e->tree_room, e->trees + 1, sizeof *e->tree_entry) ||
	    (e->names.groups && !add_frame_names(e)))
		return -1;
	e->frame[e->frames] = (struct frame){(uint8_t)actor, (uint8_t)rest, finished, false};
	e->tree[e->trees] = MISSING;
	e->tree_entry[e->trees] = 0;
	e->trees++;
	let_hold(e, e->cells + actor, a->count);
	a->frames[a->count++] = e->frames;
	return e->frames++;
}

/* Note that an invariant is broken, and need not be judged any more. */
void engine_broken(struct engine *e, uint32_t invariant)
{
	if (invariant < 63)
		e->broken |= UINT64_C(1) << invariant;
	else
		e->broken_late[invariant - 63] = 1;
}

/* Note that the outcome of a crash is known. */
void engine_crash(struct engine *e, uint32_t number)
{
	e->crash_known[number] = true;
}
